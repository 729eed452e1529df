#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "model/json_reader.h"
#include "model/spec_json.h"

namespace hopyard::api::v1 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// The groups are read as those of a specification, so that one reader knows their fields.
Result<std::vector<model::WorkerGroupSpec>> workers_of(const Call& call) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(call.request.body));
    std::optional<Error> fault;
    model::ObjectReader reader(document, "", fault);
    if (reader.member("workers") == nullptr)
        reader.fault(
            "workers", "missing", "is required", "Write [{\"instanceType\": …, \"count\": 2}].");
    reader.finish();
    if (fault) return pass(std::move(*fault));
    ASSIGN_OR_RETURN(auto spec, model::spec_from_json(call.request.body));
    return std::move(spec.workers);
}

struct WantedPorts {
    model::Ports ports;
    std::optional<std::vector<std::string>> sources;
};

Result<WantedPorts> ports_of(const Call& call) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(call.request.body));
    std::optional<Error> fault;
    WantedPorts wanted;
    model::ObjectReader reader(document, "", fault);
    if (const json* ports = reader.member("ports")) {
        model::ObjectReader inner(*ports, "/ports", fault);
        const std::pair<const char*, bool*> switches[] = {
            {"featureStore", &wanted.ports.feature_store},
            {"onlineFeatureStore", &wanted.ports.online_feature_store},
            {"kafka", &wanted.ports.kafka},
            {"ssh", &wanted.ports.ssh}};
        // The whole set is replaced, so one left out would be closed unasked.
        for (const auto& [name, into] : switches) {
            if (inner.member(name) == nullptr)
                inner.fault(name, "missing", "is required", "Write true or false.");
            inner.read(name, *into);
        }
        inner.finish();
    } else {
        reader.fault("ports", "missing", "is required", "Name all four switches.");
    }
    if (reader.member("sources") != nullptr) reader.read("sources", wanted.sources.emplace());
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return wanted;
}

Result<std::string> instance_type_of(const Call& call) {
    std::string type;
    RETURN_IF_ERROR(model::read_object(call.request.body, [&](model::ObjectReader& reader) {
        reader.read("instanceType", type);
        if (type.empty())
            reader.fault(
                "instanceType", "missing", "is required", "'hopyard cloud sizes' lists them.");
    }));
    return type;
}

using Command = Result<model::Cluster> (control::Commands::*)(const control::Caller&,
                                                              const ClusterId&);
Endpoint simple(Parts& parts, std::string method, std::string pattern, Command command) {
    return {.method = std::move(method),
            .pattern = std::move(pattern),
            .access = Access::operate,
            .answer = [&parts, command](const Call& call) {
                return accepted(
                    parts, call, (parts.commands.*command)(call.caller(), call.cluster()));
            }};
}

using WorkersCommand = Result<model::Cluster> (control::Commands::*)(
    const control::Caller&, const ClusterId&, const std::vector<model::WorkerGroupSpec>&);
Endpoint workers(Parts& parts, std::string method, std::string pattern, WorkersCommand command) {
    return {.method = std::move(method),
            .pattern = std::move(pattern),
            .access = Access::operate,
            .has_body = true,
            .answer = [&parts, command](const Call& call) -> Result<http::Response> {
                ASSIGN_OR_RETURN(const auto groups, workers_of(call));
                return accepted(
                    parts, call, (parts.commands.*command)(call.caller(), call.cluster(), groups));
            }};
}

Endpoint ports(Parts& parts) {
    return {.method = "PUT",
            .pattern = "/v1/clusters/{id}/ports",
            .access = Access::ports,
            .has_body = true,
            .answer = [&parts](const Call& call) -> Result<http::Response> {
                ASSIGN_OR_RETURN(const auto wanted, ports_of(call));
                return accepted(parts,
                                call,
                                parts.commands.set_ports(
                                    call.caller(), call.cluster(), wanted.ports, wanted.sources));
            }};
}

Endpoint head(Parts& parts) {
    return {.method = "PUT",
            .pattern = "/v1/clusters/{id}/head",
            .access = Access::operate,
            .has_body = true,
            .answer = [&parts](const Call& call) -> Result<http::Response> {
                ASSIGN_OR_RETURN(const auto type, instance_type_of(call));
                return accepted(
                    parts, call, parts.commands.set_head_type(call.caller(), call.cluster(), type));
            }};
}

}  // namespace

Result<http::Response> accepted(Parts& parts,
                                const Call& call,
                                const Result<model::Cluster>& changed) {
    if (!changed) return pass(changed.error());
    auto rows = read_cluster(parts.store, call.principal.organisation, changed->id);
    if (!rows && rows.error().kind != ErrorKind::not_found) return pass(rows.error());
    const ClusterRows& shown = rows ? *rows : ClusterRows{.cluster = *changed, .nodes = {}};
    http::Response response = http::json_response(202, dump(view(shown)));
    response.headers.set("ETag", etag(shown.cluster));
    return response;
}

std::vector<Endpoint> change_endpoints(Parts& parts) {
    using control::Commands;
    const std::string one = "/v1/clusters/{id}";
    return {simple(parts, "DELETE", one, &Commands::terminate),
            simple(parts, "POST", one + "/stop", &Commands::stop),
            simple(parts, "POST", one + "/start", &Commands::start),
            simple(parts, "POST", one + "/restart", &Commands::restart),
            simple(parts, "POST", one + "/retry", &Commands::retry),
            workers(parts, "POST", one + "/workers/add", &Commands::add_workers),
            workers(parts, "POST", one + "/workers/remove", &Commands::remove_workers),
            workers(parts, "PUT", one + "/workers", &Commands::set_workers),
            ports(parts),
            head(parts)};
}

}  // namespace hopyard::api::v1
