// YAML as JSON text and back (yaml-cpp: the library that understands all of YAML 1.2 we need).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hopyard {

/// `invalid_argument` with the line of the fault. Limits: 1 MiB, 32 levels, 20,000 values after
/// aliases are expanded; a name that stands twice in one mapping is refused.
Result<std::string> yaml_to_json(std::string_view yaml);
/// Members keep their order. `json` must be JSON.
std::string json_to_yaml(std::string_view json);

}  // namespace hopyard
