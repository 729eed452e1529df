#include "localcloud/arm/service.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "localcloud/arm/access.h"
#include "localcloud/arm/machines.h"
#include "localcloud/arm/network.h"
#include "localcloud/arm/resources.h"

namespace hopyard::localcloud {

namespace {

/// How long the status of a running operation is held back, waiting for its end.
constexpr Milliseconds poll_hold{1'000};

std::string base_url_of(const http::Request& request) {
    const std::string scheme = request.secure ? "https://" : "http://";
    return scheme + request.headers.get("host");
}

bool is_write(const std::string& method) {
    return method == "PUT" || method == "PATCH" || method == "POST";
}

bool is_version(const std::string& text) {
    return text.size() >= 10 && text[4] == '-' && text[7] == '-';
}

/// Azure's own types name the fault differently from those of a resource provider.
Fault wrong_version(const Route& route, const std::string& version, const std::string& supported) {
    if (route.area == Area::resources || route.area == Area::subscriptions || !is_version(version))
        return {.status = 400,
                .code = "InvalidApiVersionParameter",
                .message =
                    fmt::format("The api-version '{}' is invalid. The supported versions are '{}'.",
                                version,
                                supported)};
    const std::size_t slash = route.action.find('/');
    const std::string type = route.action.substr(slash + 1, route.action.rfind('/') - slash - 1);
    return {.status = 400,
            .code = "NoRegisteredProviderFound",
            .message = fmt::format(
                "No registered resource provider found for API version '{}' for type '{}' "
                "of namespace '{}'. The supported api-versions are '{}'.",
                version,
                type,
                route.action.substr(0, slash),
                supported)};
}

Fault unknown_path(const http::Request& request, bool path_known) {
    if (path_known)
        return {
            .status = 405,
            .code = "MethodNotAllowed",
            .message = fmt::format("The HTTP method '{}' is not supported here.", request.method)};
    const auto id = ResourceId::parse(request.path());
    if (id && !id->provider.empty())
        return {.status = 404,
                .code = "InvalidResourceType",
                .message = fmt::format(
                    "The resource type '{}' could not be found in the namespace '{}': this "
                    "cloud does not have it.",
                    id->type().substr(id->provider.size() + 1),
                    id->provider)};
    return {.status = 404,
            .code = "ResourceNotFound",
            .message = fmt::format("Nothing of the path '{}' exists here.", request.path())};
}

bool is_name(const std::string& text) {
    if (text.empty() || text.size() > 260) return false;
    for (const char c : text)
        if (static_cast<unsigned char>(c) <= ' ' ||
            std::string("<>%&\\?/#:").find(c) != std::string::npos)
            return false;
    return true;
}

}  // namespace

Service::Service(ServiceParts parts) : parts_(std::move(parts)), capture_(parts_.capture_folder) {
    add_subscription_routes(routes_);
    add_group_routes(routes_);
    add_resource_list_routes(routes_);
    add_offer_routes(routes_);
    add_key_and_identity_routes(routes_);
    add_role_routes(routes_);
    add_operation_routes(routes_);
    add_storage_routes(routes_);
    add_machine_routes(routes_);
    add_disk_routes(routes_);
    add_network_routes(routes_);
}

void Service::handle(const http::Request& request, http::Responder responder) {
    const std::string base_url = base_url_of(request);
    if (auto open = answer_openly(request, base_url)) {
        responder.respond(std::move(*open));
        return;
    }
    answer(request, std::move(responder), true);
}

std::optional<http::Response> Service::answer_openly(const http::Request& request,
                                                     const std::string& base_url) const {
    if (auto response = parts_.tokens.answer(request, base_url)) return response;
    if (to_lower(request.path()) == "/api/retail/prices" && request.method == "GET")
        return http::json_response(200,
                                   price_list(parts_.core, request.query("$filter").value_or("")));
    if (to_lower(request.path()) != "/metadata/endpoints") return std::nullopt;
    const std::string version = request.query("api-version").value_or("2015-01-01");
    return http::json_response(
        200, cloud_metadata(base_url, parts_.core.tenant, version, parts_.blob_suffix));
}

tl::expected<std::string, Fault> Service::caller_of(const http::Request& request,
                                                    const std::string& base_url) const {
    const std::string header = request.headers.get("authorization");
    auto unauthenticated = [](std::string code, std::string message) {
        return tl::unexpected(Fault{.status = 401,
                                    .code = std::move(code),
                                    .message = std::move(message),
                                    .from_gateway = true});
    };
    if (to_lower(header.substr(0, 7)) != "bearer ")
        return unauthenticated("AuthenticationFailed",
                               "Authentication failed. The 'Authorization' header is missing.");
    const Timestamp now = parts_.core.clock.now();
    const auto claims = parts_.issuer.verify(header.substr(7), now);
    if (!claims)
        return unauthenticated(
            "InvalidAuthenticationToken",
            "The access token is invalid: it is malformed, not of this cloud, or expired.");
    const std::string audience = audience_of(claims->audience);
    const bool ours = audience == "https://management.azure.com" ||
                      audience == "https://management.core.windows.net" || audience == base_url;
    if (!ours)
        return unauthenticated(
            "InvalidAuthenticationTokenAudience",
            fmt::format("The access token has been obtained for wrong audience or resource "
                        "'{}'. It should exactly match one of the allowed audiences "
                        "'https://management.azure.com'.",
                        audience));
    return claims->object_id;
}

tl::expected<Call, Fault> Service::prepare(const http::Request& request,
                                           const std::string& base_url,
                                           const Route*& route) const {
    OUTCOME_OR_RETURN(const std::string caller, caller_of(request, base_url));
    bool path_known = false;
    const auto match = routes_.match(request.method, request.path(), path_known);
    if (!match) return tl::unexpected(unknown_path(request, path_known));
    route = match->route;
    Call call{.request = request,
              .parameters = match->parameters,
              .id = match->id,
              .base_url = base_url,
              .api_version = request.query("api-version").value_or(""),
              .body = document(Json::object()),
              .caller = caller};
    if (call.api_version.empty())
        return refuse_with(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.");
    const std::string supported = unsupported_version(route->area, call.api_version);
    if (!supported.empty())
        return tl::unexpected(wrong_version(*route, call.api_version, supported));

    const auto scope = ResourceId::parse(
        call.parameters.contains("scope") ? call.id : std::string(request.path()));
    const std::string subscription = call.parameters.contains("subscription")
                                         ? call.parameters.at("subscription")
                                     : scope ? scope->subscription
                                             : parts_.core.subscription;
    if (to_lower(subscription) != parts_.core.subscription)
        return refuse_with(404,
                           "SubscriptionNotFound",
                           fmt::format("The subscription '{}' could not be found.", subscription));
    for (const auto& [name, value] : call.parameters)
        if (name != "scope" && !is_name(value))
            return refuse_with(
                400, "InvalidResourceName", fmt::format("Resource name '{}' is invalid.", value));
    if (is_write(request.method) && !request.body.empty()) {
        auto body = parse_json(request.body);
        if (!body || !body->is_object())
            return tl::unexpected(
                invalid_content("The request content was invalid and could not be "
                                "deserialized: it is not a JSON object, or nested deeper "
                                "than 64."));
        call.body = document(std::move(*body));
    }
    return call;
}

Outcome Service::perform(const Call& given, const Route& route) const {
    Core& core = parts_.core;
    Call call = given;
    std::string action = route.action;
    if (action.starts_with("{namespace}"))
        action = call.parameter("namespace") + action.substr(std::string("{namespace}").size());
    if (!action.empty() && !core.access.allows(call.caller, action, call.id))
        return tl::unexpected(Fault{
            .status = 403,
            .code = "AuthorizationFailed",
            .message =
                fmt::format("The client '{0}' with object id '{0}' does not have authorization to "
                            "perform action '{1}' over scope '{2}' or the scope is invalid. If "
                            "access was recently granted, please refresh your credentials.",
                            call.caller,
                            action,
                            call.id),
            .from_gateway = true});
    if (call.parameters.contains("group") && route.pattern != group_pattern) {
        const std::string asked = call.parameters["group"];
        const auto group = find_group(core.ledger, core.subscription, asked);
        if (!group) return tl::unexpected(group_not_found(asked));
        const std::string state = text_at(group->shown(), "/properties/provisioningState");
        if (state == "Deleting" && is_write(call.request.method))
            return refuse_with(
                409,
                "ResourceGroupBeingDeleted",
                fmt::format("The resource group '{}' is in deprovisioning state and cannot "
                            "perform this operation.",
                            asked));
        // The group's name as it was first written.
        const std::string name = text_at(group->shown(), "/name");
        const std::string head = core.subscription_id() + "/resourceGroups/";
        call.id = head + name + call.id.substr(head.size() + asked.size());
        call.parameters["group"] = name;
    }
    return route.handle(core, call);
}

void Service::answer(const http::Request& request, http::Responder responder, bool may_wait) {
    Outcome outcome = empty_reply(500);
    try {
        const Route* route = nullptr;
        auto call = prepare(request, base_url_of(request), route);
        if (call) {
            call->may_wait = may_wait;
            outcome = perform(*call, *route);
        } else {
            outcome = tl::unexpected(call.error());
        }
    } catch (const nlohmann::json::exception& wrong) {
        // A value of the request has another type than the provider reads it as.
        outcome = tl::unexpected(invalid_content(fmt::format(
            "The request content was invalid and could not be deserialized: {}", wrong.what())));
    }
    if (outcome && !outcome->hold_for.empty()) {
        const std::string operation = outcome->hold_for;
        auto later = std::make_shared<http::Responder>(std::move(responder));
        parts_.core.executor.when_ended(operation, poll_hold, [this, request, later] {
            answer(request, std::move(*later), false);
        });
        return;
    }
    send(request, responder, to_response(request, outcome));
}

http::Response Service::to_response(const http::Request& request, const Outcome& outcome) const {
    Core& core = parts_.core;
    http::Response response;
    if (outcome) {
        response.status = outcome->status;
        response.headers = outcome->headers;
        if (outcome->body) {
            response.body = to_text(*outcome->body);
            if (!response.headers.find("content-type"))
                response.headers.set("Content-Type", "application/json; charset=utf-8");
        }
    } else {
        const Fault& fault = outcome.error();
        response = http::json_response(fault.status, envelope(fault));
        response.headers.set("Content-Type", "application/json; charset=utf-8");
        if (fault.from_gateway) response.headers.set("x-ms-failure-cause", "gateway");
        if (fault.retry_after_s)
            response.headers.set("Retry-After", std::to_string(*fault.retry_after_s));
        if (fault.status == 401)
            response.headers.set(
                "WWW-Authenticate",
                fmt::format("Bearer authorization_uri=\"{}/{}\", error=\"invalid_token\", "
                            "error_description=\"{}\"",
                            base_url_of(request),
                            core.tenant,
                            fault.code));
    }
    const std::string id = random_uuid(core.random);
    const std::string asked = request.headers.get("x-ms-correlation-request-id");
    response.headers.set("Cache-Control", "no-cache");
    response.headers.set("x-ms-request-id", id);
    response.headers.set("x-ms-correlation-request-id", asked.empty() ? id : asked);
    response.headers.set("x-ms-routing-request-id", "LOCAL:" + id);
    if (const auto client = request.headers.find("x-ms-client-request-id"))
        if (to_lower(request.headers.get("x-ms-return-client-request-id")) == "true")
            response.headers.set("x-ms-client-request-id", *client);
    const char* bucket = request.method == "GET"      ? "reads"
                         : request.method == "DELETE" ? "deletes"
                                                      : "writes";
    response.headers.set(std::string("x-ms-ratelimit-remaining-subscription-") + bucket, "199");
    response.headers.set(std::string("x-ms-ratelimit-remaining-subscription-global-") + bucket,
                         "2999");
    return response;
}

void Service::send(const http::Request& request,
                   http::Responder& responder,
                   http::Response response) {
    const bool notable = response.status >= 500;
    const log::Fields fields = {{"method", request.method},
                                {"path", request.path()},
                                {"status", response.status},
                                {"request", response.headers.get("x-ms-request-id")}};
    if (notable)
        log::error("call failed", fields);
    else
        log::debug("call", fields);
    capture_.record(request, response);
    responder.respond(std::move(response));
}

}  // namespace hopyard::localcloud
