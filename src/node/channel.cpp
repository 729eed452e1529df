#include "node/channel.h"

#include <algorithm>

#include "base/backoff.h"
#include "base/log.h"
#include "node/metadata.h"

namespace hopyard::node {
namespace {

constexpr Backoff call_backoff{.first = Milliseconds(50), .most = Milliseconds(2'000)};
/// Several changes within this time make one report.
constexpr Milliseconds report_debounce{20};
constexpr Seconds renewal_retry{60};

}  // namespace

Channel::Channel(Parts parts, Enrolled enrolled)
    : parts_(std::move(parts)), enrolled_(std::move(enrolled)) {}

void Channel::on_renewal(std::function<void(const Credentials&)> callback) {
    on_renewal_ = std::move(callback);
}

void Channel::on_log_request(std::function<void(const nodewire::LogRequest&)> callback) {
    on_log_request_ = std::move(callback);
}

void Channel::renew_in_time(std::stop_token stop) {
    const auto now = parts_.clock.now();
    if (now < next_renewal_) return;
    next_renewal_ = now + renewal_retry;
    if (!should_renew(enrolled_.credentials, now)) return;
    auto renewed = renew(parts_.state, enrolled_, *parts_.upstream.get(), now);
    if (!renewed) {
        log::warning("the certificate is not renewed yet", {{"cause", renewed.error().message}});
        return;
    }
    enrolled_.credentials = std::move(*renewed);
    parts_.upstream.set(connect_upstream(enrolled_.identity, enrolled_.credentials, stop));
    if (on_renewal_) on_renewal_(enrolled_.credentials);
}

void Channel::take(nodewire::Orders orders) {
    if (orders.node != enrolled_.identity.node) {
        log::error("orders of another node came", {{"node", orders.node}});
        return;
    }
    log::info("orders came", {{"revision", orders.revision}});
    const auto kept = parts_.state.keep_orders(orders);
    if (!kept) log::warning("orders are not kept", {{"cause", kept.error().message}});
    parts_.board.set_orders(std::move(orders));
}

void Channel::run_waiting(std::stop_token stop) {
    int failures = 0;
    while (!stop.stop_requested()) {
        const auto known = parts_.board.orders();
        reported_ = parts_.board.change();
        auto reply = parts_.upstream.get()->report_and_wait(parts_.board.report(),
                                                            known ? known->revision : 0);
        if (reply) {
            failures = 0;
            if (reply->orders) take(std::move(*reply->orders));
            for (const auto& wish : reply->logs)
                if (on_log_request_) on_log_request_(wish);
            renew_in_time(stop);
            continue;
        }
        reported_ = 0;
        if (failures % 16 == 8) {
            log::warning("reports are not taken and orders do not come",
                         {{"cause", reply.error().message}});
        }
        sleep_for(wait_before(call_backoff, failures++, parts_.random), stop);
        renew_in_time(stop);
    }
}

void Channel::run_changes(std::stop_token stop) {
    int failures = 0;
    while (!stop.stop_requested()) {
        const auto known = reported_.load();
        if (parts_.board.wait_for_change(known, nodewire::report_period, stop) == known) continue;
        sleep_for(report_debounce, stop);
        const auto change = parts_.board.change();
        if (change == reported_) continue;  // a waiting report has taken it along
        const auto sent = parts_.upstream.get()->report(parts_.board.report());
        if (sent) {
            failures = 0;
            reported_ = std::max(reported_.load(), change);
            continue;
        }
        sleep_for(wait_before(call_backoff, failures++, parts_.random), stop);
    }
}

}  // namespace hopyard::node
