// Every name we give to something on this machine, derived from the instance's id and the thing's
// own id. A name says whose it is, so that two instances run side by side, leftovers are found
// without a record, and an instance is removed from names alone. Interface names have at most 15
// characters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "localcloud/network/addresses.h"

namespace hopyard::localcloud::network {

/// Instance, network and port ids: 1 to 8 characters of [a-z0-9].
Result<void> check_short_id(std::string_view what, std::string_view id);

struct Names {
    std::string instance;

    std::string prefix() const { return "hy-" + instance + "-"; }  ///< of every name below
    std::string hub() const { return prefix() + "hub"; }
    std::string network(std::string_view id) const { return prefix() + "n-" + std::string(id); }
    std::string port(std::string_view id) const { return prefix() + "p-" + std::string(id); }
    std::string machine(std::string_view id) const { return prefix() + "m-" + std::string(id); }
    /// The host's end of the link to the hub.
    std::string host_link() const { return prefix() + "h"; }
    /// The host's table for machines' way out.
    std::string host_table() const { return "hy_" + instance; }
    /// Marks the host's blackhole route as this instance's: a route has no name, but a metric.
    std::uint32_t blackhole_metric() const;
    /// Which of the 16,384 pairs of 198.19.128.0/17 links host and hub, when it is free.
    std::uint32_t host_link_choice() const;
};

/// The hub's end of a network's uplink; unique in the hub.
inline std::string uplink_in_hub(std::string_view network) {
    return "v" + std::string(network);
}
/// A port's end at the bridge; unique in the network's namespace.
inline std::string port_at_bridge(std::string_view port) {
    return "p" + std::string(port);
}
/// A subnet's bridge: "b0a000000-24".
std::string bridge_of(const Prefix& subnet);

/// The range for public addresses that an instance without a configured one may take.
inline constexpr std::string_view default_public_range = "198.18.0.0/24";
inline constexpr std::string_view metadata_address = "169.254.169.254";

}  // namespace hopyard::localcloud::network
