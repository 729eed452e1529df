// The fields of the existing wire that are stored and echoed and not acted on (product.md D14,
// ClusterSpec::wire_json): which there are, what they may hold, and what is refused because it
// would be a promise nobody keeps.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/spec.h"

namespace hopyard::model {

/// Software versions that existing configurations name, ascending (control-api.md 8).
std::span<const std::string_view> wire_versions();

/// Every broken rule: wrong types, unknown members, a version nobody knows, several database
/// nodes, an AKS cluster, a second head, an encrypted container.
std::vector<Error> check_wire(const ClusterSpec& spec);
/// What is stored and echoed although no such service is made. Not a fault.
std::vector<Error> wire_warnings(const ClusterSpec& spec);

}  // namespace hopyard::model
