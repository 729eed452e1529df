// What the autoscaler's two modes cost on a recorded workload, beside the family of policies that
// remove a worker after a time without work and keep some idle (`standard` with another wait and
// standby), and beside the optimum of who knows the future; and into how few workers it packs. JSON
// for bench/run.
//
//   hopyard-bench-quality swf BOOT_SECONDS <trace.swf     a worker is one processor
//   hopyard-bench-quality openb BOOT_SECONDS <openb.csv   a worker is the trace's commonest large
//   one hopyard-bench-quality packing <openb.csv              the same
//
// Where jobs share workers nobody knows the optimum; instead of it stands what no policy can be
// below that lets every job begin at once: at any time as many workers as the scarcest of cores,
// memory and cards needs, and no boot.
//
// Of whole workers, the optimum lets every job begin when it was submitted; of each gap in the use
// of a worker it pays the cheaper of idling through it and booting again. Workers are taken from a
// stack, which makes gaps as unequal as can be, and so is best for whoever pays for a gap at most
// one boot.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "decide/replay/replay.h"

namespace {

using namespace hopyard;
using decide::replay::Outcome;
using decide::replay::Setup;
using decide::replay::Trace;
namespace scale = decide::scale;

constexpr double milliseconds_an_hour = 3'600'000;

struct Member {
    std::int64_t wait_s = 0;
    double standby = 0;
};

struct Point {
    double hours = 0;
    double mean_wait_s = 0;
    double jobs = 0;
    /// A second of a job's waiting counts as much as the workers that a job takes in the mean.
    double with_waiting(double mean_pieces) const {
        return hours + mean_wait_s * jobs * mean_pieces / 3600;
    }
};

/// A recorded workload, and the workers that it runs on.
struct Workload {
    Trace trace;
    model::Resources worker{.cpus = 1};
    bool is_shared = false;  ///< several jobs on one worker
};

/// The trace's node that holds every task of it.
constexpr model::Resources large_node{.cpus = 128, .memory_mb = 786'432, .gpus = 8};

Setup setup_of(const Workload& workload,
               Member member,
               model::AutoscaleMode mode,
               Milliseconds boot) {
    Setup setup{.mode = mode};
    setup.boots = {boot};
    const auto group = [&](const char* name) {
        // The maximum is out of the way: what is judged is when workers come and go.
        return scale::Group{.policy = {.instance_type = name,
                                       .max_workers = workload.is_shared ? 2000 : 256,
                                       .standby_workers = member.standby,
                                       .downscale_wait_s = member.wait_s},
                            .kinds = {{.key = {.instance_type = name}, .size = workload.worker}}};
    };
    setup.general = group("node");
    if (workload.worker.gpus > 0) {
        setup.general.kinds[0].size.gpus = 0;
        setup.gpu = group("node-with-cards");
    }
    return setup;
}

Point judge(const Trace& trace, const Setup& setup) {
    const Outcome outcome = decide::replay::replay(trace, setup);
    return {.hours = outcome.hours(),
            .mean_wait_s = outcome.waiting.mean_s,
            .jobs = static_cast<double>(outcome.waiting.jobs)};
}

/// Of each member, on two cores.
std::vector<Point> judge_all(const Workload& workload,
                             const std::vector<Member>& family,
                             Milliseconds boot,
                             std::optional<Timestamp> from) {
    std::vector<Point> points(family.size());
    const auto every_other = [&](std::size_t first) {
        for (std::size_t i = first; i < family.size(); i += 2) {
            Setup setup = setup_of(workload, family[i], model::AutoscaleMode::standard, boot);
            setup.count_from = from;
            points[i] = judge(workload.trace, setup);
        }
    };
    std::thread other(every_other, 1);
    every_other(0);
    other.join();
    return points;
}

/// Worker hours from then on.
double optimum(const Trace& trace, Milliseconds boot, Timestamp from) {
    struct Change {
        Timestamp at;
        int workers;  ///< less than 0: they become free
    };
    std::vector<Change> changes;
    for (const auto& job : trace.jobs) {
        changes.push_back({job.submitted_at, job.pieces});
        changes.push_back({job.submitted_at + job.run, -job.pieces});
    }
    std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
        return std::pair(a.at, a.workers) < std::pair(b.at, b.workers);
    });
    std::vector<Timestamp> free_since;
    double paid_ms = 0;
    std::int64_t used = 0;
    Timestamp last = from;
    for (const Change& change : changes) {
        if (change.at > last) {
            paid_ms += static_cast<double>(used) * static_cast<double>((change.at - last).count());
            last = change.at;
        }
        used += change.workers;
        for (int i = 0; i < -change.workers; ++i) free_since.push_back(change.at);
        for (int i = 0; i < change.workers; ++i) {
            Milliseconds gap = boot;
            if (!free_since.empty()) {
                gap = std::min(gap, change.at - free_since.back());
                free_since.pop_back();
            }
            if (change.at >= from) paid_ms += static_cast<double>(gap.count());
        }
    }
    return paid_ms / milliseconds_an_hour;
}

/// Worker hours from then on that no policy can be below, where jobs share workers.
double least_shared(const Trace& trace, const model::Resources& worker, Timestamp from) {
    std::map<Timestamp, model::Resources> changes;
    for (const auto& job : trace.jobs) {
        const auto change = [&](Timestamp at, std::int64_t times) {
            changes[at].cpus += times * job.each.cpus;
            changes[at].memory_mb += times * job.each.memory_mb;
            changes[at].gpus += times * job.each.gpus;
        };
        change(job.submitted_at, job.pieces);
        change(job.submitted_at + job.run, -job.pieces);
    }
    const auto workers = [](std::int64_t used, std::int64_t each) {
        return each == 0 ? 0 : (used + each - 1) / each;
    };
    double paid_ms = 0;
    model::Resources used;
    Timestamp last = from;
    for (const auto& [at, change] : changes) {
        if (at > last) {
            const auto needed = std::max({workers(used.cpus, worker.cpus),
                                          workers(used.memory_mb, worker.memory_mb),
                                          workers(used.gpus, worker.gpus)});
            paid_ms += static_cast<double>(needed) * static_cast<double>((at - last).count());
            last = at;
        }
        used.cpus += change.cpus;
        used.memory_mb += change.memory_mb;
        used.gpus += change.gpus;
    }
    return paid_ms / milliseconds_an_hour;
}

/// What the family costs where it keeps jobs waiting no longer than that, between its members as if
/// both were used for a part of the time.
double cost_at(std::vector<Point> points, double mean_wait_s) {
    std::sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
        return a.mean_wait_s < b.mean_wait_s;
    });
    double best = points.front().hours;
    for (const Point& a : points)
        for (const Point& b : points) {
            if (a.mean_wait_s > mean_wait_s) continue;
            best = std::min(best, a.hours);
            if (b.mean_wait_s <= mean_wait_s) continue;
            const double part = (mean_wait_s - a.mean_wait_s) / (b.mean_wait_s - a.mean_wait_s);
            best = std::min(best, a.hours + part * (b.hours - a.hours));
        }
    return best;
}

/// The workers that a job takes: of shared ones the part of its scarcest resource.
double pieces_of(const decide::replay::Job& job, const Workload& workload) {
    if (!workload.is_shared) return job.pieces;
    const auto part = [](std::int64_t wanted, std::int64_t each) {
        return static_cast<double>(wanted) / static_cast<double>(each);
    };
    return job.pieces * std::max({part(job.each.cpus, workload.worker.cpus),
                                  part(job.each.memory_mb, workload.worker.memory_mb),
                                  part(job.each.gpus, workload.worker.gpus)});
}

int run_replay(const Workload& workload, Milliseconds boot) {
    const Trace* trace = &workload.trace;
    Workload first_half = workload;
    first_half.trace.jobs.resize(trace->jobs.size() / 2);
    const Timestamp half = trace->jobs[trace->jobs.size() / 2].submitted_at;
    double mean_pieces = 0;
    for (const auto& job : first_half.trace.jobs) mean_pieces += pieces_of(job, workload);
    mean_pieces /= static_cast<double>(first_half.trace.jobs.size());

    std::vector<Member> family;
    for (const std::int64_t wait_s : {0, 15, 30, 60, 120, 285, 600})
        for (const double standby : {0, 1, 2}) family.push_back({wait_s, standby});
    const auto tuned_on = judge_all(first_half, family, boot, std::nullopt);
    const auto judged_on = judge_all(workload, family, boot, half);
    const auto best = static_cast<std::size_t>(
        std::min_element(tuned_on.begin(),
                         tuned_on.end(),
                         [&](const Point& a, const Point& b) {
                             return a.with_waiting(mean_pieces) < b.with_waiting(mean_pieces);
                         }) -
        tuned_on.begin());
    // As the product sets it up: 300 s, half a worker.
    Setup standard = setup_of(workload, {300, 0.5}, model::AutoscaleMode::standard, boot);
    standard.count_from = half;
    Setup adaptive = setup_of(workload, {}, model::AutoscaleMode::adaptive, boot);
    adaptive.count_from = half;
    const Point standard_point = judge(*trace, standard);
    const Point adaptive_point = judge(*trace, adaptive);
    const double least = workload.is_shared ? least_shared(*trace, workload.worker, half)
                                            : optimum(*trace, boot, half);
    const Point family_point = judged_on[best];
    const double same_wait = cost_at(judged_on, adaptive_point.mean_wait_s);
    const auto gap_closed = [least](double theirs, double ours) {
        return 100 * (theirs - ours) / (theirs - least);
    };
    std::printf(
        "{\"optimum_hours\": %.0f, \"standard\": [%.0f, %.1f], \"family\": [%.0f, %.1f], "
        "\"family_wait_s\": %lld, \"family_standby\": %g, \"family_same_wait_hours\": %.0f, "
        "\"adaptive\": [%.0f, %.1f], \"headroom_percent\": %.1f, \"gap_closed_percent\": %.1f, "
        "\"gap_closed_with_waiting_percent\": %.1f}\n",
        least,
        standard_point.hours,
        standard_point.mean_wait_s,
        family_point.hours,
        family_point.mean_wait_s,
        static_cast<long long>(family[best].wait_s),
        family[best].standby,
        same_wait,
        adaptive_point.hours,
        adaptive_point.mean_wait_s,
        100 * (family_point.hours - least) / family_point.hours,
        gap_closed(same_wait, adaptive_point.hours),
        gap_closed(family_point.with_waiting(mean_pieces),
                   adaptive_point.with_waiting(mean_pieces)));
    return 0;
}

// --- packing -----------------------------------------------------------------------------------

/// Martello and Toth's bound L2 for one dimension ("Knapsack Problems", 1990, section 8.3.2): what
/// is larger than half a bin needs one of its own, and what else is not small must go beside it or
/// into more.
std::int64_t bound_l2(std::vector<std::int64_t> items, std::int64_t bin) {
    std::sort(items.begin(), items.end());
    std::vector<std::int64_t> thresholds{0};
    for (const std::int64_t item : items)
        if (item <= bin / 2 && item > thresholds.back()) thresholds.push_back(item);
    std::int64_t best = 0;
    for (const std::int64_t small : thresholds) {
        std::int64_t huge = 0, large = 0, large_size = 0, middle_size = 0;
        for (const std::int64_t item : items) {
            if (item > bin - small) {
                ++huge;
            } else if (2 * item > bin) {
                ++large;
                large_size += item;
            } else if (item >= small) {
                middle_size += item;
            }
        }
        const std::int64_t beside = large * bin - large_size;
        const std::int64_t more = std::max<std::int64_t>(0, middle_size - beside);
        best = std::max(best, huge + large + (more + bin - 1) / bin);
    }
    return best;
}

/// Also of those that never ran; a share of a card is a whole one.
std::vector<model::Resources> tasks_of(const std::string& text) {
    std::istringstream lines(text);
    std::vector<model::Resources> tasks;
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        long long cpu_milli = 0, memory_mib = 0, cards = 0;
        if (std::sscanf(line.c_str(), "%*[^,],%lld,%lld,%lld", &cpu_milli, &memory_mib, &cards) ==
            3)
            tasks.push_back(
                {.cpus = (cpu_milli + 999) / 1000, .memory_mb = memory_mib, .gpus = cards});
    }
    return tasks;
}

int run_packing(const std::string& text) {
    const model::Resources& worker = large_node;
    const auto group = [&](const char* name) {
        return scale::Group{
            .policy = {.instance_type = name, .max_workers = 100'000, .standby_workers = 0},
            .kinds = {{.key = {.instance_type = name}, .size = worker}}};
    };
    scale::Situation situation{.general = group("worker"), .gpu = group("worker")};
    std::vector<std::int64_t> cpus, memory, gpus;
    for (const model::Resources& task : tasks_of(text)) {
        situation.requests.push_back(
            {.name = std::to_string(situation.requests.size()), .each = task});
        cpus.push_back(task.cpus);
        memory.push_back(task.memory_mb);
        gpus.push_back(task.gpus);
    }
    const scale::Decision decision = scale::decide(situation);
    std::int64_t workers = 0;
    for (const scale::Step& step : decision.steps) workers += step.count;
    const std::int64_t bound = std::max({bound_l2(cpus, worker.cpus),
                                         bound_l2(memory, worker.memory_mb),
                                         bound_l2(gpus, worker.gpus)});
    std::printf(
        "{\"tasks\": %zu, \"unplaced\": %zu, \"workers\": %lld, \"bound\": %lld, "
        "\"above_percent\": %.2f}\n",
        situation.requests.size(),
        decision.unmet.size(),
        static_cast<long long>(workers),
        static_cast<long long>(bound),
        100.0 * static_cast<double>(workers - bound) / static_cast<double>(bound));
    return 0;
}

int run(const std::string& text, bool is_openb, Milliseconds boot) {
    using decide::replay::Format;
    auto trace =
        decide::replay::read_trace(text, {.format = is_openb ? Format::openb : Format::swf});
    if (!trace) {
        std::fprintf(stderr, "%s\n", trace.error().message.c_str());
        return 1;
    }
    Workload workload{.trace = std::move(*trace), .is_shared = is_openb};
    if (is_openb) workload.worker = large_node;
    return run_replay(workload, boot);
}

}  // namespace

int main(int count, char** words) {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    const std::string what = count > 1 ? words[1] : "";
    if (what == "packing") return run_packing(text);
    if ((what == "swf" || what == "openb") && count > 2)
        return run(text, what == "openb", Seconds(std::atoi(words[2])));
    std::fputs(
        "usage: hopyard-bench-quality swf BOOT_SECONDS | openb BOOT_SECONDS | packing, "
        "a trace on stdin\n",
        stderr);
    return 2;
}
