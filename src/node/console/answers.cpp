#include "node/console/answers.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_fields.h"
#include "node/http_status.h"

namespace hopyard::node::console {
namespace {

constexpr const char* policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

std::string media_type(const http::Request& request) {
    const auto value = to_lower(request.headers.get("content-type"));
    auto type = value.substr(0, value.find(';'));
    while (!type.empty() && type.back() == ' ') type.pop_back();
    return type;
}

std::string decode(std::string_view text) {
    std::string spaces(text);
    std::replace(spaces.begin(), spaces.end(), '+', ' ');
    return percent_decode(spaces);
}

}  // namespace

http::Response guarded(http::Response response) {
    auto& headers = response.headers;
    headers.set("content-security-policy", policy);
    headers.set("x-content-type-options", "nosniff");
    headers.set("x-frame-options", "DENY");
    headers.set("referrer-policy", "same-origin");
    headers.set("cross-origin-opener-policy", "same-origin");
    headers.set("cross-origin-resource-policy", "same-origin");
    if (!headers.find("cache-control")) headers.set("cache-control", "no-store");
    return response;
}

http::Response html(int status, std::string page) {
    return {.status = status,
            .headers = {{"content-type", "text/html; charset=utf-8"}},
            .body = std::move(page)};
}

http::Response file(std::string_view type, std::string_view bytes) {
    // Checked again with every page: a new program may bring another one.
    return {.headers = {{"content-type", std::string(type)}, {"cache-control", "no-cache"}},
            .body = std::string(bytes)};
}

http::Response see_other(const std::string& path) {
    return {.status = 303, .headers = {{"location", path}}};
}

int status_of(const Error& error) {
    return http_status_of(error.kind);
}

http::Response json_error(const Error& error) {
    const nlohmann::json body{{"error",
                               {{"code", error.code},
                                {"message", error.message},
                                {"field", error.field},
                                {"nextAction", error.next_action}}}};
    auto response = http::json_response(status_of(error), to_text(body));
    set_retry_after(response, error);
    return response;
}

void set_retry_after(http::Response& response, const Error& error) {
    if (!error.retry_after) return;
    const auto seconds = std::chrono::ceil<Seconds>(*error.retry_after).count();
    response.headers.set("retry-after", std::to_string(seconds));
}

std::optional<Secret> session_cookie(const http::Request& request) {
    const auto wanted = std::string(cookie_name) + "=";
    for (const auto& [name, value] : request.headers.all()) {
        if (to_lower(name) != "cookie") continue;
        std::string_view rest = value;
        while (!rest.empty()) {
            const auto end = std::min(rest.find(';'), rest.size());
            auto one = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
            if (one.starts_with(wanted)) return Secret(std::string(one.substr(wanted.size())));
        }
    }
    return std::nullopt;
}

void set_session_cookie(http::Response& response, const Secret& token, Seconds lifetime) {
    response.headers.add("set-cookie",
                         fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; Secure; SameSite=Strict",
                                     cookie_name,
                                     token.reveal(),
                                     lifetime.count()));
}

void clear_session_cookie(http::Response& response) {
    set_session_cookie(response, Secret(), Seconds(0));
}

bool is_same_site(const http::Request& request) {
    const auto site = request.headers.get("sec-fetch-site");
    if (!site.empty() && site != "same-origin" && site != "none") return false;
    const auto origin = request.headers.find("origin");
    return !origin || to_lower(*origin) == "https://" + to_lower(request.headers.get("host"));
}

std::optional<FormFields> read_form(const http::Request& request) {
    if (media_type(request) != "application/x-www-form-urlencoded") return std::nullopt;
    FormFields fields;
    std::string_view rest = request.body;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('&'), rest.size());
        const auto one = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto equals = std::min(one.find('='), one.size());
        fields[decode(one.substr(0, equals))] =
            equals < one.size() ? decode(one.substr(equals + 1)) : "";
    }
    return fields;
}

bool is_json(const http::Request& request) {
    return media_type(request) == "application/json";
}

}  // namespace hopyard::node::console
