#include "decide/replay/tally.h"

#include <algorithm>
#include <numeric>

namespace hopyard::decide::replay {
namespace {

constexpr std::size_t parts_max = 400;
constexpr double milliseconds_an_hour = 3'600'000;

double count_of(Milliseconds duration) {
    return static_cast<double>(duration.count());
}

/// How much of a worker one piece takes; a whole one where its size is not known.
double share_of_worker(const model::Resources& each, const model::Resources& worker) {
    const auto share = [](std::int64_t part, std::int64_t whole) {
        return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
    };
    return std::min(1.0,
                    std::max({share(each.cpus, worker.cpus),
                              share(each.memory_mb, worker.memory_mb),
                              share(each.gpus, worker.gpus)}));
}

double quantile(const std::vector<double>& sorted, double part) {
    if (sorted.empty()) return 0;
    const auto last = static_cast<double>(sorted.size() - 1);
    return sorted[static_cast<std::size_t>(part * last + 0.5)];
}

}  // namespace

Tally::Tally(const Trace& trace, Timestamp from) : from_(from), now_(from) {
    const Milliseconds span = trace.jobs.back().submitted_at - from;
    // Twice as long as need be at first: jobs run on after the last came.
    part_length_ = std::max(Milliseconds(1000), span / static_cast<int>(parts_max / 2));
}

void Tally::pass_until(Timestamp now,
                       const std::vector<scale::Worker>& workers,
                       std::int64_t waiting) {
    if (now <= now_) return;
    const auto used = std::count_if(
        workers.begin(), workers.end(), [](const auto& worker) { return worker.jobs > 0; });
    used_hours_ += static_cast<double>(used) * count_of(now - now_) / milliseconds_an_hour;
    while (now_ < now) {
        const auto part = static_cast<std::size_t>((now_ - from_) / part_length_);
        if (part >= parts_max) {
            halve();
            continue;
        }
        while (parts_.size() <= part)
            parts_.push_back({.at = from_ + part_length_ * static_cast<int>(parts_.size())});
        const Timestamp until = std::min(now, from_ + part_length_ * (static_cast<int>(part) + 1));
        const double length = count_of(until - now_);
        parts_[part].length += until - now_;
        parts_[part].workers += static_cast<double>(workers.size()) * length;
        parts_[part].used += static_cast<double>(used) * length;
        parts_[part].waiting += static_cast<double>(waiting) * length;
        now_ = until;
    }
}

/// It goes on for longer than was thought: two parts become one.
void Tally::halve() {
    for (std::size_t i = 0; i < parts_.size(); i += 2) {
        Part part = parts_[i];
        if (i + 1 < parts_.size()) {
            part.length += parts_[i + 1].length;
            part.workers += parts_[i + 1].workers;
            part.used += parts_[i + 1].used;
            part.waiting += parts_[i + 1].waiting;
        }
        parts_[i / 2] = part;
    }
    parts_.resize((parts_.size() + 1) / 2);
    part_length_ *= 2;
}

void Tally::began(const Job& job,
                  Timestamp now,
                  const scale::Group& general,
                  const std::optional<scale::Group>& gpu) {
    if (job.submitted_at < from_) return;
    const double waited_s = count_of(now - job.submitted_at) / 1000;
    const scale::Group& group = job.each.gpus > 0 && gpu ? *gpu : general;
    const model::Resources worker = group.kinds.empty() ? job.each : group.kinds.front().size;
    waits_s_.push_back(waited_s);
    waited_worker_s_ += waited_s * job.pieces * share_of_worker(job.each, worker);
}

Outcome Tally::outcome(const std::vector<Machine>& machines) const {
    Outcome outcome;
    for (const Machine& machine : machines) {
        const Timestamp end = machine.left_at.value_or(now_);
        if (end <= from_) continue;
        auto use = std::find_if(outcome.uses.begin(), outcome.uses.end(), [&](const Use& one) {
            return one.key == machine.key;
        });
        if (use == outcome.uses.end())
            use = outcome.uses.insert(outcome.uses.end(), {.key = machine.key});
        use->hours += count_of(end - std::max(machine.asked_at, from_)) / milliseconds_an_hour;
        use->boots += machine.asked_at >= from_;
    }
    std::vector<double> waits = waits_s_;
    std::sort(waits.begin(), waits.end());
    const double sum = std::accumulate(waits.begin(), waits.end(), 0.0);
    outcome.waiting = {.jobs = static_cast<std::int64_t>(waits.size()),
                       .mean_s = waits.empty() ? 0 : sum / static_cast<double>(waits.size()),
                       .median_s = quantile(waits, 0.5),
                       .p95_s = quantile(waits, 0.95),
                       .longest_s = waits.empty() ? 0 : waits.back(),
                       .worker_s = waited_worker_s_};
    outcome.used_hours = used_hours_;
    for (const Part& part : parts_) {
        const double length = std::max(count_of(part.length), 1.0);
        outcome.course.push_back({.at = part.at,
                                  .workers = part.workers / length,
                                  .used = part.used / length,
                                  .waiting = part.waiting / length});
    }
    return outcome;
}

}  // namespace hopyard::decide::replay
