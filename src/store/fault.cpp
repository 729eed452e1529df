#include "store/fault.h"

#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

namespace hopyard::store {
namespace {

Error no_space() {
    return storage_error(ErrorKind::unavailable,
                         "no_space",
                         "the database has no space left; nothing was changed",
                         "Free space on its disk.");
}

Error cluster_gone() {
    return fail(ErrorKind::conflict, "cluster_gone", "its cluster is not there any more").value();
}

Error failed(const std::string& text) {
    return storage_error(ErrorKind::unavailable,
                         "database_failed",
                         "the database failed: " + text,
                         "Check that it runs and that this user may write to it.");
}

// https://www.sqlite.org/rescode.html: the low byte is the primary code.
Fault sqlite_fault(int code, const std::string& text) {
    switch (code & 0xff) {
        case SQLITE_FULL:
            return {no_space()};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {database_damaged(text)};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {database_busy()};
        case SQLITE_CONSTRAINT:
            if (text.find("FOREIGN KEY") != std::string::npos) return {cluster_gone()};
            break;
        default:
            break;
    }
    return {failed(text)};
}

// https://www.postgresql.org/docs/15/errcodes-appendix.html
Fault postgresql_fault(const std::string& state, const std::string& text) {
    if (state == "53100") return {no_space()};
    if (state == "23503") return {cluster_gone()};
    if (state == "55P03") return {database_busy()};
    if (state == "XX001" || state == "XX002") return {database_damaged(text)};
    return {failed(text), state.starts_with("40")};
}

}  // namespace

Error storage_error(ErrorKind kind, std::string code, std::string message, std::string remedy) {
    return Error{.kind = kind,
                 .code = std::move(code),
                 .message = std::move(message),
                 .owner = Owner::administrator,
                 .next_action = std::move(remedy)};
}

Error database_damaged(const std::string& detail) {
    return storage_error(ErrorKind::internal,
                         "database_damaged",
                         "the database is damaged: " + detail,
                         "Restore it from its backup.");
}

Error database_newer(int present, int known) {
    return storage_error(
        ErrorKind::conflict,
        "database_newer",
        fmt::format(
            "the database has schema {}; this program knows schemas up to {}", present, known),
        "Start the newer program again; the database was not touched.");
}

Error database_foreign() {
    return storage_error(ErrorKind::conflict,
                         "database_foreign",
                         "the database belongs to another program; it was not touched",
                         "Name a database of its own.");
}

Error database_busy() {
    return storage_error(ErrorKind::unavailable,
                         "database_busy",
                         "another process holds the database",
                         "End the other process, or wait.");
}

Fault fault_of(const std::exception& failure) {
    // what() adds the statement and its values; this text does not.
    const auto* of_soci = dynamic_cast<const soci::soci_error*>(&failure);
    const std::string text = of_soci != nullptr ? of_soci->get_error_message() : failure.what();
    if (const auto* lite = dynamic_cast<const soci::sqlite3_soci_error*>(&failure))
        return sqlite_fault(lite->result(), text);
    if (const auto* postgres = dynamic_cast<const soci::postgresql_soci_error*>(&failure))
        return postgresql_fault(postgres->sqlstate(), text);
    return {failed(text)};
}

}  // namespace hopyard::store
