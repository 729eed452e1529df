#include "azure/operations.h"

#include "azure/document.h"
#include "azure/errors.h"
#include "azure/retry_after.h"
#include "azure/seen.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using cloud::OperationState;
using Status = OperationState::Status;

constexpr std::string_view status_way = "status:";
constexpr std::string_view location_way = "location:";
constexpr std::string_view resource_way = "resource:";
constexpr const char* doing = "looking at the operation";

bool is_terminal(cloud::Provisioning state) {
    return state == cloud::Provisioning::succeeded || state == cloud::Provisioning::failed;
}

Failure broken(std::string_view why) {
    Error error{.kind = ErrorKind::unavailable,
                .code = "broken_reply",
                .message = std::string(doing) + ": " + std::string(why),
                .owner = Owner::cloud,
                .next_action = "Nothing: it is tried again."};
    return Failure(std::move(error));
}

/// Refusals that concern the look, not the operation behind it.
bool concerns_look(int status) {
    return status == 401 || status == 403 || status == 408 || status == 429 || status >= 500 ||
           status < 400;
}

OperationState ended(Status status, const std::string& url) {
    return {.status = status, .url = url};
}

OperationState failed(const std::string& url, Error error) {
    OperationState state = ended(Status::failed, url);
    state.failure = std::move(error);
    return state;
}

}  // namespace

Result<cloud::Accepted> Operations::accepted(const Call& call, const http::Response& reply) const {
    cloud::Accepted accepted;
    accepted.request_id = request_id(reply.headers);
    const auto look = look_after(reply.headers, pipeline_.now());
    if (const auto status = reply.headers.find("azure-asyncoperation")) {
        ASSIGN_OR_RETURN(const std::string url, pipeline_.absolute(*status));
        accepted.operation = cloud::Operation{std::string(status_way) + url, look};
        return accepted;
    }
    // A 201 may carry a Location that is just the new thing's address.
    if (const auto location = reply.headers.find("location"); location && reply.status == 202) {
        ASSIGN_OR_RETURN(const std::string url, pipeline_.absolute(*location));
        accepted.operation = cloud::Operation{std::string(location_way) + url, look};
        return accepted;
    }
    const auto state = read_provisioning(reply.body);
    const bool is_put = call.method == "PUT" || call.method == "PATCH";
    if (is_put && ((state && !is_terminal(*state)) || reply.status == 202))
        accepted.operation = cloud::Operation{std::string(resource_way) + call.url, look};
    return accepted;
}

Result<OperationState> Operations::poll(const std::string& operation_url) {
    const auto colon = operation_url.find(':');
    const std::string_view way =
        std::string_view(operation_url).substr(0, colon == std::string::npos ? 0 : colon + 1);
    if (way != status_way && way != location_way && way != resource_way)
        return fail(ErrorKind::internal,
                    "unknown_operation",
                    "The stored operation is not one of this cloud.");
    Call call{.doing = doing, .is_poll = way != resource_way};
    ASSIGN_OR_RETURN(call.url, pipeline_.absolute(operation_url.substr(way.size())));
    ASSIGN_OR_RETURN(const http::Response reply, pipeline_.exchange(call));
    if (reply.status == 404 || reply.status == 410)
        return fail(ErrorKind::not_found,
                    "operation_forgotten",
                    "The cloud does not know the operation any more.");
    Result<OperationState> state = way == status_way     ? read_status(operation_url, reply)
                                   : way == location_way ? read_location(call, reply)
                                                         : read_resource(operation_url, reply);
    if (state) state->look_after = look_after(reply.headers, pipeline_.now());
    return state;
}

Result<OperationState> Operations::read_status(const std::string& url,
                                               const http::Response& reply) {
    const Call call{.doing = doing};
    if (reply.status < 200 || reply.status >= 300) return pass(pipeline_.error(call, reply));
    if (reply.status == 204) return ended(Status::succeeded, url);
    const auto document = parse_document(reply.body);
    if (!document || !document->is_object()) return broken("the status is not readable");
    std::string word = to_lower(text_at(*document, {"status"}));
    if (word.empty()) word = to_lower(text_at(*document, {"properties", "provisioningState"}));
    if (word.empty()) return broken("the reply holds no status");
    if (word == "succeeded") return ended(Status::succeeded, url);
    if (word == "failed") return failed(url, error_of_document("the operation failed", reply.body));
    if (word == "canceled" || word == "cancelled") {
        Error error = error_of_document("the operation was cancelled", reply.body);
        if (!find(*document, {"error", "code"})) error.code = "operation_cancelled";
        return failed(url, std::move(error));
    }
    return ended(Status::running, url);
}

Result<OperationState> Operations::read_location(const Call& call, const http::Response& reply) {
    const std::string url = std::string(location_way) + call.url;
    if (reply.status == 202) {
        OperationState state = ended(Status::running, url);
        if (const auto location = reply.headers.find("location")) {
            ASSIGN_OR_RETURN(const std::string next, pipeline_.absolute(*location));
            state.url = std::string(location_way) + next;
        }
        return state;
    }
    if (reply.status < 200 || reply.status >= 300) {
        Error error = pipeline_.error(call, reply);
        if (concerns_look(reply.status) || error.kind == ErrorKind::rate_limited)
            return pass(std::move(error));
        return failed(url, std::move(error));
    }
    // Some providers put the result's fate into the body.
    if (const auto document = parse_document(reply.body)) {
        const std::string word = to_lower(text_at(*document, {"status"}));
        const auto state = read_provisioning(reply.body);
        if (word == "failed" || word == "canceled" || state == cloud::Provisioning::failed)
            return failed(url, error_of_document("the operation failed", reply.body));
        if (word == "inprogress" || word == "running") return ended(Status::running, url);
    }
    return ended(Status::succeeded, url);
}

Result<OperationState> Operations::read_resource(const std::string& url,
                                                 const http::Response& reply) {
    const Call call{.doing = doing};
    if (reply.status < 200 || reply.status >= 300) return pass(pipeline_.error(call, reply));
    if (!parse_document(reply.body)) return broken("the resource is not readable");
    const auto state = read_provisioning(reply.body).value_or(cloud::Provisioning::succeeded);
    if (state == cloud::Provisioning::succeeded) return ended(Status::succeeded, url);
    if (state != cloud::Provisioning::failed) return ended(Status::running, url);
    return failed(
        url,
        error_of_code(
            "the operation failed", "", "the cloud left the resource in the state Failed"));
}

}  // namespace hopyard::azure
