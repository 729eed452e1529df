#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/cidr.h"
#include "localcloud/arm/fabric.h"
#include "localcloud/arm/network.h"

namespace hopyard::localcloud {

namespace {

constexpr const char* type = "Microsoft.Network/networkInterfaces";

struct Place {
    std::string subnet_id;
    Cidr range;
};

tl::expected<Place, Fault> find_subnet(Core& core, const Call& call, const std::string& subnet_id) {
    const auto network = core.ledger.find(network_of_subnet(subnet_id));
    const Json* subnet = network ? subnet_in(*network, subnet_id) : nullptr;
    if (!subnet) return tl::unexpected(invalid_reference(subnet_id, call.id));
    const std::string id = network->id + "/subnets/" + text_at(*subnet, "/name");
    RETURN_IF_FAULT(
        check_linked(core, call, "Microsoft.Network/virtualNetworks/subnets/join/action", id));
    const auto range = Cidr::parse(text_at(*subnet, "/properties/addressPrefix"));
    return Place{id, range.value_or(Cidr{})};
}

/// Azure keeps a subnet's first four addresses and its last one.
tl::expected<std::string, Fault> choose_address(Core& core,
                                                const Call& call,
                                                const Place& place,
                                                const std::string& asked,
                                                const std::string& present) {
    std::set<std::string> taken;
    for (const auto& other : core.ledger.list(type)) {
        if (same_id(other.id, call.id)) continue;
        for (const Json& one : array_at(other.shown(), "/properties/ipConfigurations"))
            if (same_id(text_at(one, "/properties/subnet/id"), place.subnet_id))
                taken.insert(text_at(one, "/properties/privateIPAddress"));
    }
    const std::uint32_t first = place.range.first + 4;
    const std::uint32_t last = place.range.last() - 1;
    if (!asked.empty()) {
        const auto address = parse_address(asked);
        if (!address || *address < first || *address > last)
            return refuse_with(
                400,
                "PrivateIPAddressNotInSubnet",
                fmt::format("Private static IP address {} does not belong to the range of "
                            "subnet prefix {}.",
                            asked,
                            place.range.text()));
        if (taken.contains(asked))
            return refuse_with(
                400,
                "PrivateIPAddressInUse",
                fmt::format("IP configuration of {} is using the private IP address {} which "
                            "is already allocated.",
                            call.id,
                            asked));
        return asked;
    }
    const auto before = parse_address(present);
    if (before && *before >= first && *before <= last && !taken.contains(present)) return present;
    for (std::uint32_t address = first; address <= last; ++address)
        if (!taken.contains(address_text(address))) return address_text(address);
    return refuse_with(
        400,
        "SubnetIsFull",
        fmt::format("Subnet {} with address prefix {} does not have enough capacity for 1 IP "
                    "addresses.",
                    place.subnet_id,
                    place.range.text()));
}

tl::expected<std::string, Fault> check_public_address(Core& core,
                                                      const Call& call,
                                                      const Json& given) {
    const std::string wanted = text_at(given, "/properties/publicIPAddress/id");
    if (wanted.empty()) return std::string();
    OUTCOME_OR_RETURN(const Resource address, must_refer(core, wanted, call.id));
    RETURN_IF_FAULT(
        check_linked(core, call, "Microsoft.Network/publicIPAddresses/join/action", address.id));
    const std::string user =
        text_at(show_public_address(core, address), "/properties/ipConfiguration/id");
    if (!user.empty() && !within(user, call.id))
        return refuse_with(
            400,
            "PublicIPAddressInUse",
            fmt::format("Resource {} is referencing public IP address {} that is already "
                        "allocated to resource {}.",
                        call.id,
                        address.id,
                        user));
    return address.id;
}

tl::expected<Json, Fault> read_configuration(Core& core,
                                             const Call& call,
                                             const Json& given,
                                             const std::optional<Resource>& before) {
    const std::string name = text_at(given, "/name");
    if (name.empty())
        return refuse_with(
            400, "MissingJsonReferenceName", "An IP configuration must have a name.");
    const std::string subnet_id = text_at(given, "/properties/subnet/id");
    if (subnet_id.empty())
        return refuse_with(400,
                           "IpConfigurationWithoutSubnet",
                           fmt::format("IP configuration {} has no subnet.", name));
    OUTCOME_OR_RETURN(const Place place, find_subnet(core, call, subnet_id));
    const bool fixed =
        to_lower(text_at(given, "/properties/privateIPAllocationMethod")) == "static";
    const std::string asked = fixed ? text_at(given, "/properties/privateIPAddress") : "";
    std::string present;
    if (before) {
        const Json* old = find(before->shown(), "/properties/ipConfigurations/0/properties");
        if (old && same_id(text_at(*old, "/subnet/id"), place.subnet_id))
            present = text_at(*old, "/privateIPAddress");
        else if (old && !machine_of(core.ledger, call.id).empty())
            return refuse_with(
                400,
                "SubnetChangeNotAllowed",
                fmt::format("The subnet of {} cannot be changed while a machine uses it.",
                            call.id));
    }
    OUTCOME_OR_RETURN(const std::string address, choose_address(core, call, place, asked, present));
    Json properties = {{"provisioningState", "Succeeded"},
                       {"privateIPAddress", address},
                       {"privateIPAllocationMethod", fixed ? "Static" : "Dynamic"},
                       {"subnet", {{"id", place.subnet_id}}},
                       {"primary", true},
                       {"privateIPAddressVersion", "IPv4"}};
    OUTCOME_OR_RETURN(const std::string public_id, check_public_address(core, call, given));
    if (!public_id.empty()) {
        properties["publicIPAddress"] = {{"id", public_id}};
        const std::string option =
            text_at(given, "/properties/publicIPAddress/properties/deleteOption");
        if (!option.empty())
            properties["publicIPAddress"]["properties"] = {{"deleteOption", option}};
    }
    return Json{{"name", name}, {"properties", properties}};
}

/// "02:00:" and the four bytes of the address: unique within its network, equal after a rebuild.
std::string mac_of(const std::string& address) {
    const std::uint32_t number = parse_address(address).value_or(0);
    return fmt::format("02:00:{:02x}:{:02x}:{:02x}:{:02x}",
                       number >> 24,
                       (number >> 16) & 255,
                       (number >> 8) & 255,
                       number & 255);
}

tl::expected<Resource, Fault> build(Core& core,
                                    const Call& call,
                                    const std::optional<Resource>& before) {
    OUTCOME_OR_RETURN(Json frame, network_frame(core, call, before));
    const Json& given = array_at(call.wanted(), "/properties/ipConfigurations");
    if (given.size() != 1)
        return refuse_with(
            400,
            given.empty() ? "NetworkInterfaceMustHaveAtLeastOneIpConfiguration" : "NotSupported",
            fmt::format("Network interface {} must have one IP configuration here.", call.id));
    OUTCOME_OR_RETURN(const Json configuration, read_configuration(core, call, given[0], before));
    Json& properties = frame["properties"];
    properties["ipConfigurations"] = Json::array({configuration});
    const std::string group = text_at(call.wanted(), "/properties/networkSecurityGroup/id");
    if (!group.empty()) {
        OUTCOME_OR_RETURN(const Resource there, must_refer(core, group, call.id));
        RETURN_IF_FAULT(check_linked(
            core, call, "Microsoft.Network/networkSecurityGroups/join/action", there.id));
        properties["networkSecurityGroup"] = {{"id", there.id}};
    }
    properties["dnsSettings"] = {{"dnsServers", Json::array()},
                                 {"appliedDnsServers", Json::array()},
                                 {"internalDomainNameSuffix", "internal.cloudapp.localhost"}};
    properties["enableAcceleratedNetworking"] =
        flag_at(call.wanted(), "/properties/enableAcceleratedNetworking");
    properties["enableIPForwarding"] = false;
    properties["hostedWorkloads"] = Json::array();
    properties["tapConfigurations"] = Json::array();
    properties["nicType"] = "Standard";
    const std::string mac = mac_of(text_at(configuration, "/properties/privateIPAddress"));
    if (before)
        return changed(core,
                       *before,
                       std::move(frame),
                       Json{{"host", text_at(before->secret(), "/host")}, {"mac", mac}});
    const auto number = core.ledger.next_number("port");
    if (!number) return refuse_with(500, "InternalServerError", number.error().message);
    return made(
        core, call.id, std::move(frame), Json{{"host", fmt::format("p{}", *number)}, {"mac", mac}});
}

Outcome put_interface(Core& core, const Call& call) {
    Resource after;
    std::optional<Resource> before;
    {
        const auto guard = core.ledger.guard();
        before = core.ledger.find(call.id);
        OUTCOME_OR_RETURN(after, build(core, call, before));
        RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    }
    RETURN_IF_FAULT(apply_ports(core, {after.id}));
    return network_put_reply(core, before, show_interface(core, after));
}

Outcome get_interface(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource interface, must_find(core, call.id));
    return reply(200, show_interface(core, interface));
}

Outcome delete_interface(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto interface = core.ledger.find(call.id);
    if (!interface) return empty_reply(204);
    const std::string machine = machine_of(core.ledger, interface->id);
    if (!machine.empty())
        return refuse_with(
            400,
            "NicInUse",
            fmt::format("Network Interface {} is used by existing resource {}. In order to "
                        "delete the network interface, it must be dissociated from the "
                        "resource. To learn more, see aka.ms/deletenic.",
                        interface->id,
                        machine));
    return network_delete_reply(core, call, Batch{.erase = {interface->id}}, "", Json::object());
}

Outcome list_interfaces(Core& core, const Call& call) {
    return list_of(core, call, type, show_interface);
}

Outcome patch_interface(Core& core, const Call& call) {
    return patch_tags(core, call, show_interface);
}

}  // namespace

Json show_interface(Core& core, const Resource& interface) {
    Json shown = framed(interface);
    frame_children(shown, "ipConfigurations", interface);
    const std::string machine = machine_of(core.ledger, interface.id);
    if (!machine.empty()) {
        std::string mac = text_at(interface.secret(), "/mac");
        for (char& c : mac) c = c == ':' ? '-' : static_cast<char>(std::toupper(c));
        shown["properties"]["macAddress"] = mac;
        shown["properties"]["virtualMachine"] = {{"id", machine}};
        shown["properties"]["primary"] = true;
    }
    return shown;
}

void add_interface_routes(Routes& routes) {
    routes.add(Routes::Resourceful{.area = Area::network,
                                   .type = type,
                                   .put = put_interface,
                                   .get = get_interface,
                                   .remove = delete_interface,
                                   .list = list_interfaces,
                                   .patch = patch_interface});
}

}  // namespace hopyard::localcloud
