#include <condition_variable>
#include <filesystem>
#include <mutex>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include "base/log.h"
#include "store/open.h"
#include "store/schema.h"
#include "store/sealing.h"
#include "store/sql_transaction.h"

namespace hopyard::store {
namespace {

enum class Dialect { sqlite, postgresql };

constexpr int serialization_attempts_max = 20;
constexpr std::size_t sessions = 4;
constexpr const char* sealing_check = "installation/sealing-check";

Error storage_error(ErrorKind kind, std::string code, std::string message, std::string remedy) {
    return Error{.kind = kind,
                 .code = std::move(code),
                 .message = std::move(message),
                 .owner = Owner::administrator,
                 .next_action = std::move(remedy)};
}

/// What a library's exception means. SOCI's SQLite texts end in SQLite's own words.
Error translated(const std::exception& failure) {
    const std::string text = failure.what();
    const auto says = [&](const char* words) { return text.find(words) != std::string::npos; };
    if (says("disk is full") || says("disk full") || says("No space left"))
        return storage_error(ErrorKind::unavailable,
                             "no_space",
                             "the database has no space left; nothing was changed",
                             "Free space on its disk.");
    if (says("malformed") || says("not a database") || says("corrupt"))
        return storage_error(ErrorKind::internal,
                             "database_damaged",
                             "the database is damaged; it was not touched",
                             "Restore it from its backup.");
    if (says("locked") || says("busy"))
        return storage_error(ErrorKind::unavailable,
                             "database_busy",
                             "another process holds the database",
                             "End the other process, or wait.");
    return storage_error(ErrorKind::unavailable,
                         "database_failed",
                         "the database failed: " + text,
                         "Check that it runs and that this user may write to it.");
}

/// PostgreSQL's class 40 says: the same transaction may succeed when it runs again.
bool is_serialization_failure(const std::exception& failure) {
    const auto* error = dynamic_cast<const soci::postgresql_soci_error*>(&failure);
    return error != nullptr && error->sqlstate().starts_with("40");
}

/// A fixed set of sessions; whoever finds none free waits.
class Pool {
  public:
    Pool(Dialect dialect, const std::string& where) {
        for (std::size_t i = 0; i < sessions; ++i) {
            auto session = std::make_unique<soci::session>();
            if (dialect == Dialect::sqlite) {
                session->open(soci::sqlite3, "dbname=" + where + " timeout=10");
            } else {
                session->open(soci::postgresql, where);
            }
            free_.push_back(std::move(session));
        }
    }

    class Loan {
      public:
        Loan(Pool& pool, std::unique_ptr<soci::session> session)
            : pool_(pool), session_(std::move(session)) {}
        ~Loan() { pool_.give_back(std::move(session_)); }
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;
        soci::session& operator*() { return *session_; }

      private:
        Pool& pool_;
        std::unique_ptr<soci::session> session_;
    };

    Loan borrow() {
        std::unique_lock lock(mutex_);
        freed_.wait(lock, [&] { return !free_.empty(); });
        auto session = std::move(free_.back());
        free_.pop_back();
        return Loan(*this, std::move(session));
    }

  private:
    void give_back(std::unique_ptr<soci::session> session) {
        const std::lock_guard lock(mutex_);
        free_.push_back(std::move(session));
        freed_.notify_one();
    }

    std::mutex mutex_;
    std::condition_variable freed_;
    std::vector<std::unique_ptr<soci::session>> free_;  // guarded by mutex_
};

class SqlStore final : public Store {
  public:
    SqlStore(Dialect dialect, const std::string& where, Secret sealing_key)
        : dialect_(dialect), sealing_key_(std::move(sealing_key)), pool_(dialect, where) {}

    /// Refuses what is not ours before anything is written, then migrates.
    Result<void> prepare() {
        try {
            Pool::Loan loan = pool_.borrow();
            soci::session& sql = *loan;
            const int newest = migrations().back().version;
            const int present = schema_version(sql);
            if (present > newest)
                return pass(storage_error(
                    ErrorKind::conflict,
                    "database_newer",
                    "the database has schema " + std::to_string(present) +
                        "; this program knows schemas up to " + std::to_string(newest),
                    "Start the newer program again; the database was not touched."));
            if (dialect_ == Dialect::sqlite) {
                std::string verdict;
                sql << "PRAGMA quick_check(1)", soci::into(verdict);
                if (verdict != "ok")
                    return pass(storage_error(ErrorKind::internal,
                                              "database_damaged",
                                              "the database is damaged: " + verdict,
                                              "Restore it from its backup; it was not touched."));
                sql << "PRAGMA journal_mode = WAL";
            }
            migrate(sql, present);
        } catch (const std::exception& failure) {
            return pass(translated(failure));
        }
        return check_sealing();
    }

    Result<void> read(const Body& body) override { return run(nullptr, body, false); }
    Result<void> write(const Body& body) override { return run(nullptr, body, true); }
    Result<void> write(const Lease& fence, const Body& body) override {
        return run(&fence, body, true);
    }

    Result<std::optional<Lease>> acquire(const std::string& name,
                                         const std::string& holder,
                                         Timestamp now,
                                         Milliseconds validity) override {
        std::optional<Lease> held;
        RETURN_IF_ERROR(transact(true, [&](soci::session& sql) -> Result<void> {
            std::string present;
            long long generation = 0, expires_at = 0;
            sql << "SELECT holder, generation, expires_at FROM leases WHERE name = :n",
                soci::use(name), soci::into(present), soci::into(generation),
                soci::into(expires_at);
            const bool free = !sql.got_data() || Timestamp(Milliseconds(expires_at)) <= now;
            held.reset();
            if (!free && present != holder) return {};
            if (free) ++generation;
            const long long until = (now + validity).time_since_epoch().count();
            sql << "INSERT INTO leases (name, holder, generation, expires_at) "
                   "VALUES (:n, :h, :g, :e) ON CONFLICT (name) DO UPDATE SET "
                   "holder = excluded.holder, generation = excluded.generation, "
                   "expires_at = excluded.expires_at",
                soci::use(name), soci::use(holder), soci::use(generation), soci::use(until);
            held = Lease{.name = name,
                         .holder = holder,
                         .generation = generation,
                         .expires_at = now + validity};
            return {};
        }));
        return held;
    }

    Result<void> release(const Lease& lease) override {
        return transact(true, [&](soci::session& sql) -> Result<void> {
            const long long generation = lease.generation;
            sql << "UPDATE leases SET expires_at = 0 WHERE name = :n AND generation = :g",
                soci::use(lease.name), soci::use(generation);
            return {};
        });
    }

  private:
    int schema_version(soci::session& sql) {
        int version = 0;
        if (dialect_ == Dialect::sqlite) {
            sql << "PRAGMA user_version", soci::into(version);
            return version;
        }
        int tables = 0;
        sql << "SELECT COUNT(*) FROM information_schema.tables "
               "WHERE table_schema = current_schema() AND table_name = 'schema_version'",
            soci::into(tables);
        if (tables > 0) sql << "SELECT MAX(version) FROM schema_version", soci::into(version);
        return version;
    }

    void migrate(soci::session& sql, int present) {
        for (const Migration& migration : migrations()) {
            if (migration.version <= present) continue;
            soci::transaction transaction(sql);
            for (const std::string_view statement : migration.statements)
                sql << std::string(statement);
            const std::string version = std::to_string(migration.version);
            if (dialect_ == Dialect::sqlite) {
                sql << "PRAGMA user_version = " + version;
            } else {
                sql << "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)";
                sql << "INSERT INTO schema_version (version) VALUES (" + version + ")";
            }
            transaction.commit();
        }
    }

    /// A known value sealed on the first start; a key that does not open it is refused.
    Result<void> check_sealing() {
        std::optional<Secret> known;
        RETURN_IF_ERROR(read([&](Transaction& transaction) -> Result<void> {
            ASSIGN_OR_RETURN(known, transaction.secret(sealing_check));
            return {};
        }));
        if (known) return {};
        return write([](Transaction& transaction) {
            return transaction.put_secret(sealing_check, Secret("hopyard"));
        });
    }

    void begin(soci::session& sql, bool writes) {
        if (dialect_ == Dialect::sqlite) {
            sql << (writes ? "PRAGMA query_only = 0" : "PRAGMA query_only = 1");
            sql << (writes ? "BEGIN IMMEDIATE" : "BEGIN");
        } else {
            sql << (writes ? "BEGIN ISOLATION LEVEL SERIALIZABLE"
                           : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        }
    }

    static void roll_back(soci::session& sql) {
        try {
            sql << "ROLLBACK";
        } catch (const std::exception&) {
            // The server ended the transaction itself; there is nothing left to undo.
        }
    }

    Result<void> transact(bool writes, const std::function<Result<void>(soci::session&)>& body) {
        Pool::Loan loan = pool_.borrow();
        soci::session& sql = *loan;
        for (int attempt = 1;; ++attempt) {
            bool begun = false;
            try {
                if (dialect_ == Dialect::sqlite) sql << "PRAGMA synchronous = FULL";
                begin(sql, writes);
                begun = true;
                auto outcome = body(sql);
                sql << (outcome ? "COMMIT" : "ROLLBACK");
                return outcome;
            } catch (const std::exception& failure) {
                if (begun) roll_back(sql);
                if (!is_serialization_failure(failure) || attempt == serialization_attempts_max)
                    return pass(translated(failure));
            }
        }
    }

    Result<void> run(const Lease* fence, const Body& body, bool writes) {
        return transact(writes, [&](soci::session& sql) -> Result<void> {
            if (fence != nullptr) {
                long long generation = 0;
                sql << "SELECT generation FROM leases WHERE name = :n", soci::use(fence->name),
                    soci::into(generation);
                if (generation != fence->generation)
                    return fail(
                        ErrorKind::conflict, "lease_lost", "another replica holds the loops");
            }
            SqlTransaction transaction(sql, sealing_key_);
            return body(transaction);
        });
    }

    Dialect dialect_;
    Secret sealing_key_;
    Pool pool_;
};

}  // namespace

Result<std::unique_ptr<Store>> open(const std::string& address, Secret sealing_key) {
    const auto colon = address.find(':');
    const std::string scheme = address.substr(0, colon);
    if (colon == std::string::npos || (scheme != "sqlite" && scheme != "postgresql"))
        return refuse("",
                      "database_address",
                      "'" + address + "' names no database",
                      "Write sqlite:/path/to/file or postgresql:dbname=… host=….");
    const std::string where = address.substr(colon + 1);
    const Dialect dialect = scheme == "sqlite" ? Dialect::sqlite : Dialect::postgresql;
    try {
        auto store = std::make_unique<SqlStore>(dialect, where, std::move(sealing_key));
        RETURN_IF_ERROR(store->prepare());
        if (dialect == Dialect::sqlite)
            std::filesystem::permissions(
                where, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        return std::unique_ptr<Store>(std::move(store));
    } catch (const std::exception& failure) {
        return pass(translated(failure));
    }
}

}  // namespace hopyard::store
