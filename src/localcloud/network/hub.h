// The hub: a namespace that plays the Internet. Every network and the host are joined to it by a
// link of two addresses; it knows where each public address is, and no private one. The host needs
// no forwarding and no rule of its own: one interface, one route to the public range, and a
// blackhole behind it, so that nothing leaves by the default route when the hub is gone.
//
// Addresses: 198.19.0.0/17 for networks' uplinks (seen only inside), 198.19.128.0/17 for host
// links.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/result.h"
#include "localcloud/network/addresses.h"
#include "localcloud/network/names.h"
#include "localcloud/network/netlink.h"

namespace hopyard::localcloud::network {

/// The two ends of a network's uplink.
struct Uplink {
    Address hub = 0;
    Address network = 0;
};

/// Thread-safe. Every call is repeatable.
class Hub {
  public:
    Hub(Names names, Prefix public_range, bool outbound)
        : names_(std::move(names)), public_range_(public_range), outbound_(outbound) {}

    /// Makes what is missing of hub and host link. `conflict` when another interface of the host
    /// has the public range.
    Result<void> ensure();

    /// Joins that network's namespace to the hub, or finds it joined.
    Result<Uplink> join(const std::string& network);
    /// Takes both ends of the uplink away.
    Result<void> part(const std::string& network);

    Result<void> route(Address public_address, const Uplink& uplink);
    Result<void> unroute(Address public_address, const Uplink& uplink);
    /// Drops routes to public addresses that are not listed, and uplinks of networks that are not.
    Result<void> keep_only(const std::map<Address, Address>& gateway_by_public_address,
                           const std::set<std::string>& networks);

    /// Machines can open connections to the outside: the host forwards and has a default route.
    bool outbound_possible() const;

  private:
    Result<void> link_host();
    Result<void> route_host(const Netlink& host, Address hub_address);
    Result<Address> free_pair(const Netlink& host) const;
    Result<Uplink> make_uplink(const std::string& network);

    const Names names_;
    const Prefix public_range_;
    const bool outbound_;
    std::mutex mutex_;
    bool ready_ = false;
};

}  // namespace hopyard::localcloud::network
