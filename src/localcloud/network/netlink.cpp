#include "localcloud/network/netlink.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

namespace hopyard::localcloud::network {
namespace {

/// One request, built front to back. Nested attributes are opened and closed like brackets.
class Message {
  public:
    Message(std::uint16_t type, std::uint16_t flags) {
        header_ = {.nlmsg_len = 0,
                   .nlmsg_type = type,
                   .nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags),
                   .nlmsg_seq = 1,
                   .nlmsg_pid = 0};
        put(&header_, sizeof header_);
    }

    void put(const void* data, std::size_t size) {
        bytes_.append(static_cast<const char*>(data), size);
        bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    }
    void attribute(int type, const void* data, std::size_t size) {
        const rtattr head{.rta_len = static_cast<unsigned short>(RTA_LENGTH(size)),
                          .rta_type = static_cast<unsigned short>(type)};
        put(&head, sizeof head);
        put(data, size);
    }
    void attribute(int type, const std::string& text) {
        attribute(type, text.c_str(), text.size() + 1);
    }
    void attribute(int type, std::uint32_t number) { attribute(type, &number, sizeof number); }
    void address(int type, Address address) { attribute(type, htonl(address)); }
    std::size_t open(int type) {
        const auto start = bytes_.size();
        attribute(type, nullptr, 0);
        return start;
    }
    void close(std::size_t start) {
        const auto length = static_cast<unsigned short>(bytes_.size() - start);
        std::memcpy(bytes_.data() + start, &length, sizeof length);
    }
    const std::string& finish() {
        const auto length = static_cast<std::uint32_t>(bytes_.size());
        std::memcpy(bytes_.data(), &length, sizeof length);
        return bytes_;
    }

  private:
    nlmsghdr header_{};
    std::string bytes_;
};

using Visit = std::function<void(const nlmsghdr&)>;

/// Sends and reads to the end of the answer. 0 or the kernel's errno.
int exchange(int socket, Message message, const Visit& visit = {}) {
    const auto& bytes = message.finish();
    if (send(socket, bytes.data(), bytes.size(), 0) < 0) return errno;
    alignas(nlmsghdr) char buffer[65536];
    while (true) {
        const auto count = recv(socket, buffer, sizeof buffer, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno;
        auto left = static_cast<unsigned>(count);
        for (auto* part = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(part, left);
             part = NLMSG_NEXT(part, left)) {
            if (part->nlmsg_type == NLMSG_DONE) return 0;
            if (part->nlmsg_type == NLMSG_ERROR)
                return -static_cast<const nlmsgerr*>(NLMSG_DATA(part))->error;
            if (visit) visit(*part);
            if ((part->nlmsg_flags & NLM_F_MULTI) == 0 && visit) return 0;
        }
    }
}

Result<void> check(int error, const std::string& what) {
    if (error == 0) return {};
    return fail(
        ErrorKind::internal, "network_setup_failed", what + ": " + std::strerror(error) + ".");
}

using VisitAttribute = std::function<void(int type, const void* data, std::size_t size)>;

void each_attribute(const void* first, std::size_t size, const VisitAttribute& visit) {
    auto left = static_cast<int>(size);
    for (const auto* part = static_cast<const rtattr*>(first); RTA_OK(part, left);
         part = RTA_NEXT(part, left))
        visit(part->rta_type, RTA_DATA(part), RTA_PAYLOAD(part));
}

std::uint32_t number(const void* data) {
    std::uint32_t value = 0;
    std::memcpy(&value, data, sizeof value);
    return value;
}

Link parse_link(const nlmsghdr& header) {
    const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(&header));
    Link link{.index = info->ifi_index};
    each_attribute(IFLA_RTA(info), IFLA_PAYLOAD(&header), [&](int type, const void* data, auto) {
        if (type == IFLA_IFNAME) link.name = static_cast<const char*>(data);
        if (type == IFLA_IFALIAS) link.alias = static_cast<const char*>(data);
        if (type == IFLA_MASTER) link.master = static_cast<int>(number(data));
    });
    return link;
}

/// Six bytes; malformed text gives zeros, which the kernel refuses.
std::string mac_bytes(const std::string& text) {
    unsigned part[6] = {};
    std::sscanf(text.c_str(),
                "%2x:%2x:%2x:%2x:%2x:%2x",
                &part[0],
                &part[1],
                &part[2],
                &part[3],
                &part[4],
                &part[5]);
    std::string bytes;
    for (const unsigned value : part) bytes.push_back(static_cast<char>(value));
    return bytes;
}

ifinfomsg link_header(int index, bool up) {
    ifinfomsg info{};
    info.ifi_family = AF_UNSPEC;
    info.ifi_index = index;
    if (up) info.ifi_flags = info.ifi_change = IFF_UP;
    return info;
}

unsigned char kernel_kind(Route::Kind kind) {
    switch (kind) {
        case Route::Kind::blackhole:
            return RTN_BLACKHOLE;
        case Route::Kind::unreachable:
            return RTN_UNREACHABLE;
        case Route::Kind::unicast:
            break;
    }
    return RTN_UNICAST;
}

std::optional<Route::Kind> route_kind(unsigned char type) {
    for (const auto kind : {Route::Kind::unicast, Route::Kind::blackhole, Route::Kind::unreachable})
        if (kernel_kind(kind) == type) return kind;
    return std::nullopt;
}

Message route_message(std::uint16_t type, std::uint16_t flags, const Route& route) {
    Message message(type, flags);
    rtmsg info{};
    info.rtm_family = AF_INET;
    info.rtm_dst_len = static_cast<unsigned char>(route.destination.length);
    info.rtm_table = RT_TABLE_MAIN;
    info.rtm_protocol = RTPROT_STATIC;
    info.rtm_type = kernel_kind(route.kind);
    if (type == RTM_DELROUTE)
        info.rtm_scope = RT_SCOPE_NOWHERE;
    else if (route.kind == Route::Kind::unicast && !route.gateway)
        info.rtm_scope = RT_SCOPE_LINK;
    else
        info.rtm_scope = RT_SCOPE_UNIVERSE;
    message.put(&info, sizeof info);
    if (route.destination.length > 0) message.address(RTA_DST, route.destination.base);
    if (route.gateway) message.address(RTA_GATEWAY, *route.gateway);
    if (route.interface != 0)
        message.attribute(RTA_OIF, static_cast<std::uint32_t>(route.interface));
    if (route.metric != 0) message.attribute(RTA_PRIORITY, route.metric);
    return message;
}

}  // namespace

Result<Netlink> Netlink::open() {
    Descriptor handle(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!handle.is_open()) return pass(check(errno, "No netlink socket").error());
    return Netlink(std::move(handle));
}

Result<std::vector<Link>> Netlink::links() const {
    Message message(RTM_GETLINK, NLM_F_DUMP);
    const auto info = link_header(0, false);
    message.put(&info, sizeof info);
    std::vector<Link> found;
    const int error = exchange(socket_.get(), message, [&](const nlmsghdr& header) {
        if (header.nlmsg_type == RTM_NEWLINK) found.push_back(parse_link(header));
    });
    RETURN_IF_ERROR(check(error, "Interfaces cannot be listed"));
    return found;
}

Result<std::optional<Link>> Netlink::find_link(const std::string& name) const {
    Message message(RTM_GETLINK, 0);
    const auto info = link_header(0, false);
    message.put(&info, sizeof info);
    message.attribute(IFLA_IFNAME, name);
    std::optional<Link> found;
    const int error = exchange(socket_.get(), message, [&](const nlmsghdr& header) {
        if (header.nlmsg_type == RTM_NEWLINK) found = parse_link(header);
    });
    if (error == ENODEV) return std::optional<Link>{};
    RETURN_IF_ERROR(check(error, "Interface " + name + " cannot be read"));
    return found;
}

Result<int> Netlink::index_of(const std::string& name) const {
    ASSIGN_OR_RETURN(const auto link, find_link(name));
    if (!link)
        return fail(
            ErrorKind::not_found, "no_such_interface", "There is no interface " + name + ".");
    return link->index;
}

Result<void> Netlink::add_bridge(const std::string& name, const std::string& mac) const {
    Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
    const auto info = link_header(0, true);
    message.put(&info, sizeof info);
    message.attribute(IFLA_IFNAME, name);
    const auto bytes = mac_bytes(mac);
    message.attribute(IFLA_ADDRESS, bytes.data(), bytes.size());
    const auto kind = message.open(IFLA_LINKINFO);
    message.attribute(IFLA_INFO_KIND, std::string("bridge"));
    message.close(kind);
    const int error = exchange(socket_.get(), message);
    return check(error == EEXIST ? 0 : error, "Bridge " + name + " cannot be made");
}

Result<void> Netlink::add_veth(const VethPair& pair) const {
    Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
    const auto info = link_header(0, true);
    message.put(&info, sizeof info);
    message.attribute(IFLA_IFNAME, pair.name);
    if (pair.master) message.attribute(IFLA_MASTER, static_cast<std::uint32_t>(*pair.master));
    const auto kind = message.open(IFLA_LINKINFO);
    message.attribute(IFLA_INFO_KIND, std::string("veth"));
    const auto data = message.open(IFLA_INFO_DATA);
    const auto peer = message.open(VETH_INFO_PEER);
    const auto peer_info = link_header(0, false);
    message.put(&peer_info, sizeof peer_info);
    message.attribute(IFLA_IFNAME, pair.peer_name);
    if (!pair.peer_mac.empty()) {
        const auto bytes = mac_bytes(pair.peer_mac);
        message.attribute(IFLA_ADDRESS, bytes.data(), bytes.size());
    }
    message.attribute(IFLA_NET_NS_FD, static_cast<std::uint32_t>(pair.peer_namespace));
    message.close(peer);
    message.close(data);
    message.close(kind);
    return check(exchange(socket_.get(), message),
                 "Interfaces " + pair.name + " and " + pair.peer_name + " cannot be made");
}

Result<void> Netlink::set_up(const std::string& name) const {
    ASSIGN_OR_RETURN(const int index, index_of(name));
    Message message(RTM_NEWLINK, NLM_F_ACK);
    const auto info = link_header(index, true);
    message.put(&info, sizeof info);
    return check(exchange(socket_.get(), message), "Interface " + name + " cannot be brought up");
}

Result<void> Netlink::set_alias(const std::string& name, const std::string& alias) const {
    ASSIGN_OR_RETURN(const int index, index_of(name));
    Message message(RTM_NEWLINK, NLM_F_ACK);
    const auto info = link_header(index, false);
    message.put(&info, sizeof info);
    message.attribute(IFLA_IFALIAS, alias);
    return check(exchange(socket_.get(), message), "Interface " + name + " cannot be labelled");
}

Result<void> Netlink::remove_link(const std::string& name) const {
    Message message(RTM_DELLINK, NLM_F_ACK);
    const auto info = link_header(0, false);
    message.put(&info, sizeof info);
    message.attribute(IFLA_IFNAME, name);
    const int error = exchange(socket_.get(), message);
    return check(error == ENODEV ? 0 : error, "Interface " + name + " cannot be removed");
}

Result<void> Netlink::add_address(const std::string& name, Address address, int length) const {
    ASSIGN_OR_RETURN(const int index, index_of(name));
    Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
    ifaddrmsg info{};
    info.ifa_family = AF_INET;
    info.ifa_prefixlen = static_cast<unsigned char>(length);
    info.ifa_index = static_cast<unsigned>(index);
    message.put(&info, sizeof info);
    message.address(IFA_LOCAL, address);
    message.address(IFA_ADDRESS, address);
    const int error = exchange(socket_.get(), message);
    return check(error == EEXIST ? 0 : error,
                 "Address " + to_string(address) + " cannot be given to " + name);
}

Result<std::vector<Address>> Netlink::addresses(const std::string& name) const {
    int wanted = 0;
    if (!name.empty()) {
        ASSIGN_OR_RETURN(wanted, index_of(name));
    }
    Message message(RTM_GETADDR, NLM_F_DUMP);
    ifaddrmsg info{};
    info.ifa_family = AF_INET;
    message.put(&info, sizeof info);
    std::vector<Address> found;
    const int error = exchange(socket_.get(), message, [&](const nlmsghdr& header) {
        if (header.nlmsg_type != RTM_NEWADDR) return;
        const auto* entry = static_cast<const ifaddrmsg*>(NLMSG_DATA(&header));
        if (wanted != 0 && static_cast<int>(entry->ifa_index) != wanted) return;
        each_attribute(IFA_RTA(entry), IFA_PAYLOAD(&header), [&](int type, const void* data, auto) {
            if (type == IFA_LOCAL) found.push_back(ntohl(number(data)));
        });
    });
    RETURN_IF_ERROR(check(error, "Addresses cannot be listed"));
    return found;
}

Result<std::vector<Route>> Netlink::routes() const {
    Message message(RTM_GETROUTE, NLM_F_DUMP);
    rtmsg info{};
    info.rtm_family = AF_INET;
    message.put(&info, sizeof info);
    std::vector<Route> found;
    const int error = exchange(socket_.get(), message, [&](const nlmsghdr& header) {
        const auto* entry = static_cast<const rtmsg*>(NLMSG_DATA(&header));
        if (header.nlmsg_type != RTM_NEWROUTE || entry->rtm_table != RT_TABLE_MAIN) return;
        const auto kind = route_kind(entry->rtm_type);
        if (!kind) return;
        Route route{.kind = *kind, .destination = {0, entry->rtm_dst_len}};
        each_attribute(RTM_RTA(entry), RTM_PAYLOAD(&header), [&](int type, const void* data, auto) {
            if (type == RTA_DST) route.destination.base = ntohl(number(data));
            if (type == RTA_GATEWAY) route.gateway = ntohl(number(data));
            if (type == RTA_OIF) route.interface = static_cast<int>(number(data));
            if (type == RTA_PRIORITY) route.metric = number(data);
        });
        found.push_back(route);
    });
    RETURN_IF_ERROR(check(error, "Routes cannot be listed"));
    return found;
}

Result<void> Netlink::set_route(const Route& route) const {
    auto message = route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, route);
    return check(exchange(socket_.get(), message),
                 "Route to " + to_string(route.destination) + " cannot be set");
}

Result<void> Netlink::remove_route(const Route& route) const {
    auto message = route_message(RTM_DELROUTE, NLM_F_ACK, route);
    const int error = exchange(socket_.get(), message);
    return check(error == ESRCH || error == ENODEV ? 0 : error,
                 "Route to " + to_string(route.destination) + " cannot be removed");
}

}  // namespace hopyard::localcloud::network
