// Which steps bring Dask's machines to what orders say.
#include "dask/plan.h"

#include <gtest/gtest.h>

namespace hopyard::test {
namespace {

using node::workload::NodeSeen;
using node::workload::Seen;
using nodewire::Member;

NodeSeen idle(const std::string& name) {
    return {.name = name, .state = "idle", .has_registered = true, .cpus = 2, .memory_mb = 1024};
}

NodeSeen busy(const std::string& name) {
    auto node = idle(name);
    node.jobs = 1;
    return node;
}

std::string steps(Member::State state, const NodeSeen& seen) {
    nodewire::Orders orders;
    orders.members = {{.name = "w1", .vcpus = 2, .memory_mb = 1024, .state = state}};
    Seen all;
    if (!seen.name.empty()) all.nodes = {seen};
    std::string words;
    for (const auto& step : plan_for_dask(orders, all).steps) {
        words += (words.empty() ? "" : ", ") + std::string(step.what);
        EXPECT_EQ(step.name, "w1");
    }
    return words;
}

TEST(DaskPlan, DoesNothingForAMachineThatIsAsOrdered) {
    auto closed = idle("w1");
    closed.draining = true;
    auto lost = closed;
    lost.state = "down";
    EXPECT_EQ(steps(Member::State::member, idle("w1")), "");
    EXPECT_EQ(steps(Member::State::member, busy("w1")), "");
    EXPECT_EQ(steps(Member::State::draining, closed), "");
    EXPECT_EQ(steps(Member::State::absent, closed), "");
    EXPECT_EQ(steps(Member::State::absent, lost), "");
    EXPECT_EQ(steps(Member::State::absent, {}), "");
    EXPECT_EQ(steps(Member::State::removed, {}), "");
}

TEST(DaskPlan, ClosesBeforeItTakesWorkAway) {
    auto closed = idle("w1");
    closed.draining = true;
    EXPECT_EQ(steps(Member::State::member, {}), "announce");
    EXPECT_EQ(steps(Member::State::draining, {}), "announce, close");
    EXPECT_EQ(steps(Member::State::member, closed), "open");
    EXPECT_EQ(steps(Member::State::draining, busy("w1")), "close");
    EXPECT_EQ(steps(Member::State::absent, busy("w1")), "close, lose");
    EXPECT_EQ(steps(Member::State::removed, busy("w1")), "lose, forget");
    EXPECT_EQ(steps(Member::State::removed, idle("w1")), "forget");
}

TEST(DaskPlan, LetsWorkEndOnAMachineThatOrdersDoNotName) {
    Seen seen;
    seen.nodes = {busy("w9"), idle("w8")};
    const auto plan = plan_for_dask({}, seen);
    ASSERT_EQ(plan.steps.size(), 2u);
    EXPECT_STREQ(plan.steps[0].what, "forget");
    EXPECT_EQ(plan.steps[0].name, "w8");
    EXPECT_STREQ(plan.steps[1].what, "close");
    EXPECT_FALSE(plan.attained);
}

}  // namespace
}  // namespace hopyard::test
