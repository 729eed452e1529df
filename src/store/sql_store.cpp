#include <soci/soci.h>

#include "base/encoding.h"
#include "base/log.h"
#include "store/open.h"
#include "store/row_rules.h"
#include "store/schema.h"
#include "store/sealing.h"
#include "store/sessions.h"
#include "store/sql_rows.h"
#include "store/sql_transaction.h"
#include "store/sqlite_file.h"

namespace hopyard::store {
namespace {

constexpr int attempts_max = 20;

/// One writer at a time, as in SQLite: held until the transaction ends. Together with READ
/// COMMITTED every statement of a write then sees what the writer before it left, so that no two
/// replicas can raise the same version, and no write needs to be repeated because of another.
constexpr const char* writer_lock = "SELECT pg_advisory_xact_lock(5211103957)";

class SqlStore final : public Store {
  public:
    SqlStore(Dialect dialect, const std::string& where, Secret sealing_key)
        : dialect_(dialect), sealing_key_(std::move(sealing_key)), sessions_(dialect, where) {}

    /// What PostgreSQL's database holds, changing nothing.
    Result<Inspection> inspect_postgresql();
    /// Makes the schema, or brings it up to date.
    Result<void> migrate();

    Result<void> read(const Body& body) override { return run(nullptr, body, Access::read); }
    Result<void> write(const Body& body) override { return run(nullptr, body, Access::write); }
    Result<void> write(const Lease& fence, const Body& body) override {
        return run(&fence, body, Access::write);
    }
    Result<std::optional<Lease>> acquire(const std::string& name,
                                         const std::string& holder,
                                         Timestamp now,
                                         Milliseconds validity) override;
    Result<void> release(const Lease& lease) override;

  private:
    /// What a body says of a failure of its attempt.
    struct Attempt {
        bool may_repeat = true;
        bool committing = false;
    };
    using SqlBody = std::function<Result<void>(Connection&, Attempt&)>;

    int schema_version(Connection& sql) const;
    void begin(Connection& sql, Access access) const;
    static void roll_back(Connection& sql);
    Result<void> attempt(Access access, const SqlBody& body, Attempt& state);
    Result<void> transact(Access access, const SqlBody& body);
    Result<void> run(const Lease* fence, const Body& body, Access access);

    Dialect dialect_;
    Secret sealing_key_;
    Sessions sessions_;
};

int SqlStore::schema_version(Connection& sql) const {
    int version = 0;
    if (dialect_ == Dialect::sqlite) {
        sql << "PRAGMA user_version", soci::into(version);
        return version;
    }
    int tables = 0;
    sql << "SELECT COUNT(*) FROM information_schema.tables "
           "WHERE table_schema = current_schema() AND table_name = 'schema_version'",
        soci::into(tables);
    if (tables > 0)
        sql << "SELECT COALESCE(MAX(version), 0) FROM schema_version", soci::into(version);
    return version;
}

Result<Inspection> SqlStore::inspect_postgresql() {
    Inspection seen;
    RETURN_IF_ERROR(transact(Access::read, [&](Connection& sql, Attempt&) -> Result<void> {
        seen = Inspection{.schema = schema_version(sql)};
        int others = 0;
        sql << "SELECT COUNT(*) FROM information_schema.tables "
               "WHERE table_schema = current_schema()",
            soci::into(others);
        if (seen.schema == 0 && others > 0) return pass(database_foreign());
        if (seen.schema == 0 || seen.schema > migrations().back().version) return {};
        const std::string name = sealing_check;
        std::string sealed;
        sql << "SELECT sealed FROM secrets WHERE name = :n", soci::use(name), soci::into(sealed);
        if (sql.got_data()) seen.sealing_check = sealed;
        return {};
    }));
    return seen;
}

Result<void> SqlStore::migrate() {
    RETURN_IF_ERROR(transact(Access::write, [&](Connection& sql, Attempt&) -> Result<void> {
        // Read again: another replica may have been faster.
        const int present = schema_version(sql);
        for (const Migration& migration : migrations()) {
            if (migration.version <= present) continue;
            for (const std::string_view statement : migration.statements)
                sql << in_dialect(dialect_, statement);
            const std::string version = std::to_string(migration.version);
            if (dialect_ == Dialect::sqlite) {
                sql << "PRAGMA application_id = " + std::to_string(application_id);
                sql << "PRAGMA user_version = " + version;
            } else {
                sql << "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)";
                sql << "INSERT INTO schema_version (version) VALUES (" + version + ")";
            }
        }
        return {};
    }));
    return write([](Transaction& transaction) -> Result<void> {
        ASSIGN_OR_RETURN(const auto known, transaction.secret(sealing_check));
        if (known) return {};
        return transaction.put_secret(sealing_check, Secret("hopyard"));
    });
}

// --- transactions --------------------------------------------------------------------------------

void SqlStore::begin(Connection& sql, Access access) const {
    if (dialect_ == Dialect::sqlite) {
        run_prepared(sql, access == Access::write ? "BEGIN IMMEDIATE" : "BEGIN");
    } else if (access == Access::write) {
        sql << "BEGIN ISOLATION LEVEL READ COMMITTED";
        sql << writer_lock;
    } else {
        sql << "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    }
}

void SqlStore::roll_back(Connection& sql) {
    try {
        sql << "ROLLBACK";
    } catch (const std::exception&) {
        // The database ended the transaction itself, or is gone; there is nothing left to undo.
    }
}

/// Throws what a statement threw, after undoing everything.
Result<void> SqlStore::attempt(Access access, const SqlBody& body, Attempt& state) {
    Sessions::Loan loan = sessions_.borrow(access);
    Connection& sql = *loan;
    try {
        begin(sql, access);
        auto outcome = body(sql, state);
        if (!outcome) {
            roll_back(sql);
            return outcome;
        }
        state.committing = true;
        run_prepared(sql, "COMMIT");
        return outcome;
    } catch (...) {
        roll_back(sql);
        throw;
    }
}

Result<void> SqlStore::transact(Access access, const SqlBody& body) {
    for (int number = 1;; ++number) {
        Attempt state;
        try {
            return attempt(access, body, state);
        } catch (const std::exception& failure) {
            Fault fault = fault_of(failure);
            if (fault.repeatable && state.may_repeat && number < attempts_max) continue;
            if (fault.repeatable)
                return fail(ErrorKind::conflict,
                            "changed_meanwhile",
                            "the database undid the change because of another one");
            if (state.committing && fault.error.code == "database_failed")
                fault.error.message += "; whether the last change was kept is not known";
            return pass(std::move(fault.error));
        }
    }
}

Result<void> SqlStore::run(const Lease* fence, const Body& body, Access access) {
    return transact(access, [&](Connection& sql, Attempt& state) -> Result<void> {
        if (fence != nullptr) {
            long long generation = 0;
            sql << "SELECT generation FROM leases WHERE name = :n", soci::use(fence->name),
                soci::into(generation);
            if (!sql.got_data() || generation != fence->generation) return lease_lost();
        }
        SqlTransaction transaction(sql, sealing_key_, access);
        auto outcome = body(transaction);
        state.may_repeat = !transaction.raised();
        if (transaction.failure()) std::rethrow_exception(transaction.failure());
        return outcome;
    });
}

// --- leases --------------------------------------------------------------------------------------

Result<std::optional<Lease>> SqlStore::acquire(const std::string& name,
                                               const std::string& holder,
                                               Timestamp now,
                                               Milliseconds validity) {
    std::optional<Lease> held;
    RETURN_IF_ERROR(transact(Access::write, [&](Connection& sql, Attempt&) -> Result<void> {
        held.reset();
        std::string present;
        long long generation = 0, expires_at = 0;
        sql << "SELECT holder, generation, expires_at FROM leases WHERE name = :n", soci::use(name),
            soci::into(present), soci::into(generation), soci::into(expires_at);
        const bool free = !sql.got_data() || Timestamp(Milliseconds(expires_at)) <= now;
        if (!free && present != holder) return {};
        if (free) ++generation;
        const long long until = ms(now + validity);
        sql << "INSERT INTO leases (name, holder, generation, expires_at) "
               "VALUES (:n, :h, :g, :e) ON CONFLICT (name) DO UPDATE SET "
               "holder = excluded.holder, generation = excluded.generation, "
               "expires_at = excluded.expires_at",
            soci::use(name), soci::use(holder), soci::use(generation), soci::use(until);
        held = Lease{
            .name = name, .holder = holder, .generation = generation, .expires_at = now + validity};
        return {};
    }));
    return held;
}

Result<void> SqlStore::release(const Lease& lease) {
    return transact(Access::write, [&](Connection& sql, Attempt&) -> Result<void> {
        const long long generation = lease.generation;
        sql << "UPDATE leases SET expires_at = 0 WHERE name = :n AND generation = :g",
            soci::use(lease.name), soci::use(generation);
        return {};
    });
}

// --- opening -------------------------------------------------------------------------------------

/// Refuses what this program must not touch.
Result<void> judge(const Inspection& seen, const Secret& sealing_key) {
    const int newest = migrations().back().version;
    if (seen.schema > newest) return pass(database_newer(seen.schema, newest));
    if (seen.sealing_check)
        RETURN_IF_ERROR(unseal(sealing_key, sealing_check, *seen.sealing_check));
    return {};
}

Result<std::unique_ptr<Store>> open_sqlite(const std::string& path, Secret sealing_key) {
    if (path.empty() || path.find('"') != std::string::npos)
        return refuse("",
                      "database_address",
                      "'" + path + "' is no path of a database",
                      "Write sqlite:/path/to/file, without quotes.");
    configure_sqlite();
    ASSIGN_OR_RETURN(const Inspection seen, inspect_sqlite(path));
    RETURN_IF_ERROR(judge(seen, sealing_key));
    RETURN_IF_ERROR(make_private_file(path));
    auto store = std::make_unique<SqlStore>(Dialect::sqlite, path, std::move(sealing_key));
    RETURN_IF_ERROR(store->migrate());
    return std::unique_ptr<Store>(std::move(store));
}

Result<std::unique_ptr<Store>> open_postgresql(const std::string& words, Secret sealing_key) {
    if (words.starts_with("//") || to_lower(words).find("password=") != std::string::npos)
        return refuse("",
                      "database_address",
                      "a PostgreSQL address is a list of words without a password",
                      "Write postgresql:dbname=… host=…, and the password into ~/.pgpass or the "
                      "file that passfile= names.");
    auto store = std::make_unique<SqlStore>(Dialect::postgresql, words, sealing_key);
    ASSIGN_OR_RETURN(const Inspection seen, store->inspect_postgresql());
    RETURN_IF_ERROR(judge(seen, sealing_key));
    RETURN_IF_ERROR(store->migrate());
    return std::unique_ptr<Store>(std::move(store));
}

}  // namespace

Result<std::unique_ptr<Store>> open(const std::string& address, Secret sealing_key) {
    const auto colon = address.find(':');
    const std::string scheme = address.substr(0, colon);
    if (colon == std::string::npos || (scheme != "sqlite" && scheme != "postgresql"))
        return refuse("",
                      "database_address",
                      "'" + scheme + "' names no kind of database",
                      "Write sqlite:/path/to/file or postgresql:dbname=… host=….");
    const std::string where = address.substr(colon + 1);
    try {
        if (scheme == "sqlite") return open_sqlite(where, std::move(sealing_key));
        return open_postgresql(where, std::move(sealing_key));
    } catch (const std::exception& failure) {
        return pass(fault_of(failure).error);
    }
}

}  // namespace hopyard::store
