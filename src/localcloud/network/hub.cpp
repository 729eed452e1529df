#include "localcloud/network/hub.h"

#include <algorithm>
#include <fstream>

#include "localcloud/network/command.h"
#include "localcloud/network/namespaces.h"
#include "localcloud/network/tables.h"

namespace hopyard::localcloud::network {
namespace {

constexpr Prefix uplink_range{198U << 24 | 19U << 16, 17};
constexpr Prefix host_link_range{198U << 24 | 19U << 16 | 128U << 8, 17};
constexpr const char* uplink_name = "up0";
constexpr const char* hub_end = "host0";
/// Written on a link as the last step of making it: a link without it was left half made.
constexpr const char* complete = "hopyard";

Result<bool> is_complete(const Netlink& netlink, const std::string& name) {
    ASSIGN_OR_RETURN(const auto link, netlink.find_link(name));
    return link && link->alias == complete;
}

bool host_forwards() {
    int value = 0;
    std::ifstream("/proc/sys/net/ipv4/ip_forward") >> value;
    return value == 1;
}

/// The network's end of an uplink whose hub end is known is the next address, and so for the
/// host's.
constexpr Address other_end(Address address) {
    return address ^ 1U;
}

}  // namespace

bool Hub::outbound_possible() const {
    if (!outbound_ || !host_forwards()) return false;
    const auto host = Netlink::open();
    if (!host) return false;
    const auto routes = host->routes();
    return routes && std::any_of(routes->begin(), routes->end(), [](const Route& route) {
               return route.kind == Route::Kind::unicast && route.destination.length == 0;
           });
}

Result<void> Hub::ensure() {
    const std::lock_guard lock(mutex_);
    if (ready_ && namespace_exists(names_.hub())) return {};
    RETURN_IF_ERROR(create_namespace(names_.hub()));
    RETURN_IF_ERROR(link_host());
    const bool outbound = outbound_possible();
    const auto prepared = in_namespace(names_.hub(), [&]() -> Result<void> {
        RETURN_IF_ERROR(set_network_option("ipv4/ip_forward", "1"));
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
        // A public address nobody has is answered at once instead of leaving callers waiting.
        RETURN_IF_ERROR(netlink.set_route({.kind = Route::Kind::unreachable,
                                           .destination = public_range_,
                                           .metric = 4294967295U}));
        if (outbound) {
            ASSIGN_OR_RETURN(const auto own, netlink.addresses(hub_end));
            if (!own.empty())
                RETURN_IF_ERROR(netlink.set_route({.gateway = other_end(own.front())}));
        }
        return run_nft(hub_script({.outbound = outbound, .public_range = public_range_}));
    });
    RETURN_IF_ERROR(prepared);
    if (outbound) RETURN_IF_ERROR(run_nft(host_script(names_.host_table(), names_.host_link())));
    ready_ = true;
    return {};
}

Result<Address> Hub::free_pair(const Netlink& host) const {
    ASSIGN_OR_RETURN(const auto taken, host.addresses());
    for (std::uint32_t step = 0; step < 16384; ++step) {
        const auto pair = host_link_range.base + 2 * ((names_.host_link_choice() + step) % 16384);
        const bool used = std::any_of(
            taken.begin(), taken.end(), [&](Address address) { return (address & ~1U) == pair; });
        if (!used) return pair;
    }
    return fail(ErrorKind::capacity_unavailable,
                "no_link_address",
                "All addresses for links between host and hubs are in use.");
}

Result<void> Hub::link_host() {
    ASSIGN_OR_RETURN(const auto host, Netlink::open());
    ASSIGN_OR_RETURN(const bool linked, is_complete(host, names_.host_link()));
    Address hub_address = 0;
    if (linked) {
        ASSIGN_OR_RETURN(const auto own, host.addresses(names_.host_link()));
        if (!own.empty()) hub_address = other_end(own.front());
    }
    if (hub_address == 0) {
        RETURN_IF_ERROR(host.remove_link(names_.host_link()));
        ASSIGN_OR_RETURN(hub_address, free_pair(host));
        ASSIGN_OR_RETURN(const auto hub, open_namespace(names_.hub()));
        RETURN_IF_ERROR(host.add_veth(
            {.name = names_.host_link(), .peer_name = hub_end, .peer_namespace = hub.get()}));
        RETURN_IF_ERROR(host.add_address(names_.host_link(), other_end(hub_address), 31));
        const auto addressed = in_namespace(names_.hub(), [&]() -> Result<void> {
            ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
            RETURN_IF_ERROR(netlink.set_up(hub_end));
            return netlink.add_address(hub_end, hub_address, 31);
        });
        RETURN_IF_ERROR(addressed);
        RETURN_IF_ERROR(host.set_alias(names_.host_link(), complete));
    }
    return route_host(host, hub_address);
}

Result<void> Hub::route_host(const Netlink& host, Address hub_address) {
    ASSIGN_OR_RETURN(const auto link, host.find_link(names_.host_link()));
    ASSIGN_OR_RETURN(const auto routes, host.routes());
    for (const auto& route : routes) {
        const bool overlaps = route.destination.length > 0 && route.kind == Route::Kind::unicast &&
                              (public_range_.contains(route.destination.first()) ||
                               route.destination.contains(public_range_.first()));
        if (overlaps && link && route.interface != link->index)
            return Failure(Error{
                .kind = ErrorKind::conflict,
                .code = "public_range_in_use",
                .message = "The range " + to_string(public_range_) +
                           " for public addresses is in use: this host has a route to " +
                           to_string(route.destination) + " over another interface.",
                .owner = Owner::administrator,
                .next_action = "Give this instance another public range, or remove that route."});
    }
    RETURN_IF_ERROR(host.set_route({.destination = public_range_, .gateway = hub_address}));
    return host.set_route({.kind = Route::Kind::blackhole,
                           .destination = public_range_,
                           .metric = names_.blackhole_metric()});
}

Result<Uplink> Hub::join(const std::string& network) {
    const std::lock_guard lock(mutex_);
    Uplink uplink;
    const auto looked = in_namespace(names_.network(network), [&]() -> Result<void> {
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
        ASSIGN_OR_RETURN(const bool joined, is_complete(netlink, uplink_name));
        if (!joined) return netlink.remove_link(uplink_name);
        ASSIGN_OR_RETURN(const auto own, netlink.addresses(uplink_name));
        if (!own.empty()) uplink = {.hub = other_end(own.front()), .network = own.front()};
        return {};
    });
    RETURN_IF_ERROR(looked);
    if (uplink.hub != 0) return uplink;
    return make_uplink(network);
}

Result<Uplink> Hub::make_uplink(const std::string& network) {
    Uplink uplink;
    const auto name = uplink_in_hub(network);
    ASSIGN_OR_RETURN(const auto there, open_namespace(names_.network(network)));
    const auto hub_end_made = in_namespace(names_.hub(), [&]() -> Result<void> {
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
        RETURN_IF_ERROR(netlink.remove_link(name));
        ASSIGN_OR_RETURN(auto taken, netlink.addresses());
        std::sort(taken.begin(), taken.end());
        uplink.hub = uplink_range.base + 2;
        while (std::binary_search(taken.begin(), taken.end(), uplink.hub)) uplink.hub += 2;
        uplink.network = other_end(uplink.hub);
        if (!uplink_range.contains(uplink.hub))
            return fail(ErrorKind::capacity_unavailable,
                        "no_link_address",
                        "All addresses for networks' uplinks are in use.");
        RETURN_IF_ERROR(netlink.add_veth(
            {.name = name, .peer_name = uplink_name, .peer_namespace = there.get()}));
        return netlink.add_address(name, uplink.hub, 31);
    });
    RETURN_IF_ERROR(hub_end_made);
    const auto network_end_made = in_namespace(names_.network(network), [&]() -> Result<void> {
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
        RETURN_IF_ERROR(netlink.set_up(uplink_name));
        RETURN_IF_ERROR(netlink.add_address(uplink_name, uplink.network, 31));
        RETURN_IF_ERROR(netlink.set_route({.gateway = uplink.hub}));
        return netlink.set_alias(uplink_name, complete);
    });
    RETURN_IF_ERROR(network_end_made);
    return uplink;
}

Result<void> Hub::part(const std::string& network) {
    const std::lock_guard lock(mutex_);
    if (!namespace_exists(names_.hub())) return {};
    return in_namespace(names_.hub(), [&]() -> Result<void> {
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
        return netlink.remove_link(uplink_in_hub(network));
    });
}

Result<void> Hub::route(Address public_address, const Uplink& uplink) {
    return in_namespace(names_.hub(), [&]() -> Result<void> {
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
        return netlink.set_route({.destination = {public_address, 32}, .gateway = uplink.network});
    });
}

Result<void> Hub::unroute(Address public_address, const Uplink& uplink) {
    if (!namespace_exists(names_.hub())) return {};
    return in_namespace(names_.hub(), [&]() -> Result<void> {
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
        // The gateway is named, so that an address that has moved on keeps its new route.
        return netlink.remove_route(
            {.destination = {public_address, 32}, .gateway = uplink.network});
    });
}

Result<void> Hub::keep_only(const std::map<Address, Address>& gateway_by_public_address,
                            const std::set<std::string>& networks) {
    return in_namespace(names_.hub(), [&]() -> Result<void> {
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
        ASSIGN_OR_RETURN(const auto routes, netlink.routes());
        for (const auto& route : routes) {
            if (route.destination.length != 32 || !route.gateway) continue;
            const auto wanted = gateway_by_public_address.find(route.destination.base);
            if (wanted == gateway_by_public_address.end() || wanted->second != *route.gateway)
                RETURN_IF_ERROR(netlink.remove_route(route));
        }
        ASSIGN_OR_RETURN(const auto links, netlink.links());
        for (const auto& link : links)
            if (link.name.starts_with("v") && !networks.contains(link.name.substr(1)))
                RETURN_IF_ERROR(netlink.remove_link(link.name));
        return {};
    });
}

}  // namespace hopyard::localcloud::network
