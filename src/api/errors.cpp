#include "api/errors.h"

#include <nlohmann/json.hpp>

#include "api/views.h"

namespace hopyard::api {
namespace {

using nlohmann::ordered_json;

struct CodeStatus {
    std::string_view code;
    int status;
};
/// Codes whose status says more than their kind does.
constexpr CodeStatus code_statuses[] = {
    {"key_missing", 401},
    {"key_unknown", 401},
    {"key_revoked", 401},
    {"key_expired", 401},
    {"session_missing", 401},
    {"setup_token_unknown", 401},
    {"credentials_wrong", 401},
    {"code_needed", 401},
    {"code_wrong", 401},
    {"scope_too_small", 403},
    {"person_needed", 403},
    {"permission_missing", 403},
    {"administrator_needed", 403},
    {"owner_needed", 403},
    {"totp_needed", 403},
    {"cross_site", 403},
    {"method_not_allowed", 405},
    {"precondition_failed", 412},
    {"too_large", 413},
    {"media_type", 415},
    {"idempotency_key_reused", 422},
    {"feature_unavailable", 501},
};

int status_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid_argument:
            return 400;
        case ErrorKind::not_found:
            return 404;
        case ErrorKind::already_exists:
        case ErrorKind::conflict:
        case ErrorKind::quota_exceeded:
        case ErrorKind::capacity_unavailable:
            return 409;
        case ErrorKind::rate_limited:
            return 429;
        case ErrorKind::unavailable:
        case ErrorKind::cancelled:
            return 503;
        case ErrorKind::timed_out:
            return 504;
        case ErrorKind::unauthenticated:
        case ErrorKind::permission_denied:
            return 502;
        case ErrorKind::internal:
            return 500;
    }
    return 500;
}

std::string_view title_of(int status) {
    switch (status) {
        case 400:
            return "The request is not well formed";
        case 401:
            return "Not signed in, or no valid API key";
        case 403:
            return "Whoever asks may not do this";
        case 404:
            return "Not found";
        case 405:
            return "The path does not take that method";
        case 409:
            return "The present state does not allow it";
        case 412:
            return "Somebody else changed it";
        case 413:
            return "The request is too large";
        case 415:
            return "The body's type is not read here";
        case 422:
            return "The idempotency key was used for another request";
        case 429:
            return "Too many requests";
        case 501:
            return "Not available in this version";
        case 502:
            return "The cloud refused us";
        case 503:
            return "Not reachable now";
        case 504:
            return "No answer in time";
        default:
            return "A failure of ours";
    }
}

}  // namespace

int status_of(const Error& error) {
    // A missing right that preflight found is a fault of one field, mended outside.
    if (error.kind == ErrorKind::permission_denied && !error.field.empty()) return 409;
    for (const CodeStatus& entry : code_statuses)
        if (entry.code == error.code) {
            // A field with a value of a later version is a field that is wrong now.
            if (entry.status == 501 && !error.field.empty()) return 400;
            return entry.status;
        }
    return status_of(error.kind);
}

ordered_json view(const Error& error) {
    ordered_json out = {{"code", error.code},
                        {"kind", to_string(error.kind)},
                        {"message", error.message},
                        {"owner", to_string(error.owner)}};
    if (!error.field.empty()) out["field"] = error.field;
    if (!error.next_action.empty()) out["nextAction"] = error.next_action;
    return out;
}

http::Response problem(const Error& error, const std::string& request_id) {
    const int status = status_of(error);
    ordered_json out = {{"type", "urn:hopyard:problem:" + error.code},
                        {"title", title_of(status)},
                        {"status", status},
                        {"detail", error.message},
                        {"code", error.code},
                        {"kind", to_string(error.kind)},
                        {"owner", to_string(error.owner)},
                        {"requestId", request_id}};
    if (!error.field.empty()) out["field"] = error.field;
    if (!error.next_action.empty()) out["nextAction"] = error.next_action;
    http::Response response = http::json_response(status, dump(out));
    response.headers.set("Content-Type", "application/problem+json");
    if (status == 401) response.headers.set("WWW-Authenticate", "Bearer realm=\"hopyard\"");
    if (error.retry_after) {
        const auto whole = std::chrono::ceil<Seconds>(*error.retry_after);
        response.headers.set("Retry-After", std::to_string(whole.count()));
    }
    return response;
}

Error no_such_cluster(const std::string& id) {
    return Error{.kind = ErrorKind::not_found,
                 .code = "no_such_cluster",
                 .message = "there is no cluster '" + id + "'",
                 .owner = Owner::user,
                 .next_action = "GET /v1/clusters lists those there are."};
}

}  // namespace hopyard::api
