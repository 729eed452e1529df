#include "load/heads.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "load/fill.h"

namespace hopyard::bench {
namespace {

constexpr std::chrono::milliseconds report_period{5'000};
constexpr std::chrono::milliseconds pause_after_failure{1'000};
/// So many greet the server at once.
constexpr std::size_t coming_max = 64;

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
    std::unique_ptr<Connection> orders;
    std::unique_ptr<Connection> reports;
    nodewire::Report report;
    bool took_report = false;
    bool coming = false;
    Steady::time_point report_at;
    Steady::time_point poll_at = Steady::time_point::max();
};

Heads::Heads(const http::KeyAndCertificate& authority,
             std::uint16_t port,
             const std::vector<model::Node>& nodes,
             Timestamp now)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    const auto context = client_context(authority.certificate_pem);
    for (const model::Node& node : nodes) {
        const auto own = http::issue(authority,
                                     {.common_name = node.id.value,
                                      .client = true,
                                      .now = now,
                                      .validity = Seconds(24 * 3600)});
        CHECK(own);
        const Identity identity = identity_of(*own);
        auto head = std::make_unique<Head>();
        head->number = heads_.size();
        head->orders = std::make_unique<Connection>(epoll_, port, context, identity);
        head->reports = std::make_unique<Connection>(epoll_, port, context, identity);
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
    // From then on spread over the period, by the order in which they came.
    head.report_at = Steady::now();
    poll(head);
}

void Heads::poll(Head& head) {
    head.poll_at = Steady::time_point::max();
    head.orders->ask(fmt::format("GET /node/v1/orders?seen={} HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                 head.report.applied_revision),
                     [this, &head](Reply reply) {
                         ++counts_.polls;
                         const bool good = reply.status == 200 || reply.status == 204;
                         if (reply.status == 200) {
                             const auto orders = nodewire::orders_from_json(reply.body);
                             CHECK(orders);
                             head.report.applied_revision = orders->revision;
                         }
                         counts_.failures += !good;
                         head.poll_at =
                             Steady::now() + (good ? Milliseconds(0) : pause_after_failure);
                     });
}

void Heads::report(Head& head) {
    head.report_at = Steady::now() + report_period;
    const auto began = Steady::now();
    head.reports->ask(
        post("/node/v1/report", nodewire::to_json(head.report)), [this, &head, began](Reply reply) {
            ++counts_.reports;
            counts_.reports_ms.push_back(
                std::chrono::duration<double, std::milli>(Steady::now() - began).count());
            if (reply.status != 204) {
                ++counts_.failures;
                head.report_at = Steady::now() + pause_after_failure;
                return;
            }
            if (!std::exchange(head.took_report, true)) ++counts_.ready;
            if (std::exchange(head.coming, false)) --coming_;
        });
}

void Heads::step(Steady::time_point until) {
    const auto now = Steady::now();
    while (started_ < heads_.size() && coming_ < coming_max) start(*heads_[started_++]);
    for (std::size_t i = 0; i < started_; ++i) {
        Head& head = *heads_[i];
        if (head.poll_at <= now) poll(head);
        if (head.report_at <= now && head.report.applied_revision > 0 && !head.reports->is_asking())
            report(head);
    }
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
    head.report_at = Steady::now();
}

Heads::Counts Heads::take_counts() {
    Counts taken = counts_;
    counts_ = {.ready = counts_.ready};
    return taken;
}

}  // namespace hopyard::bench
