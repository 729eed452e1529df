// Looking at a SQLite file before it is opened for writing: what is refused stays as it is, down to
// the last byte, its write-ahead log included. Private to this module.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace hopyard::store {

/// What can be known of a database without changing it.
struct Inspection {
    int schema = 0;                            ///< 0: nothing in it yet
    std::optional<std::string> sealing_check;  ///< as it lies there, sealed
};

/// An absent or empty file is a database with nothing in it. Refuses damaged and foreign files.
Result<Inspection> inspect_sqlite(const std::string& path);

/// Makes the file, 0600, when it is not there: SQLite gives its log the same mode.
Result<void> make_private_file(const std::string& path);

}  // namespace hopyard::store
