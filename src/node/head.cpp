#include "node/head.h"

#include "base/log.h"
#include "node/metadata.h"

namespace hopyard::node {
namespace {

constexpr int relay_workers = 4;
constexpr int page_workers = 3;
/// How exactly the end of a poll without news is kept.
constexpr Milliseconds poll_look{1'000};

}  // namespace

ServedBy::ServedBy(const StartLoop& start_loop)
    : start_loop_(start_loop), server_(http::ServerOptions{}) {}

void ServedBy::start(int workers) {
    loops_.push_back(start_loop_([this](const std::stop_token&) { server_.run_io(); }));
    for (int i = 0; i < workers; ++i) {
        loops_.push_back(start_loop_([this](const std::stop_token&) { server_.run_worker(); }));
    }
}

void ServedBy::stop() {
    server_.stop(Milliseconds(200));
    for (auto& loop : loops_) loop->stop();
    loops_.clear();
}

Head::Head(Parts parts)
    : parts_(std::move(parts)),
      relay_(parts_.board, parts_.upstream, parts_.clock),
      relay_server_(parts_.start_loop),
      queue_({.board = parts_.board,
              .processes = parts_.processes,
              .clock = parts_.clock,
              .random = parts_.random,
              .refresh_container = [this] { parts_.storage.refresh(); }},
             {.book = parts_.state.file("jobs.json")}),
      console_(
          {.board = parts_.board, .queue = queue_, .clock = parts_.clock, .random = parts_.random}),
      page_server_(parts_.start_loop) {}

void Head::serve_page() {
    const auto orders = parts_.board.orders();
    if (!orders) return;
    const auto served = console_.serve(page_server_.server(), *orders);
    if (!served) log::warning("the page is not served", {{"cause", served.error().message}});
}

Result<void> Head::start(const Credentials& credentials) {
    parts_.board.on_orders([this] {
        relay_.answer_polls();
        serve_page();
    });
    page_server_.start(page_workers);
    serve_page();
    relay_.on_report([this](const nodewire::Report& report) {
        const auto before = parts_.board.relayed(report.node);
        const bool news = !before || before->services_ready != report.services_ready;
        if (news) parts_.board.poke(Part::workload);
    });
    RETURN_IF_ERROR(relay_server_.server().listen({.name = "relay",
                                                   .address = "0.0.0.0",
                                                   .port = nodewire::relay_port,
                                                   .tls = tls(credentials)},
                                                  relay_.handler()));
    relay_server_.start(relay_workers);
    poll_loop_ = parts_.start_loop([this](std::stop_token stop) {
        while (sleep_for(poll_look, stop)) relay_.answer_polls();
    });
    return {};
}

void Head::renew(const Credentials& credentials) {
    const auto replaced = relay_server_.server().set_tls("relay", tls(credentials));
    if (!replaced) log::error("the relay's certificate", {{"cause", replaced.error().message}});
}

void Head::stop() {
    parts_.board.on_orders({});
    if (poll_loop_) poll_loop_->stop();
    relay_server_.stop();
    page_server_.stop();
}

http::TlsOptions Head::tls(const Credentials& credentials) const {
    return {.certificate_chain_pem = credentials.certificate_pem,
            .private_key_pem = credentials.private_key_pem,
            .client_certificates = http::ClientCertificates::optional,
            .client_ca_pem = parts_.ca_pem};
}

}  // namespace hopyard::node
