#include "node/workload/slurm_plan.h"

#include <gtest/gtest.h>

#include "node/workload/slurm_text.h"

namespace hopyard::node::workload {
namespace {

using nodewire::Member;
using State = Member::State;
using Commands = std::vector<std::string>;

Member member(State state, const std::string& name = "w1") {
    return {.name = name, .address = "10.0.0.5", .vcpus = 2, .memory_mb = 1024, .state = state};
}

NodeSeen node(const std::string& state) {
    return {.name = "w1", .state = state, .cpus = 2, .memory_mb = 1024};
}

NodeSeen drained(NodeSeen seen) {
    seen.draining = true;
    return seen;
}

NodeSeen registered(NodeSeen seen) {
    seen.has_registered = true;
    return seen;
}

NodeSeen busy(NodeSeen seen) {
    seen.jobs = 1;
    seen.allocated.cpus = 1;
    return seen;
}

struct Row {
    const char* what;
    State wanted;
    std::optional<NodeSeen> seen;
    bool is_alive;
    Commands commands;
    bool create;
    bool settled;
    bool is_silent = false;
};

const Row table[] = {
    {"a node to come is made", State::expected, {}, false, {}, true, false},
    {"a node to come is there, down", State::expected, node("down"), false, {}, false, true},
    {"a node to come has come already", State::expected, node("idle"), false, {}, false, true},
    {"a node that went and is to come again takes work again",
     State::expected,
     drained(node("down")),
     false,
     {"update NodeName=w1 State=UNDRAIN"},
     false,
     false},
    {"a member nobody knows is made", State::member, {}, false, {}, true, false},
    {"a member that has not booted", State::member, node("down"), false, {}, false, true},
    {"a member that says it is there is not resumed before it has registered",
     State::member,
     node("down"),
     true,
     {},
     false,
     false},
    {"a member that says it is there is taken back",
     State::member,
     registered(node("down")),
     true,
     {"update NodeName=w1 State=RESUME"},
     false,
     false},
    {"a member at work", State::member, busy(node("mixed")), true, {}, false, true},
    {"a member that was drained works again",
     State::member,
     drained(node("idle")),
     true,
     {"update NodeName=w1 State=UNDRAIN"},
     false,
     false},
    {"a drain begins under work",
     State::draining,
     busy(node("allocated")),
     true,
     {"update NodeName=w1 State=DRAIN Reason=scale-down"},
     false,
     false},
    {"a drain goes on", State::draining, drained(busy(node("mixed"))), true, {}, false, false},
    {"a drain is over", State::draining, drained(node("idle")), true, {}, false, true},
    {"a drain of what Slurm has forgotten", State::draining, {}, false, {}, true, false},
    {"a machine that went down under work loses it at once",
     State::absent,
     busy(node("mixed")),
     false,
     {"update NodeName=w1 State=DRAIN Reason=gone", "update NodeName=w1 State=DOWN Reason=gone"},
     false,
     false},
    {"nobody is called at the address of one that does not answer, which another may get",
     State::absent,
     busy(node("mixed")),
     true,
     {"update NodeName=w1 State=DRAIN Reason=gone",
      "update NodeName=w1 NodeAddr=255.255.255.255",
      "update NodeName=w1 State=DOWN Reason=gone"},
     false,
     false,
     true},
    {"a machine that is gone", State::absent, drained(node("down")), false, {}, false, true},
    {"a machine that should be gone and is not takes no work",
     State::absent,
     drained(node("idle")),
     true,
     {},
     false,
     true},
    {"an idle node is forgotten",
     State::removed,
     node("idle"),
     true,
     {"delete NodeName=w1"},
     false,
     false},
    {"a busy node is put down before it is forgotten",
     State::removed,
     busy(node("mixed")),
     true,
     {"update NodeName=w1 State=DOWN Reason=removed", "delete NodeName=w1"},
     false,
     false},
    {"a busy node that does not answer is put down likewise before it is forgotten",
     State::removed,
     busy(node("mixed")),
     true,
     {"update NodeName=w1 NodeAddr=255.255.255.255",
      "update NodeName=w1 State=DOWN Reason=removed",
      "delete NodeName=w1"},
     false,
     false,
     true},
    {"a forgotten node", State::removed, {}, false, {}, false, true},
};

TEST(SlurmPlan, BringsEachNodeFromWhatIsSeenToWhatIsWanted) {
    for (const auto& row : table) {
        Known known;
        if (row.is_alive) known.alive = {"w1"};
        if (row.is_silent) known.silent = {"w1"};
        const auto result = step(member(row.wanted), row.seen ? &*row.seen : nullptr, known);
        EXPECT_EQ(result.commands, row.commands) << row.what;
        EXPECT_EQ(result.create, row.create) << row.what;
        EXPECT_EQ(result.settled, row.settled) << row.what;
    }
}

TEST(SlurmPlan, PutsDownOrDeletesABusyNodeOnlyWhenItIsGoneOrRemoved) {
    for (const auto wanted :
         {State::expected, State::member, State::draining, State::absent, State::removed}) {
        for (const char* state : {"idle", "mixed", "allocated", "down"}) {
            for (const bool draining : {false, true}) {
                auto seen = busy(node(state));
                seen.draining = draining;
                const auto result = step(member(wanted), &seen, {.alive = {"w1"}});
                const bool may = wanted == State::absent || wanted == State::removed;
                for (const auto& command : result.commands) {
                    const bool takes_work_away = command.find("State=DOWN") != std::string::npos ||
                                                 command.starts_with("delete");
                    EXPECT_TRUE(may || !takes_work_away) << command << " on " << state;
                }
            }
        }
    }
}

TEST(SlurmPlan, MakesNodesOnlyWhilePartitionsAreDown) {
    nodewire::Orders orders{.head_address = "10.0.0.4"};
    auto gpus = member(State::expected, "type-gpu");
    gpus.address = "";
    gpus.gpus = 2;
    orders.members = {member(State::member)};
    orders.placeholders = {gpus};
    const auto result = plan(orders, {}, {});
    EXPECT_EQ(result.commands,
              (Commands{"update PartitionName=all State=DOWN",
                        "update PartitionName=gpu State=DOWN",
                        "create NodeName=w1 NodeAddr=10.0.0.5 CPUs=2 RealMemory=1024 Feature=cmp "
                        "State=CLOUD",
                        "update NodeName=w1 State=DOWN Reason=not-there-yet",
                        "create NodeName=type-gpu NodeAddr=10.0.0.4 CPUs=2 RealMemory=1024 "
                        "Feature=gpu Gres=gpu:2 State=CLOUD",
                        "update NodeName=type-gpu State=DOWN Reason=not-there-yet",
                        "update PartitionName=all State=UP",
                        "update PartitionName=gpu State=UP"}));
    EXPECT_TRUE(result.opens_partitions);
    EXPECT_FALSE(result.attained);
}

TEST(SlurmPlan, MakesAPlaceholderAnewWhenItsSizeChanged) {
    auto wanted = member(State::expected);
    wanted.vcpus = 8;
    const auto seen = node("down");
    const auto result = step(wanted, &seen, {});
    EXPECT_EQ(result.commands, Commands{"delete NodeName=w1"});
    EXPECT_TRUE(result.create);
}

TEST(SlurmPlan, ForgetsWhatNoOrderNamesOnceItsJobsAreOver) {
    auto stranger = node("idle");
    EXPECT_EQ(plan({}, {.nodes = {stranger}}, {}).commands, Commands{"delete NodeName=w1"});
    EXPECT_TRUE(plan({}, {.nodes = {busy(stranger)}}, {}).commands.empty());
    EXPECT_EQ(plan({}, {.nodes = {busy(stranger)}}, {.silent = {"w1"}}).commands,
              (Commands{"update NodeName=w1 NodeAddr=255.255.255.255",
                        "update NodeName=w1 State=DOWN Reason=gone",
                        "delete NodeName=w1"}));
}

TEST(SlurmPlan, KnowsBeforehandWhoLosesWork) {
    auto stranger = busy(node("mixed"));
    stranger.name = "stranger";
    const Seen seen{.nodes = {busy(node("mixed")), stranger}};
    const auto names = [&](State state) {
        std::vector<std::string> result;
        for (const auto* node : nodes_that_lose_work({.members = {member(state)}}, seen))
            result.push_back(node->name);
        return result;
    };
    for (const auto keeps : {State::expected, State::member, State::draining})
        EXPECT_EQ(names(keeps), Commands{"stranger"});
    for (const auto loses : {State::absent, State::removed})
        EXPECT_EQ(names(loses), (Commands{"w1", "stranger"}));
    EXPECT_TRUE(nodes_that_lose_work({}, {.nodes = {node("idle"), busy(node("down"))}}).empty());
}

TEST(SlurmPlan, LetsNoReasonEndACommand) {
    auto wanted = member(State::draining);
    wanted.reason = "spot eviction\nshutdown";
    const auto seen = node("idle");
    EXPECT_EQ(step(wanted, &seen, {.alive = {"w1"}}).commands,
              Commands{"update NodeName=w1 State=DRAIN Reason=spot-eviction-shutdown"});
}

}  // namespace
}  // namespace hopyard::node::workload
