#include "http/router.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/encoding.h"

namespace hopyard::http {

namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> segments;
    if (path.starts_with('/')) path.remove_prefix(1);
    while (true) {
        const auto slash = path.find('/');
        segments.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return segments;
        path.remove_prefix(slash + 1);
    }
}

bool is_parameter(std::string_view segment) {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

struct Match {
    PathParameters parameters;
    /// 'a' for a literal and 'b' for a parameter per segment: the smaller string is more specific.
    std::string shape;
};

std::optional<Match> match(std::string_view pattern,
                           const std::vector<std::string>& path,
                           Router::Case path_case) {
    const auto wanted = segments_of(pattern);
    if (wanted.size() != path.size()) return std::nullopt;
    Match found;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (is_parameter(wanted[i])) {
            if (path[i].empty()) return std::nullopt;
            found.parameters.emplace(wanted[i].substr(1, wanted[i].size() - 2), path[i]);
            found.shape += 'b';
            continue;
        }
        const bool equal = path_case == Router::Case::sensitive
                               ? wanted[i] == path[i]
                               : to_lower(wanted[i]) == to_lower(path[i]);
        if (!equal) return std::nullopt;
        found.shape += 'a';
    }
    return found;
}

Response method_not_allowed(std::vector<std::string> methods) {
    if (std::find(methods.begin(), methods.end(), "GET") != methods.end())
        methods.push_back("HEAD");
    std::sort(methods.begin(), methods.end());
    methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
    std::string allow;
    for (const auto& method : methods) allow += (allow.empty() ? "" : ", ") + method;
    auto response = json_response(405,
                                  R"({"error":{"code":"method_not_allowed",)"
                                  R"("message":"This path does not take that method."}})");
    response.headers.set("Allow", allow);
    return response;
}

}  // namespace

void Router::add(std::string method, std::string pattern, RouteHandler handler) {
    routes_.push_back({std::move(method), std::move(pattern), std::move(handler)});
}

void Router::add(std::string method,
                 std::string pattern,
                 std::function<Response(const Request&, const PathParameters&)> function) {
    add(std::move(method),
        std::move(pattern),
        RouteHandler([function = std::move(function)](const Request& request,
                                                      const PathParameters& parameters,
                                                      Responder responder) {
            responder.respond(function(request, parameters));
        }));
}

void Router::handle(const Request& request, Responder responder) const {
    std::vector<std::string> path;
    for (const auto segment : segments_of(request.path())) path.push_back(percent_decode(segment));

    const Route* best = nullptr;
    Match best_match;
    std::vector<std::string> methods;
    for (const auto& route : routes_) {
        auto found = match(route.pattern, path, case_);
        if (!found) continue;
        methods.push_back(route.method);
        // A HEAD is a GET whose body the connection does not send (RFC 9110 section 9.3.2).
        const bool fits =
            route.method == request.method || (request.method == "HEAD" && route.method == "GET");
        if (!fits || (best && best_match.shape < found->shape)) continue;
        const bool tie = best && best_match.shape == found->shape;
        if (tie && (best->method == request.method || route.method != request.method)) continue;
        best = &route;
        best_match = std::move(*found);
    }
    if (best) return best->handler(request, best_match.parameters, std::move(responder));
    if (!methods.empty()) return responder.respond(method_not_allowed(std::move(methods)));
    if (otherwise_) return otherwise_(request, std::move(responder));
    responder.respond(json_response(
        404, R"({"error":{"code":"no_such_path","message":"Nothing is served at this path."}})"));
}

}  // namespace hopyard::http
