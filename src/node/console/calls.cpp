// The JSON calls of the head's page.
#include <nlohmann/json.hpp>

#include "base/json_fields.h"
#include "node/console/answers.h"
#include "node/console/console.h"

namespace hopyard::node::console {
namespace {

using nlohmann::json;

http::Response answer(int status, const json& body) {
    return http::json_response(status, to_text(body));
}

json time_or_null(const std::optional<Timestamp>& time) {
    return time ? json(to_rfc3339(*time)) : json(nullptr);
}

json to_json(const Session& session) {
    return {{"user", session.user},
            {"administrator", session.administrator},
            {"expiresAt", to_rfc3339(session.expires_at)}};
}

json to_json(const NodeRow& row) {
    return {{"name", row.name},
            {"role", row.is_head ? "head" : "worker"},
            {"state", row.state},
            {"address", row.address},
            {"cpus", row.cpus},
            {"allocatedCpus", row.allocated_cpus},
            {"memoryMb", row.memory_mb},
            {"gpus", row.gpus},
            {"jobs", row.jobs}};
}

json to_json(const Job& job, const Session& session) {
    const bool own = job.user == session.user || session.administrator;
    return {{"id", job.id},
            {"user", job.user},
            {"name", job.name},
            {"state", to_string(job.state)},
            {"reason", job.reason},
            {"nodes", job.nodes},
            {"on", job.on},
            {"exitCode", job.exit_code ? json(*job.exit_code) : json(nullptr)},
            {"submittedAt", to_rfc3339(job.submitted_at)},
            {"startedAt", time_or_null(job.started_at)},
            {"endedAt", time_or_null(job.ended_at)},
            {"submittedHere", job.ours},
            {"command", own && job.ours ? json(job.command) : json(nullptr)}};
}

/// One flat object; what is in it is looked at afterwards.
Result<json> read_object(const http::Request& request) {
    constexpr int depth_most = 4;
    bool too_deep = false;
    const auto parsed = json::parse(
        request.body,
        [&](int depth, json::parse_event_t, json&) {
            too_deep = too_deep || depth > depth_most;
            return !too_deep;
        },
        false);
    if (too_deep || !parsed.is_object()) {
        return refuse("", "body_malformed", "the body is a JSON object", "Send one.");
    }
    return parsed;
}

template <class T>
Result<void> take(const json& body, const char* name, T& out) {
    const auto found = body.find(name);
    if (found == body.end()) return {};
    constexpr bool wants_number = std::is_same_v<T, int>;
    const bool fits = wants_number              ? found->is_number_integer()
                      : std::is_same_v<T, bool> ? found->is_boolean()
                                                : found->is_string();
    if (!fits) {
        return refuse(std::string("/") + name,
                      "wrong_type",
                      std::string(name) + " is " +
                          (wants_number              ? "a whole number"
                           : std::is_same_v<T, bool> ? "true or false"
                                                     : "a text"),
                      "Correct it.");
    }
    out = found->get<T>();
    return {};
}

Result<void> know_all(const json& body, std::initializer_list<std::string_view> names) {
    for (const auto& [name, value] : body.items()) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            return refuse("/" + name, "unknown_field", "there is no field " + name, "Remove it.");
        }
    }
    return {};
}

Result<Submission> read_submission(const http::Request& request) {
    ASSIGN_OR_RETURN(const auto body, read_object(request));
    RETURN_IF_ERROR(know_all(body, {"command", "nodes", "everyNode"}));
    Submission submission;
    bool every_node = false;
    RETURN_IF_ERROR(take(body, "command", submission.command));
    RETURN_IF_ERROR(take(body, "nodes", submission.nodes));
    RETURN_IF_ERROR(take(body, "everyNode", every_node));
    if (every_node) submission.runs = Submission::Runs::on_every_node;
    return submission;
}

Result<Credentials> read_credentials(const http::Request& request) {
    ASSIGN_OR_RETURN(const auto body, read_object(request));
    RETURN_IF_ERROR(know_all(body, {"user", "password"}));
    Credentials credentials{.address = request.peer.address};
    std::string password;
    RETURN_IF_ERROR(take(body, "user", credentials.user));
    RETURN_IF_ERROR(take(body, "password", password));
    credentials.password = Secret(std::move(password));
    return credentials;
}

/// Why a call is refused before anybody looks at it; nothing when it may go on.
std::optional<http::Response> refusal_of(const http::Request& request) {
    if (request.method == "GET") return std::nullopt;
    if (!is_same_site(request)) {
        return json_error({.kind = ErrorKind::permission_denied,
                           .code = "foreign_request",
                           .message = "this request does not come from a page of this cluster"});
    }
    if (request.method == "POST" && !is_json(request)) {
        auto response = json_error({.kind = ErrorKind::invalid_argument,
                                    .code = "json_only",
                                    .message = "the content type must be application/json"});
        response.status = 415;
        return response;
    }
    return std::nullopt;
}

}  // namespace

void Console::add_calls() {
    router_.add(
        "POST", "/api/session", [this](const http::Request& request, const http::PathParameters&) {
            if (auto refusal = refusal_of(request)) return guarded(std::move(*refusal));
            return guarded(call_sign_in(request));
        });
    add_call("GET", "/api/session", &Console::call_session);
    add_call("DELETE", "/api/session", &Console::call_sign_out);
    add_call("GET", "/api/nodes", &Console::call_nodes);
    add_call("GET", "/api/jobs", &Console::call_jobs);
    add_call("POST", "/api/jobs", &Console::call_submit);
    add_call("GET", "/api/jobs/{id}", &Console::call_job);
    add_call("GET", "/api/jobs/{id}/output", &Console::call_output);
}

void Console::add_call(const char* method, const char* pattern, Answer answer_call) {
    router_.add(
        method,
        pattern,
        [this, answer_call](const http::Request& request, const http::PathParameters& parameters) {
            if (auto refusal = refusal_of(request)) return guarded(std::move(*refusal));
            const auto session = session_of(request);
            if (!session) {
                return guarded(json_error({.kind = ErrorKind::unauthenticated,
                                           .code = "no_session",
                                           .message = "sign in first",
                                           .next_action = "POST /api/session with user and "
                                                          "password."}));
            }
            return guarded((this->*answer_call)(request, parameters, *session));
        });
}

http::Response Console::call_sign_in(const http::Request& request) {
    const auto credentials = read_credentials(request);
    if (!credentials) return json_error(credentials.error());
    const auto token = sessions_.sign_in(users(), *credentials);
    if (!token) return json_error(token.error());
    const auto session = sessions_.find(users(), *token);
    if (!session) return json_error({.kind = ErrorKind::unavailable, .code = "account_changed"});
    auto response = answer(200, to_json(*session));
    set_session_cookie(response, *token, Sessions::lifetime);
    return response;
}

http::Response Console::call_session(const http::Request&,
                                     const http::PathParameters&,
                                     const Session& session) {
    return answer(200, to_json(session));
}

http::Response Console::call_sign_out(const http::Request& request,
                                      const http::PathParameters&,
                                      const Session&) {
    if (const auto token = session_cookie(request)) sessions_.sign_out(*token);
    http::Response response{.status = 204};
    clear_session_cookie(response);
    return response;
}

http::Response Console::call_nodes(const http::Request&,
                                   const http::PathParameters&,
                                   const Session&) {
    auto list = json::array();
    if (const auto orders = parts_.board.orders()) {
        for (const auto& row : node_rows(*orders, parts_.board.report())) {
            list.push_back(to_json(row));
        }
    }
    return answer(200, {{"cluster", cluster_name()}, {"nodes", std::move(list)}});
}

http::Response Console::call_jobs(const http::Request&,
                                  const http::PathParameters&,
                                  const Session& session) {
    const auto jobs = parts_.queue.jobs();
    if (!jobs) return json_error(jobs.error());
    auto list = json::array();
    for (const auto& job : *jobs) list.push_back(to_json(job, session));
    return answer(200, {{"jobs", std::move(list)}});
}

http::Response Console::call_submit(const http::Request& request,
                                    const http::PathParameters&,
                                    const Session& session) {
    auto submission = read_submission(request);
    if (!submission) return json_error(submission.error());
    submission->user = session.user;
    const auto id = parts_.queue.submit(*submission);
    if (!id) return json_error(id.error());
    auto response = answer(201, {{"id", *id}});
    response.headers.set("location", "/api/jobs/" + std::to_string(*id));
    return response;
}

http::Response Console::call_job(const http::Request&,
                                 const http::PathParameters& parameters,
                                 const Session& session) {
    const auto view = look_at_job(session, parameters.at("id"));
    if (!view) return json_error(view.error());
    return answer(200, to_json(view->job, session));
}

http::Response Console::call_output(const http::Request&,
                                    const http::PathParameters& parameters,
                                    const Session& session) {
    const auto view = look_at_job(session, parameters.at("id"));
    if (!view) return json_error(view.error());
    if (!view->is_own) {
        return json_error({.kind = ErrorKind::permission_denied,
                           .code = "not_your_job",
                           .message = "this is another user's job"});
    }
    const auto& job = view->job;
    return answer(200,
                  {{"id", job.id},
                   {"state", to_string(job.state)},
                   {"exitCode", job.exit_code ? json(*job.exit_code) : json(nullptr)},
                   {"complete", view->output.complete},
                   {"output", view->output.text},
                   {"note", view->output.note}});
}

}  // namespace hopyard::node::console
