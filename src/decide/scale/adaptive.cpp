#include "decide/scale/adaptive.h"

#include <algorithm>
#include <array>

#include "decide/scale/experience.h"

namespace hopyard::decide::scale {
namespace {

/// Looked ahead for so many boot times: what comes later is weighed later.
constexpr std::array<double, 6> horizons{0.1, 0.25, 0.5, 1, 2, 4};
// These were found on the first half of the recorded workload whose second half `./dev bench`
// judges by, as what makes workers and waiting together cheapest.
/// A new worker that turns out not to be needed costs its boot, and more until it is let go or
/// used: so many boots.
constexpr double boots_saved = 4;
/// Of what is kept, only that part is wanted when the whole of it is counted on.
constexpr double used_of_kept = 0.4;
/// A job that waits for a worker that was let go makes others wait: it counts as so many.
constexpr double others_wait = 2;
constexpr Milliseconds look_at_least = Seconds(5);
constexpr Milliseconds look_at_most = Seconds(60);

double seconds(Milliseconds duration) {
    return static_cast<double>(duration.count()) / 1000;
}

const model::Experience nothing_learned;

}  // namespace

Adaptive::Adaptive(const Situation& situation, GroupName name, const Group& group)
    : situation_(situation),
      name_(name),
      experience_(group.experience ? *group.experience : nothing_learned),
      boot_(std::max(experience_.boot.value_or(boot_unseen), Milliseconds(1000))),
      waiting_costs_(std::max(1.0, static_cast<double>(experience_.mean_rise) / 1000)) {}

int Adaptive::worth_keeping(int most) const {
    int best = 0;
    double best_gain = 0;
    for (const double horizon : horizons) {
        const double length = horizon * seconds(boot_);
        const auto within = Milliseconds(static_cast<std::int64_t>(length * 1000));
        double saved = 0;
        for (const auto& size : experience_.sizes) {
            if (size.workers > most) break;
            // Without them it would wait for a boot, and pay for one of each.
            const double waits = waiting_costs_ * others_wait;
            const double each = (waits + size.workers) * seconds(boot_);
            saved +=
                expected_returns(experience_, size, situation_.now, within) * each * used_of_kept;
            const double gain = (saved - size.workers * length) / length;
            if (gain <= best_gain) continue;
            best_gain = gain;
            best = size.workers;
        }
    }
    return best;
}

/// Per second, of what runs on so many workers or more: the best mean over any time that ends
/// before a new worker would be there.
double Adaptive::rate_of_ends(int workers) const {
    double best = 0;
    for (const double horizon : horizons) {
        if (horizon > 1) break;
        const double length = horizon * seconds(boot_);
        const auto within = Milliseconds(static_cast<std::int64_t>(length * 1000));
        double ends = 0;
        for (const auto& rise : experience_.rises)
            if (rise.workers >= workers)
                ends += chance_of_end(experience_, rise, situation_.now, within);
        best = std::max(best, ends / length);
    }
    return best;
}

/// How often so many workers are free by their jobs' time limits before new ones would be there.
std::int64_t Adaptive::sure_ends(int workers) const {
    const Timestamp new_one_is_there = situation_.now + boot_;
    const auto free_in_time = std::count_if(
        situation_.workers.begin(), situation_.workers.end(), [&](const Worker& worker) {
            return worker.group == name_ && worker.state == Worker::State::ready &&
                   worker.busy_until && *worker.busy_until <= new_one_is_there;
        });
    return std::max<std::int64_t>(free_in_time - claimed_workers_, 0) / workers;
}

std::int64_t Adaptive::better_wait(int missing, std::int64_t count, Timestamp waiting_since) {
    if (missing <= 0 || situation_.now - waiting_since >= boot_) return 0;
    const std::int64_t sure = std::min(count, sure_ends(missing));
    claimed_workers_ += sure * missing;
    // A second later it may have ended, and the boot is saved; or not, and a second is lost.
    const double needed = waiting_costs_ / (missing * seconds(boot_) * boots_saved);
    const double ends = rate_of_ends(missing) - claimed_ends_;
    const auto probable =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(ends / needed), 0, count - sure);
    claimed_ends_ += static_cast<double>(probable) * needed;
    return sure + probable;
}

Timestamp Adaptive::look_again_at() const {
    return situation_.now + std::clamp(boot_ / 10, look_at_least, look_at_most);
}

}  // namespace hopyard::decide::scale
