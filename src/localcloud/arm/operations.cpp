// The URLs that operations are followed by. Each provider tells them in its own words.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/resources.h"

namespace hopyard::localcloud {

namespace {

const char* word(Operation::Status status) {
    switch (status) {
        case Operation::Status::running:
            return "InProgress";
        case Operation::Status::succeeded:
            return "Succeeded";
        case Operation::Status::failed:
            return "Failed";
    }
    return "InProgress";
}

tl::expected<Operation, Fault> find_operation(Core& core, const std::string& id) {
    const auto operation = core.ledger.operation(id);
    if (!operation)
        return refuse_with(
            404, "OperationNotFound", fmt::format("The operation '{}' was not found.", id));
    return *operation;
}

/// An empty reply, held while the operation runs.
Outcome held(const Call& call, const Operation& operation, int status) {
    Outcome answer = empty_reply(status);
    if (operation.status == Operation::Status::running) {
        answer->headers.set("Retry-After", "0");
        if (call.may_wait) answer->hold_for = operation.id;
    }
    return answer;
}

Outcome status_of(const Call& call, const Operation& operation) {
    Outcome answer = held(call, operation, 200);
    Json body = {{"status", word(operation.status)}};
    if (operation.style != Operation::Style::network) {
        body["startTime"] = to_rfc3339(operation.started);
        body["name"] = operation.id;
        if (operation.status != Operation::Status::running)
            body["endTime"] = to_rfc3339(operation.ended);
    }
    if (operation.status == Operation::Status::failed)
        body["error"] = {{"code", operation.error_code}, {"message", operation.error_message}};
    answer->body = document(std::move(body));
    return answer;
}

/// Where the result lies: 202 until it is there.
Outcome result_of(Core& core, const Call& call, const Operation& operation, int done) {
    if (operation.status == Operation::Status::running) {
        Outcome answer = held(call, operation, 202);
        announce(core, call, operation, Announce::location_only, *answer);
        return answer;
    }
    if (operation.status == Operation::Status::failed)
        return refuse_with(409, operation.error_code, operation.error_message);
    return empty_reply(done);
}

Outcome compute_operation(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Operation operation, find_operation(core, call.parameter("operation")));
    if (to_lower(call.request.query("monitor").value_or("")) == "true")
        return result_of(core, call, operation, 200);
    return status_of(call, operation);
}

Outcome network_operation(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Operation operation, find_operation(core, call.parameter("operation")));
    return status_of(call, operation);
}

Outcome network_result(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Operation operation, find_operation(core, call.parameter("operation")));
    return result_of(core, call, operation, 204);
}

Outcome storage_operation(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Operation operation, find_operation(core, call.parameter("operation")));
    Outcome answer = result_of(core, call, operation, 200);
    if (!answer || operation.status == Operation::Status::running) {
        if (answer) answer->headers.set("Content-Type", "text/plain; charset=utf-8");
        return answer;
    }
    const auto account = core.ledger.find(operation.target);
    if (account) answer->body = account->body;
    return answer;
}

Outcome group_operation(Core& core, const Call& call) {
    std::string text = call.parameter("operation");
    while (text.size() % 4 != 0) text += '=';
    OUTCOME_OR_RETURN(const Operation operation,
                      find_operation(core, from_base64(text).value_or("")));
    return result_of(core, call, operation, 200);
}

}  // namespace

void add_operation_routes(Routes& routes) {
    const std::string providers = subscription_pattern + "/providers/";
    const std::string tail = "/{operation}";
    routes.add(Area::compute,
               "GET",
               providers + "Microsoft.Compute/locations/{location}/operations" + tail,
               "Microsoft.Compute/locations/operations/read",
               compute_operation);
    routes.add(Area::disks,
               "GET",
               providers + "Microsoft.Compute/locations/{location}/DiskOperations" + tail,
               "Microsoft.Compute/locations/diskOperations/read",
               compute_operation);
    routes.add(Area::network,
               "GET",
               providers + "Microsoft.Network/locations/{location}/operations" + tail,
               "Microsoft.Network/locations/operations/read",
               network_operation);
    routes.add(Area::network,
               "GET",
               providers + "Microsoft.Network/locations/{location}/operationResults" + tail,
               "Microsoft.Network/locations/operationResults/read",
               network_result);
    routes.add(Area::storage,
               "GET",
               providers + "Microsoft.Storage/locations/{location}/asyncoperations" + tail,
               "Microsoft.Storage/locations/asyncoperations/read",
               storage_operation);
    routes.add(Area::resources,
               "GET",
               subscription_pattern + "/operationresults" + tail,
               "Microsoft.Resources/subscriptions/operationresults/read",
               group_operation);
}

}  // namespace hopyard::localcloud
