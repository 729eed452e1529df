// What a cluster is made of in the cloud: each resource with where it stands, since when, and what
// the cloud's support needs to find the request.
#include <algorithm>
#include <map>
#include <tuple>

#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "control/durations.h"
#include "model/phase.h"

namespace hopyard::api::v1 {
namespace {

using model::Resource;
using nlohmann::ordered_json;

/// Enough for every request of a creation, and of what followed lately.
constexpr int entries_max = 500;

const char* state_of(const Resource& row) {
    if (row.problem) return "failed";
    if (!row.wanted) return "removing";
    if (row.operation) return row.made ? "changing" : "creating";
    return row.made ? "ready" : "planned";
}

/// Azure's addresses of operations end with the operation's id; one that is told from its resource
/// has none.
ordered_json operation_id(const std::string& url) {
    const std::string path = url.substr(0, url.find('?'));
    const std::size_t slash = path.rfind('/');
    if (!url.starts_with("status:") && !url.starts_with("location:")) return nullptr;
    if (slash == std::string::npos) return nullptr;
    return path.substr(slash + 1);
}

ordered_json operation_view(const Resource& row) {
    if (!row.operation) return nullptr;
    return {{"verb", to_string(row.operation->verb)},
            {"startedAt", to_rfc3339(row.operation->started_at)},
            {"id", operation_id(row.operation->url)}};
}

/// As the loops name a resource in the activity of their requests.
std::string label_of(const Resource& row) {
    return std::string(to_string(row.name.kind)) + " " + row.name.name;
}

/// The newest request about each resource that the cloud took.
using Requests = std::map<std::string, std::string>;
Result<Requests> requests_of(store::Transaction& t, const model::Cluster& cluster) {
    ASSIGN_OR_RETURN(
        const auto page,
        t.activity(
            {.organisation = cluster.organisation, .cluster = cluster.id, .limit = entries_max}));
    Requests newest;
    for (const model::Activity& entry : page.entries)
        if (!entry.cloud_request_id.empty())
            newest.try_emplace(entry.message, entry.cloud_request_id);
    return newest;
}

/// What the cloud usually takes for what it is making now.
ordered_json usual_ms(const control::UsualMakings& usual,
                      const model::Cluster& cluster,
                      const std::vector<model::Node>& nodes,
                      const Resource& row) {
    if (row.made || !row.wanted) return nullptr;
    std::string instance_type;
    if (row.name.kind == model::ResourceKind::machine)
        for (const model::Node& node : nodes)
            if (node.id == row.node) instance_type = node.group.instance_type;
    const auto took = usual.of(cluster.spec.location, row.name.kind, instance_type);
    return took ? ordered_json(took->count()) : ordered_json(nullptr);
}

ordered_json view_of(const Resource& row, const Requests& requests, ordered_json usual) {
    const auto request = requests.find(label_of(row));
    return {{"kind", to_string(row.name.kind)},
            {"name", row.name.name},
            {"resourceGroup", row.name.resource_group},
            {"node", row.node.value},
            {"state", state_of(row)},
            {"createdAt", to_rfc3339(row.created_at)},
            {"changedAt", to_rfc3339(row.changed_at)},
            {"operation", operation_view(row)},
            {"usualMs", std::move(usual)},
            {"cloudRequestId",
             request == requests.end() ? ordered_json(nullptr) : ordered_json(request->second)},
            {"failedAttempts", row.failed_attempts},
            {"problem", row.problem ? view(*row.problem) : ordered_json(nullptr)}};
}

Result<http::Response> list(Parts& parts, const Call& call) {
    ordered_json items = ordered_json::array();
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        items = ordered_json::array();
        ASSIGN_OR_RETURN(const auto cluster, t.cluster(call.cluster()));
        if (!cluster || cluster->organisation != call.principal.organisation)
            return pass(no_such_cluster(call.cluster().value));
        ASSIGN_OR_RETURN(auto rows, t.resources(cluster->id));
        ASSIGN_OR_RETURN(const Requests requests, requests_of(t, *cluster));
        std::sort(rows.begin(), rows.end(), [](const Resource& a, const Resource& b) {
            return std::tie(a.created_at, a.name) < std::tie(b.created_at, b.name);
        });
        ASSIGN_OR_RETURN(const auto nodes, t.nodes(cluster->id));
        ASSIGN_OR_RETURN(const auto usual, control::UsualMakings::read(t));
        for (const Resource& row : rows)
            items.push_back(view_of(row, requests, usual_ms(usual, *cluster, nodes, row)));
        return {};
    }));
    return list_response(std::move(items));
}

}  // namespace

std::vector<Endpoint> resource_endpoints(Parts& parts) {
    return {{.method = "GET",
             .pattern = "/v1/clusters/{id}/resources",
             .answer = [&parts](const Call& call) { return list(parts, call); }}};
}

}  // namespace hopyard::api::v1
