#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/openapi.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "model/phase.h"

namespace hopyard::api::v1 {
namespace {

using nlohmann::ordered_json;

Condition store_condition(store::Store& store) {
    const auto read = store.read([](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto unused, t.setting("installation-id"));
        (void)unused;
        return {};
    });
    return {
        .name = "store", .problem = read ? std::nullopt : std::optional(read.error()), .since = {}};
}

std::vector<Condition> all_conditions(Parts& parts, const General& general) {
    std::vector<Condition> all = {store_condition(parts.store)};
    if (general.conditions)
        for (Condition& condition : general.conditions()) all.push_back(std::move(condition));
    return all;
}

/// Without its store this server can do nothing, and a balancer should not send it requests. While
/// the cloud cannot be reached it still serves, and says so.
http::Response health(Parts& parts, const General& general, const Call& call) {
    const bool known = call.principal.is_somebody();
    ordered_json shown = ordered_json::array();
    bool serving = true, well = true;
    for (const Condition& condition : all_conditions(parts, general)) {
        const bool good = !condition.problem;
        well = well && good;
        if (condition.name == "store") serving = good;
        ordered_json entry = {{"name", condition.name}, {"good", good}};
        if (known) {
            entry["problem"] = good ? ordered_json(nullptr) : view(*condition.problem);
            entry["since"] = condition.since ? ordered_json(to_rfc3339(*condition.since)) : nullptr;
        }
        shown.push_back(std::move(entry));
    }
    const char* status = !serving ? "failing" : well ? "ok" : "degraded";
    return http::json_response(serving ? 200 : 503,
                               dump({{"status", status}, {"conditions", std::move(shown)}}));
}

http::Response capabilities(const General& general) {
    return http::json_response(200,
                               dump({{"clouds", {"azure"}},
                                     {"features",
                                      {{"staticWorkers", true},
                                       {"autoscaling", true},
                                       {"backups", false},
                                       {"managed", false},
                                       {"ldap", false},
                                       {"mail", general.mail},
                                       {"upgrades", false}}},
                                     {"limits",
                                      {{"workers", 1000},
                                       {"nameCharacters", 40},
                                       {"initScriptBytes", 262'144},
                                       {"requestBytes", 1 << 20}}}}));
}

template <class Phase>
void add_phase_gauges(std::vector<Gauge>& out,
                      const std::string& name,
                      const std::string& help,
                      const std::map<Phase, int>& counts) {
    for (const auto& [phase, count] : counts)
        out.push_back({.name = name,
                       .help = help,
                       .labels = {{"phase", std::string(model::to_string(phase))}},
                       .value = static_cast<double>(count)});
}

/// Phases without members are shown as 0, so that a series does not vanish.
Result<std::vector<Gauge>> gauges(Parts& parts, const General& general) {
    std::map<model::Phase, int> clusters;
    std::map<model::NodePhase, int> nodes;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        clusters.clear();
        nodes.clear();
        for (const auto& move : model::phase_moves()) clusters[move.from] = 0;
        for (const auto& move : model::node_phase_moves()) nodes[move.from] = 0;
        ASSIGN_OR_RETURN(const auto all, t.clusters());
        for (const model::Cluster& cluster : all) {
            ++clusters[cluster.phase];
            ASSIGN_OR_RETURN(const auto members, t.nodes(cluster.id));
            for (const model::Node& node : members) ++nodes[node.phase];
        }
        return {};
    }));
    std::vector<Gauge> out;
    add_phase_gauges(out, "hopyard_clusters", "Clusters by phase", clusters);
    add_phase_gauges(out, "hopyard_nodes", "Nodes by phase", nodes);
    for (const Condition& condition : all_conditions(parts, general))
        out.push_back({.name = "hopyard_condition_good",
                       .help = "1 while the store, the cloud or the loops are well",
                       .labels = {{"condition", condition.name}},
                       .value = condition.problem ? 0.0 : 1.0});
    if (general.gauges)
        for (Gauge& gauge : general.gauges()) out.push_back(std::move(gauge));
    out.push_back({.name = "hopyard_build_info",
                   .help = "The version that runs",
                   .labels = {{"version", general.version}},
                   .value = 1});
    return out;
}

}  // namespace

std::vector<Endpoint> general_endpoints(Parts& parts, const General& general) {
    return {
        {.method = "GET",
         .pattern = "/v1/version",
         .access = Access::open,
         .answer = [general](const Call&) -> Result<http::Response> {
             return http::json_response(200, dump({{"version", general.version}, {"api", "v1"}}));
         }},
        {.method = "GET",
         .pattern = "/v1/health",
         .access = Access::open,
         .answer = [&parts, general](const Call& call) -> Result<http::Response> {
             return health(parts, general, call);
         }},
        {.method = "GET",
         .pattern = "/v1/openapi.json",
         .access = Access::open,
         .answer = [](const Call&) -> Result<http::Response> {
             return http::json_response(200, std::string(openapi_document()));
         }},
        {.method = "GET",
         .pattern = "/v1/capabilities",
         .answer = [general](const Call&) -> Result<http::Response> {
             return capabilities(general);
         }}};
}

std::vector<Endpoint> metrics_endpoints(Parts& parts, Metrics& metrics, const General& general) {
    return {{.method = "GET",
             .pattern = "/metrics",
             .answer = [&parts, &metrics, general](const Call&) -> Result<http::Response> {
                 ASSIGN_OR_RETURN(const auto now, gauges(parts, general));
                 http::Response response = http::text_response(200, metrics.text(now));
                 response.headers.set("Content-Type", "text/plain; version=0.0.4");
                 return response;
             }}};
}

}  // namespace hopyard::api::v1
