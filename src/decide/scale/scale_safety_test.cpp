// All small clusters: up to 4 workers in every state and up to 4 jobs of every shape, in every
// order that matters, under named properties; and what becomes of each when nothing changes any
// more but the time.
#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "decide/scale/experience.h"
#include "decide/scale/test_situation.h"

namespace hopyard::decide::scale::test {
namespace {

constexpr Resources half{.cpus = 2, .memory_mb = 8192};

/// Every state that rules tell apart; without group: a static worker.
std::vector<Worker> worker_states() {
    std::vector<Worker> states = {idle("", 0),
                                  idle("", 300),
                                  used("", half),
                                  used("", small),
                                  coming(""),
                                  leaving(""),
                                  leaving(""),
                                  idle("", 300),
                                  by_hand(idle("", 300)),
                                  coming("")};
    states[6].used = half;
    states[6].jobs = 1;
    states[6].idle_since.reset();
    states[7].is_protected = true;
    // It restarts, and had work.
    states[9].used = half;
    states[9].jobs = 1;
    return states;
}

std::vector<Request> job_shapes() {
    std::vector<Request> shapes = {job("", 1), job("", 4), job("", 9), job("", 3)};
    shapes[3].pieces = 2;
    shapes[3].apart = true;
    return shapes;
}

/// Calls back with every multiset of up to `most` of `kinds` things.
void every_choice(std::size_t kinds,
                  std::size_t most,
                  const std::function<void(const std::vector<std::size_t>&)>& use) {
    std::vector<std::size_t> chosen;
    const std::function<void(std::size_t)> extend = [&](std::size_t from) {
        use(chosen);
        if (chosen.size() == most) return;
        for (std::size_t kind = from; kind < kinds; ++kind) {
            chosen.push_back(kind);
            extend(kind);
            chosen.pop_back();
        }
    };
    extend(0);
}

struct Bounds {
    int min;
    int max;
    double standby;
};
constexpr Bounds all_bounds[] = {{0, 1, 0},
                                 {0, 2, 0},
                                 {0, 4, 0},
                                 {1, 2, 0},
                                 {2, 4, 0},
                                 {0, 1, 0.5},
                                 {0, 4, 0.5},
                                 {1, 4, 0.5},
                                 {0, 4, 1.5},
                                 {1, 2, 1}};

/// A sanitizer makes each ten times slower: there only every so many-th is looked at.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t stride = 20;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr std::size_t stride = 20;
#else
constexpr std::size_t stride = 1;
#endif
#else
constexpr std::size_t stride = 1;
#endif

void for_every_situation(const std::function<void(const Situation&)>& use) {
    std::size_t at = 0;
    const auto states = worker_states();
    const auto shapes = job_shapes();
    for (const Bounds& bounds : all_bounds)
        every_choice(states.size(), 4, [&](const std::vector<std::size_t>& workers) {
            Situation s = situation(bounds.min, bounds.max, bounds.standby);
            for (const std::size_t kind : workers) {
                s.workers.push_back(states[kind]);
                s.workers.back().name = "w" + std::to_string(s.workers.size());
            }
            every_choice(shapes.size(), 4, [&](const std::vector<std::size_t>& jobs) {
                s.requests.clear();
                for (const std::size_t shape : jobs) {
                    s.requests.push_back(shapes[shape]);
                    s.requests.back().name = std::to_string(s.requests.size());
                }
                if (++at % stride == 0) use(s);
            });
        });
}

const Worker& worker_of(const Situation& s, const std::string& name) {
    return *std::find_if(
        s.workers.begin(), s.workers.end(), [&](const Worker& w) { return w.name == name; });
}

/// Of the general group, with those that leave.
int present(const Situation& s) {
    return static_cast<int>(std::count_if(
        s.workers.begin(), s.workers.end(), [](const Worker& w) { return w.group.has_value(); }));
}

int staying(const Situation& s) {
    return static_cast<int>(std::count_if(s.workers.begin(), s.workers.end(), [](const Worker& w) {
        return w.group && (w.state == State::ready || w.state == State::coming);
    }));
}

/// The situation once the steps are under way.
Situation carried_out(Situation s, const Decision& decision) {
    for (const Step& step : decision.steps) {
        for (int i = 0; i < step.count && step.kind == Step::Kind::add; ++i) {
            s.workers.push_back(coming("new" + std::to_string(s.workers.size())));
            s.workers.back().key = step.key;
        }
        for (Worker& w : s.workers) {
            if (w.name != step.worker) continue;
            if (step.kind == Step::Kind::recall) w.state = State::ready;
            if (step.kind == Step::Kind::remove) w.state = State::leaving;
        }
    }
    return s;
}

std::string broken_rule(const Situation& s, const Decision& decision) {
    const auto& policy = s.general.policy;
    int adds = 0;
    int removals = 0;
    int recalls = 0;
    for (const Step& step : decision.steps) {
        if (step.reason.empty() || step.rule.empty()) return "a step without a reason";
        if (step.kind == Step::Kind::add) adds += step.count;
        if (step.kind == Step::Kind::recall) ++recalls;
        if (step.kind != Step::Kind::remove) continue;
        ++removals;
        const Worker& w = worker_of(s, step.worker);
        if (!w.is_idle() && step.rule != "maximum") return "removes a used worker";
        if (w.is_protected || !w.group) return "removes what it must not touch";
        if (step.rule == "idle" && (!w.idle_since || *w.idle_since + Seconds(300) > s.now))
            return "removes before the wait is over";
    }
    if (adds > 0 && present(s) + adds > policy.max_workers) return "above the maximum";
    const int after = staying(s) + adds + recalls - removals;
    const bool has_room = present(s) < policy.max_workers;
    if (removals > 0 && after < policy.min_workers) return "removes below the minimum";
    if (after < policy.min_workers && has_room) return "below the minimum";
    if (adds > 0 && removals > 0) return "adds and removes at once";
    return "";
}

std::string broken_standby(const Situation& s) {
    const bool in_use = std::any_of(
        s.workers.begin(), s.workers.end(), [](const Worker& w) { return !w.is_idle(); });
    if (s.general.policy.min_workers == 0 && !in_use) return "";
    Resources free;
    for (const Worker& w : s.workers)
        if (w.state == State::ready || w.state == State::coming) free += w.size - w.used;
    const bool full = present(s) >= s.general.policy.max_workers;
    const double wanted = s.general.policy.standby_workers * 4;
    return full || static_cast<double>(free.cpus) >= wanted ? "" : "standby is not held";
}

/// So many workers were wanted for a minute each, with that pause between; one is since a second.
model::Experience experience(int workers, std::int64_t gap_s) {
    model::Experience experience = learn_boot({}, Seconds(90));
    for (std::int64_t second = -5000; second < -gap_s - 60; second += 60 + gap_s) {
        experience = learn(experience, workers, at_second(second));
        experience = learn(experience, 0, at_second(second + 60));
    }
    return learn(experience, 1, at_second(-1));
}

Situation adaptive(Situation s, std::size_t which) {
    static const std::optional<model::Experience> experiences[] = {
        std::nullopt, experience(1, 20), experience(2, 20), experience(3, 900)};
    s.mode = model::AutoscaleMode::adaptive;
    s.general.experience = experiences[which % std::size(experiences)];
    return s;
}

void expect_no_rule_broken(const Situation& s) {
    if (::testing::Test::HasFailure()) return;
    const Decision decision = decide(s);
    const Situation next = carried_out(s, decision);
    std::string broken = broken_rule(s, decision);
    if (broken.empty()) broken = broken_standby(next);
    EXPECT_EQ(broken, "");
}

TEST(ScaleSafety, no_decision_about_a_small_cluster_breaks_a_rule) {
    std::size_t count = 0;
    for_every_situation([&](const Situation& s) {
        ++count;
        expect_no_rule_broken(s);
    });
    EXPECT_GT(count, 400'000u / stride);
}

TEST(ScaleSafety, nor_does_one_of_the_adaptive_mode_whatever_it_has_learned) {
    std::size_t at = 0;
    for_every_situation([&](const Situation& s) { expect_no_rule_broken(adaptive(s, at++)); });
}

TEST(ScaleSafety, what_can_never_run_buys_nothing) {
    for_every_situation([&](const Situation& s) {
        const bool has_one = std::any_of(
            s.requests.begin(), s.requests.end(), [](const auto& r) { return r.each.cpus > 4; });
        if (::testing::Test::HasFailure() || !has_one) return;
        Situation without = s;
        std::erase_if(without.requests, [](const Request& r) { return r.each.cpus > 4; });
        Decision with = decide(s);
        const Decision bare = decide(without);
        EXPECT_EQ(with.steps, bare.steps);
    });
}

TEST(ScaleSafety, the_order_of_requests_changes_nothing) {
    std::size_t at = 0;
    for_every_situation([&](const Situation& s) {
        if (::testing::Test::HasFailure() || s.requests.size() < 2 || ++at % 17 != 0) return;
        Situation turned = s;
        std::reverse(turned.requests.begin(), turned.requests.end());
        EXPECT_EQ(added(decide(s)), added(decide(turned)));
    });
}

std::string in_words(const Situation& s) {
    std::string text = "min " + std::to_string(s.general.policy.min_workers) + ", max " +
                       std::to_string(s.general.policy.max_workers) + ", standby " +
                       std::to_string(s.general.policy.standby_workers) + ";";
    for (const Worker& w : s.workers)
        text += " " + w.name + " " + to_string(w.state) + (w.group ? "" : " static") +
                (w.is_protected ? " protected" : "") + " uses " + std::to_string(w.used.cpus) +
                (w.idle_since ? " idle " + to_human(s.now - *w.idle_since) : "") + ";";
    for (const Request& r : s.requests)
        text +=
            " job " + r.name + " " + std::to_string(r.pieces) + "x" + std::to_string(r.each.cpus);
    return text;
}

/// Time goes on: who is coming arrives, who leaves is gone, and what waits begins where there is
/// room, large jobs first and the fullest workers first, and never ends.
void pass_time(Situation& s, std::int64_t seconds) {
    s.now += Seconds(seconds);
    std::erase_if(s.workers,
                  [](const Worker& w) { return w.state == State::leaving && w.is_idle(); });
    for (Worker& w : s.workers) {
        if (w.state != State::coming) continue;
        w.state = State::ready;
        w.idle_since = s.now;
    }
    std::stable_sort(s.requests.begin(), s.requests.end(), [](const Request& a, const Request& b) {
        return a.each.cpus > b.each.cpus;
    });
    std::stable_sort(s.workers.begin(), s.workers.end(), [](const Worker& a, const Worker& b) {
        return a.used.cpus > b.used.cpus;
    });
    std::erase_if(s.requests, [&](const Request& r) {
        std::vector<Worker> tried = s.workers;
        for (int piece = 0; piece < r.pieces; ++piece) {
            const auto room = std::find_if(tried.begin(), tried.end(), [&](const Worker& w) {
                return w.state == State::ready && r.each.fits_in(w.size - w.used);
            });
            if (room == tried.end()) return false;
            room->used += r.each;
            room->jobs += 1;
            room->idle_since.reset();
        }
        s.workers = tried;
        return true;
    });
}

void expect_it_settles(const Situation& start) {
    if (::testing::Test::HasFailure()) return;
    Situation s = start;
    bool removed = false;
    int quiet = 0;
    for (int round = 0; round < 14 && quiet < 4; ++round) {
        const Decision decision = decide(s);
        const bool adds = added(decision) > 0;
        const auto removes = of(decision, Step::Kind::remove);
        EXPECT_FALSE(adds && removed)
            << "a worker was removed, and then one was bought: " << in_words(start);
        removed |= !removes.empty();
        quiet = decision.steps.empty() ? quiet + 1 : 0;
        // A used one that is called back has room that nothing was packed into yet.
        const bool takes_in = std::any_of(decision.steps.begin(),
                                          decision.steps.end(),
                                          [](const Step& step) { return step.rule == "work"; });
        s = carried_out(s, decision);
        EXPECT_TRUE(takes_in || decide(s).steps.empty())
            << "one decision is not enough: " << in_words(s);
        pass_time(s, 150);
    }
    EXPECT_EQ(quiet, 4) << "it goes on and on: " << in_words(start);
}

TEST(ScaleSafety, with_constant_demand_it_settles_and_never_flaps) {
    std::size_t at = 0;
    for_every_situation([&](const Situation& start) {
        if (++at % 3 == 0) expect_it_settles(start);
    });
}

TEST(ScaleSafety, so_does_the_adaptive_mode) {
    std::size_t at = 0;
    for_every_situation([&](const Situation& start) {
        if (++at % 7 == 0) expect_it_settles(adaptive(start, at));
    });
}

}  // namespace
}  // namespace hopyard::decide::scale::test
