// Drains that people ask for, and restarts of one node: never under work.
#include "decide/lifecycle/drain.h"

#include <gtest/gtest.h>

#include "decide/lifecycle/test_snapshot.h"
#include "model/phase.h"

namespace hopyard::decide {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using model::Phase;
using Words = std::vector<std::string>;

const Words restart_of_w1{"restart machine demo-ab12cd34-w1"};

bool restarts(const Plan& plan, const std::string& part) {
    return std::any_of(plan.calls.begin(), plan.calls.end(), [&](const Call& call) {
        return call.kind == Call::Kind::restart && call.name.name.ends_with(part);
    });
}

TEST(NodeRestart, of_a_worker_waits_until_it_is_drained_and_ends_its_drain) {
    Snapshot snapshot = running_cluster(2);
    Node& worker = node_of(snapshot, "w1");
    worker.restart_wanted = true;
    for (const char* state : {"idle", "allocated", "mixed", "draining", "down"}) {
        worker.seen.workload_state = state;
        EXPECT_FALSE(restarts(plan(snapshot), "w1")) << state;
    }
    EXPECT_EQ(after(snapshot, plan(snapshot)).cluster.phase, Phase::updating);
    worker.seen.workload_state = "drained";
    const Plan next = plan(snapshot);
    EXPECT_EQ(words_of(next), restart_of_w1);
    snapshot = after(snapshot, next);
    const Node& restarted = node_of(snapshot, "w1");
    EXPECT_FALSE(restarted.restart_wanted);
    EXPECT_EQ(restarted.drain_number, 1) << "the next drain is another one";
    EXPECT_EQ(restarted.phase, NodePhase::booting);
    EXPECT_FALSE(is_drained(restarted));
    snapshot.busy.clear();
    snapshot = settle(snapshot, 6);
    EXPECT_EQ(snapshot.cluster.phase, Phase::running);
    EXPECT_EQ(node_of(snapshot, "w1").phase, NodePhase::ready);
}

TEST(NodeRestart, of_a_drained_worker_leaves_it_drained) {
    Snapshot snapshot = running_cluster(1);
    Node& worker = node_of(snapshot, "w1");
    worker.restart_wanted = worker.drain_wanted = true;
    worker.seen.workload_state = "drained";
    const Plan next = plan(snapshot);
    EXPECT_EQ(words_of(next), restart_of_w1);
    snapshot = settle(carried_out(snapshot, next), 6);
    EXPECT_TRUE(drains(node_of(snapshot, "w1")));
    EXPECT_EQ(node_of(snapshot, "w1").drain_number, 0) << "it is still the same drain";
}

TEST(NodeRestart, of_the_head_waits_for_nothing_and_leaves_the_workers_alone) {
    Snapshot snapshot = running_cluster(2);
    node_of(snapshot, "head").restart_wanted = true;
    node_of(snapshot, "w1").seen.jobs = 1;
    node_of(snapshot, "w1").seen.workload_state = "allocated";
    Plan next = plan(snapshot);
    EXPECT_EQ(words_of(next), Words{"restart machine demo-ab12cd34-head"});
    for (int round = 0; round < 8; ++round) {
        snapshot = carried_out(snapshot, next);
        next = plan(snapshot);
        EXPECT_FALSE(restarts(next, "w1")) << round;
    }
    EXPECT_EQ(snapshot.cluster.phase, Phase::running);
}

// Every worker there can be: who asked for what, what Slurm says, how far it is.
TEST(NodeRestart, happens_only_when_asked_for_and_never_under_work) {
    const char* states[] = {"", "idle", "allocated", "draining", "drained", "down"};
    const NodePhase phases[] = {NodePhase::planned,
                                NodePhase::creating,
                                NodePhase::booting,
                                NodePhase::joining,
                                NodePhase::ready,
                                NodePhase::draining,
                                NodePhase::failed};
    const Snapshot running = running_cluster(1);
    int restarted = 0, judged = 0;
    for (const bool drain : {false, true})
        for (const bool restart : {false, true})
            for (const bool with_all : {false, true})
                for (const NodePhase head : {NodePhase::ready, NodePhase::booting})
                    for (const NodePhase phase : phases)
                        for (const char* state : states) {
                            Snapshot snapshot = running;
                            if (with_all) ++snapshot.cluster.restart_generation;
                            Node& of_head = node_of(snapshot, "head");
                            of_head.restart_generation = snapshot.cluster.restart_generation;
                            of_head.phase = head;
                            of_head.seen.services_ready = head == NodePhase::ready;
                            Node& worker = node_of(snapshot, "w1");
                            worker.drain_wanted = drain;
                            worker.restart_wanted = restart;
                            worker.phase = phase;
                            worker.seen.workload_state = state;
                            worker.seen.jobs = std::string_view(state) == "allocated" ? 1 : 0;
                            const Plan next = plan(snapshot);
                            const bool does = restarts(next, "w1");
                            const bool asked =
                                with_all || (restart && worker.seen.workload_state == "drained");
                            EXPECT_TRUE(!does || asked)
                                << drain << restart << with_all << to_string(phase) << state;
                            EXPECT_FALSE(does && head != NodePhase::ready);
                            Snapshot then = after(snapshot, next);
                            const Node& left = node_of(then, "w1");
                            EXPECT_EQ(left.drain_wanted, drain) << "only people end it";
                            EXPECT_TRUE(!does || !left.restart_wanted);
                            restarted += does;
                            ++judged;
                        }
    EXPECT_EQ(judged, 2 * 2 * 2 * 2 * 7 * 6);
    EXPECT_GT(restarted, 0);
}

TEST(Drain, keeps_the_worker_a_part_of_a_running_cluster) {
    Snapshot snapshot = running_cluster(2);
    Node& worker = node_of(snapshot, "w1");
    worker.drain_wanted = true;
    for (const char* state : {"draining", "drained"}) {
        worker.seen.workload_state = state;
        const Snapshot then = after(snapshot, plan(snapshot));
        EXPECT_EQ(then.cluster.phase, Phase::running);
        EXPECT_EQ(node_of(snapshot, "w1").phase, NodePhase::ready);
        EXPECT_EQ(state_of(node_of(snapshot, "w1")), state);
        EXPECT_EQ(then.cluster.stage, "3 of 3 nodes ready, 1 without new work");
        EXPECT_TRUE(words_of(plan(then)).empty()) << "nobody replaces it";
    }
}

TEST(Drain, decides_who_leaves_first_among_the_idle) {
    Snapshot snapshot = running_cluster(3);
    node_of(snapshot, "w1").drain_wanted = true;
    snapshot.cluster.spec.workers[0].count = 2;
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(node_of(snapshot, "w1").wanted, NodeWanted::removed);
}

TEST(Drain, that_is_taken_back_says_nothing_of_the_next) {
    Snapshot snapshot = running_cluster(1);
    snapshot.cluster.spec.drain_timeout.seconds = model::DrainTimeout::never;
    snapshot.cluster.spec.workers[0].count = 0;
    snapshot = after(snapshot, plan(snapshot));
    ASSERT_EQ(node_of(snapshot, "w1").phase, NodePhase::draining);
    // Needed again before the plan hears that it is drained.
    snapshot.cluster.spec.workers[0].count = 1;
    node_of(snapshot, "w1").seen.jobs = 1;
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(node_of(snapshot, "w1").wanted, NodeWanted::running);
    EXPECT_EQ(node_of(snapshot, "w1").drain_number, 1);
    // Of a drain that somebody wants besides nothing is taken back.
    node_of(snapshot, "w1").drain_wanted = true;
    snapshot.cluster.spec.workers[0].count = 0;
    snapshot = after(snapshot, plan(snapshot));
    snapshot.cluster.spec.workers[0].count = 1;
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(node_of(snapshot, "w1").drain_number, 1);
    EXPECT_TRUE(drains(node_of(snapshot, "w1")));
}

TEST(Drain, is_told_as_one_word) {
    Node node{.phase = NodePhase::ready};
    EXPECT_EQ(state_of(node), "ready");
    node.restart_wanted = true;
    EXPECT_EQ(state_of(node), "draining");
    node.seen.workload_state = "drained";
    EXPECT_EQ(state_of(node), "drained");
    node.phase = NodePhase::booting;
    EXPECT_EQ(state_of(node), "booting");
    node.phase = NodePhase::ready;
    node.is_head = true;
    EXPECT_EQ(state_of(node), "ready") << "a head takes no jobs, so it is never drained";
}

}  // namespace
}  // namespace hopyard::decide
