#include "wrong_setups/cloud.h"

#include <stdexcept>

namespace hopyard::wrong_setups {
namespace {

using nlohmann::json;
using Texts = std::vector<std::string>;

/// The members of an object, each taken once; what is left over is a fault of the table.
class Members {
  public:
    explicit Members(const json& from) : left_(from) {}
    json take(const std::string& name, json otherwise) {
        if (!left_.contains(name)) return otherwise;
        json value = std::move(left_[name]);
        left_.erase(name);
        return value;
    }
    void finish() const {
        if (!left_.empty()) throw std::runtime_error("the table's cloud: what is " + left_.dump());
    }

  private:
    json left_;
};

cloud::Size size_of(const std::string& name, const json& from) {
    Members members(from);
    cloud::Size size{.name = name,
                     .family = members.take("family", ""),
                     .vcpus = members.take("vcpus", 2),
                     .memory_mb = members.take("memoryMb", 8192),
                     .gpus = members.take("gpus", 0),
                     .unavailable = members.take("unavailable", "")};
    size.counted_memory_mb = members.take("countedMemoryMb", 0);
    members.finish();
    return size;
}

cloud::Network network_of(const std::string& name, const json& from) {
    Members members(from);
    cloud::Network network{.name = name,
                           .resource_group = members.take("group", "lab"),
                           .location = members.take("location", "north"),
                           .cidrs = members.take("cidrs", json::array()).get<Texts>(),
                           .subnets = {}};
    const json all_subnets = members.take("subnets", json::object());
    for (const auto& [subnet, value] : all_subnets.items()) {
        Members inner(value);
        network.subnets.push_back({.name = subnet,
                                   .cidr = inner.take("cidr", ""),
                                   .security_group = inner.take("securityGroup", "")});
        inner.finish();
    }
    members.finish();
    return network;
}

cloud::SecurityRule rule_of(const std::string& name, const json& from) {
    Members members(from);
    const json any = json::array({"*"});
    cloud::SecurityRule rule{.name = name,
                             .priority = members.take("priority", 200),
                             .inbound = members.take("direction", "in") != "out",
                             .allow = members.take("access", "allow") != "deny",
                             .protocol = members.take("protocol", "*"),
                             .sources = members.take("from", any).get<Texts>()};
    for (const json& port : members.take("ports", any))
        rule.ports.push_back(port.is_number() ? port.dump() : port.get<std::string>());
    rule.ports.erase(rule.ports.begin());  // the default
    rule.destinations = members.take("to", any).get<Texts>();
    members.finish();
    return rule;
}

std::vector<cloud::Permission> rights_of(const json& from, bool of_data) {
    Members members(from);
    const auto without = members.take("without", json::array()).get<Texts>();
    members.finish();
    if (of_data) return {{.data_actions = {"*"}, .not_data_actions = without}};
    return {{.actions = {"*"}, .not_actions = without}};
}

void furnish_places(control::TestSubscription& cloud, Members& all) {
    cloud.known_locations.clear();
    for (const json& name : all.take("locations", json::array()))
        cloud.known_locations.push_back({.name = name, .display_name = {}});
    cloud.known_groups.clear();
    const json all_groups = all.take("groups", json::object());
    for (const auto& [name, location] : all_groups.items())
        cloud.known_groups.push_back({.name = name, .location = location});
    cloud.known_sizes.clear();
    const json all_sizes = all.take("sizes", json::object());
    for (const auto& [name, size] : all_sizes.items())
        cloud.known_sizes.push_back(size_of(name, size));
    cloud.known_usages.clear();
    const json all_quotas = all.take("quotas", json::object());
    for (const auto& [name, quota] : all_quotas.items())
        cloud.known_usages.push_back({.name = name,
                                      .display_name = name,
                                      .used = quota.at("used"),
                                      .limit = quota.at("limit")});
}

void furnish_accounts(control::TestSubscription& cloud, Members& all) {
    cloud.known_accounts.clear();
    const json all_accounts = all.take("accounts", json::object());
    for (const auto& [name, location] : all_accounts.items())
        cloud.known_accounts.push_back({.name = name,
                                        .resource_group = "lab",
                                        .location = location,
                                        .id = "/account/" + name,
                                        .blob_endpoint = {}});
    cloud.containers.clear();
    const json all_containers = all.take("containers", json::object());
    for (const auto& [name, blobs] : all_containers.items())
        cloud.containers[{.account = "labstore", .container = name}] = blobs;
    cloud.keys.clear();
    const json all_sshKeys = all.take("sshKeys", json::object());
    for (const auto& [group, keys] : all_sshKeys.items())
        for (const auto& [name, key] : keys.items())
            cloud.keys[group].push_back({.name = name, .public_key = key});
}

void furnish_rights(control::TestSubscription& cloud, Members& all) {
    cloud.known_identities.clear();
    const json all_identities = all.take("identities", json::object());
    for (const auto& [group, names] : all_identities.items())
        for (const std::string name : names)
            cloud.known_identities[group].push_back(
                {.name = name, .id = "/id/" + name, .principal_id = "p-" + name});
    cloud.own_in.clear();
    const json all_rights = all.take("rights", json::object());
    for (const auto& [group, rights] : all_rights.items())
        cloud.own_in[group] = rights_of(rights, false);
    cloud.roles.clear();
    const json all_identityRights = all.take("identityRights", json::object());
    for (const auto& [identity, accounts] : all_identityRights.items())
        for (const auto& [account, rights] : accounts.items())
            cloud.roles[{"p-" + identity, "/account/" + account}] = rights_of(rights, true);
}

void furnish_networks(control::TestSubscription& cloud, Members& all) {
    cloud.known_networks.clear();
    const json all_networks = all.take("networks", json::object());
    for (const auto& [name, network] : all_networks.items())
        cloud.known_networks.push_back(network_of(name, network));
    cloud.known_security_groups.clear();
    const json all_securityGroups = all.take("securityGroups", json::object());
    for (const auto& [name, value] : all_securityGroups.items()) {
        Members members(value);
        cloud::SecurityGroup group{.name = name,
                                   .resource_group = members.take("group", "lab"),
                                   .location = members.take("location", "north"),
                                   .rules = {}};
        const json all_rules = members.take("rules", json::object());
        for (const auto& [rule, described] : all_rules.items())
            group.rules.push_back(rule_of(rule, described));
        members.finish();
        cloud.known_security_groups[group.resource_group].push_back(std::move(group));
    }
}

}  // namespace

void furnish(control::TestSubscription& cloud, const json& description) {
    Members all(description);
    furnish_places(cloud, all);
    furnish_accounts(cloud, all);
    furnish_rights(cloud, all);
    furnish_networks(cloud, all);
    cloud.unreadable = all.take("unreadable", json::array()).get<std::set<std::string>>();
    (void)all.take("clusters", json::object());  // the judge's: made through the API
    all.finish();
}

}  // namespace hopyard::wrong_setups
