#include "localcloud/identity/token_endpoint.h"

#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/json.h"
#include "localcloud/arm/resource_id.h"

namespace hopyard::localcloud {

namespace {

std::map<std::string, std::string> form_fields(const std::string& body) {
    std::map<std::string, std::string> fields;
    std::size_t begin = 0;
    while (begin < body.size()) {
        const std::size_t end = std::min(body.find('&', begin), body.size());
        std::string pair = body.substr(begin, end - begin);
        for (char& c : pair)
            if (c == '+') c = ' ';
        const std::size_t equals = std::min(pair.find('='), pair.size());
        const std::string value = equals < pair.size() ? pair.substr(equals + 1) : "";
        fields[percent_decode(pair.substr(0, equals))] = percent_decode(value);
        begin = end + 1;
    }
    return fields;
}

struct SignInError {
    int status;
    const char* error;
    int number;
    std::string text;
};

http::Response refuse_sign_in(const SignInError& error, Timestamp now) {
    const Json body = {{"error", error.error},
                       {"error_description", fmt::format("AADSTS{}: {}", error.number, error.text)},
                       {"error_codes", {error.number}},
                       {"timestamp", to_rfc3339(now)}};
    return http::json_response(error.status, to_text(body));
}

}  // namespace

std::string audience_of(std::string scope) {
    constexpr std::string_view suffix = "/.default";
    scope = scope.substr(0, scope.find(' '));
    if (scope.ends_with(suffix)) scope.resize(scope.size() - suffix.size());
    while (scope.ends_with('/')) scope.pop_back();
    return scope;
}

std::optional<http::Response> TokenEndpoint::answer(const http::Request& request,
                                                    const std::string& base_url) const {
    const auto segments = split_path(request.path());
    if (segments.empty() || to_lower(segments[0]) == "subscriptions") return std::nullopt;
    std::string rest;
    for (std::size_t i = 1; i < segments.size(); ++i) rest += "/" + to_lower(segments[i]);
    if (rest == "/v2.0/.well-known/openid-configuration" ||
        rest == "/.well-known/openid-configuration")
        return discovery(segments[0], base_url);
    if (rest == "/discovery/v2.0/keys") return http::json_response(200, issuer_.key_set());
    if (rest == "/oauth2/v2.0/token" || rest == "/oauth2/token") {
        if (request.method != "POST") return http::text_response(405, "");
        return token(request, segments[0]);
    }
    return std::nullopt;
}

http::Response TokenEndpoint::discovery(const std::string& tenant,
                                        const std::string& base_url) const {
    const std::string root = base_url + "/" + tenant;
    const Json body = {
        {"issuer", issuer_.issuer()},
        {"token_endpoint", root + "/oauth2/v2.0/token"},
        {"authorization_endpoint", root + "/oauth2/v2.0/authorize"},
        {"jwks_uri", root + "/discovery/v2.0/keys"},
        {"end_session_endpoint", root + "/oauth2/v2.0/logout"},
        {"token_endpoint_auth_methods_supported", {"client_secret_post", "client_secret_basic"}},
        {"response_types_supported", {"code", "id_token", "token"}},
        {"subject_types_supported", {"pairwise"}},
        {"id_token_signing_alg_values_supported", {"RS256"}},
        {"scopes_supported", {"openid"}}};
    return http::json_response(200, to_text(body));
}

http::Response TokenEndpoint::token(const http::Request& request, const std::string& tenant) const {
    const Timestamp now = clock_.now();
    const auto fields = form_fields(request.body);
    auto field = [&](const char* name) {
        const auto found = fields.find(name);
        return found == fields.end() ? std::string() : found->second;
    };
    if (to_lower(tenant) != issuer_.tenant())
        return refuse_sign_in(
            {400, "invalid_request", 90002, fmt::format("Tenant '{}' not found.", tenant)}, now);
    if (field("grant_type") != "client_credentials")
        return refuse_sign_in(
            {400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."},
            now);
    if (to_lower(field("client_id")) != principal_.client_id)
        return refuse_sign_in({400,
                               "unauthorized_client",
                               700016,
                               fmt::format("Application with identifier '{}' was not found in the "
                                           "directory '{}'.",
                                           field("client_id"),
                                           tenant)},
                              now);
    if (!equal_in_constant_time(field("client_secret"), principal_.client_secret.reveal()))
        return refuse_sign_in({401, "invalid_client", 7000215, "Invalid client secret provided."},
                              now);
    std::string audience = audience_of(field("scope"));
    if (audience.empty()) audience = audience_of(field("resource"));
    if (audience.empty())
        return refuse_sign_in({400,
                               "invalid_request",
                               900144,
                               "The request body must contain the following parameter: 'scope'."},
                              now);
    const Secret token = issuer_.issue({.object_id = principal_.object_id,
                                        .client_id = principal_.client_id,
                                        .audience = audience,
                                        .now = now});
    const Json body = {{"token_type", "Bearer"},
                       {"expires_in", TokenIssuer::lifetime.count()},
                       {"ext_expires_in", TokenIssuer::lifetime.count()},
                       {"access_token", token.reveal()}};
    auto response = http::json_response(200, to_text(body));
    response.headers.set("Cache-Control", "no-store, no-cache");
    return response;
}

}  // namespace hopyard::localcloud
