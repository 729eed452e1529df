// One test per rule, named after it (product.md B1, D4, D5, D15, D16).
#include <gtest/gtest.h>

#include "decide/scale/test_situation.h"

namespace hopyard::decide::scale::test {
namespace {

using Names = std::vector<std::string>;

TEST(Scale, nothing_is_wanted_and_nothing_is_done) {
    const Decision decision = decide(situation());
    EXPECT_TRUE(decision.steps.empty());
    EXPECT_TRUE(decision.unmet.empty());
    EXPECT_FALSE(decision.look_again_at);
}

TEST(Scale, the_minimum_holds_always) {
    Situation s = situation(2);
    s.workers = {used("w1")};
    const Decision decision = decide(s);
    ASSERT_EQ(decision.steps.size(), 1u);
    EXPECT_EQ(decision.steps[0].rule, "minimum");
    EXPECT_EQ(added(decision), 1);
}

TEST(Scale, a_worker_is_added_when_what_is_free_falls_below_half_of_one) {
    Situation s = situation(0, 10, 0.5);
    s.workers = {used("w1", {.cpus = 2, .memory_mb = 8192})};
    EXPECT_EQ(added(decide(s)), 0) << "2 of 4 cores are free: just enough";
    s.workers[0].used.cpus = 3;
    const Decision decision = decide(s);
    EXPECT_EQ(added(decision), 1);
    EXPECT_EQ(decision.steps[0].rule, "standby");
    EXPECT_NE(decision.steps[0].reason.find("2 cores, 8 GiB are to stay free"), std::string::npos)
        << decision.steps[0].reason;
}

TEST(Scale, standby_holds_in_every_dimension) {
    Situation s = situation(0, 10, 0.5);
    s.workers = {used("w1", {.cpus = 1, .memory_mb = 9000})};
    EXPECT_EQ(added(decide(s)), 1) << "memory is short";
}

TEST(Scale, standby_is_summed_over_the_whole_cluster) {
    Situation s = situation(0, 10, 0.5);
    s.workers = {used("w1", {.cpus = 3, .memory_mb = 12'288}),
                 by_hand(used("static", {.cpus = 3, .memory_mb = 12'288}))};
    EXPECT_EQ(added(decide(s)), 0) << "one core free on each of two is half a worker";
}

TEST(Scale, workers_that_are_coming_are_free_capacity_on_its_way) {
    Situation s = situation(0, 10, 0.5);
    s.workers = {used("w1"), coming("w2")};
    EXPECT_EQ(added(decide(s)), 0);
}

TEST(Scale, standby_counts_workers_not_shares_of_them) {
    Situation s = situation(0, 10, 2);
    s.workers = {used("w1")};
    EXPECT_EQ(added(decide(s)), 2);
}

TEST(Scale, with_standby_0_workers_come_on_request_only) {
    Situation s = situation(0, 10, 0);
    s.workers = {used("w1")};
    EXPECT_EQ(added(decide(s)), 0);
    s.requests = {job("7", 2)};
    EXPECT_EQ(added(decide(s)), 1);
}

TEST(Scale, with_minimum_0_and_nothing_used_the_group_falls_to_0) {
    Situation s = situation(0, 10, 0.5);
    s.workers = {idle("w1", 300)};
    const Decision decision = decide(s);
    EXPECT_EQ(of(decision, Step::Kind::remove), Names{"w1"});
    EXPECT_FALSE(decision.balances[0].standby_holds);
}

TEST(Scale, standby_applies_again_as_soon_as_anything_is_used) {
    Situation s = with_gpu_group(situation(0, 10, 0.5), 0, 2, 0);
    EXPECT_EQ(added(decide(s)), 0);
    s.workers = {gpu_worker(used("g1", with_gpus))};
    EXPECT_EQ(added(decide(s)), 1) << "a running GPU job switches general standby on";
}

TEST(Scale, a_worker_leaves_only_after_the_whole_wait) {
    Situation s = situation();
    s.workers = {idle("w1", 299)};
    Decision decision = decide(s);
    EXPECT_TRUE(decision.steps.empty());
    EXPECT_EQ(decision.look_again_at, at_second(1));
    EXPECT_EQ(decision.next.substr(0, 9), "w1 leaves");
    s.now = at_second(1);
    EXPECT_EQ(of(decide(s), Step::Kind::remove), Names{"w1"});
}

TEST(Scale, a_clock_that_is_set_back_makes_nobody_leave_early_or_never) {
    Situation s = situation();
    s.workers = {idle("w1", -5000)};
    const Decision decision = decide(s);
    EXPECT_TRUE(decision.steps.empty());
    EXPECT_EQ(decision.look_again_at, at_second(300));
}

TEST(Scale, a_used_worker_never_leaves) {
    Situation s = situation();
    s.workers = {used("w1", {.cpus = 1})};
    s.workers[0].idle_since = at_second(-10'000);
    EXPECT_TRUE(decide(s).steps.empty());
}

TEST(Scale, a_worker_that_is_needed_for_standby_stays) {
    Situation s = situation(0, 10, 1);
    s.workers = {used("w1"), idle("w2", 10'000)};
    const Decision decision = decide(s);
    EXPECT_TRUE(decision.steps.empty());
    EXPECT_FALSE(decision.look_again_at) << "time alone changes nothing";
}

TEST(Scale, the_longest_idle_leaves_first_down_to_the_minimum) {
    Situation s = situation(1);
    s.workers = {idle("w1", 400), idle("w2", 900), idle("w3", 500)};
    EXPECT_EQ(of(decide(s), Step::Kind::remove), (Names{"w2", "w3"}));
}

TEST(Scale, a_worker_on_its_way_does_not_hold_the_minimum_for_an_idle_one) {
    Situation s = situation(1);
    s.workers = {idle("w1", 900), coming("w2")};
    EXPECT_TRUE(decide(s).steps.empty());
    s.workers[1] = idle("w2");
    EXPECT_EQ(of(decide(s), Step::Kind::remove), Names{"w1"});
}

TEST(Scale, a_protected_worker_stays_and_so_does_one_that_the_autoscaler_does_not_own) {
    Situation s = situation();
    s.workers = {idle("w1", 900), by_hand(idle("w2", 900))};
    s.workers[0].is_protected = true;
    EXPECT_TRUE(decide(s).steps.empty());
}

TEST(Scale, what_waits_is_packed_into_what_is_free_then_coming_then_new) {
    Situation s = situation();
    s.workers = {used("w1", {.cpus = 2, .memory_mb = 2048}), coming("w2")};
    s.requests = {job("1", 2), job("2", 4), job("3", 4)};
    const Decision decision = decide(s);
    EXPECT_EQ(added(decision), 1);
    EXPECT_NE(decision.steps[0].reason.find("needs 4 cores"), std::string::npos)
        << decision.steps[0].reason;
    EXPECT_EQ(decision.balances[0].coming.cpus, 4);
}

TEST(Scale, small_requests_share_a_worker) {
    Situation s = situation();
    s.requests = {job("1", 1)};
    s.requests[0].count = 50;
    EXPECT_EQ(added(decide(s)), 10) << "13 would do it; 10 is the maximum";
    s.general.policy.max_workers = 100;
    EXPECT_EQ(added(decide(s)), 13);
}

TEST(Scale, a_worker_that_something_waiting_is_packed_onto_stays) {
    Situation s = situation();
    s.workers = {idle("w1", 900), idle("w2", 900)};
    s.requests = {job("1", 3)};
    EXPECT_EQ(of(decide(s), Step::Kind::remove).size(), 1u);
}

TEST(Scale, pieces_that_must_be_apart_get_a_worker_each) {
    Situation s = situation();
    s.requests = {job("1", 1)};
    s.requests[0].pieces = 3;
    s.requests[0].apart = true;
    EXPECT_EQ(added(decide(s)), 3);
}

TEST(Scale, a_request_that_cannot_be_had_whole_buys_nothing) {
    Situation s = situation(0, 2);
    s.requests = {job("1", 4)};
    s.requests[0].pieces = 3;
    s.requests[0].apart = true;
    const Decision decision = decide(s);
    EXPECT_EQ(added(decision), 0);
    ASSERT_EQ(decision.unmet.size(), 1u);
    EXPECT_EQ(decision.unmet[0].why, Unmet::Why::too_many);
    EXPECT_TRUE(decision.unmet[0].is_hopeless());
}

TEST(Scale, a_gang_that_waits_for_others_to_end_buys_nothing_and_is_not_hopeless) {
    Situation s = situation(0, 3);
    s.workers = {used("w1")};
    s.requests = {job("1", 4)};
    s.requests[0].pieces = 3;
    s.requests[0].apart = true;
    const Decision decision = decide(s);
    EXPECT_EQ(added(decision), 0);
    ASSERT_EQ(decision.unmet.size(), 1u);
    EXPECT_EQ(decision.unmet[0].why, Unmet::Why::maximum);
}

TEST(Scale, a_request_larger_than_every_worker_is_named_and_buys_nothing) {
    Situation s = situation(0, 10, 0.5);
    s.requests = {job("31", 16)};
    const Decision decision = decide(s);
    EXPECT_TRUE(decision.steps.empty()) << "nor does it switch standby on";
    ASSERT_EQ(decision.unmet.size(), 1u);
    EXPECT_EQ(decision.unmet[0].request, "31");
    EXPECT_EQ(decision.unmet[0].why, Unmet::Why::no_kind);
    EXPECT_NE(decision.unmet[0].reason.find("16 cores"), std::string::npos);
}

TEST(Scale, a_machine_that_is_asked_for_by_name_is_never_bought) {
    Situation s = situation();
    s.workers = {idle("w1", 900)};
    s.requests = {job("1", 1), job("2", 1)};
    s.requests[0].machines = {"w9"};
    s.requests[1].machines = {"w1"};
    const Decision decision = decide(s);
    EXPECT_TRUE(decision.steps.empty()) << "w1 is waited for";
    ASSERT_EQ(decision.unmet.size(), 1u);
    EXPECT_EQ(decision.unmet[0].why, Unmet::Why::machine);
}

TEST(Scale, requests_with_gpus_grow_only_the_gpu_group) {
    Situation s = with_gpu_group(situation(), 0, 4, 0);
    s.requests = {job("1", 1, 1), job("2", 1, 1), job("3", 1, 1)};
    const Decision decision = decide(s);
    EXPECT_EQ(added(decision), 0);
    EXPECT_EQ(added(decision, GroupName::gpu), 2);
}

TEST(Scale, without_a_gpu_group_a_request_with_gpus_is_named) {
    Situation s = situation();
    s.requests = {job("1", 1, 1)};
    const Decision decision = decide(s);
    EXPECT_TRUE(decision.steps.empty());
    ASSERT_EQ(decision.unmet.size(), 1u);
    EXPECT_NE(decision.unmet[0].reason.find("no group with GPUs"), std::string::npos);
}

TEST(Scale, gpu_standby_counts_workers_with_gpus_only) {
    Situation s = with_gpu_group(situation(), 0, 4, 0.5);
    s.workers = {idle("w1"), gpu_worker(used("g1", with_gpus))};
    EXPECT_EQ(added(decide(s), GroupName::gpu), 1);
}

TEST(Scale, general_standby_counts_free_cores_of_gpu_workers) {
    Situation s = with_gpu_group(situation(0, 10, 1), 0, 4, 0);
    s.workers = {used("w1"), gpu_worker(idle("g1"))};
    EXPECT_EQ(added(decide(s)), 0);
}

TEST(Scale, the_maximum_holds_always) {
    Situation s = situation(0, 2, 1);
    s.workers = {used("w1"), used("w2")};
    s.requests = {job("1", 4)};
    const Decision decision = decide(s);
    EXPECT_TRUE(decision.steps.empty());
    ASSERT_EQ(decision.unmet.size(), 1u);
    EXPECT_EQ(decision.unmet[0].why, Unmet::Why::maximum);
}

TEST(Scale, those_that_leave_or_are_gone_count_for_the_maximum) {
    Situation s = situation(0, 2);
    s.workers = {used("w1"), idle("w2")};
    s.workers[1].state = State::gone;
    s.requests = {job("1", 4)};
    EXPECT_EQ(added(decide(s)), 0);
}

TEST(Scale, beyond_the_maximum_the_surplus_leaves_idle_ones_first_and_at_once) {
    Situation s = situation(0, 1);
    s.workers = {used("w1"), idle("w2", 0), coming("w3")};
    EXPECT_EQ(of(decide(s), Step::Kind::remove), (Names{"w2", "w3"}));
    s.workers = {used("w1"), used("w2", {.cpus = 1})};
    EXPECT_EQ(of(decide(s), Step::Kind::remove), Names{"w2"}) << "its work goes on: it drains";
}

TEST(Scale, one_that_leaves_is_called_back_before_a_new_one_is_asked_for) {
    Situation s = situation();
    s.workers = {leaving("w1")};
    s.requests = {job("1", 4), job("2", 4)};
    const Decision decision = decide(s);
    EXPECT_EQ(of(decision, Step::Kind::recall), Names{"w1"});
    EXPECT_EQ(added(decision), 1);
}

TEST(Scale, a_job_that_landed_before_the_drain_wins) {
    Situation s = situation();
    s.workers = {leaving("w1")};
    s.workers[0].jobs = 1;
    s.workers[0].used = {.cpus = 1};
    const Decision decision = decide(s);
    EXPECT_EQ(of(decision, Step::Kind::recall), Names{"w1"});
    EXPECT_EQ(decision.steps[0].rule, "work");
}

TEST(Scale, a_used_one_that_leaves_because_of_the_maximum_is_not_called_back) {
    Situation s = situation(0, 1);
    s.workers = {used("w1"), leaving("w2")};
    s.workers[1].jobs = 1;
    s.workers[1].used = {.cpus = 1};
    EXPECT_TRUE(decide(s).steps.empty());
}

TEST(Scale, a_kind_that_was_refused_rests_and_the_next_one_is_taken) {
    Situation s = situation();
    s.general.kinds.push_back({.key = {.instance_type = "other"}, .size = small});
    s.general.kinds[0].rests_until = at_second(60);
    s.requests = {job("1", 4)};
    Decision decision = decide(s);
    ASSERT_EQ(decision.steps.size(), 1u);
    EXPECT_EQ(decision.steps[0].key.instance_type, "other");
    EXPECT_EQ(decision.look_again_at, at_second(60));
    s.general.kinds[1].rests_until = at_second(90);
    decision = decide(s);
    EXPECT_TRUE(decision.steps.empty());
    ASSERT_EQ(decision.unmet.size(), 1u);
    EXPECT_EQ(decision.unmet[0].why, Unmet::Why::resting);
    EXPECT_FALSE(decision.unmet[0].is_hopeless());
    EXPECT_EQ(decision.look_again_at, at_second(60));
    s.now = at_second(60);
    EXPECT_EQ(decide(s).steps[0].key.instance_type, "small");
}

TEST(Scale, a_larger_kind_is_taken_only_where_the_first_is_too_small) {
    Situation s = situation();
    s.general.kinds.push_back(
        {.key = {.instance_type = "large"}, .size = {.cpus = 16, .memory_mb = 65'536}});
    s.requests = {job("1", 2), job("2", 12)};
    const Decision decision = decide(s);
    ASSERT_EQ(added(decision), 1) << "the small one fits beside";
    EXPECT_EQ(decision.steps[0].key.instance_type, "large");
}

TEST(Scale, a_standby_shape_leaves_room_for_whole_jobs) {
    Situation s = situation(1, 10, 0);
    s.general.policy.standby_shape =
        model::StandbyShape{.each = {.cpus = 3, .memory_mb = 1024}, .count = 2};
    s.workers = {used("w1", {.cpus = 2}), used("w2", {.cpus = 2})};
    EXPECT_EQ(added(decide(s)), 2) << "4 cores are free, but no 3 of them on one machine";
}

TEST(Scale, a_standby_shape_takes_the_kind_that_holds_it_and_buys_nothing_when_none_does) {
    Situation s = situation(1, 10, 0);
    s.workers = {idle("w1")};
    s.general.policy.standby_shape =
        model::StandbyShape{.each = {.cpus = 16, .memory_mb = 1024}, .count = 2};
    EXPECT_EQ(added(decide(s)), 0);
    s.general.kinds.push_back(
        {.key = {.instance_type = "large"}, .size = {.cpus = 16, .memory_mb = 65'536}});
    const Decision decision = decide(s);
    EXPECT_EQ(added(decision), 2);
    EXPECT_EQ(decision.steps[0].key.instance_type, "large");
}

TEST(Scale, the_schedule_raises_the_minimum_at_its_hours) {
    Situation s = situation(0);
    // 12 January 1970 was a Monday.
    s.now = Timestamp(Seconds(11 * 86'400 + 9 * 3600));
    s.general.policy.schedule = {
        {.days = {0, 1, 2, 3, 4}, .from_minute = 8 * 60, .to_minute = 18 * 60, .min_workers = 3}};
    Decision decision = decide(s);
    EXPECT_EQ(added(decision), 3);
    EXPECT_EQ(decision.look_again_at, Timestamp(Seconds(11 * 86'400 + 18 * 3600)));
    s.now += Seconds(10 * 3600);
    EXPECT_EQ(added(decide(s)), 0);
    s.now += Seconds(4 * 86'400 + 14 * 3600);
    EXPECT_EQ(added(decide(s)), 0) << "Saturday";
}

TEST(Scale, a_drained_worker_is_no_capacity) {
    Situation s = situation();
    s.workers = {idle("w1", 900)};
    s.workers[0].takes_work = false;
    s.requests = {job("1", 4)};
    const Decision decision = decide(s);
    EXPECT_EQ(added(decision), 1);
    EXPECT_TRUE(of(decision, Step::Kind::remove).empty());
}

TEST(Scale, a_whole_machine_is_shared_with_nobody) {
    Situation s = situation();
    s.workers = {used("w1", {.cpus = 1})};
    s.requests = {job("1", 1), job("2", 1)};
    s.requests[0].whole_machine = true;
    const Decision decision = decide(s);
    EXPECT_EQ(added(decision), 1);
}

TEST(Scale, the_same_situation_gives_the_same_decision) {
    Situation s = with_gpu_group(situation(1, 10, 0.5), 0, 4, 0.5);
    s.workers = {used("w1"), gpu_worker(idle("g1", 600)), coming("w2"), leaving("w3")};
    s.requests = {job("1", 2), job("2", 4, 2), job("3", 99)};
    EXPECT_EQ(decide(s), decide(s));
}

}  // namespace
}  // namespace hopyard::decide::scale::test
