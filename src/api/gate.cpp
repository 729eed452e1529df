#include "api/gate.h"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/people/sessions.h"
#include "api/views.h"
#include "base/encoding.h"
#include "base/log.h"

namespace hopyard::api {
namespace {

constexpr std::size_t request_id_max = 64;
constexpr std::size_t idempotency_key_max = 255;
constexpr const char* methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

bool is_plain(std::string_view text, std::string_view also) {
    return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               also.find(static_cast<char>(c)) != std::string_view::npos;
    });
}

Result<void> check_query(const Endpoint& endpoint, const http::Request& request) {
    const auto question = request.target.find('?');
    if (question == std::string::npos) return {};
    std::string_view rest = std::string_view(request.target).substr(question + 1);
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const std::string name = percent_decode(pair.substr(0, pair.find('=')));
        if (name.empty() ||
            std::any_of(
                endpoint.query.begin(), endpoint.query.end(), [&](const std::string& known) {
                    return to_lower(known) == to_lower(name);
                }))
            continue;
        std::string known;
        for (const std::string& parameter : endpoint.query)
            known += (known.empty() ? "" : ", ") + parameter;
        return refuse("",
                      "unknown_parameter",
                      "'" + name + "' is not a query parameter here",
                      known.empty() ? "This path reads none." : "It reads: " + known + ".");
    }
    return {};
}

Result<void> check_body(const Endpoint& endpoint, const http::Request& request) {
    const bool empty =
        request.body.find_first_not_of(" \t\r\n") == std::string::npos || request.body == "{}";
    if (!endpoint.has_body && !empty)
        return refuse("", "unexpected_body", "this request takes no body", "Leave it out.");
    const std::string type = to_lower(request.headers.get("Content-Type"));
    if (!endpoint.has_body || empty || type.empty() || type.find("json") != std::string::npos ||
        type.find("yaml") != std::string::npos)
        return {};
    return refuse("",
                  "media_type",
                  "a body of type '" + type + "' is not read here",
                  "Send 'Content-Type: application/json'.");
}

/// If-Match (RFC 9110 section 13.1.1) with one of our tags; nothing for "*" and without it.
Result<std::optional<std::int64_t>> wanted_generation(const http::Request& request) {
    const auto tag = request.headers.find("If-Match");
    if (!tag || *tag == "*") return std::nullopt;
    std::int64_t generation = 0;
    const bool quoted = tag->size() > 2 && tag->front() == '"' && tag->back() == '"';
    const char* end = tag->data() + tag->size() - 1;
    if (quoted) {
        const auto [stop, failed] = std::from_chars(tag->data() + 1, end, generation);
        if (failed == std::errc() && stop == end) return generation;
    }
    return refuse("",
                  "etag_malformed",
                  "If-Match holds no ETag of ours",
                  "Send the ETag of the last reply, with its quotes.");
}

}  // namespace

Gate::Gate(Parts& parts, Authenticator& authenticator, Metrics& metrics, GateOptions options)
    : parts_(parts),
      authenticator_(authenticator),
      metrics_(metrics),
      options_(std::move(options)) {}

void Gate::mount(http::Router& router, std::vector<Endpoint> endpoints) {
    for (Endpoint& endpoint : endpoints) {
        router.add(endpoint.method,
                   endpoint.pattern,
                   http::RouteHandler([this, endpoint](const http::Request& request,
                                                       const http::PathParameters& parameters,
                                                       http::Responder responder) {
                       pass_through(endpoint, request, parameters, std::move(responder));
                   }));
        endpoints_.push_back(std::move(endpoint));
    }
}

void Gate::refuse_other_methods(http::Router& router) {
    std::map<std::string, std::set<std::string>> taken;
    for (const Endpoint& endpoint : endpoints_) taken[endpoint.pattern].insert(endpoint.method);
    for (const auto& [pattern, known] : taken) {
        std::string allow;
        for (const std::string& method : known) allow += (allow.empty() ? "" : ", ") + method;
        if (known.contains("GET")) allow += ", HEAD";
        for (const char* method : methods) {
            if (known.contains(method)) continue;
            router.add(
                method,
                pattern,
                std::function<http::Response(const http::Request&, const http::PathParameters&)>(
                    [this, allow](const http::Request& request, const auto&) {
                        http::Response response =
                            refuse(request,
                                   Error{.kind = ErrorKind::invalid_argument,
                                         .code = "method_not_allowed",
                                         .message = "this path does not take " + request.method,
                                         .owner = Owner::user,
                                         .next_action = "It takes: " + allow + "."});
                        response.headers.set("Allow", allow);
                        return response;
                    }));
        }
    }
}

std::string Gate::request_id_of(const http::Request& request) {
    const std::string given = request.headers.get("X-Request-Id");
    if (!given.empty() && given.size() <= request_id_max && is_plain(given, "-_.")) return given;
    return random_word(parts_.random, 16);
}

http::Response Gate::refuse(const http::Request& request, const Error& error) {
    const std::string id = request_id_of(request);
    http::Response response = options_.render(error, id);
    response.headers.set("X-Request-Id", id);
    const bool known =
        std::find(std::begin(methods), std::end(methods), request.method) != std::end(methods);
    metrics_.count(
        {.method = known ? request.method : "other", .route = "none", .status = response.status});
    return response;
}

Result<Principal> Gate::admit(const Endpoint& endpoint,
                              const http::Request& request,
                              const http::PathParameters& parameters,
                              Timestamp now) {
    auto principal = options_.people ? authenticator_.authenticate_person_too(request, now)
                                     : authenticator_.authenticate(request, now);
    const bool changes = endpoint.method != "GET";
    if (endpoint.access == Access::open) {
        if (changes) RETURN_IF_ERROR(people::check_not_cross_site(request));
        return principal ? *principal : Principal{};
    }
    if (!principal) {
        if (endpoint.access == Access::person && principal.error().code == "key_missing")
            return pass(people::session_missing());
        return principal;
    }
    if (principal->is_person() && changes) RETURN_IF_ERROR(people::check_same_origin(request));
    RETURN_IF_ERROR(check_access(endpoint.access, *principal, parameters));
    return principal;
}

void Gate::pass_through(const Endpoint& endpoint,
                        const http::Request& request,
                        const http::PathParameters& parameters,
                        http::Responder responder) {
    Call call{.request = request,
              .parameters = parameters,
              .request_id = request_id_of(request),
              .now = parts_.clock.now(),
              .is_abandoned = [&responder] { return responder.is_gone(); }};
    const auto checked = [&]() -> Result<void> {
        ASSIGN_OR_RETURN(call.principal, admit(endpoint, request, parameters, call.now));
        if (!options_.strict) return {};
        RETURN_IF_ERROR(check_query(endpoint, request));
        RETURN_IF_ERROR(check_body(endpoint, request));
        ASSIGN_OR_RETURN(call.if_generation, wanted_generation(request));
        return {};
    }();
    if (!checked) return responder.respond(finish(endpoint.pattern, call, pass(checked.error())));
    if (!endpoint.hold)
        return responder.respond(finish(endpoint.pattern, call, answer_once(endpoint, call)));
    const auto status = endpoint.hold(call, responder);
    if (!status) return responder.respond(finish(endpoint.pattern, call, pass(status.error())));
    metrics_.count({.method = endpoint.method, .route = endpoint.pattern, .status = *status});
}

http::Response Gate::finish(const std::string& route,
                            const Call& call,
                            Result<http::Response> outcome) {
    http::Response response =
        outcome ? std::move(*outcome) : options_.render(outcome.error(), call.request_id);
    response.headers.set("X-Request-Id", call.request_id);
    response.headers.set("Cache-Control", "no-store");
    const Milliseconds took = parts_.clock.now() - call.now;
    metrics_.count(
        {.method = call.request.method, .route = route, .status = response.status, .took = took});
    if (!outcome && outcome.error().kind == ErrorKind::internal)
        log::error("a request failed",
                   {{"request_id", call.request_id},
                    {"route", route},
                    {"code", outcome.error().code},
                    {"message", outcome.error().message}});
    return response;
}

Result<std::optional<http::Response>> Gate::remembered(const Call& call,
                                                       const std::string& key,
                                                       const std::string& hash) {
    std::optional<store::RememberedReply> reply;
    RETURN_IF_ERROR(parts_.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(reply, t.remembered(call.principal.organisation, key));
        return {};
    }));
    if (!reply) return std::nullopt;
    if (reply->request_hash != hash)
        return hopyard::refuse("",
                               "idempotency_key_reused",
                               "this Idempotency-Key came with another request before",
                               "Use a new key for each request; the same one only to repeat it.");
    http::Response response = http::json_response(reply->status, reply->body);
    response.headers.set("Idempotency-Replayed", "true");
    return response;
}

Result<http::Response> Gate::answer_once(const Endpoint& endpoint, const Call& call) {
    const auto key = call.request.headers.find("Idempotency-Key");
    if (!options_.idempotency_keys || !key || endpoint.method == "GET")
        return endpoint.answer(call);
    if (key->empty() || key->size() > idempotency_key_max || !is_plain(*key, "-_.:/+=\""))
        return hopyard::refuse("",
                               "idempotency_key_malformed",
                               "an Idempotency-Key has 1 to 255 letters, digits and -_.:/+=",
                               "Send a UUID, for example.");
    if (endpoint.secret_reply)
        return hopyard::refuse(
            "",
            "idempotency_key_refused",
            "this reply holds a secret and is not kept, so it cannot be repeated",
            "Leave the Idempotency-Key out.");
    // What one person was told is not for another who happens to choose the same key.
    const std::string hash = to_hex(sha256(call.request.method + "\n" + call.request.target + "\n" +
                                           call.principal.person.value + "\n" + call.request.body));
    const std::pair mine(call.principal.organisation, *key);
    {
        const std::lock_guard lock(mutex_);
        if (!under_way_.insert(mine).second)
            return pass(Error{.kind = ErrorKind::conflict,
                              .code = "idempotency_key_in_use",
                              .message = "the request with this Idempotency-Key is under way",
                              .owner = Owner::user,
                              .next_action = "Wait for its reply, or repeat it later."});
    }
    struct Release {
        Gate& gate;
        const std::pair<OrganisationId, std::string>& key;
        ~Release() {
            const std::lock_guard lock(gate.mutex_);
            gate.under_way_.erase(key);
        }
    } release{*this, mine};
    ASSIGN_OR_RETURN(auto before, remembered(call, *key, hash));
    if (before) return std::move(*before);
    return answer_and_keep(endpoint, call, *key, hash);
}

// A change and the reply to it are stored together: whoever repeats the request after a crash, or
// asks another replica meanwhile, finds both or neither. What that transaction cannot know (the
// warnings of a creation) is added afterwards.
Result<http::Response> Gate::answer_and_keep(const Endpoint& endpoint,
                                             const Call& call,
                                             const std::string& key,
                                             const std::string& hash) {
    const OrganisationId& organisation = call.principal.organisation;
    const auto reply = [&](int status, std::string body) {
        return store::RememberedReply{
            .request_hash = hash, .status = status, .body = std::move(body), .at = call.now};
    };
    Call once = call;
#ifndef HOPYARD_DEFECT_keep_reply_late
    once.keep_reply = [&](store::Transaction& t, const model::Cluster& cluster) -> Result<void> {
        ASSIGN_OR_RETURN(const auto before, t.remembered(organisation, key));
        if (before)
            return fail(ErrorKind::conflict,
                        "idempotency_key_in_use",
                        "the request with this Idempotency-Key was carried out meanwhile");
        ASSIGN_OR_RETURN(const auto rows, with_nodes(t, cluster));
        return t.remember(organisation, key, reply(202, dump(view(rows))));
    };
#endif
    auto outcome = endpoint.answer(once);
    if (!outcome) {
        // A refusal changed nothing and may be asked again, unless another replica was faster.
        ASSIGN_OR_RETURN(auto meanwhile, remembered(call, key, hash));
        return meanwhile ? std::move(*meanwhile) : std::move(outcome);
    }
    if (outcome->status >= 400) return outcome;
    RETURN_IF_ERROR(parts_.store.write([&](store::Transaction& t) {
        return t.remember(organisation, key, reply(outcome->status, outcome->body));
    }));
    return outcome;
}

}  // namespace hopyard::api
