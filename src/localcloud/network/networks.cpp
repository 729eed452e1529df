#include "localcloud/network/networks.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/log.h"
#include "localcloud/network/command.h"
#include "localcloud/network/namespaces.h"
#include "localcloud/network/rules.h"

namespace hopyard::localcloud::network {
namespace {

Result<Prefix> require_prefix(const std::string& text) {
    if (const auto prefix = parse_prefix(text)) return *prefix;
    return fail(ErrorKind::invalid_argument,
                "malformed_prefix",
                "\"" + text.substr(0, 60) + "\" is not an IPv4 range such as 10.0.0.0/16.");
}

Result<Address> require_address(const std::string& text) {
    if (const auto address = parse_address(text)) return *address;
    return fail(ErrorKind::invalid_argument,
                "malformed_address",
                "\"" + text.substr(0, 60) + "\" is not an IPv4 address.");
}

/// Its own MAC changes as ports come and go; machines would have to ask for it anew each time.
std::string bridge_mac(const Prefix& subnet) {
    const auto gateway = gateway_of(subnet);
    char text[18];
    std::snprintf(text,
                  sizeof text,
                  "02:ff:%02x:%02x:%02x:%02x",
                  gateway >> 24,
                  gateway >> 16 & 255,
                  gateway >> 8 & 255,
                  gateway & 255);
    return text;
}

Result<void> check_network(const NetworkSpec& spec) {
    RETURN_IF_ERROR(check_short_id("network", spec.id));
    for (const auto& text : spec.prefixes) {
        ASSIGN_OR_RETURN(const auto prefix, require_prefix(text));
        (void)prefix;
    }
    for (const auto& subnet : spec.subnets) {
        ASSIGN_OR_RETURN(const auto prefix, require_prefix(subnet.prefix));
        if (prefix.length > 29)
            return fail(ErrorKind::invalid_argument,
                        "subnet_too_small",
                        "Subnet " + subnet.prefix + " is smaller than a /29.");
    }
    if (spec.prefixes.empty())
        return fail(ErrorKind::invalid_argument,
                    "no_prefix",
                    "Network " + spec.id + " has no address range.");
    return {};
}

}  // namespace

Result<Networks::Network> Networks::network_of(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = networks_.find(id);
    if (found == networks_.end())
        return fail(ErrorKind::not_found, "no_such_network", "There is no network " + id + ".");
    return found->second;
}

std::optional<Networks::Port> Networks::find_port(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = ports_.find(id);
    if (found == ports_.end()) return std::nullopt;
    return found->second;
}

bool Networks::has_port(const std::string& id) const {
    const auto port = find_port(id);
    return port && port->complete && namespace_exists(names_.port(id));
}

Result<void> Networks::ensure_network(const NetworkSpec& spec) {
    RETURN_IF_ERROR(check_network(spec));
    const auto guard = locks_.hold("network " + spec.id);
    const auto before = network_of(spec.id);
    const bool is_there = before && namespace_exists(names_.network(spec.id));
    if (is_there && before->spec == spec) return {};
    RETURN_IF_ERROR(build_network(spec));
    if (!is_there || before->spec.prefixes == spec.prefixes) return {};
    // The tag "VirtualNetwork" now stands for other addresses.
    std::vector<PortSpec> affected;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, port] : ports_)
            if (port.spec.network == spec.id && port.complete) affected.push_back(port.spec);
    }
    ASSIGN_OR_RETURN(const auto network, network_of(spec.id));
    for (const auto& port : affected) RETURN_IF_ERROR(load_rules(port, network));
    return {};
}

Result<void> Networks::build_network(const NetworkSpec& spec) {
    RETURN_IF_ERROR(hub_.ensure());
    RETURN_IF_ERROR(create_namespace(names_.network(spec.id)));
    Network network{.spec = spec};
    ASSIGN_OR_RETURN(network.uplink, hub_.join(spec.id));
    const auto built = in_namespace(names_.network(spec.id), [&]() -> Result<void> {
        RETURN_IF_ERROR(set_network_option("ipv4/ip_forward", "1"));
        // With br_netfilter, bridged packets would pass through the tables of routed ones too.
        RETURN_IF_ERROR(set_network_option("bridge/bridge-nf-call-iptables", "0"));
        return set_bridges(spec);
    });
    RETURN_IF_ERROR(built);
    RETURN_IF_ERROR(translate(network, ""));
    const std::lock_guard lock(mutex_);
    networks_[spec.id] = network;
    return {};
}

Result<void> Networks::set_bridges(const NetworkSpec& spec) const {
    ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
    RETURN_IF_ERROR(netlink.add_address("lo", *parse_address(metadata_address), 32));
    std::set<std::string> wanted;
    for (const auto& subnet : spec.subnets) {
        ASSIGN_OR_RETURN(const auto prefix, require_prefix(subnet.prefix));
        const auto name = bridge_of(prefix);
        wanted.insert(name);
        RETURN_IF_ERROR(netlink.add_bridge(name, bridge_mac(prefix)));
        RETURN_IF_ERROR(netlink.add_address(name, gateway_of(prefix), prefix.length));
    }
    ASSIGN_OR_RETURN(const auto links, netlink.links());
    for (const auto& link : links)
        if (link.name.starts_with("b") && !wanted.contains(link.name))
            RETURN_IF_ERROR(netlink.remove_link(link.name));
    return {};
}

std::string Networks::translation_of(const Network& network) const {
    Translation translation{.uplink = network.uplink.network};
    for (const auto& text : network.spec.prefixes)
        if (const auto prefix = parse_prefix(text))
            translation.prefixes.push_back({prefix->first(), prefix->last()});
    translation.prefixes = merged(std::move(translation.prefixes));
    const std::lock_guard lock(mutex_);
    for (const auto& [id, port] : ports_) {
        if (port.spec.network != network.spec.id || !port.spec.public_address) continue;
        const auto outer = parse_address(*port.spec.public_address);
        const auto inner = parse_address(port.spec.address);
        if (outer && inner) translation.public_addresses[*outer] = *inner;
    }
    return translation_script(translation);
}

/// Loads the table with the public addresses of now; `script` goes with it in the same step.
Result<void> Networks::translate(const Network& network, const std::string& script) {
    const auto guard = locks_.hold("translation " + network.spec.id);
    const auto whole = script + translation_of(network);
    return in_namespace(names_.network(network.spec.id), [&] { return run_nft(whole); });
}

Result<void> Networks::remove_network(const std::string& id) {
    RETURN_IF_ERROR(check_short_id("network", id));
    const auto guard = locks_.hold("network " + id);
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [port_id, port] : ports_)
            if (port.spec.network == id)
                return fail(ErrorKind::conflict,
                            "network_in_use",
                            "Network " + id + " still has port " + port_id + ".");
        networks_.erase(id);
    }
    // The hub's end first: that takes both away at once, while a namespace goes in its own time.
    RETURN_IF_ERROR(hub_.part(id));
    return delete_namespace(names_.network(id));
}

Result<void> Networks::check_port(const PortSpec& spec) const {
    RETURN_IF_ERROR(check_short_id("port", spec.id));
    RETURN_IF_ERROR(check_short_id("network", spec.network));
    ASSIGN_OR_RETURN(const auto address, require_address(spec.address));
    ASSIGN_OR_RETURN(const auto subnet, require_prefix(spec.subnet_prefix));
    unsigned part[6] = {};
    char rest = 0;
    if (spec.mac.size() != 17 || std::sscanf(spec.mac.c_str(),
                                             "%2x:%2x:%2x:%2x:%2x:%2x%c",
                                             &part[0],
                                             &part[1],
                                             &part[2],
                                             &part[3],
                                             &part[4],
                                             &part[5],
                                             &rest) != 6)
        return fail(ErrorKind::invalid_argument,
                    "malformed_mac",
                    "\"" + spec.mac.substr(0, 40) + "\" is not a hardware address.");
    if (!subnet.contains(address) || address == gateway_of(subnet))
        return fail(
            ErrorKind::invalid_argument,
            "address_outside_subnet",
            "Address " + spec.address + " is not free for machines in " + spec.subnet_prefix + ".");
    if (!spec.public_address) return {};
    ASSIGN_OR_RETURN(const auto outer, require_address(*spec.public_address));
    if (!public_range_.contains(outer))
        return fail(ErrorKind::invalid_argument,
                    "public_address_outside_range",
                    "Public address " + *spec.public_address + " is not in " +
                        to_string(public_range_) + ".");
    const std::lock_guard lock(mutex_);
    for (const auto& [id, port] : ports_)
        if (id != spec.id && port.spec.public_address == spec.public_address)
            return fail(ErrorKind::conflict,
                        "public_address_in_use",
                        "Public address " + *spec.public_address + " belongs to port " + id + ".");
    return {};
}

Result<void> Networks::ensure_port(const PortSpec& spec) {
    const auto guard = locks_.hold("port " + spec.id);
    const auto before = find_port(spec.id);
    if (before && before->complete && before->spec == spec &&
        namespace_exists(names_.port(spec.id)))
        return {};
    RETURN_IF_ERROR(check_port(spec));
    ASSIGN_OR_RETURN(const auto network, network_of(spec.network));
    if (before && before->spec.network != spec.network)
        return fail(ErrorKind::invalid_argument,
                    "port_moved",
                    "Port " + spec.id + " cannot move to another network.");
    RETURN_IF_ERROR(build_port(spec, network));
    if (before && before->spec.public_address && before->spec.public_address != spec.public_address)
        RETURN_IF_ERROR(unpublish(before->spec, network));
    const std::lock_guard lock(mutex_);
    ports_[spec.id] = {.spec = spec, .complete = true};
    return {};
}

Result<void> Networks::build_port(const PortSpec& spec, const Network& network) {
    const auto before = find_port(spec.id);
    // Rules first, so that a refused one changes nothing.
    ASSIGN_OR_RETURN(const auto filters, compile(spec.rules, network.spec.prefixes));
    (void)filters;
    RETURN_IF_ERROR(create_namespace(names_.port(spec.id)));
    // Loading a table takes 15 ms of waiting in the kernel; rules and link wait side by side.
    Result<void> loaded;
    std::jthread loading;
    if (!before || before->spec.rules != spec.rules || !before->complete)
        loading = std::jthread([&] { loaded = load_rules(spec, network); });
    auto linked = link_port(spec, network, before);
    if (loading.joinable()) loading.join();
    RETURN_IF_ERROR(loaded);
    return linked;
}

Result<void> Networks::link_port(const PortSpec& spec,
                                 const Network& network,
                                 const std::optional<Port>& before) {
    auto connected = before ? before->spec : PortSpec{};
    connected.rules = spec.rules;
    if (before && before->complete && connected == spec) return {};
    const bool has_public = spec.public_address || (before && before->spec.public_address);
    {
        const std::lock_guard lock(mutex_);
        ports_[spec.id] = {.spec = spec, .complete = false};
    }
    RETURN_IF_ERROR(connect_port(spec));
    RETURN_IF_ERROR(filter_port(spec, network, has_public));
    if (!spec.public_address) return {};
    return hub_.route(*parse_address(*spec.public_address), network.uplink);
}

/// The link between bridge and port, and the port's address. What the link was made for is written
/// on it as the last step; one that says otherwise, or nothing, is made anew.
Result<void> Networks::connect_port(const PortSpec& spec) const {
    const auto subnet = *parse_prefix(spec.subnet_prefix);
    const auto name = port_at_bridge(spec.id);
    const auto label = spec.address + " " + spec.subnet_prefix + " " + spec.mac;
    ASSIGN_OR_RETURN(const auto port, open_namespace(names_.port(spec.id)));
    bool is_there = false;
    const auto linked = in_namespace(names_.network(spec.network), [&]() -> Result<void> {
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
        ASSIGN_OR_RETURN(const auto bridge, netlink.find_link(bridge_of(subnet)));
        if (!bridge)
            return fail(ErrorKind::not_found,
                        "no_such_subnet",
                        "Network " + spec.network + " has no subnet " + spec.subnet_prefix + ".");
        ASSIGN_OR_RETURN(const auto link, netlink.find_link(name));
        is_there = link && link->alias == label && link->master == bridge->index;
        if (is_there) return {};
        RETURN_IF_ERROR(netlink.remove_link(name));
        return netlink.add_veth({.name = name,
                                 .master = bridge->index,
                                 .peer_name = "eth0",
                                 .peer_mac = spec.mac,
                                 .peer_namespace = port.get()});
    });
    RETURN_IF_ERROR(linked);
    if (is_there) return {};
    const auto addressed = in_namespace(names_.port(spec.id), [&]() -> Result<void> {
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
        RETURN_IF_ERROR(netlink.set_up("eth0"));
        RETURN_IF_ERROR(netlink.add_address("eth0", *parse_address(spec.address), subnet.length));
        return netlink.set_route({.gateway = gateway_of(subnet)});
    });
    RETURN_IF_ERROR(addressed);
    return in_namespace(names_.network(spec.network), [&]() -> Result<void> {
        ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
        return netlink.set_alias(name, label);
    });
}

Result<void> Networks::filter_port(const PortSpec& spec,
                                   const Network& network,
                                   bool with_translation) {
    const auto script = port_filter_script(spec);
    if (with_translation) return translate(network, script);
    return in_namespace(names_.network(spec.network), [&] { return run_nft(script); });
}

Result<void> Networks::load_rules(const PortSpec& spec, const Network& network) const {
    ASSIGN_OR_RETURN(const auto filters, compile(spec.rules, network.spec.prefixes));
    const auto script = render(filters);
    return in_namespace(names_.port(spec.id), [&] { return run_nft(script); });
}

Result<void> Networks::unpublish(const PortSpec& spec, const Network& network) {
    if (!spec.public_address) return {};
    if (const auto address = parse_address(*spec.public_address))
        return hub_.unroute(*address, network.uplink);
    return {};
}

Result<void> Networks::remove_port(const std::string& id) {
    RETURN_IF_ERROR(check_short_id("port", id));
    const auto guard = locks_.hold("port " + id);
    const auto port = find_port(id);
    if (!port) return drop_port(id, list_namespaces(names_.network("")));
    {
        const std::lock_guard lock(mutex_);
        ports_.erase(id);
    }
    if (const auto network = network_of(port->spec.network)) {
        RETURN_IF_ERROR(unpublish(port->spec, *network));
        if (port->spec.public_address) RETURN_IF_ERROR(translate(*network, ""));
    }
    return drop_port(id, {names_.network(port->spec.network)});
}

Result<void> Networks::drop_port(const std::string& id,
                                 const std::vector<std::string>& networks) const {
    for (const auto& name : networks) {
        if (!namespace_exists(name)) continue;
        const auto dropped = in_namespace(name, [&]() -> Result<void> {
            ASSIGN_OR_RETURN(const auto netlink, Netlink::open());
            ASSIGN_OR_RETURN(const auto link, netlink.find_link(port_at_bridge(id)));
            if (!link) return {};
            RETURN_IF_ERROR(run_nft(port_filter_removal(id)));
            return netlink.remove_link(link->name);
        });
        RETURN_IF_ERROR(dropped);
    }
    return delete_namespace(names_.port(id));
}

Result<int> Networks::open_listener(const std::string& network,
                                    const std::string& address,
                                    std::uint16_t port) {
    ASSIGN_OR_RETURN(const auto host, require_address(address));
    int listener = -1;
    const auto opened = in_namespace(names_.network(network), [&]() -> Result<void> {
        Descriptor handle(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const int on = 1;
        sockaddr_in place{};
        place.sin_family = AF_INET;
        place.sin_port = htons(port);
        place.sin_addr.s_addr = htonl(host);
        const bool listens =
            handle.is_open() &&
            setsockopt(handle.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
            bind(handle.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0 &&
            listen(handle.get(), 512) == 0;
        if (!listens)
            return fail(errno == EADDRINUSE ? ErrorKind::conflict : ErrorKind::internal,
                        "no_listener",
                        "Nobody can listen on " + address + ":" + std::to_string(port) +
                            " in network " + network + ": " + std::strerror(errno) + ".");
        listener = handle.release();
        return {};
    });
    RETURN_IF_ERROR(opened);
    return listener;
}

Result<void> Networks::remove_unwanted(const std::vector<NetworkSpec>& networks,
                                       const std::vector<PortSpec>& ports) {
    std::set<std::string> keep;
    for (const auto& network : networks) keep.insert(names_.network(network.id));
    for (const auto& port : ports) keep.insert(names_.port(port.id));
    for (const auto& name : list_namespaces(names_.port("")))
        if (!keep.contains(name)) RETURN_IF_ERROR(remove_port(name.substr(names_.port("").size())));
    for (const auto& name : list_namespaces(names_.network("")))
        if (!keep.contains(name))
            RETURN_IF_ERROR(remove_network(name.substr(names_.network("").size())));
    return {};
}

Result<void> Networks::recover(const std::vector<NetworkSpec>& networks,
                               const std::vector<PortSpec>& ports) {
    Result<void> first;
    const auto note = [&](Result<void> outcome, const std::string& what) {
        if (outcome) return;
        log::error("A network or port could not be recovered",
                   {{"which", what}, {"cause", outcome.error().message}});
        if (first) first = std::move(outcome);
    };
    note(hub_.ensure(), "hub");
    note(remove_unwanted(networks, ports), "leftovers");
    {
        // Public addresses are known before the networks' tables are loaded, so that connections
        // through them go on while we restart.
        const std::lock_guard lock(mutex_);
        for (const auto& port : ports)
            if (!ports_.contains(port.id)) ports_[port.id] = {.spec = port, .complete = false};
    }
    for (const auto& network : networks) note(ensure_network(network), "network " + network.id);
    for (const auto& port : ports) note(ensure_port(port), "port " + port.id);

    std::map<Address, Address> gateways;
    std::set<std::string> ids;
    for (const auto& network : networks) ids.insert(network.id);
    for (const auto& port : ports) {
        const auto network = network_of(port.network);
        const auto outer = parse_address(port.public_address.value_or(""));
        if (network && outer) gateways[*outer] = network->uplink.network;
    }
    if (namespace_exists(names_.hub())) note(hub_.keep_only(gateways, ids), "hub");
    return first;
}

}  // namespace hopyard::localcloud::network
