#include "ground.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "api/keys.h"
#include "model/phase.h"
#include "store/open.h"

namespace hopyard::conformance {
namespace {

const InstallationId installation("11111111-2222-4333-8444-555555555555");
/// More rounds than that without time going on: somebody turns in circles.
constexpr int rounds_at_once = 200;

}  // namespace

bool Calls::run_all() {
    const bool any = !waiting_.empty();
    while (!waiting_.empty()) {
        auto call = std::move(waiting_.front());
        waiting_.pop_front();
        call();
    }
    return any;
}

Ground::Ground()
    : store_(store::open_memory()),
      authority_pem_(http::make_authority("conformance", clock.now(), Seconds(365 * 86'400))),
      authority_(authority_pem_) {
    // The listener's handler comes later than its port, which the machines' user data names.
    std::uint16_t node_port = 0;
    const auto own = http::issue(authority_pem_,
                                 {.common_name = "control plane",
                                  .ip_addresses = {"127.0.0.1"},
                                  .now = clock.now(),
                                  .validity = Seconds(30 * 86'400)});
    const auto nodes = server_.listen(
        {.name = "nodes",
         .tls = http::TlsOptions{.certificate_chain_pem = own->certificate_pem,
                                 .private_key_pem = own->private_key_pem,
                                 .client_certificates = http::ClientCertificates::optional,
                                 .client_ca_pem = authority_pem_.certificate_pem}},
        [this](const http::Request& request, http::Responder responder) {
            service_->nodes()(request, std::move(responder));
        });
    const auto people = server_.listen(
        {.name = "people"}, [this](const http::Request& request, http::Responder responder) {
            service_->people()(request, std::move(responder));
        });
    if (!nodes || !people) std::abort();
    node_port = *nodes;
    url_ = "http://127.0.0.1:" + std::to_string(*people);
    loops_ = std::make_unique<control::Loops>(
        *store_,
        cloud,
        cloud,
        calls_,
        clock,
        random_,
        control::LoopOptions{.installation = installation,
                             .holder = "conformance",
                             .node_url = "https://127.0.0.1:" + std::to_string(node_port),
                             .node_ca_pem = authority_.ca_pem()});
    commands_ =
        std::make_unique<control::Commands>(*store_,
                                            clouds_,
                                            *loops_,
                                            clock,
                                            random_,
                                            control::CommandsOptions{.installation = installation});
    sessions_ = std::make_unique<control::NodeSessions>(
        *store_, authority_, *loops_, clock, random_, control::SessionOptions{});
    service_ = std::make_unique<api::Service>(api::Parts{.store = *store_,
                                                         .commands = *commands_,
                                                         .sessions = *sessions_,
                                                         .clouds = clouds_,
                                                         .clock = clock,
                                                         .random = random_},
                                              api::ServiceOptions{.version = "conformance"});
    machines_ = std::make_unique<Machines>(cloud, clock);
    key_ = **api::make_first_key(*store_, random_, clock.now());
    threads_.emplace_back([this] { server_.run_io(); });
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { server_.run_worker(); });
}

Ground::~Ground() {
    service_->close_streams();
    server_.stop(Milliseconds(0));
    threads_.clear();
}

Timestamp Ground::next_event(Timestamp step) const {
    Timestamp next = std::min(step, machines_->next());
    if (const auto end = cloud.next_end()) next = std::min(next, *end);
    return next;
}

void Ground::advance(Milliseconds span) {
    const Timestamp end = clock.now() + span;
    int at_once = 0;
    while (true) {
        const Timestamp step = loops_->step();
        const bool called = calls_.run_all();
        cloud.settle();
        const bool spoke = machines_->act();
        sessions_->write_old_rows();
        sessions_->orders_may_have_changed();
        sessions_->notice_silence();
        service_->tick(clock.now());
        if ((called || spoke || step <= clock.now()) && ++at_once < rounds_at_once) continue;
        EXPECT_LT(at_once, rounds_at_once) << "the loops turn without time going on";
        at_once = 0;
        if (clock.now() >= end) return;
        clock.set(std::clamp(next_event(step), clock.now() + Milliseconds(1), end));
    }
}

std::vector<std::string> Ground::left_in_cloud() const {
    std::vector<std::string> left;
    for (const auto& [name, thing] : cloud.things())
        left.push_back(std::string(model::to_string(name.kind)) + " " + name.name);
    return left;
}

}  // namespace hopyard::conformance
