#include "node/workload/part.h"

#include <algorithm>
#include <chrono>

#include "base/backoff.h"
#include "base/log.h"
#include "node/init_script/init_script.h"
#include "node/metadata.h"

namespace hopyard::node::workload {
namespace {

using Steady = std::chrono::steady_clock;
using nodewire::Orders;

constexpr Backoff failure_backoff{.first = Milliseconds(50), .most = Milliseconds(5'000)};
constexpr Milliseconds at_once{20};
constexpr Milliseconds soon{150};
constexpr Milliseconds slowly{5'000};
/// So many looks that find something still under way come soon after another; then slower ones.
constexpr int soon_looks = 100;
constexpr Milliseconds less_soon{1'000};
/// A look that takes this long comes of a large cluster: then looking takes a fifth of the time at
/// most, whatever happens.
constexpr Milliseconds costly{100};
constexpr int cost_factor = 4;

Milliseconds rest_after(Milliseconds cost) {
    return cost < costly ? at_once : cost * cost_factor;
}

}  // namespace

std::string WorkloadPart::waits_for(const Orders& orders) const {
    const auto is_ready = [&](Part part) {
        const auto status = board_.status(part);
        return status.ready && status.applied_revision > 0;
    };
    if (!may_start(board_)) return "waiting for the init script";
    if (orders.is_head) return "";
    // A job must find its user, the container where its data belongs, and what the script made.
    if (!is_ready(Part::access)) return "waiting for the accounts";
    if (orders.storage && !is_ready(Part::storage)) return "waiting for the mount";
    if (!may_take_work(board_)) return "waiting for the init script";
    return "";
}

void WorkloadPart::say(std::int64_t applied, std::string stage, std::optional<Error> failure) {
    applied_ = std::max(applied_, applied);
    board_.set_status(Part::workload,
                      {.applied_revision = applied_,
                       .ready = applied_ > 0 && manager_.is_running(),
                       .stage = std::move(stage),
                       .failure = std::move(failure)});
}

std::set<std::string> WorkloadPart::alive_workers(const Orders& orders) const {
    std::set<std::string> result;
    for (const auto& [node, ignored] : orders.workers) {
        const auto report = board_.relayed(node);
        if (report && report->services_ready) result.insert(node);
    }
    return result;
}

Result<Milliseconds> WorkloadPart::look_and_arrange(const Orders& orders) {
    const auto begin = Steady::now();
    ASSIGN_OR_RETURN(const auto seen, manager_.look());
    const auto cost = std::chrono::ceil<Milliseconds>(Steady::now() - begin);
    board_.set_workload({.nodes = to_report(orders, seen, drains_),
                         .jobs_running = seen.jobs_running,
                         .jobs_pending = seen.jobs_pending,
                         .demand = seen.demand});
    ASSIGN_OR_RETURN(const auto arranged, manager_.arrange(orders, seen, alive_workers(orders)));
    // What is said of a drain counts from the first look after it was arranged.
    auto drains = drains_of(orders);
    const bool changed = arranged.changed || drains != drains_;
    drains_ = std::move(drains);
    const bool settled = arranged.attained && !changed;
    unsettled_looks_ = settled ? 0 : unsettled_looks_ + 1;
    const auto wanted = settled                         ? slowly
                        : unsettled_looks_ > soon_looks ? less_soon
                        : changed                       ? at_once
                                                        : soon;
    next_look_ = Steady::now() + rest_after(cost);
    return std::max(wanted, rest_after(cost));
}

Result<Milliseconds> WorkloadPart::step(const Orders& orders, std::stop_token stop) {
    // Once it takes jobs it goes on doing so: what is taken back later is a matter of new orders.
    if (applied_ == 0) {
        if (auto what = waits_for(orders); !what.empty()) {
            say(0, what);
            return Milliseconds(0);
        }
    }
    if (!manager_.is_running()) say(applied_, "starting the workload manager");
    RETURN_IF_ERROR(manager_.become(orders, stop));
    auto wait = slowly;
    if (orders.is_head) {
        ASSIGN_OR_RETURN(wait, look_and_arrange(orders));
    }
    say(orders.revision, "");
    return wait;
}

void WorkloadPart::run(std::stop_token stop) {
    int failures = 0;
    std::int64_t taken = 0;
    auto wait = slowly;
    auto known_change = board_.change();
    while (!stop.stop_requested()) {
        const auto orders =
            wait.count() == 0 ? (known_change = board_.wait_for_change(known_change, slowly, stop),
                                 board_.orders())
                              : board_.wait_for_orders(Part::workload, taken, wait, stop);
        if (stop.stop_requested() || !orders) continue;
        const auto rest = std::chrono::ceil<Milliseconds>(next_look_ - Steady::now());
        if (rest.count() > 0 && !sleep_for(rest, stop)) return;
        taken = orders->revision;
        const auto outcome = step(*orders, stop);
        if (outcome) {
            failures = 0;
            wait = *outcome;
            continue;
        }
        if (stop.stop_requested()) return;
        if (failures % 16 == 8) {
            log::warning("the workload manager", {{"cause", outcome.error().message}});
        }
        wait = wait_before(failure_backoff, failures++, random_);
        // A first failure is mostly a matter of order; people hear of those that stay.
        say(applied_,
            "starting the workload manager",
            failures > 3 ? std::optional(outcome.error()) : std::nullopt);
    }
}

}  // namespace hopyard::node::workload
