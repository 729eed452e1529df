#include "localcloud/network/public_range.h"

#include <algorithm>

namespace hopyard::localcloud::network {

namespace {

/// The other half is left to those who choose for themselves.
constexpr Address first_range = 198U << 24 | 18U << 16;
constexpr std::uint32_t range_count = 128;

bool overlap(const Prefix& one, const Prefix& other) {
    return one.contains(other.first()) || other.contains(one.first());
}

}  // namespace

std::optional<Prefix> pick_public_range(const Names& names, const std::vector<Route>& routes) {
    for (std::uint32_t step = 0; step < range_count; ++step) {
        const auto number = (names.host_link_choice() + step) % range_count;
        const Prefix range{first_range + (number << 8), 24};
        const bool taken = std::any_of(routes.begin(), routes.end(), [&](const Route& route) {
            return route.destination.length > 0 && overlap(range, route.destination);
        });
        if (!taken) return range;
    }
    return std::nullopt;
}

Result<std::string> free_public_range(const Names& names) {
    ASSIGN_OR_RETURN(const auto host, Netlink::open());
    ASSIGN_OR_RETURN(const auto routes, host.routes());
    if (const auto range = pick_public_range(names, routes)) return to_string(*range);
    return Failure(Error{.kind = ErrorKind::conflict,
                         .code = "no_public_range",
                         .message = "All ranges for public addresses in 198.18.0.0/17 are in use.",
                         .owner = Owner::administrator,
                         .next_action = "Name a free one with --public-range."});
}

}  // namespace hopyard::localcloud::network
