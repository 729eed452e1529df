#include <gtest/gtest.h>

#include "control/test_sessions.h"

namespace hopyard::control {
namespace {

using model::NodePhase;

bool has(const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

// --- reports -----------------------------------------------------------------------------------

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

// --- silence -----------------------------------------------------------------------------------

TEST(Silence, of_the_head_is_that_of_all_and_is_stored_with_its_beginning) {
    Session session;
    session.settle();
    const Timestamp heard = session.desk.clock.now();
    EXPECT_EQ(session.sessions.notice_silence(), heard + Seconds(10));
    session.desk.clock.advance(Milliseconds(9'999));
    session.sessions.notice_silence();
    EXPECT_FALSE(session.node(session.head).seen.silent_since);
    EXPECT_EQ(session.desk.wake.count, 0);
    session.desk.clock.advance(Milliseconds(1));
    session.sessions.notice_silence();
    EXPECT_EQ(session.node(session.head).seen.silent_since, heard);
    EXPECT_TRUE(session.node(session.worker).seen.silent_since);
    EXPECT_EQ(session.desk.wake.count, 1);
    EXPECT_EQ(session.desk.activity().front().code, "nodes_silent");
    const auto entries = session.desk.activity().size();
    session.desk.clock.advance(Seconds(60));
    session.sessions.notice_silence();
    EXPECT_EQ(session.desk.activity().size(), entries) << "it is said once";
    EXPECT_EQ(session.desk.wake.count, 1);
}

TEST(Silence, ends_with_the_next_report) {
    Session session;
    session.settle();
    session.desk.clock.advance(Seconds(11));
    session.sessions.notice_silence();
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_FALSE(session.node(session.head).seen.silent_since);
    EXPECT_FALSE(session.node(session.worker).seen.silent_since);
    EXPECT_EQ(session.desk.wake.count, 2);
}

TEST(Silence, of_one_worker_is_told_by_its_age_in_the_heads_report) {
    Session session;
    session.settle();
    session.desk.clock.advance(Seconds(12));
    ASSERT_TRUE(session.send(session.report(9'999)));
    EXPECT_FALSE(session.node(session.worker).seen.silent_since);
    ASSERT_TRUE(session.send(session.report(10'000)));
    EXPECT_EQ(session.node(session.worker).seen.silent_since,
              session.desk.clock.now() - Seconds(10));
    EXPECT_FALSE(session.node(session.other).seen.silent_since);
    EXPECT_EQ(session.desk.wake.count, 1);
}

TEST(Silence, is_not_seen_before_we_listened_for_a_whole_period) {
    Session session;
    session.settle();
    session.desk.clock.advance(Seconds(3600));
    NodeSessions restarted(session.desk.store,
                           session.authority,
                           session.desk.wake,
                           session.desk.clock,
                           session.desk.random,
                           {});
    const Timestamp started = session.desk.clock.now();
    EXPECT_EQ(restarted.notice_silence(), started + Seconds(10));
    EXPECT_FALSE(session.node(session.head).seen.silent_since);
    session.desk.clock.advance(Seconds(10));
    restarted.notice_silence();
    EXPECT_TRUE(session.node(session.head).seen.silent_since);
}

TEST(Silence, of_machines_that_are_booting_or_stopped_means_nothing) {
    for (const NodePhase phase : {NodePhase::booting, NodePhase::stopping, NodePhase::stopped}) {
        Session session;
        session.settle();
        model::Node head = session.node(session.head);
        head.phase = phase;
        session.desk.put(head);
        session.desk.clock.advance(Seconds(60));
        session.sessions.notice_silence();
        EXPECT_FALSE(session.node(session.head).seen.silent_since);
        EXPECT_EQ(session.desk.wake.count, 0);
    }
}

// --- orders ------------------------------------------------------------------------------------

TEST(Sessions, give_a_head_its_orders_with_secrets_that_stay) {
    Session session;
    session.settle();
    const auto first = session.sessions.orders(session.head.id());
    ASSERT_TRUE(first);
    EXPECT_EQ(first->workload_key.reveal().size(), 128u);
    EXPECT_TRUE(first->users.at(0).password_hash.starts_with("$6$"));
    EXPECT_FALSE(first->page_key_pem.empty());
    EXPECT_EQ(first->workers.size(), 2u);
    const auto second = session.sessions.orders(session.head.id());
    EXPECT_EQ(nodewire::to_json(*first), nodewire::to_json(*second));
}

TEST(Sessions, make_a_page_certificate_for_the_heads_addresses_and_a_new_one_when_they_change) {
    Session session;
    session.settle();
    const auto addresses = [&] {
        const auto orders = session.sessions.orders(session.head.id());
        return http::read_certificate(orders->page_certificate_pem.reveal())->ip_addresses;
    };
    EXPECT_EQ(addresses(), (std::vector<std::string>{"203.0.113.7", "10.1.0.4"}));
    EXPECT_EQ(session.desk.cluster(session.cluster).access.certificate_authority_pem,
              session.authority.ca_pem());
    model::Cluster row = session.desk.cluster(session.cluster);
    row.access.head_public_ip = "203.0.113.8";
    session.desk.put(row);
    EXPECT_EQ(addresses(), (std::vector<std::string>{"203.0.113.8", "10.1.0.4"}));
}

TEST(Sessions, renew_the_page_certificate_in_time) {
    Session session;
    session.settle();
    const auto before = session.sessions.orders(session.head.id());
    session.desk.clock.advance(Seconds(21 * 24 * 3600));
    const auto after = session.sessions.orders(session.head.id());
    EXPECT_GT(after->revision, before->revision);
    EXPECT_NE(after->page_certificate_pem.reveal(), before->page_certificate_pem.reveal());
}

TEST(Sessions, number_orders_on_where_the_last_control_plane_stood) {
    Session session;
    session.settle();
    const auto before = session.sessions.orders(session.head.id());
    NodeSessions restarted(session.desk.store,
                           session.authority,
                           session.desk.wake,
                           session.desk.clock,
                           session.desk.random,
                           {});
    EXPECT_EQ(restarted.orders(session.head.id())->revision, before->revision);
    model::Cluster row = session.desk.cluster(session.cluster);
    row.ssh_public_key = "another";
    session.desk.put(row);
    EXPECT_EQ(restarted.orders(session.head.id())->revision, before->revision + 1);
}

TEST(Sessions, store_a_revision_before_anybody_sees_it) {
    Session session;
    session.settle();
    session.desk.store.losses = 5;
    EXPECT_FALSE(session.sessions.orders(session.head.id())) << "it could not be stored";
    session.desk.store.losses = 1;
    EXPECT_TRUE(session.sessions.orders(session.head.id()));
}

TEST(Sessions, give_the_right_on_the_container_once_the_loops_have_it) {
    Session session;
    session.settle();
    EXPECT_FALSE(session.sessions.orders(session.head.id())->storage);
    (void)session.desk.store.write([&](store::Transaction& transaction) {
        return transaction.put_secret(storage_grant_secret(session.cluster),
                                      Secret("https://store.blob/data?sig=1"));
    });
    const auto orders = session.sessions.orders(session.head.id());
    EXPECT_EQ(orders->storage->sas_url.reveal(), "https://store.blob/data?sig=1");
    EXPECT_TRUE(orders->workers.at("demo-w1").storage);
}

TEST(Sessions, give_orders_and_script_to_heads_only) {
    model::ClusterSpec spec = good_spec();
    spec.init_script.text = "#!/bin/sh\necho hello\n";
    Session session(spec);
    session.settle();
    EXPECT_EQ(*session.sessions.init_script(session.head.id()), spec.init_script.text);
    EXPECT_TRUE(session.sessions.orders(session.head.id())->init_script);
    for (const NodeId& caller : {session.worker.id(), NodeId("gone")}) {
        EXPECT_EQ(session.sessions.orders(caller).error().kind, ErrorKind::permission_denied);
        EXPECT_EQ(session.sessions.init_script(caller).error().kind, ErrorKind::permission_denied);
    }
    Session without;
    without.settle();
    EXPECT_EQ(without.sessions.init_script(without.head.id()).error().kind, ErrorKind::not_found);
}

// --- waiting for newer orders --------------------------------------------------------------------

struct Waiter {
    Session session;
    std::int64_t revision = 0;
    int calls = 0;
    std::unique_ptr<NodeSessions::Subscription> seat;

    Waiter() {
        session.settle();
        revision = session.sessions.orders(session.head.id())->revision;
    }
    void wait() {
        seat = session.sessions.when_newer(session.head.id(), revision, [this] { ++calls; });
    }
    void change() {
        model::Cluster row = session.desk.cluster(session.cluster);
        row.ssh_public_key += "x";
        session.desk.put(row);
        session.sessions.orders_may_have_changed();
    }
};

TEST(WhenNewer, calls_once_when_orders_have_changed) {
    Waiter waiter;
    waiter.wait();
    waiter.session.sessions.orders_may_have_changed();
    EXPECT_EQ(waiter.calls, 0);
    waiter.change();
    EXPECT_EQ(waiter.calls, 1);
    waiter.change();
    EXPECT_EQ(waiter.calls, 1);
}

TEST(WhenNewer, calls_at_once_when_they_are_there_already) {
    Waiter waiter;
    waiter.change();
    waiter.wait();
    EXPECT_EQ(waiter.calls, 1);
}

TEST(WhenNewer, does_not_call_who_has_left) {
    Waiter waiter;
    waiter.wait();
    waiter.seat.reset();
    waiter.change();
    EXPECT_EQ(waiter.calls, 0);
}

TEST(WhenNewer, calls_when_a_report_changes_what_the_head_should_know) {
    Waiter waiter;
    model::Node worker = waiter.session.node(waiter.session.worker);
    worker.left_boot_id = "boot-1";
    waiter.session.desk.put(worker);
    waiter.revision = waiter.session.sessions.orders(waiter.session.head.id())->revision;
    waiter.wait();
    ASSERT_TRUE(waiter.session.send(waiter.session.report()));
    EXPECT_EQ(waiter.calls, 0);
    waiter.session.worker.says.boot_id = "boot-2";
    ASSERT_TRUE(waiter.session.send(waiter.session.report()));
    EXPECT_EQ(waiter.calls, 1);
}

TEST(WhenNewer, lets_a_head_that_is_gone_hear_it) {
    Waiter waiter;
    waiter.wait();
    (void)waiter.session.desk.store.write([&](store::Transaction& transaction) {
        return transaction.erase(waiter.session.head.id());
    });
    waiter.session.sessions.orders_may_have_changed();
    EXPECT_EQ(waiter.calls, 1);
}

TEST(WhenNewer, may_be_left_after_the_sessions_have_ended) {
    auto waiter = std::make_unique<Waiter>();
    waiter->wait();
    auto seat = std::move(waiter->seat);
    waiter.reset();
    seat.reset();
}

TEST(WhenNewer, may_be_left_from_within_the_call) {
    Waiter waiter;
    waiter.seat =
        waiter.session.sessions.when_newer(waiter.session.head.id(), waiter.revision, [&] {
            ++waiter.calls;
            waiter.seat.reset();
        });
    waiter.change();
    EXPECT_EQ(waiter.calls, 1);
    EXPECT_TRUE(has(waiter.session.codes(), "create_accepted"));
}

}  // namespace
}  // namespace hopyard::control
