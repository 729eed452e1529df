#include "api/views.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "decide/lifecycle/drain.h"
#include "model/demand_json.h"
#include "model/phase.h"
#include "model/spec_json.h"

namespace hopyard::api {
namespace {

using nlohmann::ordered_json;

ordered_json time(const std::optional<Timestamp>& at) {
    return at ? ordered_json(to_rfc3339(*at)) : ordered_json(nullptr);
}

ordered_json problem_view(const std::optional<Error>& problem) {
    return problem ? view(*problem) : ordered_json(nullptr);
}

ordered_json node_view(const model::Node& node) {
    const model::NodeSeen& seen = node.seen;
    return {
        {"id", node.id.value},
        {"role", node.is_head ? "head" : "worker"},
        {"ordinal", node.ordinal},
        {"phase", to_string(node.phase)},
        {"state", decide::state_of(node)},
        {"wanted", to_string(node.wanted)},
        {"stage", seen.stage},
        {"instanceType", node.group.instance_type},
        {"diskGb", node.group.disk_gb},
        {"machineId", node.machine_id},
        {"privateIp", node.private_ip},
        {"vcpus", node.vcpus},
        {"memoryMb", node.memory_mb},
        {"gpus", node.gpus},
        {"spot", node.is_spot()},
        {"workloadState", seen.workload_state},
        {"jobs", seen.jobs},
        {"allocatedCpus", seen.allocated.cpus},
        {"allocated", ordered_json(model::document(seen.allocated))},
        {"idleSince", time(seen.idle_since)},
        {"busyUntil", time(seen.busy_until)},
        {"autoscaled", node.autoscaled},
        {"outdated", node.is_outdated},
        {"protected", node.is_protected},
        {"programVersion", seen.program_version},
        {"lastReportAt", time(seen.last_report_at)},
        {"silentSince", time(seen.silent_since)},
        {"drainDeadline", time(node.drain_deadline)},
        {"drainWanted", node.drain_wanted},
        {"restartWanted", node.restart_wanted},
        {"initScriptExit",
         node.init_script_exit < 0 ? ordered_json(nullptr) : ordered_json(node.init_script_exit)},
        {"createdAt", time(node.created_at)},
        {"phaseSince", time(node.phase_since)},
        {"readyAt", time(node.ready_at)},
        {"problem", problem_view(node.problem ? node.problem : seen.failure)}};
}

/// The head has not said yet that it carried out the orders with the newest password.
bool awaits_password(const ClusterRows& rows) {
    const model::Cluster& cluster = rows.cluster;
    if (!cluster.password_rotated_at) return false;
    return cluster.password_revision == 0 ||
           std::none_of(rows.nodes.begin(), rows.nodes.end(), [&](const model::Node& node) {
               return node.is_head && node.seen.applied_revision >= cluster.password_revision;
           });
}

ordered_json access_view(const ClusterRows& rows) {
    const model::ClusterAccess& access = rows.cluster.access;
    return {{"url", access.url},
            {"user", access.user},
            {"passwordRotatedAt", time(rows.cluster.password_rotated_at)},
            {"passwordPending", awaits_password(rows)},
            {"publicIp", access.head_public_ip},
            {"privateIp", access.head_private_ip},
            {"certificateAuthority", access.certificate_authority_pem}};
}

std::string_view weight_word(decide::Weight weight) {
    switch (weight) {
        case decide::Weight::blocking:
            return "blocking";
        case decide::Weight::warning:
            return "warning";
        case decide::Weight::unchecked:
            return "unchecked";
    }
    return "unchecked";
}

}  // namespace

Result<ClusterRows> with_nodes(store::Transaction& t, model::Cluster cluster) {
    ClusterRows rows{.cluster = std::move(cluster), .nodes = {}};
    ASSIGN_OR_RETURN(rows.nodes, t.nodes(rows.cluster.id));
    std::sort(rows.nodes.begin(), rows.nodes.end(), [](const auto& a, const auto& b) {
        return std::tie(b.is_head, a.ordinal, a.generation, a.id) <
               std::tie(a.is_head, b.ordinal, b.generation, b.id);
    });
    return rows;
}

Result<ClusterRows> read_cluster(store::Store& store,
                                 const OrganisationId& organisation,
                                 const ClusterId& id) {
    ClusterRows rows;
    RETURN_IF_ERROR(store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(auto cluster, t.cluster(id));
        if (!cluster || cluster->organisation != organisation)
            return pass(no_such_cluster(id.value));
        ASSIGN_OR_RETURN(rows, with_nodes(t, std::move(*cluster)));
        return {};
    }));
    return rows;
}

Result<std::vector<ClusterRows>> read_clusters(store::Store& store,
                                               const OrganisationId& organisation,
                                               const ClusterPage& page) {
    std::vector<ClusterRows> all;
    RETURN_IF_ERROR(store.read([&](store::Transaction& t) -> Result<void> {
        all.clear();
        ASSIGN_OR_RETURN(auto clusters, t.clusters_of(organisation, page.after, page.limit));
        for (model::Cluster& cluster : clusters) {
            ASSIGN_OR_RETURN(auto rows, with_nodes(t, std::move(cluster)));
            all.push_back(std::move(rows));
        }
        return {};
    }));
    return all;
}

ordered_json view(const ClusterRows& rows) {
    const model::Cluster& cluster = rows.cluster;
    ordered_json nodes = ordered_json::array();
    std::int64_t node_versions = 0;
    for (const model::Node& node : rows.nodes) {
        nodes.push_back(node_view(node));
        node_versions += node.version;
    }
    return {{"id", cluster.id.value},
            {"name", cluster.spec.name},
            {"phase", to_string(cluster.phase)},
            {"stage", cluster.stage},
            {"wanted", to_string(cluster.wanted)},
            {"generation", cluster.generation},
            {"revision", {cluster.version, node_versions}},
            {"problem", problem_view(cluster.problem)},
            {"access", access_view(rows)},
            {"createdAt", time(cluster.created_at)},
            {"startedAt", time(cluster.started_at)},
            {"phaseSince", time(cluster.phase_since)},
            {"container", cluster.container},
            {"network",
             {{"resourceGroup", cluster.network.resource_group},
              {"virtualNetwork", cluster.network.virtual_network},
              {"virtualNetworkCidr", cluster.network.virtual_network_cidr},
              {"subnet", cluster.network.subnet},
              {"subnetCidr", cluster.network.subnet_cidr},
              {"securityGroup", cluster.network.security_group},
              {"publicIp", cluster.network.public_ip}}},
            {"spec", ordered_json::parse(model::spec_to_json(cluster.spec))},
            {"nodes", std::move(nodes)}};
}

ordered_json view(const model::Activity& entry) {
    ordered_json out = {{"sequence", entry.sequence},
                        {"at", to_rfc3339(entry.at)},
                        {"cluster", entry.cluster.value},
                        {"node", entry.node.value},
                        {"severity", to_string(entry.severity)},
                        {"code", entry.code},
                        {"message", entry.message},
                        {"reason", entry.reason},
                        {"actor", entry.actor},
                        {"cloudRequestId", entry.cloud_request_id},
                        {"error", problem_view(entry.error)}};
    return out;
}

ordered_json view(const model::ApiKey& key) {
    return {{"id", key.id.value},
            {"name", key.name},
            {"scope", to_string(key.scope)},
            {"createdAt", time(key.created_at)},
            {"expiresAt", time(key.expires_at)},
            {"revoked", key.revoked}};
}

ordered_json price_view(const cloud::Price& price) {
    static constexpr const char* origins[] = {"published", "imported", "rehearsal"};
    return {{"perHour", price.per_hour},
            {"currency", price.currency},
            {"origin", origins[static_cast<int>(price.origin)]},
            {"asOf", to_rfc3339(price.as_of)}};
}

ordered_json view(const decide::Preflight& preflight) {
    ordered_json findings = ordered_json::array();
    for (const decide::Finding& finding : preflight.findings) {
        ordered_json entry = {{"weight", weight_word(finding.weight)}};
        entry.update(view(finding.error));
        findings.push_back(std::move(entry));
    }
    ordered_json resources = ordered_json::array();
    for (const decide::PlannedResource& resource : preflight.resources)
        resources.push_back(
            {{"kind", resource.kind}, {"name", resource.name}, {"detail", resource.detail}});
    ordered_json quotas = ordered_json::array();
    for (const decide::QuotaLine& quota : preflight.quotas)
        quotas.push_back({{"name", quota.name},
                          {"used", quota.used},
                          {"needed", quota.needed},
                          {"limit", quota.limit}});
    ordered_json cost = nullptr;
    if (preflight.cost) {
        cost = price_view(preflight.cost->of);
        cost["perHour"] = preflight.cost->per_hour();
        cost["headPerHour"] = preflight.cost->head_per_hour;
        cost["workersPerHour"] = preflight.cost->workers_per_hour;
        cost["perMonth"] = preflight.cost->per_month();
    }
    return {{"refused", preflight.refused()},
            {"findings", std::move(findings)},
            {"resources", std::move(resources)},
            {"quotas", std::move(quotas)},
            {"cost", std::move(cost)},
            {"spec", ordered_json::parse(model::spec_to_json(preflight.spec))}};
}

std::string etag(const model::Cluster& cluster) {
    return "\"" + std::to_string(cluster.generation) + "\"";
}

std::string dump(const ordered_json& document) {
    return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

http::Response list_response(ordered_json items, ordered_json next) {
    return http::json_response(200, dump({{"items", std::move(items)}, {"next", std::move(next)}}));
}

http::Response list_response(const std::vector<std::string_view>& items, const ordered_json& next) {
    std::string body = R"({"items":[)";
    std::size_t bytes = 0;
    for (const std::string_view item : items) bytes += item.size() + 1;
    body.reserve(body.size() + bytes + 100);
    for (const std::string_view& item : items) {
        if (&item != &items.front()) body += ',';
        body += item;
    }
    body.append(R"(],"next":)").append(dump(next)).append("}");
    return http::json_response(200, std::move(body));
}

http::Response list_response(ordered_json items) {
    return list_response(std::move(items), nullptr);
}

}  // namespace hopyard::api
