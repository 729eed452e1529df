// Acts on one node, and the first administrator's new password up to the head's word that it holds.
#include <gtest/gtest.h>

#include "control/passwords.h"
#include "control/test_sessions.h"
#include "model/phase.h"

namespace hopyard::control {
namespace {

using model::NodePhase;
using model::NodeWanted;
using model::Phase;
using State = nodewire::Member::State;

/// A running cluster whose head and two workers are ready.
struct Running : Session {
    Running() {
        settle();
        model::Cluster row = desk.cluster(cluster);
        row.phase = Phase::running;
        row.started_at = desk.clock.now();
        desk.put(row);
    }
    Result<model::Cluster> drain(const TestMachine& machine) {
        return desk.commands.drain_node(desk.caller, cluster, machine.id());
    }
    Result<model::Cluster> resume(const TestMachine& machine) {
        return desk.commands.resume_node(desk.caller, cluster, machine.id());
    }
    Result<model::Cluster> restart(const TestMachine& machine) {
        return desk.commands.restart_node(desk.caller, cluster, machine.id());
    }
    State ordered(const TestMachine& machine) {
        const auto orders = sessions.orders(head.id());
        for (const auto& member : orders->members)
            if (member.name == machine.node) return member.state;
        return State::removed;
    }
    void says_drained(std::int64_t drain) {
        head.says.workload[0] = {
            .name = worker.node, .state = "idle", .drained = true, .draining = true};
        head.says.workload[0].drain = drain;
        ASSERT_TRUE(send(report()));
    }
};

TEST(DrainNode, is_stored_ordered_and_told_once) {
    Running it;
    const auto accepted = it.drain(it.worker);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_EQ(accepted->phase, Phase::running);
    EXPECT_TRUE(it.node(it.worker).drain_wanted);
    EXPECT_EQ(it.ordered(it.worker), State::draining);
    EXPECT_EQ(it.ordered(it.other), State::member);
    const auto entries = it.codes().size();
    EXPECT_EQ(it.drain(it.worker)->generation, accepted->generation) << "it drains already";
    EXPECT_EQ(it.codes().size(), entries);
    EXPECT_EQ(it.desk.activity().front().code, "drain_accepted");
    EXPECT_EQ(it.desk.activity().front().node, it.worker.id());
}

TEST(ResumeNode, begins_a_new_count_of_drains) {
    Running it;
    ASSERT_TRUE(it.drain(it.worker));
    it.says_drained(0);
    EXPECT_EQ(it.node(it.worker).seen.workload_state, "drained");
    ASSERT_TRUE(it.resume(it.worker));
    EXPECT_EQ(it.ordered(it.worker), State::member);
    EXPECT_EQ(it.node(it.worker).seen.workload_state, "idle");
    it.says_drained(0);
    EXPECT_EQ(it.node(it.worker).seen.workload_state, "draining") << "that was the drain before";
    const auto generation = it.desk.cluster(it.cluster).generation;
    ASSERT_TRUE(it.resume(it.worker));
    EXPECT_EQ(it.desk.cluster(it.cluster).generation, generation) << "nothing is taken back twice";
}

TEST(RestartNode, of_a_worker_drains_it_first_and_can_be_taken_back) {
    Running it;
    const auto accepted = it.restart(it.worker);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_EQ(accepted->phase, Phase::updating);
    EXPECT_EQ(it.ordered(it.worker), State::draining);
    const auto again = it.restart(it.worker);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, "node_not_running");
    ASSERT_TRUE(it.resume(it.worker));
    EXPECT_FALSE(it.node(it.worker).restart_wanted);
    EXPECT_EQ(it.ordered(it.worker), State::member);
}

TEST(RestartNode, of_the_head_takes_the_cluster_to_starting) {
    Running it;
    const auto accepted = it.restart(it.head);
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->phase, Phase::starting);
    EXPECT_NE(it.desk.activity().front().reason.find("running jobs go on"), std::string::npos);
}

TEST(NodeActs, refuse_what_makes_no_sense_with_a_reason) {
    Running it;
    for (const auto& outcome : {it.drain(it.head), it.resume(it.head)}) {
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, "head_takes_no_jobs");
        EXPECT_EQ(outcome.error().kind, ErrorKind::conflict);
        EXPECT_FALSE(outcome.error().next_action.empty());
    }
    const TestMachine stranger("other-w1", 3);
    for (const auto& outcome : {it.drain(stranger), it.resume(stranger), it.restart(stranger)}) {
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, "no_such_node");
        EXPECT_EQ(outcome.error().kind, ErrorKind::not_found);
    }
    model::Node leaving = it.node(it.worker);
    leaving.wanted = NodeWanted::removed;
    leaving.phase = NodePhase::draining;
    it.desk.put(leaving);
    for (const auto& outcome : {it.drain(it.worker), it.resume(it.worker)})
        EXPECT_EQ(outcome.error().code, "node_leaving");
    EXPECT_EQ(it.restart(it.worker).error().code, "node_not_running");
    ASSERT_TRUE(it.desk.commands.stop(it.desk.caller, it.cluster));
    EXPECT_EQ(it.drain(it.other).error().code, "cluster_stopping");
    ASSERT_TRUE(it.desk.commands.terminate(it.desk.caller, it.cluster));
    EXPECT_EQ(it.resume(it.other).error().code, "cluster_terminating");
}

TEST(NodeActs, respect_what_the_caller_expects) {
    Running it;
    Caller stale = it.desk.caller;
    stale.expected_generation = 0;
    const auto outcome = it.desk.commands.drain_node(stale, it.cluster, it.worker.id());
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, "precondition_failed");
    EXPECT_FALSE(it.node(it.worker).drain_wanted);
}

// --- the password ------------------------------------------------------------------------------

TEST(RotatePassword, reaches_every_machine_and_is_acknowledged_by_the_head) {
    Running it;
    const auto before = it.sessions.orders(it.head.id());
    const Secret old = *it.desk.commands.first_password(it.desk.caller, it.cluster);
    const auto made = it.desk.commands.rotate_password(it.desk.caller, it.cluster);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_NE(made->password.reveal(), old.reveal());
    EXPECT_EQ(it.desk.commands.first_password(it.desk.caller, it.cluster)->reveal(),
              made->password.reveal());
    EXPECT_EQ(it.desk.cluster(it.cluster).password_revision, 0) << "no orders hold it yet";

    const auto orders = it.sessions.orders(it.head.id());
    EXPECT_GT(orders->revision, before->revision);
    EXPECT_NE(orders->users[0].password_hash, before->users[0].password_hash);
    EXPECT_EQ(orders->workers.at(it.worker.node).users[0].password_hash,
              orders->users[0].password_hash);
    EXPECT_EQ(it.desk.cluster(it.cluster).password_revision, orders->revision);
    EXPECT_EQ(it.sessions.orders(it.head.id())->revision, orders->revision)
        << "that it was given out changes no orders";
}

TEST(RotatePassword, is_told_without_the_password) {
    Running it;
    const auto made = it.desk.commands.rotate_password(it.desk.caller, it.cluster);
    ASSERT_TRUE(made);
    const auto entry = it.desk.activity().front();
    EXPECT_EQ(entry.code, "password_rotated");
    EXPECT_EQ(entry.actor, it.desk.caller.actor);
    for (const std::string& text : {entry.message, entry.reason})
        EXPECT_EQ(text.find(made->password.reveal()), std::string::npos);
}

TEST(RotatePassword, makes_another_one_each_time_and_none_for_a_cluster_that_goes) {
    Running it;
    const auto first = it.desk.commands.rotate_password(it.desk.caller, it.cluster);
    const auto second = it.desk.commands.rotate_password(it.desk.caller, it.cluster);
    ASSERT_TRUE(first && second);
    EXPECT_NE(first->password.reveal(), second->password.reveal());
    ASSERT_TRUE(it.desk.commands.terminate(it.desk.caller, it.cluster));
    const auto outcome = it.desk.commands.rotate_password(it.desk.caller, it.cluster);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, "cluster_terminating");
}

TEST(RotatePassword, that_is_refused_leaves_the_old_one) {
    Running it;
    const Secret old = *it.desk.commands.first_password(it.desk.caller, it.cluster);
    Caller stale = it.desk.caller;
    stale.expected_generation = 0;
    EXPECT_FALSE(it.desk.commands.rotate_password(stale, it.cluster));
    Caller failing = it.desk.caller;
    failing.also = [](store::Transaction&, const model::Cluster&) -> Result<void> {
        return fail(ErrorKind::unavailable, "no_more", "the reply cannot be kept");
    };
    EXPECT_FALSE(it.desk.commands.rotate_password(failing, it.cluster));
    EXPECT_EQ(it.desk.commands.first_password(it.desk.caller, it.cluster)->reveal(), old.reveal());
    EXPECT_FALSE(it.desk.cluster(it.cluster).password_rotated_at);
}

}  // namespace
}  // namespace hopyard::control
