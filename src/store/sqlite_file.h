// What comes before a SQLite file is opened for writing: the library's own settings, and a look at
// the file, which stays as it is when it is refused, down to the last byte, its write-ahead log
// included. Private to this module.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace hopyard::store {

/// Before anything else asks SQLite for something: later it changes nothing.
void configure_sqlite();

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
