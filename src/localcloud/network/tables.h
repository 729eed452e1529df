// The nftables scripts of networks, ports and hub, as text: address translation, what may pass, and
// the filter that makes a port's source address true. Pure. A script replaces its tables as one
// step.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "localcloud/machine_host.h"
#include "localcloud/network/addresses.h"

namespace hopyard::localcloud::network {

/// A network's translation. Connections from outside reach a port by its public address only;
/// connections to the outside leave with the port's public address, or with the uplink's. One that
/// calls a public address of its own network ("hairpin") counts as coming from outside, as in
/// Azure.
struct Translation {
    Ranges prefixes;                              ///< of the network, merged
    Address uplink = 0;                           ///< the network's own address at the hub
    std::map<Address, Address> public_addresses;  ///< public to private
};
std::string translation_script(const Translation& translation);

/// Lets pass only what bears the port's own hardware and IP address, ARP included. It stands at the
/// bridge's side of the link, out of the machine's reach.
std::string port_filter_script(const PortSpec& port);
std::string port_filter_removal(std::string_view port_id);

/// The hub passes public addresses on between networks and lets nobody open a connection to the
/// host: the host can be reached from a machine only through listeners that were opened for that.
/// With `outbound`, connections to beyond the host may pass, under the hub's own address.
struct HubRules {
    bool outbound = false;
    Prefix public_range;
};
std::string hub_script(const HubRules& rules);
/// In the host's namespace, with outbound only: translates the hub's address and closes the host
/// itself.
std::string host_script(const std::string& table, const std::string& host_link);

}  // namespace hopyard::localcloud::network
