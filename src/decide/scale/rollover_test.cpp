// Roll-over: workers of a type that was changed make room for new ones, one test per rule.
#include <gtest/gtest.h>

#include "decide/scale/record.h"
#include "decide/scale/test_situation.h"

namespace hopyard::decide::scale::test {
namespace {

using Names = std::vector<std::string>;
using Kind = Step::Kind;

Names removed(const Situation& s) {
    return of(decide(s), Kind::remove);
}

TEST(RollOver, outdated_workers_take_no_new_work_and_go_whether_idle_or_used) {
    Situation s = situation();
    s.workers = {outdated(idle("w1")), outdated(used("w2")), outdated(coming("w3")), used("w4")};
    const Decision decision = decide(s);
    EXPECT_EQ(of(decision, Kind::remove), (Names{"w2", "w1", "w3"}))
        << "a used one drains: its work goes on";
    for (const Step& step : decision.steps) {
        EXPECT_EQ(step.rule, "rollover");
        EXPECT_EQ(step.reason,
                  "it is a old with 30 GB of disk and the general group is to have others now");
    }
}

TEST(RollOver, what_waits_gets_new_workers_and_not_the_room_of_old_ones) {
    Situation s = situation();
    s.workers = {outdated(idle("w1"))};
    s.requests = {job("1", 4)};
    const Decision decision = decide(s);
    EXPECT_EQ(added(decision), 1);
    EXPECT_EQ(of(decision, Kind::remove), Names{"w1"});
}

TEST(RollOver, standby_is_held_by_new_workers) {
    Situation s = situation(0, 10, 1);
    s.workers = {outdated(idle("w1")), used("w2")};
    EXPECT_EQ(added(decide(s)), 1);
}

TEST(RollOver, the_minimum_is_ready_in_new_workers_before_the_old_ones_go) {
    Situation s = situation(2, 10);
    s.workers = {outdated(idle("w1", 900)), outdated(used("w2")), outdated(idle("w3", 900))};
    Decision decision = decide(s);
    EXPECT_EQ(added(decision), 2);
    EXPECT_EQ(of(decision, Kind::remove), Names{"w1"}) << "two go on working until then";
    s.workers = {outdated(used("w2")), outdated(idle("w3", 900)), coming("w4"), coming("w5")};
    EXPECT_TRUE(decide(s).steps.empty()) << "nobody leaves for having been idle either";
    s.workers[2] = idle("w4");
    EXPECT_EQ(removed(s), Names{"w3"});
    s.workers[3] = idle("w5");
    EXPECT_EQ(removed(s), (Names{"w2", "w3"}));
}

TEST(RollOver, an_old_worker_that_still_holds_the_minimum_takes_work) {
    Situation s = situation(1, 10);
    s.workers = {outdated(idle("w1")), coming("w2")};
    s.requests = {job("1", 4), job("2", 4)};
    EXPECT_TRUE(decide(s).steps.empty());
}

TEST(RollOver, the_maximum_wins_over_the_minimum_one_worker_at_a_time) {
    Situation s = situation(2, 2);
    s.workers = {outdated(used("w1")), outdated(idle("w2"))};
    Decision decision = decide(s);
    EXPECT_EQ(of(decision, Kind::remove), Names{"w2"});
    EXPECT_EQ(added(decision), 0);
    s.workers[1].state = State::leaving;
    EXPECT_TRUE(decide(s).steps.empty()) << "it is still there";
    s.workers[1].state = State::gone;
    EXPECT_TRUE(decide(s).steps.empty());
    s.workers.pop_back();
    EXPECT_EQ(added(decide(s)), 1);
    s.workers.push_back(coming("w3"));
    EXPECT_TRUE(decide(s).steps.empty()) << "the new one is waited for";
    s.workers[1] = idle("w3");
    EXPECT_EQ(removed(s), Names{"w1"});
}

TEST(RollOver, where_the_maximum_has_room_the_new_one_comes_first) {
    Situation s = situation(1, 2);
    s.workers = {outdated(idle("w1"))};
    const Decision decision = decide(s);
    EXPECT_EQ(added(decision), 1);
    EXPECT_TRUE(of(decision, Kind::remove).empty());
}

TEST(RollOver, one_that_leaves_is_never_called_back) {
    Situation s = situation(1, 3, 1);
    s.workers = {outdated(leaving("w1")), outdated(leaving("w2"))};
    s.workers[0].jobs = 1;
    s.workers[0].used = {.cpus = 1};
    s.requests = {job("1", 2)};
    const Decision decision = decide(s);
    EXPECT_TRUE(of(decision, Kind::recall).empty());
    EXPECT_EQ(added(decision), 1) << "the maximum has room for no more";
}

TEST(RollOver, one_whose_type_is_wanted_again_is_called_back) {
    Situation s = situation();
    s.workers = {leaving("w1")};
    s.workers[0].jobs = 1;
    EXPECT_EQ(of(decide(s), Kind::recall), Names{"w1"});
}

TEST(RollOver, while_the_cloud_has_none_of_the_new_type_the_old_workers_work_on) {
    Situation s = situation(1, 4);
    s.general.kinds[0].rests_until = at_second(60);
    s.workers = {outdated(used("w1")), outdated(leaving("w2"))};
    s.requests = {job("1", 4)};
    Decision decision = decide(s);
    EXPECT_EQ(of(decision, Kind::recall), Names{"w2"});
    EXPECT_TRUE(of(decision, Kind::remove).empty());
    s.workers[1] = outdated(used("w2"));
    s.requests.clear();
    decision = decide(s);
    EXPECT_TRUE(decision.steps.empty());
    EXPECT_EQ(decision.look_again_at, at_second(60));
    s.now = at_second(60);
    decision = decide(s);
    EXPECT_EQ(added(decision), 1);
    EXPECT_EQ(of(decision, Kind::remove), Names{"w1"});
}

TEST(RollOver, a_protected_or_drained_worker_stays_and_counts) {
    Situation s = situation(1, 2);
    s.workers = {outdated(idle("w1", 900))};
    s.workers[0].is_protected = true;
    EXPECT_TRUE(decide(s).steps.empty());
    s.workers[0].is_protected = false;
    s.workers[0].takes_work = false;
    EXPECT_TRUE(decide(s).steps.empty());
}

TEST(RollOver, a_lowered_maximum_and_a_changed_type_take_the_old_ones_first) {
    Situation s = situation(0, 1);
    s.workers = {idle("w1"), outdated(used("w2")), outdated(idle("w3"))};
    EXPECT_EQ(removed(s), (Names{"w2", "w3"}));
}

TEST(RollOver, each_group_rolls_over_by_itself) {
    Situation s = with_gpu_group(situation(1, 4), 0, 2, 0);
    s.workers = {idle("w1"), outdated(gpu_worker(used("g1", with_gpus)))};
    s.requests = {job("1", 1, 1)};
    const Decision decision = decide(s);
    EXPECT_EQ(of(decision, Kind::remove), Names{"g1"});
    EXPECT_EQ(added(decision, GroupName::gpu), 1);
    EXPECT_EQ(added(decision), 0);
}

/// One after the other: those that are coming arrive, those that leave are gone.
void pass(Situation& s, const Decision& decision) {
    std::erase_if(s.workers, [](const Worker& w) { return w.state == State::leaving; });
    for (Worker& w : s.workers)
        if (w.state == State::coming) w.state = State::ready;
    static int made = 0;
    for (const Step& step : decision.steps) {
        for (Worker& w : s.workers)
            if (w.name == step.worker) w.state = State::leaving;
        for (int i = 0; step.kind == Kind::add && i < step.count; ++i)
            s.workers.push_back(coming("new" + std::to_string(++made)));
    }
}

TEST(RollOver, it_ends_with_new_workers_alone_within_all_bounds) {
    for (int min = 0; min <= 4; ++min)
        for (int max = std::max(min, 1); max <= 5; ++max) {
            Situation s = situation(min, max);
            for (int i = 0; i < max; ++i)
                s.workers.push_back(outdated(used("w" + std::to_string(i))));
            for (int round = 0; round < 40; ++round) {
                pass(s, decide(s));
                int working = 0;
                for (const Worker& w : s.workers) working += w.state == State::ready;
                EXPECT_LE(s.workers.size(), static_cast<std::size_t>(max));
                EXPECT_GE(working, min == max ? min - 1 : min)
                    << min << " to " << max << ", round " << round << " " << to_json(s);
            }
            EXPECT_EQ(s.workers.size(), static_cast<std::size_t>(min));
            for (const Worker& w : s.workers) EXPECT_FALSE(w.is_outdated);
        }
}

TEST(RollOver, a_recorded_situation_remembers_who_is_outdated) {
    Situation s = situation();
    s.workers = {outdated(idle("w1"))};
    const auto again = situation_from_json(to_json(s));
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, s);
}

}  // namespace
}  // namespace hopyard::decide::scale::test
