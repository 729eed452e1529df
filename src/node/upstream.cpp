#include "node/upstream.h"

#include <fmt/format.h>

namespace hopyard::node {
namespace {

constexpr Milliseconds call_timeout{10'000};

ErrorKind kind_of(int status) {
    switch (status) {
        case 400:
            return ErrorKind::invalid_argument;
        case 401:
            return ErrorKind::unauthenticated;
        case 403:
            return ErrorKind::permission_denied;
        case 404:
            return ErrorKind::not_found;
        case 429:
            return ErrorKind::rate_limited;
        default:
            return ErrorKind::unavailable;
    }
}

}  // namespace

Error refusal(int status, const std::string& body, std::string_view call) {
    return Error{
        .kind = kind_of(status),
        .code = "upstream_refused",
        .message = fmt::format("{} was answered {}: {}", call, status, body.substr(0, 200))};
}

Result<nodewire::EnrolReply> Upstream::certify(const char* path,
                                               const nodewire::EnrolRequest& request) {
    http::OutgoingRequest outgoing{.method = "POST",
                                   .url = url_ + path,
                                   .body = nodewire::to_json(request),
                                   .timeout = call_timeout};
    outgoing.headers.set("Content-Type", "application/json");
    ASSIGN_OR_RETURN(auto response, transport_->send(outgoing));
    if (response.status != 200) return pass(refusal(response.status, response.body, "enrolment"));
    return nodewire::enrol_reply_from_json(response.body);
}

Result<nodewire::EnrolReply> Upstream::enrol(const nodewire::EnrolRequest& request) {
    return certify("/node/v1/enrol", request);
}

Result<nodewire::EnrolReply> Upstream::renew(const nodewire::EnrolRequest& request) {
    return certify("/node/v1/renew", request);
}

Result<http::Response> Upstream::post(const std::string& path,
                                      std::string body,
                                      std::string_view what,
                                      Milliseconds timeout) {
    http::OutgoingRequest outgoing{
        .method = "POST", .url = url_ + path, .body = std::move(body), .timeout = timeout};
    outgoing.headers.set("Content-Type", "application/json");
    ASSIGN_OR_RETURN(auto response, transport_->send(outgoing));
    if (response.status / 100 != 2) return pass(refusal(response.status, response.body, what));
    return response;
}

Result<nodewire::PollReply> Upstream::report_and_wait(const nodewire::Report& report,
                                                      std::int64_t seen) {
    ASSIGN_OR_RETURN(const auto response,
                     post(fmt::format("/node/v1/report?seen={}&logs=yes", seen),
                          nodewire::to_json(report),
                          "the report",
                          nodewire::report_period + call_timeout));
    if (response.status == 204) return nodewire::PollReply();
    return nodewire::poll_reply_from_json(response.body);
}

Result<void> Upstream::report(const nodewire::Report& report) {
    ASSIGN_OR_RETURN(
        const auto response,
        post("/node/v1/report", nodewire::to_json(report), "the report", call_timeout));
    return {};
}

Result<void> Upstream::log(const nodewire::LogReply& reply) {
    ASSIGN_OR_RETURN(const auto response,
                     post("/node/v1/log", nodewire::to_json(reply), "the log", call_timeout));
    return {};
}

Result<std::optional<std::string>> Upstream::init_script() {
    const http::OutgoingRequest outgoing{.url = url_ + "/node/v1/init-script",
                                         .timeout = call_timeout};
    ASSIGN_OR_RETURN(auto response, transport_->send(outgoing));
    if (response.status == 404) return std::nullopt;
    if (response.status != 200) {
        return pass(refusal(response.status, response.body, "asking for the init script"));
    }
    return std::move(response.body);
}

std::shared_ptr<Upstream> UpstreamSlot::get() const {
    std::lock_guard lock(mutex_);
    return upstream_;
}

void UpstreamSlot::set(std::shared_ptr<Upstream> upstream) {
    std::lock_guard lock(mutex_);
    upstream_ = std::move(upstream);
}

std::shared_ptr<Upstream> connect_upstream(const Identity& identity,
                                           const std::optional<Credentials>& credentials,
                                           std::stop_token stop) {
    http::ClientOptions options{.ca_pem = identity.ca_pem,
                                .connect_timeout = Milliseconds(2'000),
                                .reply_bytes_max = 64u << 20,
                                .user_agent = "hopyard-node",
                                .stop = stop};
    if (credentials) {
        options.certificate_pem = credentials->certificate_pem;
        options.private_key_pem = credentials->private_key_pem;
    }
    return std::make_shared<Upstream>(std::make_shared<http::Client>(std::move(options)),
                                      identity.url);
}

}  // namespace hopyard::node
