// The one way to read a file whole.
#pragma once

#include <optional>
#include <string>

namespace hopyard {

/// Nothing when it cannot be read: it is missing, ours not to read, a directory, or of a process in
/// /proc that has ended. (A stream's iterators throw at the last two.)
std::optional<std::string> read_file(const std::string& path);

}  // namespace hopyard
