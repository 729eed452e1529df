#include <nlohmann/json.hpp>

#include "api/compat/wire.h"

namespace hopyard::api::compat {
namespace {

using model::Phase;
using nlohmann::json;
using nlohmann::ordered_json;

/// The vocabulary that every release takes for what it is (control-api.md 3.2).
std::string_view state_of(const model::Cluster& cluster) {
    switch (cluster.phase) {
        case Phase::pending:
            return "pending";
        case Phase::creating:
            return "initializing";
        case Phase::starting:
            return "starting";
        case Phase::running:
            return "running";
        case Phase::updating:
            return "updating";
        case Phase::stopping:
            return "stopping";
        case Phase::stopped:
            return "stopped";
        case Phase::terminating:
            return "shutting-down";
        case Phase::failed:
            return "error";
    }
    return "error";
}

/// What the commands would accept next (control-api.md 3.3): whatever is to run can be stopped, a
/// failed cluster too, and what is to be stopped can be started once it has. Deletion is never
/// gated.
std::string_view activation_of(const model::Cluster& cluster) {
    switch (cluster.wanted) {
        case model::Wanted::running:
            return "stoppable";
        case model::Wanted::stopped:
            return cluster.phase == Phase::stopping ? "terminable" : "startable";
        case model::Wanted::terminated:
            return "terminable";
    }
    return "terminable";
}

ordered_json head_view(const ClusterRows& rows, const json& stored) {
    ordered_json head = {{"instanceType", rows.cluster.spec.head.instance_type},
                         {"diskSize", rows.cluster.spec.head.disk_gb},
                         {"haEnabled", stored.value("haEnabled", false)},
                         {"nodeId", ""}};
    for (const model::Node& node : rows.nodes) {
        if (!node.is_head) continue;
        head["nodeId"] = node.machine_id;
        head["privateIp"] = node.private_ip;
    }
    return head;
}

ordered_json spot_view(const model::SpotSpec& spot) {
    return {{"maxPrice", spot.max_price_percent}, {"fallBackOnDemand", spot.fall_back_on_demand}};
}

ordered_json scale_view(const model::ScaleSpec& group) {
    ordered_json out = {{"instanceType", group.instance_type},
                        {"diskSize", group.disk_gb},
                        {"minWorkers", group.min_workers},
                        {"maxWorkers", group.max_workers},
                        {"standbyWorkers", group.standby_workers},
                        {"downscaleWaitTime", group.downscale_wait_s}};
    if (group.spot) out["spotInfo"] = spot_view(*group.spot);
    return out;
}

ordered_json workers_view(const ClusterRows& rows) {
    ordered_json workers = ordered_json::array();
    for (const model::WorkerGroupSpec& group : rows.cluster.spec.workers) {
        ordered_json entry = {{"instanceType", group.key.instance_type},
                              {"diskSize", group.key.disk_gb},
                              {"count", group.count}};
        if (group.key.spot) entry["spotInfo"] = spot_view(*group.key.spot);
        entry["privateIps"] = ordered_json::array();
        for (const model::Node& node : rows.nodes)
            if (!node.is_head && !node.autoscaled && node.group == group.key &&
                !node.private_ip.empty() && node.wanted == model::NodeWanted::running)
                entry["privateIps"].push_back(node.private_ip);
        workers.push_back(std::move(entry));
    }
    return workers;
}

ordered_json azure_view(const model::Cluster& cluster, const json& stored) {
    const model::ClusterSpec& spec = cluster.spec;
    const auto either = [](const std::string& chosen, const std::string& asked) {
        return chosen.empty() ? asked : chosen;
    };
    const std::string network_group =
        either(cluster.network.resource_group, spec.network.resource_group);
    static const json plain = {{"encryption", {{"mode", "None"}}}};
    return {
        {"location", spec.location},
        {"resourceGroup", spec.resource_group},
        {"managedIdentity", spec.identity},
        {"storageAccount", spec.storage.account},
        {"blobContainerName", either(cluster.container, spec.storage.container)},
        {"networkResourceGroup", either(network_group, spec.resource_group)},
        {"virtualNetworkName",
         either(cluster.network.virtual_network, spec.network.virtual_network)},
        {"subnetName", either(cluster.network.subnet, spec.network.subnet)},
        {"securityGroupName", either(cluster.network.security_group, spec.network.security_group)},
        {"aksClusterName", stored.value("aksClusterName", "")},
        {"acrRegistryName", stored.value("acrRegistryName", "")},
        {"searchDomain", stored.value("searchDomain", "internal.cloudapp.net")},
        {"containerConfiguration", ordered_json(stored.value("containerConfiguration", plain))}};
}

/// Fields whose presence has a meaning: echoed only when they were asked for.
void add_optional(ordered_json& out, const model::Cluster& cluster, const json& stored) {
    if (cluster.problem) {
        out["errorMessage"] =
            cluster.problem->message +
            (cluster.problem->next_action.empty() ? "" : ". " + cluster.problem->next_action);
    }
    if (const auto& policy = cluster.spec.autoscale) {
        out["autoscale"]["nonGpu"] = scale_view(policy->general);
        if (policy->gpu) out["autoscale"]["gpu"] = scale_view(*policy->gpu);
    }
    for (const char* name : {"clusterDomainPrefix", "customHostedZone"})
        if (!stored.value(name, "").empty()) out[name] = stored[name];
    if (!stored.contains("ronDB")) return;
    out["ronDB"] = ordered_json(stored["ronDB"]);
    // The model lets single nodes through only; releases since 1.4.0 look at this alone.
    out["ronDB"]["allInOne"] = true;
}

}  // namespace

ordered_json cluster_view(const ClusterRows& rows) {
    const model::Cluster& cluster = rows.cluster;
    const model::ClusterSpec& spec = cluster.spec;
    json stored = json::parse(spec.wire_json, nullptr, false);
    if (!stored.is_object()) stored = json::object();
    ordered_json tags = ordered_json::array();
    for (const model::Tag& tag : spec.tags)
        tags.push_back({{"name", tag.name}, {"value", tag.value}});
    ordered_json out = {
        {"id", cluster.id.value},
        {"name", spec.name},
        {"state", state_of(cluster)},
        {"activationState", activation_of(cluster)},
        {"initializationStage", cluster.stage},
        {"createdOn", to_unix_seconds(cluster.created_at)},
        {"startedOn", cluster.started_at ? to_unix_seconds(*cluster.started_at) : 0},
        {"version", stored.value("version", "")},
        {"url", cluster.access.url},
        {"provider", "AZURE"},
        {"tags", std::move(tags)},
        {"sshKeyName", spec.ssh_key},
        {"clusterConfiguration",
         {{"head", head_view(rows, stored)}, {"workers", workers_view(rows)}}},
        {"publicIPAttached", spec.network.public_ip},
        {"letsEncryptIssued", stored.value("issueLetsEncrypt", false)},
        {"managedUsers", spec.user_management == model::UserManagement::managed},
        {"backupRetentionPeriod", spec.backup_retention_days},
        {"azure", azure_view(cluster, stored)},
        {"ports",
         {{"featureStore", spec.ports.feature_store},
          {"onlineFeatureStore", spec.ports.online_feature_store},
          {"kafka", spec.ports.kafka},
          {"ssh", spec.ports.ssh}}},
        {"initScript", spec.init_script.text},
        {"runInitScriptFirst", spec.init_script.run_first},
        {"os", stored.value("os", "ubuntu")},
        {"deactivateLogReport", stored.value("deactivateLogReport", false)},
        {"collectLogs", stored.value("collectLogs", false)},
        {"backupPipelineInProgress", false}};
    add_optional(out, cluster, stored);
    return out;
}

}  // namespace hopyard::api::compat
