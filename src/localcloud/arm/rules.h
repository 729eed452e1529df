// Security rules: from a group's JSON to the one ordered list that a port is given.
//
// A packet must pass the subnet's group and the interface's group. One list that says the same is
// the product of both: for each pair of rules, in order of the first and then of the second, what
// both match is allowed when both allow. A deny of the first needs no partner. Every group ends
// with its default rules, so every packet meets some rule of either.
#pragma once

#include <string>
#include <vector>

#include "localcloud/arm/json.h"
#include "localcloud/machine_host.h"

namespace hopyard::localcloud {

/// The six rules that end every group, as Azure shows them.
const Json& default_security_rules();
/// The rules of a group in order of priority, the defaults last. Null: the defaults alone.
std::vector<SecurityRule> rules_of(const Json* group);
std::vector<SecurityRule> both(const std::vector<SecurityRule>& first,
                               const std::vector<SecurityRule>& second,
                               const std::vector<std::string>& network_prefixes);

}  // namespace hopyard::localcloud
