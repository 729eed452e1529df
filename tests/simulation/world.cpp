#include "simulation/world.h"

#include <algorithm>

#include <fmt/format.h>

namespace hopyard::simulation {
namespace {

/// How long a chaotic time lasts at most, and how long it may take until all is as wanted: longer
/// than the longest wait after a refusal.
constexpr Milliseconds chaos_most = Seconds(900);
constexpr Milliseconds rest_most = Seconds(2 * 3600);
/// All has to stay as it is for so long.
constexpr Milliseconds rest_least = Seconds(40);

}  // namespace

World::World(const WorldOptions& options)
    : options_(options),
      stage_({.seed = options.seed,
              .trace = options.trace,
              .crash = options.crash,
              .calm = options.calm}),
      users_(stage_.ground, stage_, stage_.judge, stage_.nodes, *stage_.store) {}

void World::every_second() {
    if (!stage_.ground.faults.over()) {
        stage_.nodes.draw_faults();
        if (chance(stage_.ground.faults.random(), stage_.ground.faults.rate(Fault::takeover) / 60))
            stage_.take_over();
        if (chance(stage_.ground.faults.random(),
                   stage_.ground.faults.rate(Fault::second_replica) / 60))
            stage_.add_second();
        stage_.ground.queue.after(Seconds(1), [this] { every_second(); });
    }
}

std::vector<std::string> World::differences() {
    if (!users_.certain()) return {"somebody still waits for an answer"};
    const std::vector<Wish> wishes = users_.wishes();
    std::vector<std::string> all;
    for (const Wish& wish : wishes) {
        const auto found = stage_.judge.differences(wish);
        all.insert(all.end(), found.begin(), found.end());
        if (!all.empty()) return all;
    }
    return stage_.judge.leftovers(wishes);
}

void World::converge(const char* what) {
    int looks = 0;
    Timestamp good_since = stage_.ground.clock.now();
    stage_.run_while(
        [&] {
            if (++looks % 15 == 0) users_.retry_what_failed();
            if (!differences().empty()) good_since = stage_.ground.clock.now() + Seconds(4);
            return stage_.ground.clock.now() - good_since < rest_least;
        },
        rest_most);
    if (stage_.ground.findings.any()) return;
    for (const std::string& difference : differences())
        stage_.ground.findings.add(fmt::format("{}: {}", what, difference));
    if (stage_.ground.clock.now() - good_since < rest_least && !stage_.ground.findings.any())
        stage_.ground.findings.add(fmt::format("{}: it does not stay as it is", what));
}

Outcome World::run() {
    users_.begin(options_.lives > 0 ? options_.lives
                                    : 1 + static_cast<int>(below(stage_.ground.of_users, 3)));
    stage_.begin();
    every_second();
    stage_.run_while([&] { return !users_.done(); }, chaos_most);
    stage_.run_until(stage_.ground.clock.now() +
                     between(stage_.ground.of_users, Seconds(1), Seconds(60)));
    stage_.end_faults();
    users_.calm_down();
    converge("after the faults");
    if (!stage_.ground.findings.any()) {
        users_.terminate_all();
        converge("after the termination of all");
    }
    if (!stage_.ground.findings.any())
        for (const Wish& wish : users_.wishes()) stage_.judge.judge_history(wish);
    Outcome outcome{.seed = options_.seed,
                    .findings = stage_.ground.findings.all(),
                    .last_events = stage_.ground.trace.last(),
                    .lives = users_.lives(),
                    .simulated = stage_.ground.clock.now() - day_one,
                    .steps = stage_.steps(),
                    .reports = stage_.nodes.reports_sent(),
                    .passed = stage_.ground.passed,
                    .crashes = stage_.crashes()};
    if (outcome.findings.empty()) return outcome;
    for (const Wish& wish : users_.wishes())
        for (std::string& line : stage_.judge.describe(wish))
            outcome.rows.push_back(std::move(line));
    return outcome;
}

Outcome run_seed(const WorldOptions& options) {
    Outcome outcome = World(options).run();
    if (outcome.findings.empty() || options.trace != Trace::Mode::off) return outcome;
    WorldOptions again = options;
    again.trace = Trace::Mode::keep;
    Outcome traced = World(again).run();
    if (traced.findings != outcome.findings)
        traced.findings.insert(traced.findings.begin(),
                               "THE SECOND RUN OF THIS SEED WENT ANOTHER WAY");
    return traced;
}

}  // namespace hopyard::simulation
