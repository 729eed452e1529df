// What reports change in the rows, and what they may not.
#include <gtest/gtest.h>

#include "control/test_sessions.h"

namespace hopyard::control {
namespace {

TEST(Report, is_stored_for_the_head_and_for_the_workers_it_relays) {
    Session session;
    session.settle();
    session.head.says.stage = "all is well";
    session.head.says.applied_revision = 3;
    session.worker.says.program_version = "1.2";
    session.worker.says.mount_pending_writes = 5;
    session.head.says.workload[0] = {
        .name = "demo-w1", .state = "MIXED", .jobs = 2, .allocated = {.cpus = 1}};
    ASSERT_TRUE(session.send(session.report(2'000)));
    const model::NodeSeen head = session.node(session.head).seen;
    EXPECT_EQ(head.stage, "all is well");
    EXPECT_EQ(head.applied_revision, 3);
    EXPECT_TRUE(head.services_ready);
    EXPECT_EQ(head.last_report_at, session.desk.clock.now());
    const model::NodeSeen worker = session.node(session.worker).seen;
    EXPECT_EQ(worker.program_version, "1.2");
    EXPECT_EQ(worker.mount_pending_writes, 5);
    EXPECT_EQ(worker.workload_state, "mixed");
    EXPECT_EQ(worker.jobs, 2);
    EXPECT_EQ(worker.allocated.cpus, 1);
}

TEST(Report, wakes_the_loops_when_it_matters_to_them) {
    Session session;
    session.settle();
    session.head.says.stage = "something else";
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_EQ(session.desk.wake.count, 0) << "a stage is for people";
    session.head.says.workload[0].state = "allocated";
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_EQ(session.desk.wake.count, 1);
}

TEST(Report, that_says_nothing_new_is_written_only_now_and_then) {
    Session session;
    session.settle();
    ASSERT_TRUE(session.send(session.report()));
    const auto version = session.node(session.head).version;
    for (int i = 0; i < 20; ++i) {
        session.desk.clock.advance(Milliseconds(100));
        ASSERT_TRUE(session.send(session.report()));
    }
    EXPECT_EQ(session.node(session.head).version, version);
    session.desk.clock.advance(Seconds(5));
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_EQ(session.node(session.head).version, version + 1);
    EXPECT_EQ(session.node(session.head).seen.last_report_at, session.desk.clock.now());
    EXPECT_EQ(session.desk.wake.count, 0);
}

TEST(Report, that_a_newer_one_overtook_changes_nothing_but_one_of_a_new_run_counts) {
    Session it;
    it.settle();
    const auto send = [&](const std::string& run, std::int64_t number, const std::string& stage) {
        it.head.says.stage = stage;
        nodewire::Report report = it.report();
        report.run = run;
        report.number = number;
        return it.send(report).has_value();
    };
    EXPECT_TRUE(send("first", 8, "newer"));
    EXPECT_TRUE(send("first", 7, "older"));
    EXPECT_EQ(it.node(it.head).seen.stage, "newer");
    EXPECT_TRUE(send("second", 1, "after its restart"));
    EXPECT_EQ(it.node(it.head).seen.stage, "after its restart");
}

TEST(Report, drains_say_more_than_the_base_state) {
    Session session;
    session.settle();
    auto& entry = session.head.says.workload[0];
    entry = {.name = "demo-w1", .state = "mixed", .draining = true, .jobs = 1};
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_EQ(session.node(session.worker).seen.workload_state, "draining");
    entry = {.name = "demo-w1", .state = "idle", .drained = true, .draining = true};
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_EQ(session.node(session.worker).seen.workload_state, "drained");
}

TEST(Report, that_a_node_is_drained_counts_only_of_the_present_drain) {
    Session session;
    session.settle();
    model::Node row = session.node(session.worker);
    row.drain_wanted = true;
    row.drain_number = 2;
    session.desk.put(row);
    auto& entry = session.head.says.workload[0];
    const auto said = [&](std::int64_t drain) {
        entry = {.name = "demo-w1", .state = "idle", .drained = true, .draining = true};
        entry.drain = drain;
        EXPECT_TRUE(session.send(session.report()));
        return session.node(session.worker).seen.workload_state;
    };
    for (const std::int64_t old : {-1, 0, 1}) EXPECT_EQ(said(old), "draining") << old;
    EXPECT_EQ(said(2), "drained");
    EXPECT_EQ(said(2), "drained");
    const auto codes = session.codes();
    EXPECT_EQ(std::count(codes.begin(), codes.end(), "node_drained"), 1);
}

TEST(Report, notes_since_when_the_workload_manager_lost_a_worker) {
    Session session;
    session.settle();
    const auto lost_at = [&] { return session.node(session.worker).seen.workload_lost_at; };
    session.desk.clock.advance(Seconds(1));
    const Timestamp since = session.desk.clock.now();
    session.head.says.workload[0].responding = false;
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_EQ(lost_at(), since);
    session.desk.clock.advance(Seconds(30));
    session.head.says.workload[0] = {.name = "demo-w1", .state = "down"};
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_EQ(lost_at(), since) << "it is still the same loss";
    session.head.says.workload[0] = {.name = "demo-w1", .state = "idle"};
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_FALSE(lost_at());
    session.head.says.workload.erase(session.head.says.workload.begin());
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_TRUE(lost_at()) << "the workload manager does not know it at all";
}

TEST(Report, of_a_head_that_is_not_up_loses_nobody) {
    Session session;
    session.settle();
    session.head.says.services_ready = false;
    session.head.says.workload.clear();
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_FALSE(session.node(session.worker).seen.workload_lost_at);
}

TEST(Report, of_a_worker_that_never_came_up_is_no_loss) {
    Session session;
    session.settle();
    session.worker.says.services_ready = false;
    session.head.says.workload[0] = {.name = "demo-w1", .state = "down", .responding = false};
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_FALSE(session.node(session.worker).seen.workload_lost_at);
}

TEST(Report, tells_once_how_the_init_script_ended) {
    Session session;
    session.settle();
    session.worker.says.init_script = nodewire::InitScriptResult{3, "no such file"};
    ASSERT_TRUE(session.send(session.report()));
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_EQ(session.node(session.worker).init_script_exit, 3);
    const auto codes = session.codes();
    EXPECT_EQ(std::count(codes.begin(), codes.end(), "init_script_failed"), 1);
    const auto entry = session.desk.activity().front();
    EXPECT_EQ(entry.node, session.worker.id());
    EXPECT_EQ(entry.severity, model::Severity::warning);
    EXPECT_EQ(entry.reason, "no such file");
    session.head.says.init_script = nodewire::InitScriptResult{0, ""};
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_EQ(session.desk.activity().front().code, "init_script_done");
}

TEST(Report, tells_a_failure_when_it_is_new) {
    Session session;
    session.settle();
    session.worker.says.failure =
        Error{.kind = ErrorKind::unavailable, .code = "mount_failed", .message = "no route"};
    ASSERT_TRUE(session.send(session.report()));
    ASSERT_TRUE(session.send(session.report()));
    const auto codes = session.codes();
    EXPECT_EQ(std::count(codes.begin(), codes.end(), "mount_failed"), 1);
    EXPECT_EQ(session.node(session.worker).seen.failure->code, "mount_failed");
    session.worker.says.failure.reset();
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_FALSE(session.node(session.worker).seen.failure);
}

TEST(Report, cannot_flood_the_store) {
    Session session;
    session.settle();
    session.worker.says.stage = std::string(1 << 20, 'x');
    session.worker.says.failure =
        Error{.kind = ErrorKind::internal, .code = "c", .message = std::string(1 << 20, 'y')};
    session.worker.says.init_script = nodewire::InitScriptResult{1, std::string(1 << 20, 'z')};
    session.worker.says.applied_revision = std::numeric_limits<std::int64_t>::max();
    ASSERT_TRUE(session.send(session.report()));
    const model::Node node = session.node(session.worker);
    EXPECT_LE(node.seen.stage.size(), 200u);
    EXPECT_LE(node.seen.failure->message.size(), 4096u);
    for (const auto& entry : session.desk.activity()) EXPECT_LE(entry.reason.size(), 4096u);
    EXPECT_TRUE(session.sessions.orders(session.head.id()));
}

TEST(Report, is_taken_from_heads_for_their_own_cluster_only) {
    Session session;
    session.settle();
    const auto kind_of = [&](const NodeId& caller, const nodewire::Report& report) {
        const auto outcome = session.sessions.report(caller, report);
        return outcome ? std::optional<ErrorKind>() : outcome.error().kind;
    };
    const auto denied = std::optional(ErrorKind::permission_denied);
    EXPECT_EQ(kind_of(session.worker.id(), session.worker.says), denied);
    EXPECT_EQ(kind_of(session.head.id(), session.worker.says), denied);
    EXPECT_EQ(kind_of(NodeId("gone"), session.head.says), denied);

    model::ClusterSpec spec = good_spec();
    spec.name = "other";
    const model::Cluster second = session.desk.made(spec);
    session.desk.put(model::Node{.id = NodeId("other-w1"), .cluster = second.id});
    nodewire::Report foreign = session.report();
    nodewire::Report stranger = session.worker.says;
    stranger.node = "other-w1";
    foreign.workers.push_back({.report = stranger, .age_ms = 1});
    foreign.stage = "pretending";
    EXPECT_EQ(kind_of(session.head.id(), foreign), denied);
    EXPECT_NE(session.node(session.head).seen.stage, "pretending") << "nothing of it is stored";

    nodewire::Report wrong_machine = session.report();
    wrong_machine.machine_id = "vm-99";
    EXPECT_EQ(kind_of(session.head.id(), wrong_machine), denied);
}

TEST(Report, passes_over_workers_that_are_gone) {
    Session session;
    session.settle();
    nodewire::Report report = session.report();
    nodewire::Report gone = session.worker.says;
    gone.node = "demo-w5";
    report.workers.push_back({.report = gone, .age_ms = 1});
    report.workload.push_back({.name = "demo-w5", .state = "down"});
    EXPECT_TRUE(session.send(report));
}

}  // namespace
}  // namespace hopyard::control
