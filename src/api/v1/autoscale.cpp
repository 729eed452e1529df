// The autoscaler of a cluster: its policy, what it sees, and why it did what it did.
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/v1/paging.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "decide/scale/record.h"
#include "model/demand_json.h"
#include "model/spec_json.h"

namespace hopyard::api::v1 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json request_view(const model::Request& request) {
    return {{"name", request.name},
            {"count", request.count},
            {"pieces", request.pieces},
            {"apart", request.apart},
            {"each", model::document(request.each)},
            {"waitingSince", to_rfc3339(request.waiting_since)}};
}

/// What waits, as the head said it last; null while nobody knows.
ordered_json demand_view(const ClusterRows& rows) {
    for (const model::Node& node : rows.nodes) {
        if (!node.is_head || !node.seen.demand) continue;
        ordered_json requests = ordered_json::array();
        for (const model::Request& request : node.seen.demand->requests)
            requests.push_back(request_view(request));
        return {{"requests", std::move(requests)}, {"cut", node.seen.demand->cut}};
    }
    return nullptr;
}

ordered_json autoscale_view(const ClusterRows& rows) {
    const model::Cluster& cluster = rows.cluster;
    ordered_json refusals = ordered_json::array();
    for (const auto& refusal : cluster.autoscale.refusals)
        refusals.push_back({{"instanceType", refusal.key.instance_type},
                            {"spot", refusal.key.spot.has_value()},
                            {"times", refusal.times},
                            {"until", to_rfc3339(refusal.until)}});
    int workers = 0;
    for (const model::Node& node : rows.nodes)
        workers += node.autoscaled && node.wanted == model::NodeWanted::running;
    ordered_json out = {{"autoscale", nullptr},
                        {"workers", workers},
                        {"demand", demand_view(rows)},
                        {"refusedTypes", std::move(refusals)},
                        {"neverMet", cluster.autoscale.named}};
    if (cluster.spec.autoscale)
        out["autoscale"] = ordered_json::parse(model::to_json(*cluster.spec.autoscale));
    return out;
}

Result<http::Response> show(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const auto rows,
                     read_cluster(parts.store, call.principal.organisation, call.cluster()));
    http::Response response = http::json_response(200, dump(autoscale_view(rows)));
    response.headers.set("ETag", etag(rows.cluster));
    return response;
}

ordered_json record_view(const model::DecisionRecord& record, bool with_situation) {
    ordered_json out = {{"number", record.number}, {"at", to_rfc3339(record.at)}};
    ordered_json& decision = out["decision"];
    decision = ordered_json::parse(record.decision_json, nullptr, false);
    // Kept as a number; said as every other time is.
    if (ordered_json& at = decision["lookAgainAt"]; at.is_number_integer())
        at = to_rfc3339(Timestamp(Milliseconds(at.get<std::int64_t>())));
    if (with_situation)
        out["situation"] = ordered_json::parse(record.situation_json, nullptr, false);
    return out;
}

Result<http::Response> decisions(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const int limit, limit_of(call.request, 20));
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    ASSIGN_OR_RETURN(const auto before, number_of(call.request, "before", 1, most));
    const bool with_situation = call.request.query("situation") == "true";
    ASSIGN_OR_RETURN(const auto rows,
                     read_cluster(parts.store, call.principal.organisation, call.cluster()));
    std::vector<model::DecisionRecord> records;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(records, t.decisions(rows.cluster.id, before, limit));
        return {};
    }));
    ordered_json items = ordered_json::array();
    for (const auto& record : records) items.push_back(record_view(record, with_situation));
    const bool full = records.size() == static_cast<std::size_t>(limit);
    const bool more = full && records.back().number > 1;
    return http::json_response(
        200,
        dump({{"items", std::move(items)},
              {"next", more ? ordered_json(records.back().number) : ordered_json(nullptr)}}));
}

}  // namespace

std::vector<Endpoint> autoscale_endpoints(Parts& parts) {
    const std::string path = "/v1/clusters/{id}/autoscale";
    return {
        {.method = "GET",
         .pattern = path,
         .answer = [&parts](const Call& call) { return show(parts, call); }},
        {.method = "PUT",
         .pattern = path,
         .access = Access::operate,
         .has_body = true,
         .answer = [&parts](const Call& call) -> Result<http::Response> {
             ASSIGN_OR_RETURN(const auto spec, model::autoscale_from_json(call.request.body));
             return accepted(
                 parts, call, parts.commands.set_autoscale(call.caller(), call.cluster(), spec));
         }},
        {.method = "DELETE",
         .pattern = path,
         .access = Access::operate,
         .answer =
             [&parts](const Call& call) {
                 return accepted(
                     parts, call, parts.commands.clear_autoscale(call.caller(), call.cluster()));
             }},
        {.method = "GET",
         .pattern = path + "/decisions",
         .query = {"limit", "before", "situation"},
         .answer = [&parts](const Call& call) { return decisions(parts, call); }}};
}

}  // namespace hopyard::api::v1
