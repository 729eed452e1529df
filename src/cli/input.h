// What commands read and put together before they call.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hopyard::cli {

/// The whole file; "-" is standard input. `invalid_argument` ("file_unreadable").
Result<std::string> read_input(const std::string& path);
/// With those parameters that have a value.
std::string with_query(std::string path,
                       const std::vector<std::pair<std::string, std::string>>& parameters);

}  // namespace hopyard::cli
