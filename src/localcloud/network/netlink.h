// Interfaces, addresses and routes of one network namespace, through rtnetlink (RFC 3549,
// netlink(7)): some 50 us per call where starting `ip` takes milliseconds. A Netlink speaks for the
// namespace of the thread that opened it, whichever thread uses it. Not to be used by two threads
// at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "localcloud/network/addresses.h"
#include "localcloud/network/descriptor.h"

namespace hopyard::localcloud::network {

struct Link {
    int index = 0;
    std::string name;
    std::string alias;  ///< a text of ours that lives and dies with the interface
    int master = 0;     ///< index of its bridge, 0 for none
};

/// A pair of interfaces, made in place: nothing is moved between namespaces. This end comes up, the
/// peer is brought up where it is.
struct VethPair {
    std::string name;           ///< here
    std::optional<int> master;  ///< index of a bridge here
    std::string peer_name;
    std::string peer_mac;     ///< "02:00:0a:00:00:04", or empty for any
    int peer_namespace = -1;  ///< descriptor
};

struct Route {
    enum class Kind { unicast, blackhole, unreachable } kind = Kind::unicast;
    Prefix destination;  ///< 0.0.0.0/0 for the default route
    std::optional<Address> gateway;
    int interface = 0;  ///< index, 0 when the gateway decides
    std::uint32_t metric = 0;
    bool operator==(const Route&) const = default;
};

class Netlink {
  public:
    static Result<Netlink> open();

    Result<std::vector<Link>> links() const;
    Result<std::optional<Link>> find_link(const std::string& name) const;
    Result<void> add_bridge(const std::string& name, const std::string& mac) const;
    Result<void> add_veth(const VethPair& pair) const;
    Result<void> set_up(const std::string& name) const;
    Result<void> set_alias(const std::string& name, const std::string& alias) const;
    /// Nothing happens when there is none of that name.
    Result<void> remove_link(const std::string& name) const;

    /// Nothing happens when the interface has it.
    Result<void> add_address(const std::string& name, Address address, int length) const;
    /// Of that interface, or of all.
    Result<std::vector<Address>> addresses(const std::string& name = "") const;

    /// Of the main table.
    Result<std::vector<Route>> routes() const;
    /// Replaces a route of the same destination and metric.
    Result<void> set_route(const Route& route) const;
    /// Nothing happens when there is no such route.
    Result<void> remove_route(const Route& route) const;

  private:
    explicit Netlink(Descriptor socket) : socket_(std::move(socket)) {}
    Result<int> index_of(const std::string& name) const;

    Descriptor socket_;
};

}  // namespace hopyard::localcloud::network
