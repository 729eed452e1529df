#include "store/sessions.h"

#include <soci/postgresql/soci-postgresql.h>
#include <soci/sqlite3/soci-sqlite3.h>

namespace hopyard::store {
namespace {

constexpr std::size_t readers_count = 3;

/// SOCI reads "key=value" words; a value in quotes may hold blanks.
std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}

}  // namespace

Sessions::Sessions(Dialect dialect, const std::string& where) : dialect_(dialect) {
    for (std::size_t i = 0; i <= readers_count; ++i) {
        const Access access = i == 0 ? Access::write : Access::read;
        auto session = std::make_unique<Connection>();
        if (dialect == Dialect::sqlite) {
            session->open(soci::sqlite3, "dbname=" + quoted(where) + " timeout=10");
        } else {
            session->open(soci::postgresql, where);
        }
        configure(*session, access);
        free_for(access).push_back(std::move(session));
    }
}

void Sessions::configure(soci::session& session, Access access) const {
    if (dialect_ == Dialect::sqlite) {
        if (access == Access::write) session << "PRAGMA journal_mode = WAL";
        session << "PRAGMA synchronous = FULL";
        session << "PRAGMA foreign_keys = ON";
        session << "PRAGMA cache_size = -1000";
        if (access == Access::read) session << "PRAGMA query_only = ON";
        return;
    }
    session << "SET client_encoding = 'UTF8'";
    session << "SET client_min_messages = warning";
    // A replica that died in the middle of a write must not hold up the others for long.
    session << "SET lock_timeout = '10s'";
    session << "SET idle_in_transaction_session_timeout = '60s'";
}

Sessions::Loan Sessions::borrow(Access access) {
    std::unique_lock lock(mutex_);
    Free& free = free_for(access);
    freed_.wait(lock, [&] { return !free.empty(); });
    auto session = std::move(free.back());
    free.pop_back();
    lock.unlock();
    try {
        if (!session->is_connected()) {
            session->forget_prepared();
            session->reconnect();
            configure(*session, access);
        }
    } catch (const std::exception&) {
        give_back(access, std::move(session));
        throw;
    }
    return Loan(*this, access, std::move(session));
}

void Sessions::give_back(Access access, std::unique_ptr<Connection> session) {
    const std::lock_guard lock(mutex_);
    free_for(access).push_back(std::move(session));
    freed_.notify_all();
}

}  // namespace hopyard::store
