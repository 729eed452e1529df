#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/cidr.h"
#include "localcloud/arm/fabric.h"
#include "localcloud/arm/network.h"

namespace hopyard::localcloud {

namespace {

constexpr const char* type = "Microsoft.Network/virtualNetworks";
constexpr const char* interface_type = "Microsoft.Network/networkInterfaces";

/// "…/networkInterfaces/n/ipConfigurations/c" of what lies in the subnet.
std::vector<std::string> users_of(Core& core, const std::string& subnet_id) {
    std::vector<std::string> users;
    for (const auto& interface : core.ledger.list(interface_type))
        for (const Json& one : array_at(interface.shown(), "/properties/ipConfigurations"))
            if (same_id(text_at(one, "/properties/subnet/id"), subnet_id))
                users.push_back(interface.id + "/ipConfigurations/" + text_at(one, "/name"));
    return users;
}

tl::expected<void, Fault> check_unused(Core& core,
                                       const std::string& network_id,
                                       const Json& subnet) {
    const std::string name = text_at(subnet, "/name");
    const auto users = users_of(core, network_id + "/subnets/" + name);
    if (users.empty()) return {};
    std::string text;
    for (const auto& user : users) text += (text.empty() ? "" : ", ") + user;
    return refuse_with(
        400,
        "InUseSubnetCannotBeDeleted",
        fmt::format("Subnet {} is in use by {} and cannot be deleted. In order to delete "
                    "the subnet, delete all the resources within the subnet. See "
                    "aka.ms/deletesubnet.",
                    name,
                    text));
}

/// The subnet as it is kept, or what is wrong with it.
tl::expected<Json, Fault> read_subnet(Core& core,
                                      const Call& call,
                                      const std::string& network_id,
                                      const Json& given) {
    const std::string name = text_at(given, "/name");
    const std::string id = network_id + "/subnets/" + name;
    if (name.empty())
        return refuse_with(400, "MissingJsonReferenceName", "A subnet must have a name.");
    std::string prefix = text_at(given, "/properties/addressPrefix");
    if (prefix.empty() && !texts_at(given, "/properties/addressPrefixes").empty())
        prefix = texts_at(given, "/properties/addressPrefixes").front();
    const auto range = Cidr::parse(prefix);
    if (!range || range->length > 29 || prefix.find('/') == std::string::npos)
        return refuse_with(
            400,
            "InvalidCIDRNotation",
            fmt::format("The address prefix {} of subnet {} is not a valid IPv4 range of at "
                        "least 8 addresses (/29).",
                        prefix,
                        name));
    Json properties = {{"provisioningState", "Succeeded"},
                       {"addressPrefix", prefix},
                       {"delegations", Json::array()},
                       {"privateEndpointNetworkPolicies", "Disabled"},
                       {"privateLinkServiceNetworkPolicies", "Enabled"}};
    const std::string group = text_at(given, "/properties/networkSecurityGroup/id");
    if (!group.empty()) {
        OUTCOME_OR_RETURN(const Resource there, must_refer(core, group, id));
        RETURN_IF_FAULT(check_linked(
            core, call, "Microsoft.Network/networkSecurityGroups/join/action", there.id));
        properties["networkSecurityGroup"] = {{"id", there.id}};
    }
    if (const Json* access = find(given, "/properties/defaultOutboundAccess"))
        if (access->is_boolean()) properties["defaultOutboundAccess"] = *access;
    return Json{{"name", name}, {"properties", properties}};
}

tl::expected<void, Fault> check_ranges(const std::string& network,
                                       const std::vector<std::string>& prefixes,
                                       const Json& subnets) {
    std::vector<Cidr> spaces;
    for (const auto& prefix : prefixes) {
        const auto space = Cidr::parse(prefix);
        if (!space || prefix.find('/') == std::string::npos || space->length > 29)
            return refuse_with(
                400,
                "InvalidAddressPrefixFormat",
                fmt::format("Address prefix {} of resource {} is not formatted correctly.",
                            prefix,
                            network));
        for (const auto& other : spaces)
            if (other.overlaps(*space))
                return refuse_with(
                    400,
                    "NetcfgVirtualNetworkAddressSpaceOverlaps",
                    fmt::format("Address prefix {} overlaps {}.", prefix, other.text()));
        spaces.push_back(*space);
    }
    std::vector<std::pair<std::string, Cidr>> seen;
    for (const Json& subnet : subnets) {
        const std::string name = text_at(subnet, "/name");
        const auto range = Cidr::parse(text_at(subnet, "/properties/addressPrefix"));
        bool inside = false;
        for (const auto& space : spaces) inside = inside || (range && space.contains(*range));
        if (!inside)
            return refuse_with(
                400,
                "NetcfgSubnetRangeOutsideVnet",
                fmt::format("Subnet '{}' is not valid because its IP address range is outside "
                            "the IP address range of virtual network '{}'.",
                            name,
                            network));
        for (const auto& [other, taken] : seen)
            if (taken.overlaps(*range) || to_lower(other) == to_lower(name))
                return refuse_with(
                    400,
                    "NetcfgSubnetRangesOverlap",
                    fmt::format("Subnet '{}' is not valid because its IP address range "
                                "overlaps with that of an existing subnet in virtual network "
                                "'{}'.",
                                name,
                                network));
        seen.emplace_back(name, *range);
    }
    return {};
}

/// The subnets of a PUT of the whole network. Without the property the present ones stay.
tl::expected<Json, Fault> wanted_subnets(Core& core,
                                         const Call& call,
                                         const std::string& network_id,
                                         const std::optional<Resource>& before) {
    const Json* given = find(call.wanted(), "/properties/subnets");
    const Json present = before ? array_at(before->shown(), "/properties/subnets") : Json::array();
    if (!given) return present;
    Json subnets = Json::array();
    for (const Json& one : array_at(call.wanted(), "/properties/subnets")) {
        OUTCOME_OR_RETURN(Json kept, read_subnet(core, call, network_id, one));
        subnets.push_back(std::move(kept));
    }
    for (const Json& old : present) {
        const Json* stays = nullptr;
        for (const Json& subnet : subnets)
            if (to_lower(text_at(subnet, "/name")) == to_lower(text_at(old, "/name")))
                stays = &subnet;
        const bool moved = stays && text_at(*stays, "/properties/addressPrefix") !=
                                        text_at(old, "/properties/addressPrefix");
        if (!stays || moved) RETURN_IF_FAULT(check_unused(core, network_id, old));
    }
    return subnets;
}

/// Has the network made while the client goes on: the first machine finds it standing.
Batch with_making(Core& core, const Resource& network) {
    return Batch{.put = {network},
                 .operations = {new_operation(
                     core, "network.make", network.id, Operation::Style::network, Json::object())}};
}

Outcome put_network(Core& core, const Call& call) {
    Resource after;
    std::optional<Resource> before;
    {
        const auto guard = core.ledger.guard();
        before = core.ledger.find(call.id);
        OUTCOME_OR_RETURN(Json frame, network_frame(core, call, before));
        const auto prefixes = texts_at(call.wanted(), "/properties/addressSpace/addressPrefixes");
        if (prefixes.empty())
            return refuse_with(
                400,
                "InvalidRequestFormat",
                "The property addressSpace.addressPrefixes of a virtual network is required.");
        OUTCOME_OR_RETURN(const Json subnets, wanted_subnets(core, call, call.id, before));
        RETURN_IF_FAULT(check_ranges(text_at(frame, "/name"), prefixes, subnets));
        frame["properties"]["addressSpace"] = {{"addressPrefixes", prefixes}};
        frame["properties"]["subnets"] = subnets;
        frame["properties"]["virtualNetworkPeerings"] = Json::array();
        frame["properties"]["enableDdosProtection"] = false;
        if (before) {
            after = changed(core, *before, std::move(frame));
        } else {
            const auto number = core.ledger.next_number("network");
            if (!number) return refuse_with(500, "InternalServerError", number.error().message);
            after =
                made(core, call.id, std::move(frame), Json{{"host", fmt::format("n{}", *number)}});
        }
        RETURN_IF_FAULT(apply(core, with_making(core, after)));
    }
    RETURN_IF_FAULT(apply_ports(core, core.fabric.interfaces_of_network(after.id)));
    return network_put_reply(core, before, show_network(core, after));
}

Outcome get_network(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource network, must_find(core, call.id));
    return reply(200, show_network(core, network));
}

Outcome delete_network(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto network = core.ledger.find(call.id);
    if (!network) return empty_reply(204);
    for (const Json& subnet : array_at(network->shown(), "/properties/subnets"))
        RETURN_IF_FAULT(check_unused(core, network->id, subnet));
    return network_delete_reply(core,
                                call,
                                Batch{.erase = {network->id}},
                                "network.delete",
                                Json{{"host", text_at(network->secret(), "/host")}});
}

Outcome list_networks(Core& core, const Call& call) {
    return list_of(core, call, type, show_network);
}

Outcome patch_network(Core& core, const Call& call) {
    return patch_tags(core, call, show_network);
}

std::string network_id_of(const Call& call) {
    return ResourceId::parse(call.id)->parent().text();
}

Json shown_subnet(Core& core, const Resource& network, const std::string& name) {
    const Json shown = show_network(core, network);
    for (const Json& subnet : array_at(shown, "/properties/subnets"))
        if (to_lower(text_at(subnet, "/name")) == to_lower(name)) return subnet;
    return Json();
}

Outcome put_subnet(Core& core, const Call& call) {
    Resource after;
    bool is_new = true;
    const std::string name = call.parameter("child");
    {
        const auto guard = core.ledger.guard();
        const auto network = core.ledger.find(network_id_of(call));
        if (!network) return tl::unexpected(resource_not_found(network_id_of(call)));
        if (call.request.headers.find("if-match"))
            RETURN_IF_FAULT(check_preconditions(call, network));
        Json named = call.wanted();
        named["name"] = name;
        OUTCOME_OR_RETURN(const Json kept, read_subnet(core, call, network->id, named));
        Json body = network->shown();
        Json subnets = Json::array();
        for (const Json& old : array_at(body, "/properties/subnets")) {
            const bool same = to_lower(text_at(old, "/name")) == to_lower(name);
            if (same && text_at(old, "/properties/addressPrefix") !=
                            text_at(kept, "/properties/addressPrefix"))
                RETURN_IF_FAULT(check_unused(core, network->id, old));
            subnets.push_back(same ? kept : old);
            is_new = is_new && !same;
        }
        if (is_new) subnets.push_back(kept);
        RETURN_IF_FAULT(check_ranges(text_at(body, "/name"),
                                     texts_at(body, "/properties/addressSpace/addressPrefixes"),
                                     subnets));
        body["properties"]["subnets"] = subnets;
        after = changed(core, *network, std::move(body));
        RETURN_IF_FAULT(apply(core, with_making(core, after)));
    }
    RETURN_IF_FAULT(apply_ports(core, core.fabric.interfaces_of_network(after.id)));
    auto answer = reply(is_new ? 201 : 200, shown_subnet(core, after, name));
    answer->headers.remove("ETag");
    return answer;
}

Outcome get_subnet(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource network, must_find(core, network_id_of(call)));
    Json subnet = shown_subnet(core, network, call.parameter("child"));
    if (subnet.is_null())
        return refuse_with(404, "NotFound", fmt::format("Resource {} not found.", call.id));
    return reply(200, std::move(subnet));
}

Outcome delete_subnet(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto network = core.ledger.find(network_id_of(call));
    if (!network) return empty_reply(204);
    Json body = network->shown();
    Json subnets = Json::array();
    bool there = false;
    for (const Json& old : array_at(body, "/properties/subnets")) {
        if (to_lower(text_at(old, "/name")) != to_lower(call.parameter("child"))) {
            subnets.push_back(old);
            continue;
        }
        there = true;
        RETURN_IF_FAULT(check_unused(core, network->id, old));
    }
    if (!there) return empty_reply(204);
    body["properties"]["subnets"] = subnets;
    const Resource after = changed(core, *network, std::move(body));
    return network_delete_reply(core, call, with_making(core, after), "", Json::object());
}

Outcome list_subnets(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource network, must_find(core, call.id));
    const Json shown = show_network(core, network);
    return reply(200, Json{{"value", shown["properties"]["subnets"]}});
}

}  // namespace

Json show_network(Core& core, const Resource& network) {
    Json shown = framed(network);
    frame_children(shown, "subnets", network);
    for (Json& subnet : shown["properties"]["subnets"]) {
        Json users = Json::array();
        for (const auto& user : users_of(core, text_at(subnet, "/id")))
            users.push_back({{"id", user}});
        if (!users.empty()) subnet["properties"]["ipConfigurations"] = users;
    }
    return shown;
}

void add_virtual_network_routes(Routes& routes) {
    routes.add(Routes::Resourceful{.area = Area::network,
                                   .type = type,
                                   .put = put_network,
                                   .get = get_network,
                                   .remove = delete_network,
                                   .list = list_networks,
                                   .patch = patch_network});
    const std::string subnets = group_pattern + "/providers/" + type + "/{name}/subnets";
    const std::string action = std::string(type) + "/subnets/";
    routes.add(Area::network, "GET", subnets, action + "read", list_subnets);
    routes.add(Area::network, "PUT", subnets + "/{child}", action + "write", put_subnet);
    routes.add(Area::network, "GET", subnets + "/{child}", action + "read", get_subnet);
    routes.add(Area::network, "DELETE", subnets + "/{child}", action + "delete", delete_subnet);
}

}  // namespace hopyard::localcloud
