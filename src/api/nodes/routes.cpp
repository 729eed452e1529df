#include "api/nodes/routes.h"

#include <charconv>

#include "api/errors.h"
#include "base/log.h"

namespace hopyard::api::nodes {
namespace {

http::Response reply_of(const Error& error) {
    http::Response response = problem(error, "");
    // Here these two are about the caller itself.
    if (error.kind == ErrorKind::unauthenticated) response.status = 401;
    if (error.kind == ErrorKind::permission_denied) response.status = 403;
    return response;
}

http::Response refusal(const http::Request& request, const Error& error) {
    log::warning("a node was refused",
                 {{"node", request.peer.certificate_subject},
                  {"address", request.peer.address},
                  {"path", request.path()},
                  {"code", error.code},
                  {"message", error.message}});
    return reply_of(error);
}

Result<NodeId> caller_of(const http::Request& request) {
    if (!request.peer.certificate_subject.empty()) return NodeId(request.peer.certificate_subject);
    return pass(Error{.kind = ErrorKind::unauthenticated,
                      .code = "certificate_missing",
                      .message = "this needs the certificate of a node",
                      .owner = Owner::hopyard,
                      .next_action = "Enrol first."});
}

template <class Answer>
std::function<http::Response(const http::Request&, const http::PathParameters&)> for_node(
    Answer answer) {
    return [answer](const http::Request& request, const http::PathParameters&) {
        const auto caller = caller_of(request);
        if (!caller) return refusal(request, caller.error());
        const Result<http::Response> outcome = answer(*caller, request);
        return outcome ? *outcome : refusal(request, outcome.error());
    };
}

std::int64_t seen_of(const http::Request& request) {
    const std::string text = request.query("seen").value_or("");
    std::int64_t seen = 0;
    const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), seen);
    return failed == std::errc() && stop == text.data() + text.size() ? seen : 0;
}

}  // namespace

NodeRoutes::NodeRoutes(Parts& parts, std::function<void()> want_tick)
    : parts_(parts), want_tick_(std::move(want_tick)) {
    add_enrolment();
    add_reports();
    add_logs();
    router_.otherwise(http::answering([](const http::Request& request) {
        return refusal(request,
                       Error{.kind = ErrorKind::not_found,
                             .code = "no_such_path",
                             .message = "nothing is served at this path",
                             .owner = Owner::hopyard});
    }));
}

NodeRoutes::~NodeRoutes() = default;

void NodeRoutes::add_enrolment() {
    router_.add("POST",
                "/node/v1/enrol",
                [this](const http::Request& request, const http::PathParameters&) {
                    const auto outcome = [&]() -> Result<http::Response> {
                        ASSIGN_OR_RETURN(const auto asked,
                                         nodewire::enrol_request_from_json(request.body));
                        ASSIGN_OR_RETURN(const auto reply, parts_.sessions.enrol(asked));
                        return http::json_response(200, nodewire::to_json(reply));
                    }();
                    return outcome ? *outcome : refusal(request, outcome.error());
                });
    router_.add(
        "POST",
        "/node/v1/renew",
        for_node(
            [this](const NodeId& caller, const http::Request& request) -> Result<http::Response> {
                ASSIGN_OR_RETURN(const auto asked, nodewire::enrol_request_from_json(request.body));
                ASSIGN_OR_RETURN(const auto reply, parts_.sessions.renew(caller, asked));
                return http::json_response(200, nodewire::to_json(reply));
            }));
}

void NodeRoutes::add_reports() {
    router_.add("POST",
                "/node/v1/report",
                http::RouteHandler(
                    [this](const http::Request& request,
                           const http::PathParameters&,
                           http::Responder responder) { report(request, std::move(responder)); }));
    router_.add(
        "GET",
        "/node/v1/init-script",
        for_node([this](const NodeId& caller, const http::Request&) -> Result<http::Response> {
            ASSIGN_OR_RETURN(const auto script, parts_.sessions.init_script(caller));
            if (script.empty())
                return fail(
                    ErrorKind::not_found, "no_init_script", "the cluster has no init script");
            http::Response response{.status = 200, .headers = {}, .body = script};
            response.headers.set("Content-Type", "application/octet-stream");
            return response;
        }));
}

void NodeRoutes::add_logs() {
    router_.add("POST",
                "/node/v1/log",
                for_node([this](const NodeId& caller,
                                const http::Request& request) -> Result<http::Response> {
                    ASSIGN_OR_RETURN(const auto reply, nodewire::log_reply_from_json(request.body));
                    RETURN_IF_ERROR(parts_.sessions.log_came(caller, reply));
                    return http::Response{.status = 204};
                }));
}

void NodeRoutes::report(const http::Request& request, http::Responder responder) {
    const auto caller = caller_of(request);
    const auto taken = [&]() -> Result<void> {
        if (!caller) return pass(caller.error());
        ASSIGN_OR_RETURN(const auto report, nodewire::report_from_json(request.body));
        return parts_.sessions.report(*caller, report);
    }();
    if (!taken) return responder.respond(refusal(request, taken.error()));
    if (!request.query("seen")) return responder.respond(http::Response{.status = 204});
    poll(*caller, request, std::move(responder));
}

// Always before a look: what changes in between is then noticed twice, not never.
void NodeRoutes::subscribe(Poll& poll) {
    poll.subscription =
        parts_.sessions.when_newer(poll.caller, poll.seen, [news = poll.news, want = want_tick_] {
            news->store(true);
            if (want) want();
        });
}

// Whoever has subscribed was told when there are newer orders.
Result<std::optional<http::Response>> NodeRoutes::news_for(const Poll& poll) {
    if (poll.news->exchange(false)) {
        ASSIGN_OR_RETURN(const auto orders, parts_.sessions.newer_orders(poll.caller, poll.seen));
        if (orders) return http::json_response(200, nodewire::to_json(*orders));
    }
    if (!poll.takes_logs) return std::nullopt;
    const auto wishes = parts_.sessions.log_requests(poll.caller);
    if (wishes.empty()) return std::nullopt;
    return http::json_response(200, nodewire::to_json(wishes));
}

void NodeRoutes::poll(const NodeId& caller,
                      const http::Request& request,
                      http::Responder responder) {
    const Timestamp now = parts_.clock.now();
    auto waiting = std::make_unique<Poll>(Poll{.responder = std::move(responder),
                                               .caller = caller,
                                               .seen = seen_of(request),
                                               .takes_logs = request.query("logs") == "yes",
                                               .until = now + nodewire::report_period,
                                               .news = std::make_shared<std::atomic<bool>>(false),
                                               .subscription = nullptr});
    subscribe(*waiting);
    auto news = news_for(*waiting);
    if (!news) return waiting->responder.respond(refusal(request, news.error()));
    if (*news) return waiting->responder.respond(std::move(**news));
    std::unique_ptr<Poll> given_up;
    {
        const std::lock_guard lock(mutex_);
        given_up = std::exchange(polls_[caller], std::move(waiting));
    }
    if (given_up) given_up->responder.respond(http::Response{.status = 204});
}

bool NodeRoutes::answered(Poll& poll, Timestamp now) {
    if (poll.responder.is_gone()) return true;
    if (poll.news->exchange(false)) {
        subscribe(poll);
        auto news = news_for(poll);
        if (!news || *news) {
            poll.responder.respond(news ? std::move(**news) : reply_of(news.error()));
            return true;
        }
    }
    if (now < poll.until) return false;
    poll.responder.respond(http::Response{.status = 204});
    return true;
}

void NodeRoutes::tick(Timestamp now) {
    parts_.sessions.expire_logs();
    std::map<NodeId, std::unique_ptr<Poll>> looking;
    {
        const std::lock_guard lock(mutex_);
        looking.swap(polls_);
    }
    std::erase_if(looking, [&](auto& entry) { return answered(*entry.second, now); });
    std::map<NodeId, std::unique_ptr<Poll>> replaced;
    {
        const std::lock_guard lock(mutex_);
        // A node that asked anew meanwhile has its new poll; the old one is ended below.
        polls_.merge(looking);
        replaced.swap(looking);
    }
    for (auto& [node, poll] : replaced) poll->responder.respond(http::Response{.status = 204});
}

}  // namespace hopyard::api::nodes
