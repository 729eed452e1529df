#include "node/relay.h"

#include <charconv>

#include <nlohmann/json.hpp>

#include "node/http_status.h"

namespace hopyard::node {
namespace {

http::Response refuse_with(const Error& error) {
    const nlohmann::json body{{"code", error.code}, {"message", error.message}};
    return http::json_response(http_status_of(error.kind), body.dump());
}

Failure forbidden() {
    return fail(ErrorKind::permission_denied,
                "not_yours",
                "the certificate is not of a worker of this cluster that may ask this");
}

std::int64_t seen_of(const http::Request& request) {
    const auto text = request.query("seen").value_or("0");
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

}  // namespace

Relay::Relay(Board& board, UpstreamSlot& upstream, const Clock& clock)
    : board_(board), upstream_(upstream), clock_(clock) {
    add_routes();
}

void Relay::add_routes() {
    router_.add("POST",
                "/node/v1/enrol",
                [this](const http::Request& request, const http::PathParameters&) {
                    return forward_certification(request, false);
                });
    router_.add("POST",
                "/node/v1/renew",
                [this](const http::Request& request, const http::PathParameters&) {
                    return forward_certification(request, true);
                });
    router_.add("POST",
                "/node/v1/report",
                [this](const http::Request& request,
                       const http::PathParameters&,
                       http::Responder responder) { report(request, std::move(responder)); });
    router_.add(
        "POST", "/node/v1/log", [this](const http::Request& request, const http::PathParameters&) {
            return log(request);
        });
    router_.add("GET",
                "/node/v1/init-script",
                [this](const http::Request& request, const http::PathParameters&) {
                    return init_script(request);
                });
}

http::Handler Relay::handler() {
    return [this](const http::Request& request, http::Responder responder) {
        router_.handle(request, std::move(responder));
    };
}

void Relay::on_report(std::function<void(const nodewire::Report&)> callback) {
    on_report_ = std::move(callback);
}

Result<std::string> Relay::caller(const http::Request& request) const {
    const auto& name = request.peer.certificate_subject;
    if (name.empty()) {
        return fail(ErrorKind::unauthenticated, "certificate_required", "no client certificate");
    }
    const auto known = board_.orders();
    if (known && known->workers.contains(name)) return name;
    return fail(ErrorKind::permission_denied,
                "not_named_yet",
                "the orders of this cluster name no such worker");
}

http::Response Relay::forward_certification(const http::Request& request, bool renewal) {
    const auto body = nodewire::enrol_request_from_json(request.body);
    if (!body) return refuse_with(body.error());
    if (renewal) {
        const auto name = caller(request);
        if (!name) return refuse_with(name.error());
        if (*name != body->node) return refuse_with(forbidden().value());
    }
    const auto upstream = upstream_.get();
    const auto reply = renewal ? upstream->renew(*body) : upstream->enrol(*body);
    if (!reply) return refuse_with(reply.error());
    return http::json_response(200, nodewire::to_json(*reply));
}

void Relay::report(const http::Request& request, http::Responder responder) {
    const bool waits = request.query("seen").has_value();
    const auto taken = take_report(request);
    // A worker that our own orders do not name yet waits for them: they are on their way.
    const bool may_wait = taken || taken.error().code == "not_named_yet";
    if (waits && may_wait) return wait_for_orders(request, std::move(responder));
    responder.respond(taken ? http::Response{.status = 204} : refuse_with(taken.error()));
}

Result<void> Relay::take_report(const http::Request& request) {
    ASSIGN_OR_RETURN(const auto name, caller(request));
    ASSIGN_OR_RETURN(auto body, nodewire::report_from_json(request.body));
    if (body.node != name) return forbidden();
    // What only a head may say is not passed on from a worker.
    body.workload.clear();
    body.demand.reset();
    body.workers.clear();
    if (on_report_) on_report_(body);
    board_.set_relayed(std::move(body));
    return {};
}

void Relay::wait_for_orders(const http::Request& request, http::Responder responder) {
    {
        std::lock_guard lock(mutex_);
        polls_.push_back(Poll{.node = request.peer.certificate_subject,
                              .seen = seen_of(request),
                              .takes_logs = request.query("logs") == "yes",
                              .until = clock_.now() + nodewire::report_period,
                              .responder = std::move(responder)});
    }
    answer_polls();
}

void Relay::ask_log(const nodewire::LogRequest& request) {
    {
        std::lock_guard lock(mutex_);
        wishes_[request.node] = request;
    }
    answer_polls();
}

std::optional<http::Response> Relay::answer_locked(const Poll& poll, Timestamp now) {
    const auto known = board_.orders();
    const bool named = known && known->workers.contains(poll.node);
    if (named && known->workers.at(poll.node).revision > poll.seen) {
        return http::json_response(200, nodewire::to_json(known->workers.at(poll.node)));
    }
    const auto wish = wishes_.find(poll.node);
    if (poll.takes_logs && wish != wishes_.end()) {
        auto body = nodewire::to_json(std::vector{wish->second});
        wishes_.erase(wish);
        return http::json_response(200, std::move(body));
    }
    if (now >= poll.until) return http::Response{.status = 204};
    return std::nullopt;
}

void Relay::answer_polls() {
    const auto now = clock_.now();
    std::vector<std::pair<http::Responder, http::Response>> answers;
    {
        std::lock_guard lock(mutex_);
        std::erase_if(polls_, [&](Poll& poll) {
            if (poll.responder.is_gone()) return true;
            auto answer = answer_locked(poll, now);
            if (!answer) return false;
            answers.emplace_back(poll.responder, std::move(*answer));
            return true;
        });
    }
    for (auto& [responder, response] : answers) responder.respond(std::move(response));
}

http::Response Relay::log(const http::Request& request) {
    const auto name = caller(request);
    if (!name) return refuse_with(name.error());
    const auto body = nodewire::log_reply_from_json(request.body);
    if (!body) return refuse_with(body.error());
    if (body->node != *name) return refuse_with(forbidden().value());
    const auto passed_on = upstream_.get()->log(*body);
    if (!passed_on) return refuse_with(passed_on.error());
    return http::Response{.status = 204};
}

http::Response Relay::init_script(const http::Request& request) {
    const auto name = caller(request);
    if (!name) return refuse_with(name.error());
    {
        std::lock_guard lock(mutex_);
        if (script_) return http::text_response(200, *script_);
    }
    auto script = upstream_.get()->init_script();
    if (!script) return refuse_with(script.error());
    if (!*script) {
        return refuse_with(fail(ErrorKind::not_found, "no_init_script", "there is none").value());
    }
    std::lock_guard lock(mutex_);
    script_ = **script;
    return http::text_response(200, *script_);
}

}  // namespace hopyard::node
