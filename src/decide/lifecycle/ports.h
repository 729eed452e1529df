// Which ports of a cluster are open, and to whom (product.md B8, D7, D18): rules of a security
// group as plain values. Priorities are fixed per rule so that repeating a put changes nothing; in
// a group of the user they start higher, out of the way of the user's own.
#pragma once

#include <string>
#include <vector>

#include "model/cluster.h"

namespace hopyard::decide {

struct PortRule {
    std::string name;  ///< "https"; in a user's group behind the cluster's stem
    int priority = 100;
    std::vector<std::string> ports;
    std::vector<std::string> sources;  ///< CIDRs or "*"
    bool operator==(const PortRule&) const = default;
};

std::vector<PortRule> port_rules(const model::Cluster& cluster);
/// Rules as one text: what a put remembers, so that a change is seen.
std::string content_of(const std::vector<PortRule>& rules);

}  // namespace hopyard::decide
