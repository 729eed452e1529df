#include "store/sqlite_file.h"

#include <memory>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encoding.h"
#include "store/fault.h"
#include "store/schema.h"

namespace hopyard::store {
namespace {

off_t size_of(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 ? facts.st_size : 0;
}

class Closer {
  public:
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Closer>;

/// Reading only. Without a log there is nothing to merge, and SQLite need not make one.
int open_for_reading(const std::string& path, Database& out) {
    std::string uri = "file:" + percent_encode(path) + "?mode=ro";
    if (size_of(path + "-wal") == 0) uri += "&immutable=1";
    sqlite3* opened = nullptr;
    const int code =
        sqlite3_open_v2(uri.c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
    out.reset(opened);
    if (code == SQLITE_OK) sqlite3_busy_timeout(opened, 10'000);
    return code;
}

Error error_of(sqlite3* database, int code) {
    const std::string text = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
    const int primary = code & 0xff;
    if (primary == SQLITE_NOTADB || primary == SQLITE_CORRUPT) return database_damaged(text);
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) return database_busy();
    return storage_error(ErrorKind::unavailable,
                         "database_failed",
                         "cannot read the database: " + text,
                         "Check its path, and that this user may read and write it.");
}

/// The first column of the first row; nothing when there is no row.
Result<std::optional<std::string>> ask(sqlite3* database, const std::string& question) {
    sqlite3_stmt* prepared = nullptr;
    int code = sqlite3_prepare_v2(database, question.c_str(), -1, &prepared, nullptr);
    const std::unique_ptr<sqlite3_stmt, Closer> statement(prepared);
    if (code == SQLITE_OK) code = sqlite3_step(prepared);
    if (code == SQLITE_DONE) return std::optional<std::string>();
    if (code != SQLITE_ROW) return pass(error_of(database, code));
    const unsigned char* text = sqlite3_column_text(prepared, 0);
    const int length = sqlite3_column_bytes(prepared, 0);
    return std::optional(
        std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length)));
}

Result<int> ask_number(sqlite3* database, const std::string& question) {
    ASSIGN_OR_RETURN(const auto text, ask(database, question));
    return text ? std::atoi(text->c_str()) : 0;
}

}  // namespace

/// Nobody reads SQLite's statistics of memory, and counting takes one lock for all connections at
/// each allocation: four threads that read spent a third of their time on it.
void configure_sqlite() {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

Result<Inspection> inspect_sqlite(const std::string& path) {
    Inspection seen;
    if (size_of(path) == 0) return seen;
    Database database;
    if (const int code = open_for_reading(path, database); code != SQLITE_OK)
        return pass(error_of(database.get(), code));
    ASSIGN_OR_RETURN(seen.schema, ask_number(database.get(), "PRAGMA user_version"));
    ASSIGN_OR_RETURN(const int owner, ask_number(database.get(), "PRAGMA application_id"));
    ASSIGN_OR_RETURN(const int tables,
                     ask_number(database.get(), "SELECT COUNT(*) FROM sqlite_master"));
    if (owner != application_id && (tables > 0 || seen.schema != 0))
        return pass(database_foreign());
    if (seen.schema > migrations().back().version) return seen;
    ASSIGN_OR_RETURN(const auto verdict, ask(database.get(), "PRAGMA quick_check(1)"));
    if (verdict != "ok") return pass(database_damaged(verdict.value_or("it cannot be checked")));
    if (seen.schema == 0) return seen;
    ASSIGN_OR_RETURN(
        seen.sealing_check,
        ask(database.get(),
            std::string("SELECT sealed FROM secrets WHERE name = '") + sealing_check + "'"));
    return seen;
}

Result<void> make_private_file(const std::string& path) {
    const int file = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    const bool made = file >= 0 && ::fchmod(file, 0600) == 0;
    if (file >= 0) ::close(file);
    if (made) return {};
    return pass(storage_error(ErrorKind::unavailable,
                              "database_unwritable",
                              "cannot write the database " + path,
                              "Make its directory writable for this user."));
}

}  // namespace hopyard::store
