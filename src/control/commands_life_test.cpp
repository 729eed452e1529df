#include <gtest/gtest.h>

#include "control/test_subscription.h"
#include "model/phase.h"

namespace hopyard::control {
namespace {

using model::NodePhase;
using model::NodeWanted;
using model::Phase;
using model::Wanted;

/// A cluster that stands there, with a head and one worker.
struct Standing {
    Desk desk;
    ClusterId id;
    NodeId head{"demo-head"};
    NodeId worker{"demo-w1"};

    Standing(Wanted wanted, Phase phase) {
        model::Cluster cluster = desk.made();
        id = cluster.id;
        cluster.wanted = wanted;
        cluster.phase = phase;
        cluster.started_at = desk.clock.now();
        desk.put(cluster);
        desk.put(node(head, true));
        desk.put(node(worker, false));
        desk.clock.advance(Seconds(60));
        desk.wake.count = 0;
    }
    model::Node node(const NodeId& name, bool is_head) const {
        return {.id = name,
                .cluster = id,
                .is_head = is_head,
                .group = {.instance_type = "Small"},
                .ordinal = is_head ? 0 : 1,
                .phase = NodePhase::ready};
    }
    model::Cluster now() { return desk.cluster(id); }
};

using Command = std::function<Result<model::Cluster>(Standing&)>;
const std::pair<const char*, Command> commands[] = {
    {"stop", [](Standing& s) { return s.desk.commands.stop(s.desk.caller, s.id); }},
    {"start", [](Standing& s) { return s.desk.commands.start(s.desk.caller, s.id); }},
    {"restart", [](Standing& s) { return s.desk.commands.restart(s.desk.caller, s.id); }},
    {"restart_node",
     [](Standing& s) { return s.desk.commands.restart_node(s.desk.caller, s.id, s.worker); }},
    {"terminate", [](Standing& s) { return s.desk.commands.terminate(s.desk.caller, s.id); }},
    {"retry", [](Standing& s) { return s.desk.commands.retry(s.desk.caller, s.id); }},
    {"add",
     [](Standing& s) {
         return s.desk.commands.add_workers(
             s.desk.caller, s.id, {{.key = {.instance_type = "Small"}, .count = 1}});
     }},
    {"remove",
     [](Standing& s) {
         return s.desk.commands.remove_workers(
             s.desk.caller, s.id, {{.key = {.instance_type = "Small"}, .count = 1}});
     }},
    {"ports",
     [](Standing& s) {
         return s.desk.commands.set_ports(s.desk.caller, s.id, {.ssh = true}, std::nullopt);
     }},
    {"head_type",
     [](Standing& s) { return s.desk.commands.set_head_type(s.desk.caller, s.id, "Big"); }},
};

struct Row {
    Wanted wanted;
    Phase phase;
    std::map<std::string, std::string> outcomes;  ///< the phase after, or the code of the refusal
};

const std::vector<Row>& table() {
    const auto on_the_way = [](const char* phase, bool restartable) {
        return std::map<std::string, std::string>{
            {"stop", "stopping"},
            {"start", "cluster_not_stopped"},
            {"restart", restartable ? "starting" : "cluster_not_running"},
            {"restart_node", restartable ? "updating" : "node_not_running"},
            {"terminate", "terminating"},
            {"retry", "nothing_failed"},
            {"add", restartable ? "updating" : phase},
            {"remove", restartable ? "updating" : phase},
            {"ports", restartable ? "updating" : phase},
            {"head_type", "cluster_not_stopped"}};
    };
    const auto all = [](const char* code, const std::map<std::string, std::string>& but) {
        std::map<std::string, std::string> out = but;
        for (const auto& [name, command] : commands) out.emplace(name, code);
        return out;
    };
    static const std::vector<Row> rows = {
        {Wanted::running, Phase::pending, on_the_way("pending", false)},
        {Wanted::running, Phase::creating, on_the_way("creating", false)},
        {Wanted::running, Phase::starting, on_the_way("starting", false)},
        {Wanted::running, Phase::running, on_the_way("running", true)},
        {Wanted::running, Phase::updating, on_the_way("updating", true)},
        {Wanted::running,
         Phase::failed,
         {{"stop", "stopping"},
          {"start", "cluster_not_stopped"},
          {"restart", "cluster_not_running"},
          {"restart_node", "node_not_running"},
          {"terminate", "terminating"},
          {"retry", "updating"},
          {"add", "updating"},
          {"remove", "updating"},
          {"ports", "failed"},
          {"head_type", "cluster_not_stopped"}}},
        {Wanted::stopped,
         Phase::stopping,
         all("cluster_stopping",
             {{"terminate", "terminating"},
              {"retry", "nothing_failed"},
              {"ports", "stopping"},
              {"head_type", "cluster_not_stopped"}})},
        {Wanted::stopped,
         Phase::stopped,
         all("cluster_stopped",
             {{"start", "starting"},
              {"terminate", "terminating"},
              {"retry", "nothing_failed"},
              {"ports", "stopped"},
              {"head_type", "stopped"}})},
        {Wanted::stopped,
         Phase::failed,
         all("cluster_stopping",
             {{"start", "starting"},
              {"terminate", "terminating"},
              {"retry", "stopping"},
              {"ports", "failed"},
              {"head_type", "cluster_not_stopped"}})},
        {Wanted::terminated,
         Phase::terminating,
         all("cluster_terminating",
             {{"terminate", "terminating"},
              {"retry", "nothing_failed"},
              {"head_type", "cluster_not_stopped"}})},
        {Wanted::terminated,
         Phase::failed,
         all("cluster_terminating",
             {{"terminate", "terminating"},
              {"retry", "terminating"},
              {"head_type", "cluster_not_stopped"}})},
    };
    return rows;
}

TEST(Commands, follow_the_table_of_states_and_change_nothing_when_they_refuse) {
    for (const Row& row : table())
        for (const auto& [name, command] : commands) {
            SCOPED_TRACE(std::string(name) + " when wanted " + std::string(to_string(row.wanted)) +
                         " and " + std::string(to_string(row.phase)));
            const std::string& expected = row.outcomes.at(name);
            Standing standing(row.wanted, row.phase);
            const model::Cluster before = standing.now();
            const auto entries = standing.desk.activity().size();
            const auto outcome = command(standing);
            if (const auto phase = model::parse<Phase>(expected)) {
                ASSERT_TRUE(outcome) << outcome.error().message;
                EXPECT_EQ(outcome->phase, *phase);
                EXPECT_EQ(standing.now(), *outcome);
                EXPECT_TRUE(model::may_move(before.phase, outcome->phase));
                continue;
            }
            ASSERT_FALSE(outcome);
            EXPECT_EQ(outcome.error().code, expected);
            EXPECT_EQ(outcome.error().kind, ErrorKind::conflict);
            EXPECT_FALSE(outcome.error().message.empty());
            EXPECT_FALSE(outcome.error().next_action.empty());
            EXPECT_EQ(standing.now(), before);
            EXPECT_EQ(standing.desk.activity().size(), entries);
            EXPECT_EQ(standing.desk.wake.count, 0);
        }
}

TEST(Commands, count_a_generation_wake_the_loops_and_name_the_actor) {
    Standing standing(Wanted::running, Phase::running);
    const auto before = standing.now().generation;
    const auto stopped = standing.desk.commands.stop(standing.desk.caller, standing.id);
    ASSERT_TRUE(stopped);
    EXPECT_EQ(stopped->generation, before + 1);
    EXPECT_EQ(stopped->wanted, Wanted::stopped);
    EXPECT_EQ(stopped->phase_since, standing.desk.clock.now());
    EXPECT_EQ(standing.desk.wake.count, 1);
    const auto entry = standing.desk.activity().front();
    EXPECT_EQ(entry.code, "stop_accepted");
    EXPECT_EQ(entry.actor, "ann");
    EXPECT_EQ(entry.cluster, standing.id);
}

TEST(Stop, says_how_many_jobs_go_back_to_the_queue) {
    Standing standing(Wanted::running, Phase::running);
    model::Node worker = standing.node(standing.worker, false);
    worker.seen.jobs = 3;
    standing.desk.put(worker);
    ASSERT_TRUE(standing.desk.commands.stop(standing.desk.caller, standing.id));
    EXPECT_NE(standing.desk.activity().front().reason.find("3 running jobs"), std::string::npos);
}

TEST(Terminate, asked_for_twice_is_accepted_once) {
    Standing standing(Wanted::running, Phase::running);
    const auto first = standing.desk.commands.terminate(standing.desk.caller, standing.id);
    const auto entries = standing.desk.activity().size();
    const auto second = standing.desk.commands.terminate(standing.desk.caller, standing.id);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*first, *second);
    EXPECT_EQ(standing.desk.activity().size(), entries);
    EXPECT_EQ(standing.desk.wake.count, 1);
}

TEST(Restart, makes_every_node_be_behind) {
    Standing standing(Wanted::running, Phase::running);
    ASSERT_TRUE(standing.desk.commands.restart(standing.desk.caller, standing.id));
    for (const model::Node& node : standing.desk.nodes(standing.id))
        EXPECT_LT(node.restart_generation, standing.now().restart_generation);
}

Error quota_error() {
    return {.kind = ErrorKind::quota_exceeded, .code = "quota_exceeded", .message = "no cores"};
}

TEST(Retry, tries_everything_that_failed_at_once) {
    Standing standing(Wanted::running, Phase::failed);
    const Timestamp later = standing.desk.clock.now() + Seconds(3600);
    model::Cluster cluster = standing.now();
    cluster.problem = cluster.storage_problem = quota_error();
    cluster.storage_attempts = 4;
    cluster.storage_try_again_at = later;
    standing.desk.put(cluster);
    model::Node worker = standing.node(standing.worker, false);
    worker.phase = NodePhase::failed;
    worker.problem = quota_error();
    worker.failed_attempts = 3;
    worker.try_again_at = later;
    standing.desk.put(worker);
    model::Resource machine{.name = {.name = "demo-w1"},
                            .cluster = standing.id,
                            .node = standing.worker,
                            .problem = quota_error(),
                            .failed_attempts = 2,
                            .try_again_at = later};
    standing.desk.put(machine);

    const auto outcome = standing.desk.commands.retry(standing.desk.caller, standing.id);
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(outcome->problem);
    EXPECT_FALSE(outcome->storage_problem);
    EXPECT_FALSE(outcome->storage_try_again_at);
    for (const model::Node& node : standing.desk.nodes(standing.id)) {
        EXPECT_FALSE(node.problem);
        EXPECT_FALSE(node.try_again_at);
        EXPECT_EQ(node.failed_attempts, 0);
    }
    (void)standing.desk.store.read([&](store::Transaction& transaction) -> Result<void> {
        const auto row = **transaction.resource(machine.name);
        EXPECT_FALSE(row.problem);
        EXPECT_FALSE(row.try_again_at);
        EXPECT_EQ(row.failed_attempts, 0);
        return {};
    });
    EXPECT_EQ(standing.desk.activity().front().reason, "no cores");
    EXPECT_EQ(standing.desk.wake.count, 1);
}

TEST(Retry, gives_up_a_head_that_lost_its_disk) {
    Standing standing(Wanted::running, Phase::failed);
    model::Node head = standing.node(standing.head, true);
    head.phase = NodePhase::failed;
    head.problem = Error{.kind = ErrorKind::internal, .code = "head_machine_lost", .message = "x"};
    standing.desk.put(head);
    const auto outcome = standing.desk.commands.retry(standing.desk.caller, standing.id);
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->phase, Phase::starting);
    const model::Node after = standing.desk.nodes(standing.id).front();
    EXPECT_EQ(after.id, standing.head);
    EXPECT_EQ(after.wanted, NodeWanted::removed);
    EXPECT_EQ(after.phase, NodePhase::removing);
}

TEST(Retry, of_a_cluster_that_never_ran_goes_on_creating) {
    Standing standing(Wanted::running, Phase::failed);
    model::Cluster cluster = standing.now();
    cluster.started_at.reset();
    standing.desk.put(cluster);
    EXPECT_EQ(standing.desk.commands.retry(standing.desk.caller, standing.id)->phase,
              Phase::creating);
}

TEST(Commands, of_another_organisation_find_nothing) {
    for (const auto& [name, command] : commands) {
        SCOPED_TRACE(name);
        Standing standing(Wanted::running, Phase::running);
        standing.desk.caller.organisation = OrganisationId("another");
        const auto outcome = command(standing);
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, "no_such_cluster");
        EXPECT_EQ(outcome.error().kind, ErrorKind::not_found);
        EXPECT_FALSE(standing.desk.commands.first_password(standing.desk.caller, standing.id));
        EXPECT_EQ(standing.now().phase, Phase::running);
    }
}

TEST(Commands, hold_only_for_the_generation_that_the_caller_has_read) {
    Standing standing(Wanted::running, Phase::running);
    Caller caller = standing.desk.caller;
    caller.expected_generation = standing.now().generation + 1;
    const auto refused = standing.desk.commands.stop(caller, standing.id);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "precondition_failed");
    EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
    EXPECT_EQ(standing.now().phase, Phase::running);
    caller.expected_generation = standing.now().generation;
    EXPECT_TRUE(standing.desk.commands.stop(caller, standing.id));
}

TEST(Commands, try_again_when_somebody_was_faster) {
    Standing standing(Wanted::running, Phase::running);
    standing.desk.store.losses = 2;
    const auto entries = standing.desk.activity().size();
    EXPECT_TRUE(standing.desk.commands.stop(standing.desk.caller, standing.id));
    EXPECT_EQ(standing.now().phase, Phase::stopping);
    EXPECT_EQ(standing.desk.activity().size(), entries + 1);
    EXPECT_EQ(standing.desk.wake.count, 1);
}

TEST(Commands, give_up_when_somebody_is_always_faster) {
    Standing standing(Wanted::running, Phase::running);
    standing.desk.store.losses = 3;
    const auto outcome = standing.desk.commands.stop(standing.desk.caller, standing.id);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, "changed_meanwhile");
    EXPECT_EQ(outcome.error().kind, ErrorKind::conflict);
    EXPECT_FALSE(outcome.error().next_action.empty());
    EXPECT_EQ(standing.now().phase, Phase::running);
    EXPECT_EQ(standing.desk.wake.count, 0);
}

}  // namespace
}  // namespace hopyard::control
