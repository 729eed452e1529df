// The rules that need nothing but the specification itself. What needs the cloud (does the group
// exist, is the container empty) is decide/preflight.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/spec.h"

namespace hopyard::model {

/// Every broken rule, in the order of the twelve steps, each with field, rule and remedy; empty
/// when the specification is well formed.
std::vector<Error> check(const ClusterSpec& spec);
/// Likewise of a policy by itself (product.md B1, D5); fields begin at it: "/general/maxWorkers".
std::vector<Error> check(const AutoscaleSpec& policy);

/// One IPv4 range, "10.0.0.0/16". Host bits must be zero.
struct Cidr {
    std::uint32_t address = 0;
    int length = 0;
    bool contains(const Cidr& other) const;
    bool overlaps(const Cidr& other) const;
    std::string to_string() const;
    auto operator<=>(const Cidr&) const = default;
};
std::optional<Cidr> parse_cidr(std::string_view text);
/// The first range of that length inside `outer` that overlaps none of `taken`.
std::optional<Cidr> first_free(const Cidr& outer, int length, const std::vector<Cidr>& taken);

}  // namespace hopyard::model
