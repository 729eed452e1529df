#include "decide/lifecycle/names.h"

#include <fmt/format.h>

namespace hopyard::decide {
namespace {

using model::Cluster;
using model::Node;
using model::ResourceKind;
using model::ResourceName;

const std::string& network_group(const Cluster& cluster) {
    return cluster.spec.network.resource_group.empty() ? cluster.spec.resource_group
                                                       : cluster.spec.network.resource_group;
}

std::string with_generation(std::string name, std::int64_t generation) {
    if (generation > 1) name += fmt::format("-{}", generation);
    return name;
}

}  // namespace

std::string name_stem(const Cluster& cluster) {
    const std::string& id = cluster.id.value;
    return cluster.spec.name + "-" + (id.starts_with("c-") ? id.substr(2) : id);
}

NodeId head_id(const Cluster& cluster, std::int64_t generation) {
    return NodeId(with_generation(name_stem(cluster) + "-head", generation));
}

NodeId worker_id(const Cluster& cluster, int ordinal, std::int64_t generation) {
    return NodeId(with_generation(fmt::format("{}-w{}", name_stem(cluster), ordinal), generation));
}

model::NetworkSpec network_with_names(const Cluster& cluster) {
    model::NetworkSpec network = cluster.spec.network;
    const std::string stem = name_stem(cluster);
    if (network.resource_group.empty()) network.resource_group = cluster.spec.resource_group;
    if (network.virtual_network.empty()) network.virtual_network = stem + "-net";
    if (network.subnet.empty()) network.subnet = stem + "-subnet";
    if (network.security_group.empty()) network.security_group = stem + "-nsg";
    return network;
}

SharedNames shared_names(const Cluster& cluster) {
    const model::NetworkSpec& asked = cluster.spec.network;
    const model::NetworkSpec named = network_with_names(cluster);
    const std::string& group = cluster.spec.resource_group;
    const std::string& theirs = network_group(cluster);
    SharedNames names;
    names.makes_network = asked.virtual_network.empty();
    names.makes_subnet = !names.makes_network && asked.subnet.empty();
    names.makes_security_group = asked.security_group.empty();
    names.makes_public_address = asked.public_ip;
    names.network = {ResourceKind::virtual_network, theirs, "", named.virtual_network};
    names.subnet = {ResourceKind::subnet, theirs, named.virtual_network, named.subnet};
    names.security_group = {ResourceKind::security_group, theirs, "", named.security_group};
    names.public_address = {ResourceKind::public_address, group, "", name_stem(cluster) + "-ip"};
    return names;
}

ResourceName machine_name(const Cluster& cluster, const Node& node) {
    return {ResourceKind::machine, cluster.spec.resource_group, "", node.id.value};
}

ResourceName interface_name(const Cluster& cluster, const Node& node) {
    const std::string owner = node.is_head ? head_id(cluster, 1).value : node.id.value;
    return {ResourceKind::network_interface, cluster.spec.resource_group, "", owner + "-nic"};
}

ResourceName rule_name(const Cluster& cluster, const ResourceName& group, const std::string& what) {
    return {ResourceKind::security_rule,
            group.resource_group,
            group.name,
            name_stem(cluster) + "-" + what};
}

}  // namespace hopyard::decide
