// The tables, as numbered migrations, and the few places where SQLite and PostgreSQL differ.
// Private to this module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hopyard::store {

enum class Dialect { sqlite, postgresql };

struct Migration {
    int version;
    std::vector<std::string_view> statements;
};

/// In order; the last version is the one this program speaks. KEY stands for text that is compared
/// byte by byte.
const std::vector<Migration>& migrations();

/// A migration's statement in the words of one database.
std::string in_dialect(Dialect dialect, std::string_view statement);

/// "HPYD": tells our SQLite files from those of other programs (PRAGMA application_id).
inline constexpr int application_id = 0x48505944;

/// A known value, sealed when the database is made: a sealing key that does not open it is refused.
inline constexpr const char* sealing_check = "installation/sealing-check";

}  // namespace hopyard::store
