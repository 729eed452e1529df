#include "azure/bodies.h"

#include <algorithm>

#include <fmt/format.h>

#include "azure/document.h"
#include "azure/resource_ids.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using cloud::PutRequest;
using model::ResourceKind;
using model::ResourceName;

/// Of customData and userData, before base64.
constexpr std::size_t machine_data_max = 64 * 1024;

Json reference(const Options& options, const ResourceName& name) {
    return Json{{"id", resource_id(options.subscription, name)}};
}

/// Sets "sourceAddressPrefix" or "sourceAddressPrefixes": Azure takes "*" only in the former.
void set_one_or_many(Json& properties,
                     const char* one,
                     const char* many,
                     const std::vector<std::string>& values) {
    if (values.empty() || std::find(values.begin(), values.end(), "*") != values.end())
        properties[one] = "*";
    else if (values.size() == 1)
        properties[one] = values.front();
    else
        properties[many] = values;
}

std::string protocol_word(const std::string& protocol) {
    if (protocol == "tcp") return "Tcp";
    if (protocol == "udp") return "Udp";
    if (protocol == "icmp") return "Icmp";
    return protocol;
}

Json rule_properties(const cloud::SecurityRule& rule) {
    Json properties{{"protocol", protocol_word(rule.protocol)},
                    {"access", rule.allow ? "Allow" : "Deny"},
                    {"direction", rule.inbound ? "Inbound" : "Outbound"},
                    {"priority", rule.priority},
                    {"sourcePortRange", "*"},
                    {"destinationAddressPrefix", "*"}};
    set_one_or_many(properties, "sourceAddressPrefix", "sourceAddressPrefixes", rule.sources);
    set_one_or_many(properties, "destinationPortRange", "destinationPortRanges", rule.ports);
    return properties;
}

/// Location and tags, which every resource of its own has and no child.
Json tracked(const PutRequest& request) {
    Json tags = Json::object();
    for (const model::Tag& tag : request.tags) tags[tag.name] = tag.value;
    return Json{{"location", request.location}, {"tags", std::move(tags)}};
}

struct BodyOf {
    const PutRequest& request;
    const Options& options;

    Result<Json> operator()(const cloud::WantedNetwork& wanted) const {
        Json subnets = Json::array();
        for (const auto& subnet : wanted.subnets) {
            Json properties{{"addressPrefix", subnet.cidr}};
            if (!subnet.security_group.empty())
                properties["networkSecurityGroup"] = reference(options,
                                                               {ResourceKind::security_group,
                                                                request.name.resource_group,
                                                                "",
                                                                subnet.security_group});
            subnets.push_back({{"name", subnet.name}, {"properties", std::move(properties)}});
        }
        Json body = tracked(request);
        body["properties"] = {{"addressSpace", {{"addressPrefixes", Json::array({wanted.cidr})}}},
                              {"subnets", std::move(subnets)}};
        return body;
    }
    Result<Json> operator()(const cloud::WantedSubnet& wanted) const {
        return Json{{"properties", {{"addressPrefix", wanted.cidr}}}};
    }
    Result<Json> operator()(const cloud::WantedSecurityGroup& wanted) const {
        Json rules = Json::array();
        for (const cloud::SecurityRule& rule : wanted.rules)
            rules.push_back({{"name", rule.name}, {"properties", rule_properties(rule)}});
        Json body = tracked(request);
        body["properties"] = {{"securityRules", std::move(rules)}};
        return body;
    }
    Result<Json> operator()(const cloud::WantedSecurityRule& wanted) const {
        return Json{{"properties", rule_properties(wanted.rule)}};
    }
    Result<Json> operator()(const cloud::WantedAddress&) const {
        Json body = tracked(request);
        body["sku"] = {{"name", "Standard"}};
        body["properties"] = {{"publicIPAllocationMethod", "Static"},
                              {"publicIPAddressVersion", "IPv4"}};
        return body;
    }
    Result<Json> operator()(const cloud::WantedInterface& wanted) const {
        Json address{{"primary", true},
                     {"privateIPAllocationMethod", "Dynamic"},
                     {"subnet", reference(options, wanted.subnet)}};
        if (wanted.public_address)
            address["publicIPAddress"] = reference(options, *wanted.public_address);
        Json properties;
        properties["ipConfigurations"] =
            Json::array({{{"name", "primary"}, {"properties", std::move(address)}}});
        if (wanted.security_group)
            properties["networkSecurityGroup"] = reference(options, *wanted.security_group);
        Json body = tracked(request);
        body["properties"] = std::move(properties);
        return body;
    }
    Result<Json> operator()(const cloud::WantedMachine& wanted) const;
    Json os_profile(const cloud::WantedMachine& wanted) const;
    Json storage_profile(const cloud::WantedMachine& wanted) const;
};

Json BodyOf::os_profile(const cloud::WantedMachine& wanted) const {
    const std::string user = wanted.admin_user.empty() ? "azureuser" : wanted.admin_user;
    Json linux_configuration{{"disablePasswordAuthentication", true}};
    if (!wanted.ssh_public_key.empty()) {
        // The only path that Azure accepts.
        Json key{{"path", fmt::format("/home/{}/.ssh/authorized_keys", user)},
                 {"keyData", wanted.ssh_public_key}};
        linux_configuration["ssh"] = {{"publicKeys", Json::array({std::move(key)})}};
    }
    Json profile{{"computerName", request.name.name},
                 {"adminUsername", user},
                 {"linuxConfiguration", std::move(linux_configuration)}};
    if (!options.machine_setup.empty()) profile["customData"] = to_base64(options.machine_setup);
    return profile;
}

/// The disk has no name of ours: a machine that is made again under its name must not meet the disk
/// that its failed forerunner left. It bears the machine's tags and dies with the machine.
Json BodyOf::storage_profile(const cloud::WantedMachine& wanted) const {
    return Json{{"imageReference",
                 {{"publisher", options.image.publisher},
                  {"offer", options.image.offer},
                  {"sku", options.image.sku},
                  {"version", options.image.version}}},
                {"osDisk",
                 {{"createOption", "FromImage"},
                  {"caching", "ReadWrite"},
                  {"deleteOption", "Delete"},
                  {"diskSizeGB", wanted.disk_gb},
                  {"managedDisk", {{"storageAccountType", options.disk_type}}}}}};
}

Result<Json> BodyOf::operator()(const cloud::WantedMachine& wanted) const {
    if (wanted.user_data.size() > machine_data_max ||
        options.machine_setup.size() > machine_data_max)
        return fail(ErrorKind::invalid_argument,
                    "machine_data_too_large",
                    "A machine takes at most 64 KiB of user data and of set-up.");
    // The interface is a resource with a row of its own: it has its address before the machine
    // boots, may outlive a machine that failed, and is removed by name like everything else. So
    // "Detach".
    Json interface = reference(options, wanted.interface);
    interface["properties"] = {{"primary", true}, {"deleteOption", "Detach"}};

    Json properties{{"hardwareProfile", {{"vmSize", wanted.size}}},
                    {"storageProfile", storage_profile(wanted)},
                    {"osProfile", os_profile(wanted)}};
    properties["networkProfile"] = {{"networkInterfaces", Json::array({std::move(interface)})}};
    if (!wanted.user_data.empty()) properties["userData"] = to_base64(wanted.user_data);
    if (wanted.max_spot_price) {
        properties["priority"] = "Spot";
        properties["evictionPolicy"] = "Delete";
        properties["billingProfile"] = {{"maxPrice", *wanted.max_spot_price}};
    }

    Json body = tracked(request);
    if (!wanted.identity.empty())
        body["identity"] = {{"type", "UserAssigned"},
                            {"userAssignedIdentities", {{wanted.identity, Json::object()}}}};
    body["properties"] = std::move(properties);
    return body;
}

bool same_kind(ResourceKind kind, const cloud::Wanted& wanted) {
    switch (kind) {
        case ResourceKind::virtual_network:
            return std::holds_alternative<cloud::WantedNetwork>(wanted);
        case ResourceKind::subnet:
            return std::holds_alternative<cloud::WantedSubnet>(wanted);
        case ResourceKind::security_group:
            return std::holds_alternative<cloud::WantedSecurityGroup>(wanted);
        case ResourceKind::security_rule:
            return std::holds_alternative<cloud::WantedSecurityRule>(wanted);
        case ResourceKind::public_address:
            return std::holds_alternative<cloud::WantedAddress>(wanted);
        case ResourceKind::network_interface:
            return std::holds_alternative<cloud::WantedInterface>(wanted);
        case ResourceKind::machine:
            return std::holds_alternative<cloud::WantedMachine>(wanted);
        case ResourceKind::disk:
            return false;
    }
    return false;
}

}  // namespace

Result<std::string> request_body(const PutRequest& request, const Options& options) {
    if (!same_kind(request.name.kind, request.wanted))
        return fail(ErrorKind::internal,
                    "kind_mismatch",
                    "The resource that is asked for is of another kind than its name.");
    ASSIGN_OR_RETURN(const Json body, std::visit(BodyOf{request, options}, request.wanted));
    return to_body(body);
}

std::string resize_body(const std::string& size) {
    return to_body(Json{{"properties", {{"hardwareProfile", {{"vmSize", size}}}}}});
}

}  // namespace hopyard::azure
