// Which range of public addresses an instance takes that was told none. Each instance on this
// machine needs one of its own, and it stays the same for good: addresses were given out of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "localcloud/network/names.h"
#include "localcloud/network/netlink.h"

namespace hopyard::localcloud::network {

/// The first /24 of 198.18.0.0/17, from the instance's own one on, to which none of the routes
/// leads; nothing when all are taken. Pure.
std::optional<Prefix> pick_public_range(const Names& names, const std::vector<Route>& routes);
/// The same with the routes of this host.
Result<std::string> free_public_range(const Names& names);

}  // namespace hopyard::localcloud::network
