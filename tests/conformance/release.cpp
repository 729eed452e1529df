#include "release.h"

#include <set>

#include <fmt/format.h>

namespace hopyard::conformance {

using nlohmann::json;

std::string Group::identity() const {
    return fmt::format("{}/{}", type, disk) +
           (spot ? fmt::format("/{}/{}", spot->max_price, spot->fall_back) : "");
}

json Group::to_wire(int how_many, bool with_spot) const {
    json out = {{"instanceType", type}, {"diskSize", disk}, {"count", how_many}};
    if (spot && with_spot)
        out["spotInfo"] = {{"maxPrice", spot->max_price}, {"fallBackOnDemand", spot->fall_back}};
    return out;
}

json Ports::to_wire() const {
    return {{"featureStore", feature_store},
            {"onlineFeatureStore", online_feature_store},
            {"kafka", kafka},
            {"ssh", ssh}};
}

namespace {

/// control-api.md 4.4, since 1.4.0.
json single_node_to_wire(const Release& release, const std::string& type) {
    const auto nodes = [](const std::string& of, int disk, int count) {
        return json{{"instanceType", of}, {"diskSize", disk}, {"count", count}};
    };
    json out = {{"allInOne", true},
                {"configuration",
                 {{"ndbdDefault", {{"replicationFactor", 1}}},
                  {"general", {{"benchmark", {{"grantUserPrivileges", false}}}}}}},
                {"mgmd", nodes("", 30, 1)},
                {"ndbd", nodes(type, 512, 1)},
                {"mysqld", nodes("", 128, 1)},
                {"api", nodes("", 30, 0)}};
    if (release.since(10800)) out["mysqld"]["arrowFlight"] = false;
    return out;
}

void add_azure(const Release& release, const Config& config, json& cluster) {
    cluster["location"] = "here";
    cluster["resourceGroup"] = "lab";
    cluster["managedIdentity"] = "lab-identity";
    cluster["storageAccount"] = "labstore";
    cluster["blobContainerName"] = config.container;
    for (const char* name : {"virtualNetworkName", "subnetName", "securityGroupName"})
        cluster[name] = "";
    cluster["aksClusterName"] = "";
    // Up to 1.1.0 the registry came only together with AKS.
    cluster["acrRegistryName"] = release.since(10200) ? config.registry : "";
    if (release.since(300)) cluster["networkResourceGroup"] = "";
    if (release.since(500)) cluster["searchDomain"] = "internal.cloudapp.net";
    if (release.since(1000))
        cluster["containerConfiguration"] = {{"encryption", {{"mode", "None"}}}};
}

}  // namespace

json create_body(const Release& release, const Config& config) {
    json head = {{"instanceType", config.head_type}, {"diskSize", config.head_disk}};
    if (release.since(1100)) head["haEnabled"] = false;
    json workers = json::array();
    for (const Group& group : config.workers)
        workers.push_back(group.to_wire(group.count, release.since(400)));
    json cluster = {{"name", config.name},
                    {"version", config.version},
                    {"sshKeyName", "ops-key"},
                    {"clusterConfiguration", {{"head", head}, {"workers", workers}}},
                    {"issueLetsEncrypt", true},
                    {"attachPublicIP", true},
                    {"backupRetentionPeriod", config.backup_retention},
                    {"managedUsers", true}};
    json tags = json::array();
    for (const auto& [name, value] : config.tags)
        tags.push_back({{"name", name}, {"value", value}});
    if (!tags.empty() || !release.since(400)) cluster["tags"] = tags;
    if (release.since(400)) {
        cluster["initScript"] = config.init_script;
        cluster["runInitScriptFirst"] = config.run_first;
        cluster["os"] = config.os;
    }
    if (release.since(900)) {
        cluster["deactivateLogReport"] = config.deactivate_log;
        cluster["collectLogs"] = false;
    }
    if (release.since(1100) && !config.domain_prefix.empty())
        cluster["clusterDomainPrefix"] = config.domain_prefix;
    if (release.since(10400) && config.single_node)
        cluster["ronDB"] = single_node_to_wire(release, *config.single_node);
    add_azure(release, config, cluster);
    return {{"cloudProvider", "AZURE"}, {"cluster", cluster}};
}

namespace {

class Differences {
  public:
    void equal(const std::string& attribute, const json& asked, const json& got) {
        if (asked != got)
            found_.push_back(attribute + ": asked " + asked.dump() + ", got " + got.dump());
    }
    std::vector<std::string> take() { return std::move(found_); }

  private:
    std::vector<std::string> found_;
};

json tags_of(const json& list) {
    json out = json::object();
    for (const json& tag : list) out[tag["name"].get<std::string>()] = tag["value"];
    return out;
}

/// Terraform holds groups as a set; its hash is identity and count.
json groups_of(const std::vector<Group>& groups) {
    json out = json::array();
    for (const Group& group : groups)
        out.push_back(fmt::format("{} x{}", group.identity(), group.count));
    std::sort(out.begin(), out.end());
    return out;
}

json groups_of(const Release& release, const json& list) {
    std::vector<Group> groups;
    for (const json& entry : list) {
        Group group{
            .type = entry["instanceType"], .disk = entry["diskSize"], .count = entry["count"]};
        if (release.since(400) && !entry["spotInfo"].is_null())
            group.spot = Spot{.max_price = entry["spotInfo"]["maxPrice"],
                              .fall_back = entry["spotInfo"]["fallBackOnDemand"]};
        groups.push_back(std::move(group));
    }
    return groups_of(groups);
}

void compare_database(const Config& config, const json& state, Differences& out) {
    if (!config.single_node) return out.equal("rondb", nullptr, state["ronDB"]);
    if (state["ronDB"].is_null()) return out.equal("rondb", *config.single_node, nullptr);
    const json& database = state["ronDB"];
    out.equal("rondb.single_node", true, database["allInOne"]);
    out.equal(
        "rondb.single_node.instance_type", *config.single_node, database["ndbd"]["instanceType"]);
    out.equal("rondb.single_node.disk_size", 512, database["ndbd"]["diskSize"]);
    out.equal("rondb.ndbd.count", 1, database["ndbd"]["count"]);
    out.equal("rondb.api.count", 0, database["api"]["count"]);
}

void compare_azure(const Release& release,
                   const Config& config,
                   const json& azure,
                   Differences& out) {
    const json asked = create_body(release, config)["cluster"];
    std::vector<const char*> names = {"location",
                                      "resourceGroup",
                                      "managedIdentity",
                                      "storageAccount",
                                      "blobContainerName",
                                      "aksClusterName",
                                      "acrRegistryName"};
    if (release.since(500)) names.push_back("searchDomain");
    if (release.since(1000)) names.push_back("containerConfiguration");
    for (const char* name : names)
        out.equal(std::string("azure.") + name, asked[name], azure[name]);
    for (const char* name : {"virtualNetworkName", "subnetName", "securityGroupName"})
        if (azure[name] == "") out.equal(name, "chosen by the server", "");
}

}  // namespace

std::vector<std::string> drift(const Release& release, const Config& config, const json& state) {
    Differences out;
    const json asked = create_body(release, config)["cluster"];
    std::vector<std::pair<const char*, const char*>> names = {
        {"name", "name"},
        {"version", "version"},
        {"sshKeyName", "sshKeyName"},
        {"issueLetsEncrypt", "letsEncryptIssued"},
        {"attachPublicIP", "publicIPAttached"},
        {"backupRetentionPeriod", "backupRetentionPeriod"},
        {"managedUsers", "managedUsers"}};
    if (release.since(400))
        for (const char* name : {"initScript", "runInitScriptFirst", "os"})
            names.emplace_back(name, name);
    if (release.since(900))
        for (const char* name : {"deactivateLogReport", "collectLogs"})
            names.emplace_back(name, name);
    for (const auto& [sent, read] : names) out.equal(read, asked[sent], state[read]);
    out.equal("tags", config.tags, tags_of(state["tags"]));
    const json& head = state["clusterConfiguration"]["head"];
    out.equal("head.instance_type", config.head_type, head["instanceType"]);
    out.equal("head.disk_size", config.head_disk, head["diskSize"]);
    out.equal("workers",
              groups_of(config.workers),
              groups_of(release, state["clusterConfiguration"]["workers"]));
    out.equal("provider", "AZURE", state["provider"]);
    if (config.open_ports) out.equal("open_ports", config.open_ports->to_wire(), state["ports"]);
    if (release.since(1100)) {
        out.equal("head.ha_enabled", false, head["haEnabled"]);
        out.equal("cluster_domain_prefix", config.domain_prefix, state["clusterDomainPrefix"]);
        out.equal("custom_hosted_zone", "", state["customHostedZone"]);
    }
    if (release.since(200)) {
        compare_database(config, state, out);
        out.equal("autoscale", nullptr, state["autoscale"]);
    }
    if (release.since(600)) out.equal("upgrade", nullptr, state["upgradeInProgress"]);
    if (state["azure"].is_null()) {
        out.equal("azure_attributes", "a block", nullptr);
    } else {
        compare_azure(release, config, state["azure"], out);
    }
    return out.take();
}

}  // namespace hopyard::conformance
