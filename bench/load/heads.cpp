#include "load/heads.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "load/fill.h"

namespace hopyard::bench {
namespace {

constexpr std::chrono::milliseconds pause_after_failure{1'000};
/// So many greet the server at once.
constexpr std::size_t coming_max = 64;

/// Made as nodes make theirs.
http::KeyAndCertificate certificate_for(const http::KeyAndCertificate& authority,
                                        const NodeId& node,
                                        Timestamp now) {
    auto made = http::make_signing_request(node.value);
    auto certificate = http::sign(
        authority,
        made.signing_request_pem,
        {.common_name = node.value, .client = true, .now = now, .validity = Seconds(24 * 3600)});
    CHECK(certificate);
    return {std::move(made.private_key_pem), std::move(*certificate)};
}

std::string post(const std::string& path, const std::string& body) {
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: {}\r\n\r\n{}",
        path,
        body.size(),
        body);
}

}  // namespace

struct Heads::Head {
    std::size_t number = 0;
    std::unique_ptr<Connection> waiting;
    std::unique_ptr<Connection> changes;
    nodewire::Report report;
    bool coming = false;
    bool ready = false;
    Steady::time_point wait_at = Steady::time_point::max();
};

Heads::Heads(const http::KeyAndCertificate& authority,
             std::uint16_t port,
             const std::vector<model::Node>& nodes,
             Timestamp now)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    const auto context = client_context(authority.certificate_pem);
    for (const model::Node& node : nodes) {
        const Identity identity = identity_of(certificate_for(authority, node.id, now));
        auto head = std::make_unique<Head>();
        head->number = heads_.size();
        head->waiting = std::make_unique<Connection>(epoll_, port, context, identity);
        head->changes = std::make_unique<Connection>(epoll_, port, context, identity);
        head->report = {.node = node.id.value,
                        .machine_id = machine_id(node.id),
                        .boot_id = node.seen.boot_id,
                        .program_version = "0.1.0",
                        .services_ready = true,
                        .mount_ready = true};
        heads_.push_back(std::move(head));
    }
}

Heads::~Heads() {
    heads_.clear();
    ::close(epoll_);
}

void Heads::start(Head& head) {
    head.coming = true;
    ++coming_;
    wait(head);
}

void Heads::wait(Head& head) {
    head.wait_at = Steady::time_point::max();
    const auto began = Steady::now();
    ++head.report.number;
    const std::int64_t told = head.report.applied_revision;
    const std::string path = fmt::format("/node/v1/report?seen={}", told);
    head.waiting->ask(
        post(path, nodewire::to_json(head.report)), [this, &head, began, told](Reply reply) {
            ++counts_.reports;
            counts_.waits_ms.push_back(
                std::chrono::duration<double, std::milli>(Steady::now() - began).count());
            const bool good = reply.status == 200 || reply.status == 204;
            counts_.failures += !good;
            head.wait_at = Steady::now() + (good ? Milliseconds(0) : pause_after_failure);
            if (reply.status == 200) {
                const auto orders = nodewire::orders_from_json(reply.body);
                CHECK(orders);
                head.report.applied_revision = orders->revision;
                ++counts_.orders;
            }
            if (!good || told == 0) return;
            if (!std::exchange(head.ready, true)) ++counts_.ready;
        });
    // The next one may come: this one has its orders, and waits.
    if (told > 0 && std::exchange(head.coming, false)) --coming_;
}

void Heads::tell(Head& head) {
    ++head.report.number;
    head.changes->ask(post("/node/v1/report", nodewire::to_json(head.report)), [this](Reply reply) {
        ++counts_.reports;
        counts_.failures += reply.status != 204;
    });
}

void Heads::step(Steady::time_point until) {
    const auto now = Steady::now();
    while (started_ < heads_.size() && coming_ < coming_max) start(*heads_[started_++]);
    for (std::size_t i = 0; i < started_; ++i)
        if (heads_[i]->wait_at <= now) wait(*heads_[i]);
    epoll_event events[512];
    const auto left = std::chrono::ceil<Milliseconds>(until - now).count();
    const int count =
        ::epoll_wait(epoll_, events, 512, static_cast<int>(std::clamp<std::int64_t>(left, 0, 5)));
    for (int i = 0; i < count; ++i) static_cast<Connection*>(events[i].data.ptr)->go_on();
}

bool Heads::come(Seconds at_most) {
    const auto until = Steady::now() + at_most;
    while (counts_.ready < heads_.size() && Steady::now() < until) step(until);
    return counts_.ready == heads_.size();
}

void Heads::run_for(Milliseconds span) {
    const auto until = Steady::now() + span;
    while (Steady::now() < until) step(until);
}

void Heads::change(std::size_t number, const std::string& stage) {
    Head& head = *heads_.at(number);
    head.report.stage = stage;
    tell(head);
}

Heads::Counts Heads::take_counts() {
    Counts taken = counts_;
    counts_ = {.ready = counts_.ready};
    return taken;
}

}  // namespace hopyard::bench
