#include "localcloud/arm/fabric.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/cidr.h"
#include "localcloud/arm/resource_id.h"
#include "localcloud/arm/rules.h"

namespace hopyard::localcloud {

namespace {

constexpr const char* networks = "Microsoft.Network/virtualNetworks";
constexpr const char* interfaces = "Microsoft.Network/networkInterfaces";
constexpr const char* machines = "Microsoft.Compute/virtualMachines";

const Json& first_configuration(const Resource& interface) {
    static const Json none = Json::object();
    const Json* found = find(interface.shown(), "/properties/ipConfigurations/0/properties");
    return found ? *found : none;
}

}  // namespace

std::string network_of_subnet(const std::string& subnet_id) {
    const auto id = ResourceId::parse(subnet_id);
    return id && id->types.size() == 2 ? id->parent().text() : "";
}

const Json* subnet_in(const Resource& network, const std::string& subnet_id) {
    const auto id = ResourceId::parse(subnet_id);
    if (!id) return nullptr;
    for (const Json& subnet : array_at(network.shown(), "/properties/subnets"))
        if (to_lower(text_at(subnet, "/name")) == to_lower(id->name())) return &subnet;
    return nullptr;
}

std::string machine_of(const Ledger& ledger, const std::string& interface_id) {
    for (const auto& machine : ledger.list(machines))
        for (const Json& used :
             array_at(machine.shown(), "/properties/networkProfile/networkInterfaces"))
            if (same_id(text_at(used, "/id"), interface_id)) return machine.id;
    return "";
}

std::string Fabric::host_id(const Resource& machine) {
    return text_at(machine.shown(), "/properties/vmId");
}

std::string Fabric::interface_of(const Resource& machine) {
    const Json& used = array_at(machine.shown(), "/properties/networkProfile/networkInterfaces");
    for (const Json& one : used)
        if (flag_at(one, "/properties/primary")) return text_at(one, "/id");
    return used.empty() ? "" : text_at(used[0], "/id");
}

std::mutex& Fabric::lock_of(const std::string& id) {
    return applying_[std::hash<std::string>{}(key_of(id)) % applying_.size()];
}

NetworkSpec Fabric::network_spec(const Resource& network) const {
    NetworkSpec spec{.id = text_at(network.secret(), "/host")};
    spec.prefixes = texts_at(network.shown(), "/properties/addressSpace/addressPrefixes");
    for (const Json& subnet : array_at(network.shown(), "/properties/subnets"))
        spec.subnets.push_back({text_at(subnet, "/properties/addressPrefix")});
    return spec;
}

std::optional<PortSpec> Fabric::port_spec(const Resource& interface) const {
    const Json& configuration = first_configuration(interface);
    const std::string subnet_id = text_at(configuration, "/subnet/id");
    const auto network = ledger_.find(network_of_subnet(subnet_id));
    if (!network) return std::nullopt;
    const Json* subnet = subnet_in(*network, subnet_id);
    if (!subnet) return std::nullopt;
    PortSpec spec{.id = text_at(interface.secret(), "/host"),
                  .network = text_at(network->secret(), "/host"),
                  .address = text_at(configuration, "/privateIPAddress"),
                  .subnet_prefix = text_at(*subnet, "/properties/addressPrefix"),
                  .mac = text_at(interface.secret(), "/mac")};
    const auto address = ledger_.find(text_at(configuration, "/publicIPAddress/id"));
    if (address) spec.public_address = text_at(address->shown(), "/properties/ipAddress");

    const auto on_subnet = ledger_.find(text_at(*subnet, "/properties/networkSecurityGroup/id"));
    const auto on_port =
        ledger_.find(text_at(interface.shown(), "/properties/networkSecurityGroup/id"));
    if (on_subnet && on_port)
        spec.rules = both(rules_of(&on_subnet->shown()),
                          rules_of(&on_port->shown()),
                          texts_at(network->shown(), "/properties/addressSpace/addressPrefixes"));
    else
        spec.rules = rules_of(on_subnet ? &on_subnet->shown()
                              : on_port ? &on_port->shown()
                                        : nullptr);
    return spec;
}

std::optional<MachineSpec> Fabric::machine_spec(const Resource& machine) const {
    const auto interface = ledger_.find(interface_of(machine));
    const auto size = catalog_.size(text_at(machine.shown(), "/properties/hardwareProfile/vmSize"));
    if (!interface || !size) return std::nullopt;
    const Json& profile = object_at(machine.shown(), "/properties/osProfile");
    MachineSpec spec{
        .id = host_id(machine),
        .name = to_lower(text_at(profile, "/computerName")),
        .port = text_at(interface->secret(), "/host"),
        .vcpus = size->vcpus,
        .memory_mb = size->memory_mb,
        .disk_gb = number_at(machine.shown(), "/properties/storageProfile/osDisk/diskSizeGB", 30),
        .admin_user = text_at(profile, "/adminUsername")};
    for (const Json& key : array_at(profile, "/linuxConfiguration/ssh/publicKeys"))
        spec.ssh_public_key += text_at(key, "/keyData") + "\n";
    return spec;
}

Result<void> Fabric::apply_network(const std::string& network_id) {
    const std::lock_guard lock(lock_of(network_id));
    const auto network = ledger_.find(network_id);
    if (!network) return {};
    const NetworkSpec spec = network_spec(*network);
    RETURN_IF_ERROR(host_.ensure_network(spec));
    if (on_network_up) on_network_up(spec);
    return {};
}

Result<void> Fabric::remove_network(const std::string& short_id) {
    const std::lock_guard lock(lock_of(short_id));
    if (on_network_down) on_network_down(short_id);
    return host_.remove_network(short_id);
}

Result<void> Fabric::apply_ports(const std::vector<std::string>& interface_ids) {
    for (const auto& id : interface_ids) {
        const std::lock_guard lock(lock_of(id));
        const auto interface = ledger_.find(id);
        if (!interface || machine_of(ledger_, id).empty()) continue;
        if (const auto spec = port_spec(*interface)) RETURN_IF_ERROR(host_.ensure_port(*spec));
    }
    return {};
}

Result<void> Fabric::remove_port(const std::string& short_id) {
    return host_.remove_port(short_id);
}

Result<void> Fabric::ensure_machine(const std::string& machine_id) {
    const auto machine = ledger_.find(machine_id);
    if (!machine)
        return fail(ErrorKind::not_found, "machine_gone", "the machine was deleted meanwhile");
    const std::string interface_id = interface_of(*machine);
    const auto interface = ledger_.find(interface_id);
    const auto spec = machine_spec(*machine);
    if (!interface || !spec)
        return fail(
            ErrorKind::internal, "machine_incomplete", "the machine's interface or size is gone");
    RETURN_IF_ERROR(
        apply_network(network_of_subnet(text_at(first_configuration(*interface), "/subnet/id"))));
    RETURN_IF_ERROR(apply_ports({interface_id}));
    return host_.ensure_machine(*spec);
}

MachineHost::Wanted Fabric::wanted() const {
    const auto guard = ledger_.guard();
    MachineHost::Wanted all;
    for (const auto& network : ledger_.list(networks))
        all.networks.push_back(network_spec(network));
    for (const auto& machine : ledger_.list(machines)) {
        const auto interface = ledger_.find(interface_of(machine));
        const auto spec = machine_spec(machine);
        // A machine whose creation had not come to its disk is made by the operation, which is
        // resumed.
        if (!interface || !spec || !flag_at(machine.secret(), "/onHost")) continue;
        if (const auto port = port_spec(*interface)) all.ports.push_back(*port);
        all.machines.push_back(*spec);
        if (text_at(machine.secret(), "/power") == "running") all.running.push_back(spec->id);
    }
    return all;
}

void Fabric::announce_networks() const {
    if (!on_network_up) return;
    for (const auto& network : ledger_.list(networks)) on_network_up(network_spec(network));
}

std::vector<std::string> Fabric::interfaces_of_group(const std::string& group_id) const {
    std::vector<std::string> found;
    for (const auto& interface : ledger_.list(interfaces)) {
        bool bound =
            same_id(text_at(interface.shown(), "/properties/networkSecurityGroup/id"), group_id);
        const std::string subnet_id = text_at(first_configuration(interface), "/subnet/id");
        const auto network = ledger_.find(network_of_subnet(subnet_id));
        const Json* subnet = network ? subnet_in(*network, subnet_id) : nullptr;
        if (subnet)
            bound =
                bound || same_id(text_at(*subnet, "/properties/networkSecurityGroup/id"), group_id);
        if (bound) found.push_back(interface.id);
    }
    return found;
}

std::vector<std::string> Fabric::interfaces_of_network(const std::string& network_id) const {
    std::vector<std::string> found;
    for (const auto& interface : ledger_.list(interfaces))
        if (same_id(network_of_subnet(text_at(first_configuration(interface), "/subnet/id")),
                    network_id))
            found.push_back(interface.id);
    return found;
}

}  // namespace hopyard::localcloud
