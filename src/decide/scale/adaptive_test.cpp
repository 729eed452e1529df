// What `adaptive` learns and how it weighs: one test for each rule, named after it.
#include <gtest/gtest.h>

#include "decide/scale/experience.h"
#include "decide/scale/test_situation.h"

namespace hopyard::decide::scale::test {
namespace {

using model::Experience;

/// So many workers are wanted for `run_s`, again and again with `gap_s` between.
Experience taught(int workers, std::int64_t run_s, std::int64_t gap_s, int times) {
    Experience experience = learn_boot({}, Seconds(100));
    std::int64_t second = -(run_s + gap_s) * times;
    for (int i = 0; i < times; ++i) {
        experience = learn(experience, workers, at_second(second));
        second += run_s;
        experience = learn(experience, 0, at_second(second));
        second += gap_s;
    }
    return experience;
}

Situation adaptive(Experience experience, int min = 0, int max = 10, double standby = 0) {
    Situation s = situation(min, max, standby);
    s.mode = model::AutoscaleMode::adaptive;
    s.general.experience = std::move(experience);
    return s;
}

const Experience::Size& size_of(const Experience& experience, int workers) {
    for (const auto& size : experience.sizes)
        if (size.workers == workers) return size;
    throw std::out_of_range("no such size");
}

// --- learning ----------------------------------------------------------------------------------

TEST(Experience, nothing_is_learned_while_nothing_changes) {
    const Experience before = taught(2, 60, 30, 5);
    EXPECT_EQ(learn(before, before.demand, at_second(1000)), before);
}

TEST(Experience, a_rise_ends_when_so_many_are_not_used_any_more) {
    const Experience experience = taught(2, 60, 30, 1);
    EXPECT_TRUE(experience.rises.empty());
    ASSERT_EQ(experience.sizes.size(), 1u);
    // 60 s: after 40 and before 80.
    EXPECT_EQ(experience.runs.ended[4], 1000);
    EXPECT_EQ(experience.runs.lived_s[4], 21);
    EXPECT_EQ(experience.sizes[0].last, at_second(-30));
}

TEST(Experience, the_time_until_so_many_are_wanted_again_is_noted) {
    const Experience experience = taught(2, 60, 30, 3);
    const auto& size = size_of(experience, 2);
    // 30 s: after 20 and before 40; the older of two counts a bit less.
    EXPECT_EQ(size.returns.ended[3], 1000 + 950);
}

TEST(Experience, what_ends_is_the_rise_of_that_size) {
    Experience experience = learn({}, 3, at_second(0));
    experience = learn(experience, 8, at_second(10));
    experience = learn(experience, 5, at_second(20));
    ASSERT_EQ(experience.rises.size(), 1u);
    EXPECT_EQ(experience.rises[0].workers, 5);
    experience = learn(experience, 3, at_second(30));
    EXPECT_EQ(experience.rises[0].workers, 3);
    EXPECT_EQ(experience.rises[0].since, at_second(10));
}

TEST(Experience, how_long_a_worker_takes_follows_the_last_few) {
    Experience experience = learn_boot({}, Seconds(100));
    EXPECT_EQ(experience.boot, Seconds(100));
    experience = learn_boot(experience, Seconds(140));
    EXPECT_EQ(experience.boot, Seconds(110));
    for (int i = 0; i < 30; ++i) experience = learn_boot(experience, Seconds(20));
    EXPECT_LT(experience.boot, Seconds(21));
}

TEST(Experience, it_stays_small_whatever_happens) {
    Experience experience;
    for (int i = 1; i < 2000; ++i)
        experience = learn(experience, i % 7 == 0 ? 0 : i * i % 90'000, at_second(i));
    EXPECT_LE(experience.rises.size(), 64u);
    EXPECT_LE(experience.sizes.size(), 21u);
}

TEST(Experience, a_clock_that_is_set_back_teaches_no_negative_time) {
    Experience experience = learn({}, 1, at_second(100));
    experience = learn(experience, 0, at_second(0));
    experience = learn(experience, 1, at_second(-100));
    for (const auto lived : experience.returns.lived_s) EXPECT_GE(lived, 0);
    for (const auto lived : experience.runs.lived_s) EXPECT_GE(lived, 0);
    EXPECT_GE(expected_returns(experience, experience.sizes[0], at_second(-200), Seconds(60)), 0);
}

TEST(Experience, what_comes_back_soon_is_expected_more_than_what_does_not) {
    const Experience soon = taught(1, 60, 20, 30);
    const Experience late = taught(1, 60, 3000, 30);
    const auto expected = [](const Experience& experience) {
        return expected_returns(experience, experience.sizes[0], at_second(-10), Seconds(30));
    };
    EXPECT_GT(expected(soon), 10 * expected(late));
}

TEST(Experience, hours_count_after_two_weeks_and_then_by_what_they_saw) {
    Experience experience;
    std::int64_t second = 0;
    const auto busy_hour_of_day = [&](int day) {
        for (int i = 0; i < 20; ++i) {
            second = day * 86'400 + i * 100;
            experience = learn(experience, 1, at_second(second));
            experience = learn(experience, 0, at_second(second + 50));
        }
    };
    busy_hour_of_day(0);
    EXPECT_EQ(hour_factor(experience, at_second(second)), 1000);
    for (int day = 1; day < 16; ++day) busy_hour_of_day(day);
    EXPECT_GT(hour_factor(experience, at_second(16 * 86'400)), 3000);
    EXPECT_LT(hour_factor(experience, at_second(16 * 86'400 + 12 * 3600)), 800);
}

// --- what stays --------------------------------------------------------------------------------

TEST(Adaptive, a_worker_that_is_wanted_again_soon_stays_and_one_that_is_not_leaves_at_once) {
    Situation s = adaptive(taught(1, 60, 20, 30));
    s.now = at_second(-10);
    s.workers = {idle("w1", 10)};
    EXPECT_TRUE(decide(s).steps.empty());
    EXPECT_EQ(decide(s).balances[0].worth_keeping, 1);
    s.general.experience = taught(1, 60, 20'000, 30);
    const Decision decision = decide(s);
    EXPECT_EQ(of(decision, Step::Kind::remove), std::vector<std::string>{"w1"});
    EXPECT_EQ(decision.steps[0].rule, "worth");
    EXPECT_NE(decision.steps[0].reason.find("1 min 40 s"), std::string::npos);
}

TEST(Adaptive, only_so_many_stay_as_are_wanted_together_and_the_longest_idle_leave) {
    Situation s = adaptive(taught(2, 60, 20, 30));
    s.now = at_second(-10);
    s.workers = {idle("w1", 900), idle("w2", 20), idle("w3", 100)};
    EXPECT_EQ(of(decide(s), Step::Kind::remove), std::vector<std::string>{"w1"});
}

TEST(Adaptive, what_was_wanted_long_ago_is_not_kept_for_ever) {
    Situation s = adaptive(taught(1, 60, 20, 30));
    s.workers = {idle("w1", 10)};
    s.now = at_second(6 * 3600);
    EXPECT_EQ(of(decide(s), Step::Kind::remove), std::vector<std::string>{"w1"});
}

TEST(Adaptive, minimum_standby_and_protection_hold) {
    Situation s = adaptive({}, 1);
    s.workers = {idle("w1", 900), idle("w2", 900)};
    EXPECT_EQ(of(decide(s), Step::Kind::remove).size(), 1u);
    s.workers[1] = coming("w2");
    EXPECT_EQ(of(decide(s), Step::Kind::remove), std::vector<std::string>{"w2"}) << "not w1";
    s = adaptive({}, 0, 10, 1);
    s.workers = {used("w1"), idle("w2", 900)};
    EXPECT_TRUE(decide(s).steps.empty());
    s = adaptive({});
    s.workers = {idle("w1", 900)};
    s.workers[0].is_protected = true;
    EXPECT_TRUE(decide(s).steps.empty());
}

TEST(Adaptive, a_worker_on_its_way_for_nothing_is_given_up_before_idle_ones) {
    Situation s = adaptive(taught(1, 60, 20, 30));
    s.now = at_second(-10);
    s.workers = {idle("w1", 10), coming("w2")};
    EXPECT_EQ(of(decide(s), Step::Kind::remove), std::vector<std::string>{"w2"});
    // Nor does one that only restarts leave with its work.
    s.workers[1].used = small;
    s.workers[1].jobs = 1;
    EXPECT_TRUE(of(decide(s), Step::Kind::remove).empty());
    s.workers[1] = coming("w2");
    // Unless something that waits is to run there.
    s.requests = {job("1", 4), job("2", 4)};
    EXPECT_TRUE(decide(s).steps.empty());
}

TEST(Adaptive, a_worker_on_its_way_in_place_of_one_that_rolls_over_is_not_given_up) {
    Situation s = adaptive({}, 1);
    s.workers = {used("w1"), coming("w2")};
    s.workers[0].is_outdated = true;
    EXPECT_TRUE(decide(s).steps.empty());
}

// --- what waits --------------------------------------------------------------------------------

TEST(Adaptive, a_job_waits_for_what_probably_ends_before_a_worker_would_be_there) {
    // Jobs of 10 s, again and again; a worker takes 100 s.
    Situation s = adaptive(learn(taught(1, 10, 5, 30), 1, at_second(0)));
    s.workers = {used("w1")};
    s.requests = {job("7", 4)};
    s.now = at_second(1);
    Decision decision = decide(s);
    EXPECT_TRUE(decision.steps.empty());
    ASSERT_EQ(decision.unmet.size(), 1u);
    EXPECT_EQ(decision.unmet[0].why, Unmet::Why::soon);
    EXPECT_FALSE(decision.unmet[0].is_hopeless());
    EXPECT_TRUE(decision.look_again_at);
    // For no longer than a worker takes to come.
    s.now = at_second(99);
    EXPECT_EQ(added(decide(s)), 1);
}

TEST(Adaptive, a_job_does_not_wait_for_what_runs_long) {
    Situation s = adaptive(learn(taught(1, 4000, 5, 30), 1, at_second(0)));
    s.workers = {used("w1")};
    s.requests = {job("7", 4)};
    s.now = at_second(1);
    EXPECT_EQ(added(decide(s)), 1);
}

TEST(Adaptive, a_job_waits_for_a_worker_whose_time_limits_end_in_time) {
    Situation s = adaptive(learn(taught(1, 4000, 5, 30), 1, at_second(0)));
    s.workers = {used("w1")};
    s.workers[0].busy_until = at_second(60);
    s.requests = {job("7", 4), job("8", 4)};
    s.now = at_second(1);
    // There is one such worker, and two jobs.
    EXPECT_EQ(added(decide(s)), 1);
}

TEST(Adaptive, not_more_wait_than_what_runs_can_take_in) {
    // In the time that a new worker takes, the one that is there does some ten.
    Situation s = adaptive(learn(taught(1, 10, 5, 30), 1, at_second(0)), 0, 100);
    s.workers = {used("w1")};
    s.requests = {job("7", 4)};
    s.requests[0].count = 60;
    s.now = at_second(1);
    EXPECT_GE(added(decide(s)), 20);
    EXPECT_LT(added(decide(s)), 60);
}

TEST(Adaptive, without_experience_it_buys_as_standard_does) {
    Situation s = adaptive({});
    s.general.experience.reset();
    s.workers = {used("w1")};
    s.requests = {job("7", 4)};
    EXPECT_EQ(added(decide(s)), 1);
}

}  // namespace
}  // namespace hopyard::decide::scale::test
