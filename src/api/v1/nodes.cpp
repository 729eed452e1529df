#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/v1/paging.h"
#include "api/v1/routes.h"
#include "api/views.h"

namespace hopyard::api::v1 {
namespace {

using nlohmann::ordered_json;

using NodeCommand = Result<model::Cluster> (control::Commands::*)(const control::Caller&,
                                                                  const ClusterId&,
                                                                  const NodeId&);
Endpoint act(Parts& parts, const std::string& verb, NodeCommand command) {
    return {.method = "POST",
            .pattern = "/v1/clusters/{id}/nodes/{node}/" + verb,
            .access = Access::operate,
            .answer = [&parts, command](const Call& call) {
                const NodeId node(call.parameters.at("node"));
                return accepted(
                    parts, call, (parts.commands.*command)(call.caller(), call.cluster(), node));
            }};
}

struct LogWish {
    NodeId head;
    nodewire::LogRequest request;
};

Result<LogWish> log_wish(Parts& parts, const Call& call) {
    constexpr int lines_most = 2'000;
    ASSIGN_OR_RETURN(const auto lines, number_of(call.request, "lines", 1, lines_most));
    ASSIGN_OR_RETURN(const auto rows,
                     read_cluster(parts.store, call.principal.organisation, call.cluster()));
    LogWish wish{.head = {}, .request = {.node = call.parameters.at("node")}};
    if (lines) wish.request.lines = static_cast<int>(*lines);
    bool known = false;
    for (const model::Node& node : rows.nodes) {
        known = known || node.id.value == wish.request.node;
        if (node.is_head && node.wanted != model::NodeWanted::removed) wish.head = node.id;
    }
    if (known) return wish;
    return pass(
        Error{.kind = ErrorKind::not_found,
              .code = "no_such_node",
              .message = "'" + rows.cluster.spec.name + "' has no node '" + wish.request.node + "'",
              .owner = Owner::user,
              .next_action = "The cluster's document lists its nodes."});
}

Error out_of_reach(const control::LogAnswer& answer) {
    return {.kind = ErrorKind::unavailable,
            .code = "node_out_of_reach",
            .message = answer.log ? "the node does not answer; this is what it said last"
                                  : "the node does not answer, and has sent no log before",
            .owner = Owner::administrator,
            .next_action = "It answers once it has power, is enrolled and reaches its head."};
}

http::Response view(const std::string& node, const control::LogAnswer& answer) {
    const control::NodeLog log = answer.log.value_or(control::NodeLog());
    ordered_json document = {
        {"node", node},
        {"live", answer.is_live},
        {"takenAt", answer.log ? ordered_json(to_rfc3339(log.taken_at)) : ordered_json(nullptr)},
        {"program", log.program},
        {"initScript", log.init_script},
        {"problem", nullptr}};
    if (!answer.is_live) document["problem"] = api::view(out_of_reach(answer));
    return http::json_response(200, dump(document));
}

/// Holds the connection and no thread until the node has answered, or is out of reach.
Result<int> log(Parts& parts, const Call& call, http::Responder& responder) {
    ASSIGN_OR_RETURN(const LogWish wish, log_wish(parts, call));
    control::NodeLogs::Callback answer =
        [responder = std::move(responder), id = call.request_id, node = wish.request.node](
            const control::LogAnswer& came) mutable {
            http::Response response = view(node, came);
            response.headers.set("X-Request-Id", id);
            response.headers.set("Cache-Control", "no-store");
            responder.respond(std::move(response));
        };
    if (wish.head.empty())
        answer({});
    else
        parts.sessions.ask_log(wish.head, wish.request, std::move(answer));
    return 200;
}

}  // namespace

std::vector<Endpoint> node_endpoints(Parts& parts) {
    using control::Commands;
    return {act(parts, "drain", &Commands::drain_node),
            act(parts, "resume", &Commands::resume_node),
            act(parts, "restart", &Commands::restart_node),
            act(parts, "protect", &Commands::protect_node),
            act(parts, "unprotect", &Commands::unprotect_node),
            {.method = "GET",
             .pattern = "/v1/clusters/{id}/nodes/{node}/log",
             .query = {"lines"},
             .hold = [&parts](const Call& call, http::Responder& responder) {
                 return log(parts, call, responder);
             }}};
}

}  // namespace hopyard::api::v1
