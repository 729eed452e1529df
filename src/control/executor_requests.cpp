// The bodies of puts, composed from rows.
#include <algorithm>

#include <fmt/format.h>

#include "control/executor.h"
#include "decide/lifecycle/names.h"
#include "decide/lifecycle/ports.h"
#include "nodewire/wire.h"

namespace hopyard::control {
namespace {

using cloud::PutRequest;
using cloud::SecurityRule;
using model::Cluster;
using model::ResourceKind;

/// The login of the images we make machines from.
constexpr const char* admin_user = "debian";
/// Below every rule of ours and above the cloud's own, which let the whole virtual network and its
/// peers in.
constexpr int inside_priority = 4000;
constexpr int outside_priority = 4096;

/// The names and ranges that were chosen when the cluster was accepted.
model::NetworkSpec network_of(const Cluster& cluster) {
    if (!cluster.network.virtual_network.empty()) return cluster.network;
    return decide::network_with_names(cluster);
}

std::vector<model::Tag> tags_of(const PutRequest& request,
                                const Subject& subject,
                                const Origin& origin) {
    std::vector<model::Tag> tags = subject.cluster.spec.tags;
    const auto set = [&](const char* name, std::string value) {
        std::erase_if(tags, [&](const model::Tag& tag) { return tag.name == name; });
        tags.push_back({name, std::move(value)});
    };
    const bool of_head = subject.node != nullptr && subject.node->is_head;
    const char* role = subject.node == nullptr ? "shared" : of_head ? "head" : "worker";
#ifdef HOPYARD_DEFECT_forget_tag
    if (request.name.kind != ResourceKind::network_interface)
        set(cloud::tag::installation, origin.installation.value);
#else
    (void)request;
    set(cloud::tag::installation, origin.installation.value);
#endif
    set(cloud::tag::cluster, subject.cluster.id.value);
    set(cloud::tag::role, role);
    set(cloud::tag::generation,
        std::to_string(subject.node == nullptr ? 1 : subject.node->generation));
    return tags;
}

SecurityRule open(const decide::PortRule& rule, const std::string& name) {
    return {.name = name, .priority = rule.priority, .sources = rule.sources, .ports = rule.ports};
}

/// product.md D7: what is asked for is open, everything inside the subnet is allowed, everything
/// else is denied.
cloud::WantedSecurityGroup group_of(const Cluster& cluster) {
    cloud::WantedSecurityGroup group;
    for (const decide::PortRule& rule : decide::port_rules(cluster))
        group.rules.push_back(open(rule, rule.name));
    const std::string inside = network_of(cluster).subnet_cidr;
    group.rules.push_back({.name = "inside",
                           .priority = inside_priority,
                           .protocol = "*",
                           .sources = {inside.empty() ? "VirtualNetwork" : inside}});
    group.rules.push_back(
        {.name = "outside", .priority = outside_priority, .allow = false, .protocol = "*"});
    return group;
}

Result<cloud::Wanted> rule_of(const Cluster& cluster, const model::ResourceName& name) {
    const model::ResourceName group = decide::shared_names(cluster).security_group;
    for (const decide::PortRule& rule : decide::port_rules(cluster))
        if (decide::rule_name(cluster, group, rule.name) == name)
            return cloud::WantedSecurityRule{open(rule, name.name)};
    return fail(ErrorKind::internal,
                "rule_unknown",
                "no port that is open has the rule '" + name.name + "'");
}

cloud::WantedNetwork network_body(const Cluster& cluster) {
    const model::NetworkSpec network = network_of(cluster);
    return {.cidr = network.virtual_network_cidr,
            .subnets = {{.name = network.subnet, .cidr = network.subnet_cidr}}};
}

/// The security group stands at the interfaces, not at the subnet: so network and group can be made
/// at the same time, and a subnet of the user is not touched.
cloud::WantedInterface interface_body(const Subject& subject) {
    const decide::SharedNames shared = decide::shared_names(subject.cluster);
    const bool of_head = subject.node != nullptr && subject.node->is_head;
    cloud::WantedInterface body{.subnet = shared.subnet, .security_group = shared.security_group};
    if (of_head && shared.makes_public_address) body.public_address = shared.public_address;
    return body;
}

Result<cloud::Wanted> machine_body(const Subject& subject, const Origin& origin) {
    const Cluster& cluster = subject.cluster;
    const model::Node& node = *subject.node;
    if (!subject.token && !node.enrolment.closed)
        return fail(ErrorKind::internal,
                    "token_missing",
                    "the one-time token of " + node.id.value + " is not in the store");
    const nodewire::UserData data{.cluster = cluster.id.value,
                                  .node = node.id.value,
                                  .is_head = node.is_head,
                                  .url = node.is_head ? origin.node_url
                                                      : fmt::format("https://{}:{}",
                                                                    cluster.access.head_private_ip,
                                                                    nodewire::relay_port),
                                  .ca_pem = origin.node_ca_pem,
                                  .token = subject.token.value_or(Secret())};
    return cloud::WantedMachine{.size = node.group.instance_type,
                                .disk_gb = node.group.disk_gb,
                                .interface = decide::interface_name(cluster, node),
                                .identity = cluster.identity_id,
                                .admin_user = admin_user,
                                .ssh_public_key = cluster.ssh_public_key,
                                .user_data = nodewire::to_json(data),
                                .max_spot_price = node.max_spot_price};
}

Result<cloud::Wanted> body_of(const decide::Call& call,
                              const Subject& subject,
                              const Origin& origin) {
    switch (call.name.kind) {
        case ResourceKind::virtual_network:
            return network_body(subject.cluster);
        case ResourceKind::subnet:
            return cloud::WantedSubnet{network_of(subject.cluster).subnet_cidr};
        case ResourceKind::security_group:
            return group_of(subject.cluster);
        case ResourceKind::security_rule:
            return rule_of(subject.cluster, call.name);
        case ResourceKind::public_address:
            return cloud::WantedAddress{};
        case ResourceKind::network_interface:
            return interface_body(subject);
        case ResourceKind::machine:
            if (subject.node != nullptr) return machine_body(subject, origin);
            break;
        case ResourceKind::disk:
            break;
    }
    return fail(ErrorKind::internal,
                "nothing_to_put",
                "there is no request that makes '" + call.name.name + "'");
}

}  // namespace

Result<PutRequest> put_request(const decide::Call& call,
                               const Subject& subject,
                               const Origin& origin) {
    PutRequest request{.name = call.name, .location = subject.cluster.spec.location};
    request.tags = tags_of(request, subject, origin);
    ASSIGN_OR_RETURN(request.wanted, body_of(call, subject, origin));
    return request;
}

cloud::ContainerName container_of(const Cluster& cluster) {
    const std::string& name =
        cluster.container.empty() ? cluster.spec.storage.container : cluster.container;
    return {cluster.spec.storage.account, name};
}

std::string claim_owner(const InstallationId& installation, const ClusterId& cluster) {
    return installation.value + "/" + cluster.value;
}

std::string access_policy(const ClusterId& cluster) {
    return "hopyard-" + cluster.value;
}

}  // namespace hopyard::control
