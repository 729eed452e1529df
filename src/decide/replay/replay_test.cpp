// Tiny workloads whose cost and waiting can be counted by hand.
#include "decide/replay/replay.h"

#include <gtest/gtest.h>

namespace hopyard::decide::replay {
namespace {

constexpr Timestamp begin{Seconds(1'000'000)};

/// Workers of 4 cores that take 100 s to come and leave 60 s after they were used.
Setup setup(int max = 10, double standby = 0) {
    Setup setup;
    setup.general.policy = {.instance_type = "small",
                            .max_workers = max,
                            .standby_workers = standby,
                            .downscale_wait_s = 60};
    setup.general.kinds = {{.key = {.instance_type = "small"}, .size = {.cpus = 4}}};
    setup.boots = {Seconds(100)};
    return setup;
}

Job job(std::int64_t at_s, std::int64_t run_s, std::int64_t cpus, int pieces = 1) {
    return {.name = std::to_string(at_s),
            .submitted_at = begin + Seconds(at_s),
            .run = Seconds(run_s),
            .pieces = pieces,
            .each = {.cpus = cpus}};
}

double seconds(const Outcome& outcome) {
    return outcome.hours() * 3600;
}

TEST(Replay, the_first_job_waits_for_a_worker_and_the_next_finds_it_there) {
    const Outcome outcome = replay({.jobs = {job(0, 50, 4), job(160, 50, 4)}}, setup());
    EXPECT_EQ(outcome.waiting.jobs, 2);
    EXPECT_DOUBLE_EQ(outcome.waiting.mean_s, 50);
    EXPECT_DOUBLE_EQ(outcome.waiting.longest_s, 100);
    // Until the last job ends: what happens to the worker then is nobody's workload.
    EXPECT_DOUBLE_EQ(seconds(outcome), 100 + 50 + 10 + 50);
    EXPECT_DOUBLE_EQ(outcome.used_hours * 3600, 100);
    EXPECT_EQ(outcome.uses[0].boots, 1);
}

TEST(Replay, a_worker_leaves_after_the_wait_and_another_has_to_come) {
    const Outcome outcome = replay({.jobs = {job(0, 50, 4), job(300, 50, 4)}}, setup());
    EXPECT_DOUBLE_EQ(outcome.waiting.mean_s, 100);
    EXPECT_DOUBLE_EQ(seconds(outcome), (100 + 50 + 60) + (100 + 50));
    EXPECT_EQ(outcome.uses[0].boots, 2);
}

TEST(Replay, small_jobs_share_a_worker_and_a_job_of_several_pieces_begins_at_once) {
    const Outcome shared = replay({.jobs = {job(0, 50, 2), job(0, 50, 2)}}, setup());
    EXPECT_DOUBLE_EQ(seconds(shared), 150);
    const Outcome gang = replay({.jobs = {job(0, 50, 4, 3)}}, setup());
    EXPECT_DOUBLE_EQ(seconds(gang), 3 * 150);
    EXPECT_DOUBLE_EQ(gang.waiting.worker_s, 3 * 100);
}

TEST(Replay, one_that_does_not_fit_yet_is_overtaken_by_one_that_does) {
    // One worker: the second job has to wait for the first, the third fits beside it.
    const Outcome outcome =
        replay({.jobs = {job(0, 100, 2), job(110, 10, 4), job(120, 10, 2)}}, setup(1));
    EXPECT_DOUBLE_EQ(outcome.waiting.mean_s, (100 + 90 + 0) / 3.0);
}

TEST(Replay, the_maximum_holds) {
    const Outcome outcome = replay({.jobs = {job(0, 50, 4), job(0, 50, 4)}}, setup(1));
    EXPECT_EQ(outcome.uses[0].boots, 1);
    EXPECT_DOUBLE_EQ(outcome.waiting.longest_s, 150);
}

TEST(Replay, a_job_that_no_worker_holds_is_counted_and_buys_nothing) {
    const Outcome outcome = replay({.jobs = {job(0, 50, 99), job(0, 50, 4)}}, setup());
    EXPECT_EQ(outcome.never_met, 1);
    EXPECT_EQ(outcome.waiting.jobs, 1);
    EXPECT_DOUBLE_EQ(seconds(outcome), 150);
}

TEST(Replay, work_with_cards_goes_to_the_group_that_has_them) {
    auto both = setup();
    both.gpu = both.general;
    both.gpu->policy.instance_type = "cards";
    both.gpu->kinds = {{.key = {.instance_type = "cards"}, .size = {.cpus = 4, .gpus = 2}}};
    Job with_cards = job(0, 50, 1);
    with_cards.each.gpus = 2;
    const Outcome outcome = replay({.jobs = {with_cards}}, both);
    ASSERT_EQ(outcome.uses.size(), 1u);
    EXPECT_EQ(outcome.uses[0].key.instance_type, "cards");
}

TEST(Replay, only_what_comes_after_the_begin_of_the_count_is_counted) {
    auto later = setup();
    later.count_from = begin + Seconds(160);
    const Outcome outcome = replay({.jobs = {job(0, 50, 4), job(160, 50, 4)}}, later);
    EXPECT_EQ(outcome.waiting.jobs, 1);
    EXPECT_DOUBLE_EQ(outcome.waiting.mean_s, 0);
    EXPECT_DOUBLE_EQ(seconds(outcome), 50);
    EXPECT_EQ(outcome.uses[0].boots, 0);
}

TEST(Replay, the_course_adds_up_to_what_was_paid_and_is_bounded) {
    Trace trace;
    for (int i = 0; i < 2000; ++i) trace.jobs.push_back(job(i * 37, 500 + i % 90, 1 + i % 4));
    const Outcome outcome = replay(trace, setup());
    ASSERT_GT(outcome.course.size(), 100u);
    ASSERT_LE(outcome.course.size(), 400u);
    const auto part = outcome.course[1].at - outcome.course[0].at;
    double paid_s = 0;
    for (std::size_t i = 0; i + 1 < outcome.course.size(); ++i)
        paid_s += outcome.course[i].workers * static_cast<double>(part.count()) / 1000;
    EXPECT_NEAR(paid_s, seconds(outcome), seconds(outcome) * 0.01);
}

TEST(Replay, it_comes_out_the_same_again_in_both_modes) {
    Trace trace;
    for (int i = 0; i < 300; ++i) trace.jobs.push_back(job(i * 61 % 9000, 20 + i % 200, 1 + i % 4));
    std::stable_sort(trace.jobs.begin(), trace.jobs.end(), [](const Job& a, const Job& b) {
        return a.submitted_at < b.submitted_at;
    });
    for (const auto mode : {model::AutoscaleMode::standard, model::AutoscaleMode::adaptive}) {
        auto same = setup();
        same.mode = mode;
        const Outcome once = replay(trace, same);
        EXPECT_EQ(once.waiting.jobs, 300);
        EXPECT_EQ(once.left_waiting, 0);
        EXPECT_DOUBLE_EQ(once.hours(), replay(trace, same).hours());
    }
}

TEST(Replay, whoever_waits_can_end_it) {
    Trace trace;
    for (int i = 0; i < 3000; ++i) trace.jobs.push_back(job(i * 10, 5, 1));
    auto impatient = setup();
    double last = -1;
    impatient.progress = [&](double part) {
        EXPECT_GE(part, last);
        last = part;
        return part < 0.5;
    };
    EXPECT_TRUE(replay(trace, impatient).ended_early);
    EXPECT_LT(last, 0.9);
}

}  // namespace
}  // namespace hopyard::decide::replay
