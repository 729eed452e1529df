#include "control_plane.h"

#include "base/encoding.h"
#include "node/metadata.h"

namespace hopyard::test {

ControlPlane::ControlPlane(std::string address)
    : address_(std::move(address)), server_(http::ServerOptions{}) {
    authority_ = http::make_authority("test authority", clock_.now(), Seconds(86'400));
    add_node_routes();
    add_metadata_routes();
    const auto own = issue("control", address_);
    const auto nodes = server_.listen(
        {.name = "nodes",
         .address = address_,
         .port = 8443,
         .tls = http::TlsOptions{.certificate_chain_pem = own.certificate_pem,
                                 .private_key_pem = own.private_key_pem,
                                 .client_certificates = http::ClientCertificates::optional,
                                 .client_ca_pem = authority_.certificate_pem}},
        [this](const http::Request& request, http::Responder responder) {
            if (silent_) return responder.respond(http::text_response(503, "silent"));
            nodes_.handle(request, std::move(responder));
        });
    const auto metadata =
        server_.listen({.name = "metadata", .address = "169.254.169.254", .port = 80},
                       [this](const http::Request& request, http::Responder responder) {
                           if (silent_)
                               return responder.respond(http::text_response(503, "silent"));
                           metadata_.handle(request, std::move(responder));
                       });
    if (!nodes || !metadata) std::abort();
    threads_.emplace_back([this] { server_.run_io(); });
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { server_.run_worker(); });
    threads_.emplace_back([this](std::stop_token stop) {
        while (node::sleep_for(Milliseconds(100), stop)) {
            std::lock_guard lock(mutex_);
            answer_polls_locked();
        }
    });
}

ControlPlane::~ControlPlane() {
    {
        std::lock_guard lock(mutex_);
        polls_.clear();
    }
    threads_.back().request_stop();
    server_.stop(Milliseconds(100));
}

http::KeyAndCertificate ControlPlane::issue(const std::string& name, const std::string& ip) const {
    return *http::issue(authority_,
                        {.common_name = name,
                         .ip_addresses = {ip},
                         .client = true,
                         .now = clock_.now(),
                         .validity = Seconds(3'600)});
}

void ControlPlane::add_metadata_routes() {
    const auto answer = [this](const std::string& field) {
        return [this, field](const http::Request& request, const http::PathParameters&) {
            std::lock_guard lock(mutex_);
            const auto found = machines_.find(request.peer.address);
            if (request.headers.get("Metadata") != "true" || found == machines_.end()) {
                return http::text_response(400, "");
            }
            return http::text_response(200, found->second.at(field));
        };
    };
    metadata_.add("GET", "/metadata/instance/compute/vmId", answer("id"));
    metadata_.add("GET", "/metadata/instance/compute/userData", answer("user_data"));
    metadata_.add("GET",
                  "/metadata/instance/network/interface/0/ipv4/ipAddress/0/privateIpAddress",
                  answer("address"));
}

void ControlPlane::add_machine(const std::string& address,
                               const std::string& node,
                               const std::string& url) {
    const nodewire::UserData data{.cluster = "c-test",
                                  .node = node,
                                  .is_head = url.find(address_) != std::string::npos,
                                  .url = url,
                                  .ca_pem = authority_.certificate_pem,
                                  .token = Secret(token_)};
    std::lock_guard lock(mutex_);
    machines_[address] = {{"id", "id-of-" + node},
                          {"address", address},
                          {"user_data", to_base64(nodewire::to_json(data))}};
}

http::Response ControlPlane::certify(const http::Request& request, bool with_token) {
    const auto body = nodewire::enrol_request_from_json(request.body);
    if (!body) return http::text_response(400, body.error().message);
    if (with_token && body->token.reveal() != token_) return http::text_response(401, "token");
    const auto signed_ = http::sign(authority_,
                                    body->signing_request_pem,
                                    {.common_name = body->node,
                                     .ip_addresses = {body->private_ip},
                                     .client = true,
                                     .now = clock_.now(),
                                     .validity = Seconds(3'600)});
    if (!signed_) return http::text_response(400, signed_.error().message);
    std::lock_guard lock(mutex_);
    ++enrolments_;
    return http::json_response(200, nodewire::to_json(nodewire::EnrolReply{*signed_}));
}

void ControlPlane::add_node_routes() {
    nodes_.add("POST", "/node/v1/enrol", [this](const auto& request, const auto&) {
        return certify(request, true);
    });
    nodes_.add("POST", "/node/v1/renew", [this](const auto& request, const auto&) {
        return certify(request, false);
    });
    nodes_.add(
        "POST",
        "/node/v1/report",
        [this](
            const http::Request& request, const http::PathParameters&, http::Responder responder) {
            auto body = nodewire::report_from_json(request.body);
            if (!body) return responder.respond(http::text_response(400, body.error().message));
            std::lock_guard lock(mutex_);
            take_locked(std::move(*body));
            if (!request.query("seen")) return responder.respond(http::Response{.status = 204});
            polls_.push_back({.seen = std::stoll(*request.query("seen")),
                              .until = clock_.now() + nodewire::report_period,
                              .responder = responder});
            answer_polls_locked();
        });
    nodes_.add("POST", "/node/v1/log", [this](const http::Request& request, const auto&) {
        auto body = nodewire::log_reply_from_json(request.body);
        if (!body) return http::text_response(400, body.error().message);
        std::lock_guard lock(mutex_);
        logs_[body->node] = std::move(*body);
        arrived_.notify_all();
        return http::Response{.status = 204};
    });
    nodes_.add("GET", "/node/v1/init-script", [this](const http::Request&, const auto&) {
        std::lock_guard lock(mutex_);
        return script_.empty() ? http::text_response(404, "") : http::text_response(200, script_);
    });
}

void ControlPlane::take_locked(nodewire::Report report) {
    if (report_ && report_->run == report.run && report_->number > report.number) return;
    report_ = std::move(report);
    arrived_.notify_all();
}

void ControlPlane::answer_polls_locked() {
    std::erase_if(polls_, [this](Poll& poll) {
        if (poll.responder.is_gone()) return true;
        const bool is_newer = orders_ && orders_->revision > poll.seen;
        if (!is_newer && log_wishes_.empty()) {
            const bool is_over = clock_.now() >= poll.until;
            if (is_over) poll.responder.respond(http::Response{.status = 204});
            return is_over;
        }
        auto body = is_newer ? nodewire::to_json(*orders_)
                             : nodewire::to_json(std::exchange(log_wishes_, {}));
        poll.responder.respond(http::json_response(200, std::move(body)));
        return true;
    });
}

void ControlPlane::set_orders(nodewire::Orders orders) {
    std::lock_guard lock(mutex_);
    orders.revision = orders_ ? orders_->revision + 1 : 1;
    for (auto& [name, worker] : orders.workers) worker.revision = orders.revision;
    orders_ = std::move(orders);
    answer_polls_locked();
}

std::optional<nodewire::LogReply> ControlPlane::log_of(const std::string& node,
                                                       Milliseconds timeout) {
    std::unique_lock lock(mutex_);
    logs_.erase(node);
    log_wishes_ = {{.node = node, .lines = 200}};
    answer_polls_locked();
    if (!arrived_.wait_for(lock, timeout, [&] { return logs_.contains(node); }))
        return std::nullopt;
    return logs_.at(node);
}

void ControlPlane::set_init_script(std::string script) {
    std::lock_guard lock(mutex_);
    script_ = std::move(script);
}

std::optional<nodewire::Report> ControlPlane::report() const {
    std::lock_guard lock(mutex_);
    return report_;
}

int ControlPlane::enrolments() const {
    std::lock_guard lock(mutex_);
    return enrolments_;
}

bool ControlPlane::wait_for(const std::function<bool(const nodewire::Report&)>& fits,
                            Milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, timeout, [&] { return report_ && fits(*report_); });
}

}  // namespace hopyard::test
