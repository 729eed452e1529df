// What an exception of SOCI or a code of SQLite means to whoever asked. Private to this module.
#pragma once

#include <exception>
#include <string>

#include "base/result.h"

namespace hopyard::store {

struct Fault {
    Error error;
    /// The database undid the transaction because of another one: it may succeed when it runs
    /// again.
    bool repeatable = false;
};

/// An error that the administrator of this server mends.
Error storage_error(ErrorKind kind, std::string code, std::string message, std::string remedy);

Error database_damaged(const std::string& detail);
Error database_newer(int present, int known);
Error database_foreign();
Error database_busy();

/// Never holds the values that were on their way into the database.
Fault fault_of(const std::exception& failure);

}  // namespace hopyard::store
