// What reports say of work: what waits, what is taken, since when nothing is.
#include <limits>

#include <gtest/gtest.h>

#include "control/test_sessions.h"

namespace hopyard::control {
namespace {

struct Work : Session {
    nodewire::WorkloadNode& entry = (settle(), head.says.workload[0]);

    model::NodeSeen hear() {
        EXPECT_TRUE(send(report()));
        return node(worker).seen;
    }
    std::optional<model::Demand> hear_demand() {
        EXPECT_TRUE(send(report()));
        return node(head).seen.demand;
    }
    Timestamp later(std::int64_t seconds) {
        desk.clock.advance(Seconds(seconds));
        return desk.clock.now();
    }
};

TEST(ReportOfWork, keeps_what_is_taken_and_until_when) {
    Work work;
    work.entry.allocated = {.cpus = 3, .memory_mb = 700, .gpus = 1};
    work.entry.busy_until = work.desk.clock.now() + Seconds(60);
    const auto seen = work.hear();
    EXPECT_EQ(seen.allocated, work.entry.allocated);
    EXPECT_EQ(seen.busy_until, work.entry.busy_until);
    EXPECT_EQ(work.desk.wake.count, 1);
    work.entry.allocated = {.cpus = -1, .memory_mb = std::numeric_limits<std::int64_t>::max()};
    EXPECT_EQ(work.hear().allocated,
              (model::Resources{.cpus = 0, .memory_mb = 1'000'000'000, .gpus = 0}));
}

TEST(ReportOfWork, a_worker_is_idle_since_nothing_is_on_it) {
    Work work;
    const auto first = work.hear().idle_since;
    ASSERT_TRUE(first) << "known as idle";
    work.later(10);
    EXPECT_EQ(work.hear().idle_since, first);
    const std::vector<nodewire::WorkloadNode> busy = {
        {.name = "demo-w1", .state = "mixed", .jobs = 1},
        {.name = "demo-w1", .state = "mixed", .allocated = {.memory_mb = 1}},
        {.name = "demo-w1", .state = "idle", .completing = true}};
    for (const auto& each : busy) {
        work.entry = each;
        EXPECT_FALSE(work.hear().idle_since) << nodewire::to_json(work.head.says);
        const auto now = work.later(10);
        work.entry = {.name = "demo-w1", .state = "idle"};
        EXPECT_EQ(work.hear().idle_since, now);
    }
}

TEST(ReportOfWork, one_that_is_not_there_is_not_known_to_be_idle) {
    Work work;
    work.entry.jobs = 1;
    work.hear();
    work.entry = {.name = "demo-w1", .state = "down"};
    EXPECT_FALSE(work.hear().idle_since);
    work.entry = {.name = "demo-w1", .state = "idle", .responding = false};
    EXPECT_FALSE(work.hear().idle_since);
    const auto now = work.later(10);
    work.entry = {.name = "demo-w1", .state = "idle"};
    EXPECT_EQ(work.hear().idle_since, now);
    work.later(10);
    work.entry.responding = false;
    EXPECT_EQ(work.hear().idle_since, now) << "what was known stays so while it does not answer";
}

TEST(ReportOfWork, another_boot_has_not_been_idle_before) {
    Work work;
    work.hear();
    const auto now = work.later(3600);
    work.worker.says.boot_id = "boot-2";
    EXPECT_EQ(work.hear().idle_since, now);
}

TEST(ReportOfWork, a_clock_set_back_never_leaves_a_worker_idle_since_a_time_to_come) {
    Work work;
    work.hear();
    work.later(-600);
    EXPECT_EQ(work.hear().idle_since, work.desk.clock.now());
}

TEST(ReportOfWork, demand_is_none_until_it_is_said) {
    Work work;
    EXPECT_FALSE(work.hear_demand());
    work.head.says.demand.emplace();
    EXPECT_EQ(work.hear_demand(), model::Demand{}) << "that nothing waits is something else";
    work.head.says.demand.reset();
    EXPECT_FALSE(work.hear_demand()) << "its program has begun anew";
}

TEST(ReportOfWork, another_demand_wakes_the_loops_and_the_same_one_does_not) {
    Work work;
    work.head.says.demand = {
        .requests = {{.name = "7", .each = {.cpus = 2}, .waiting_since = Timestamp{}}}};
    EXPECT_EQ(work.hear_demand(), work.head.says.demand);
    EXPECT_EQ(work.desk.wake.count, 1);
    work.hear_demand();
    EXPECT_EQ(work.desk.wake.count, 1);
    work.head.says.demand->requests[0].count = 2;
    work.hear_demand();
    EXPECT_EQ(work.desk.wake.count, 2);
}

TEST(ReportOfWork, nothing_of_a_demand_is_believed_beyond_its_limits) {
    Work work;
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    model::Request odd{.name = std::string(5'000, 'x'),
                       .count = -5,
                       .pieces = 0,
                       .each = {.cpus = most, .memory_mb = -1, .gpus = most},
                       .gpu_type = std::string(5'000, 'x'),
                       .features = std::vector<std::string>(1'000, std::string(5'000, 'x')),
                       .machines = std::vector<std::string>(1'000, "m"),
                       .waiting_since = Timestamp(Milliseconds(most)),
                       .limit_s = most};
    work.head.says.demand.emplace().requests.resize(model::requests_max + 1);
    work.head.says.demand->requests.front() = odd;
    const auto first_heard = work.desk.clock.now();
    const auto demand = work.hear_demand();
    ASSERT_TRUE(demand);
    EXPECT_TRUE(demand->cut);
    ASSERT_EQ(demand->requests.size(), model::requests_max);
    const auto& kept = demand->requests.front();
    EXPECT_EQ(kept.name.size(), 200u);
    EXPECT_EQ(kept.count, 1);
    EXPECT_EQ(kept.pieces, 1);
    EXPECT_EQ(kept.each, (model::Resources{1'000'000'000, 0, 1'000'000'000}));
    EXPECT_EQ(kept.gpu_type.size(), 200u);
    EXPECT_EQ(kept.features.size(), 256u);
    EXPECT_EQ(kept.features[0].size(), 200u);
    EXPECT_EQ(kept.machines.size(), 256u);
    EXPECT_LE(kept.limit_s, 400'000'000);
    EXPECT_EQ(kept.waiting_since, first_heard);
    work.later(10);
    EXPECT_EQ(work.hear_demand()->requests.front().waiting_since, first_heard)
        << "else every report would be news";
}

}  // namespace
}  // namespace hopyard::control
