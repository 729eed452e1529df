// What commands read and put together before they call.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hopyard::cli {

/// The whole file; "-" is standard input. `invalid_argument` ("file_unreadable").
Result<std::string> read_input(const std::string& path);
/// The same of a file that may be packed by gzip.
Result<std::string> read_packed(const std::string& path);
/// In place of what was there. `invalid_argument` ("file_not_written").
Result<void> save_file(const std::string& path, const std::string& text);
/// With those parameters that have a value.
std::string with_query(std::string path,
                       const std::vector<std::pair<std::string, std::string>>& parameters);

}  // namespace hopyard::cli
