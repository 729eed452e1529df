// What is decided for a cluster, example by example. The safety properties over all small cases are
// in lifecycle_safety_test.cpp.
#include <gtest/gtest.h>

#include "decide/lifecycle/retry.h"
#include "decide/lifecycle/test_snapshot.h"
#include "model/phase.h"

namespace hopyard::decide {

using model::NodePhase;
using model::NodeWanted;
using model::Phase;
using model::ResourceKind;
using model::Wanted;

namespace {

const char* word_of(Call::Kind kind) {
    switch (kind) {
        case Call::Kind::put:
            return "put";
        case Call::Kind::remove:
            return "remove";
        case Call::Kind::start:
            return "start";
        case Call::Kind::deallocate:
            return "deallocate";
        case Call::Kind::restart:
            return "restart";
        case Call::Kind::resize:
            return "resize";
        case Call::Kind::read:
            return "read";
        case Call::Kind::claim_container:
            return "claim";
        case Call::Kind::grant_storage:
            return "grant";
        case Call::Kind::revoke_storage:
            return "revoke";
    }
    return "";
}

}  // namespace

std::vector<std::string> words_of(const Plan& plan) {
    std::vector<std::string> words;
    for (const Call& call : plan.calls) {
        std::string word = word_of(call.kind);
        if (!call.name.name.empty())
            word += " " + std::string(to_string(call.name.kind)) + " " + call.name.name;
        words.push_back(word);
    }
    return words;
}

bool asks(const Plan& plan, Call::Kind kind, ResourceKind of) {
    return std::any_of(plan.calls.begin(), plan.calls.end(), [&](const Call& call) {
        return call.kind == kind && call.name.kind == of;
    });
}

bool tells(const Plan& plan, const std::string& code) {
    return std::any_of(plan.rows.activity.begin(),
                       plan.rows.activity.end(),
                       [&](const auto& entry) { return entry.code == code; });
}

std::set<std::string> node_names(const Snapshot& snapshot) {
    std::set<std::string> names;
    for (const auto& node : snapshot.nodes) names.insert(node.id.value);
    return names;
}

Plan until_asked(Snapshot& snapshot, Call::Kind kind, ResourceKind of) {
    for (int i = 0; i < 20; ++i) {
        Plan next = plan(snapshot);
        if (asks(next, kind, of)) return next;
        snapshot = carried_out(snapshot, next);
    }
    ADD_FAILURE() << "never asked for";
    return {};
}

namespace {

using Words = std::vector<std::string>;

Snapshot wanted(Snapshot snapshot, Wanted what, Phase phase) {
    snapshot.cluster.wanted = what;
    snapshot.cluster.phase = phase;
    snapshot.cluster.phase_since = snapshot.now;
    return snapshot;
}

// --- making ------------------------------------------------------------------------------------

TEST(Creating, begins_with_all_that_needs_nothing_else) {
    const Plan first = plan(snapshot_of(accepted_cluster(2)));
    EXPECT_EQ(words_of(first),
              (Words{"claim",
                     "put security_group demo-ab12cd34-nsg",
                     "put virtual_network demo-ab12cd34-net",
                     "put public_address demo-ab12cd34-ip"}));
    EXPECT_EQ(first.rows.cluster->phase, Phase::creating);
    EXPECT_EQ(first.rows.nodes.size(), 3u);
}

TEST(Creating, takes_three_rounds_of_calls_and_then_the_machines_boot) {
    Snapshot snapshot = snapshot_of(accepted_cluster(2));
    snapshot = carried_out(snapshot, plan(snapshot));
    const Plan second = plan(snapshot);
    EXPECT_EQ(words_of(second),
              (Words{"grant",
                     "put network_interface demo-ab12cd34-head-nic",
                     "put network_interface demo-ab12cd34-w1-nic",
                     "put network_interface demo-ab12cd34-w2-nic"}));
    snapshot = carried_out(snapshot, second);
    const Plan third = plan(snapshot);
    EXPECT_EQ(words_of(third),
              (Words{"put machine demo-ab12cd34-head",
                     "put machine demo-ab12cd34-w1",
                     "put machine demo-ab12cd34-w2"}));
    snapshot = settle(carried_out(snapshot, third), 3);
    EXPECT_EQ(snapshot.cluster.phase, Phase::running);
    EXPECT_EQ(snapshot.cluster.access.url, "https://192.0.2.1/");
    EXPECT_EQ(snapshot.cluster.stage, "3 of 3 nodes ready");
}

TEST(Creating, in_the_users_network_makes_rules_and_no_network) {
    model::Cluster cluster = accepted_cluster(1);
    cluster.spec.network = {.resource_group = "nets",
                            .virtual_network = "office",
                            .subnet = "desks",
                            .security_group = "office-rules",
                            .public_ip = false};
    Snapshot snapshot = settle(snapshot_of(cluster));
    std::set<std::string> kinds;
    for (const auto& row : snapshot.resources) kinds.emplace(to_string(row.name.kind));
    EXPECT_EQ(kinds, (std::set<std::string>{"machine", "network_interface", "security_rule"}));
    EXPECT_EQ(snapshot.cluster.phase, Phase::running);
    EXPECT_EQ(snapshot.cluster.access.url, "https://10.0.0.4/");
    EXPECT_TRUE(settle(wanted(snapshot, Wanted::terminated, Phase::terminating)).nodes.empty());
}

TEST(Creating, a_rule_that_is_not_asked_for_any_more_goes) {
    model::Cluster cluster = accepted_cluster(0);
    cluster.spec.network = {.virtual_network = "office", .subnet = "desks"};
    cluster.spec.network.security_group = "office-rules";
    cluster.spec.ports.ssh = true;
    Snapshot snapshot = settle(snapshot_of(cluster));
    const std::size_t with_ssh = snapshot.resources.size();
    snapshot.cluster.spec.ports.ssh = false;
    const Plan next = plan(snapshot);
    EXPECT_EQ(words_of(next), Words{"remove security_rule demo-ab12cd34-ssh"});
    EXPECT_EQ(settle(snapshot).resources.size(), with_ssh - 1);
}

TEST(Creating, a_machine_whose_reply_was_lost_is_known_by_its_report) {
    Snapshot snapshot = snapshot_of(accepted_cluster(0));
    const Plan put = until_asked(snapshot, Call::Kind::put, ResourceKind::machine);
    snapshot = after(snapshot, put);
    snapshot.busy.clear();
    model::Resource& machine = machine_of(snapshot, "head");
    machine.problem = Error{.kind = ErrorKind::timed_out};
    machine.try_again_at = snapshot.now + Seconds(30);
    model::Node& head = node_of(snapshot, "head");
    head.enrolment.closed = true;
    head.seen.last_report_at = snapshot.now;
    const Plan next = plan(snapshot);
    EXPECT_FALSE(asks(next, Call::Kind::put, ResourceKind::machine));
    EXPECT_TRUE(machine_of(snapshot = after(snapshot, next), "head").made);
}

TEST(Creating, a_machine_that_reported_is_not_asked_for_again_though_its_last_attempt_is_newer) {
    Snapshot snapshot = snapshot_of(accepted_cluster(0));
    const Plan put = until_asked(snapshot, Call::Kind::put, ResourceKind::machine);
    snapshot = after(snapshot, put);
    snapshot.busy.clear();
    model::Node& head = node_of(snapshot, "head");
    head.enrolment.closed = true;
    head.seen.last_report_at = snapshot.now;
    snapshot.now += Seconds(5);
    model::Resource& machine = machine_of(snapshot, "head");
    machine.problem = Error{.kind = ErrorKind::timed_out};
    machine.changed_at = snapshot.now;
    snapshot.now += Seconds(30);
    EXPECT_FALSE(asks(plan(snapshot), Call::Kind::put, ResourceKind::machine))
        << "its token is spent: the request would say something else";
}

TEST(Creating, what_the_cloud_refused_for_quota_waits_and_gets_a_new_name) {
    Snapshot snapshot = snapshot_of(accepted_cluster(1));
    const Plan put = until_asked(snapshot, Call::Kind::put, ResourceKind::machine);
    snapshot = after(snapshot, put);
    snapshot.busy.clear();
    machine_of(snapshot, "w1").problem =
        Error{.kind = ErrorKind::quota_exceeded, .message = "full"};
    const Plan next = plan(snapshot);
    EXPECT_TRUE(tells(next, "node_replaced"));
    snapshot = after(snapshot, next);
    EXPECT_EQ(
        node_names(snapshot),
        (std::set<std::string>{"demo-ab12cd34-head", "demo-ab12cd34-w1", "demo-ab12cd34-w1-2"}));
    EXPECT_EQ(snapshot.cluster.phase, Phase::failed);
    EXPECT_EQ(snapshot.cluster.problem->kind, ErrorKind::quota_exceeded);
    const model::Node& replacement = node_of(snapshot, "w1-2");
    EXPECT_GE(*replacement.try_again_at - noon, Seconds(600));
    EXPECT_LE(*next.look_again_at, *replacement.try_again_at);
}

// --- sizing ------------------------------------------------------------------------------------

TEST(Shrinking, lets_those_go_first_whose_loss_disturbs_least) {
    struct Example {
        const char* name;
        void (*prepare)(Snapshot&);
        const char* leaves;
    };
    const Example examples[] = {
        {"all idle: the youngest", [](Snapshot&) {}, "w3"},
        {"the idle one",
         [](Snapshot& s) {
             node_of(s, "w2").seen.jobs = 1;
             node_of(s, "w3").seen.jobs = 1;
         },
         "w1"},
        {"the one with fewer jobs",
         [](Snapshot& s) {
             node_of(s, "w1").seen.jobs = 3;
             node_of(s, "w2").seen.jobs = 1;
             node_of(s, "w3").seen.jobs = 2;
         },
         "w2"},
        {"the one that is not ready",
         [](Snapshot& s) {
             node_of(s, "w1").phase = NodePhase::joining;
             node_of(s, "w1").seen.services_ready = false;
         },
         "w1"},
    };
    for (const Example& example : examples) {
        Snapshot snapshot = running_cluster(3);
        example.prepare(snapshot);
        snapshot.cluster.spec.workers[0].count = 2;
        snapshot = after(snapshot, plan(snapshot));
        int leaving = 0;
        for (const auto& node : snapshot.nodes) leaving += node.wanted == NodeWanted::removed;
        EXPECT_EQ(leaving, 1) << example.name;
        EXPECT_EQ(node_of(snapshot, example.leaves).wanted, NodeWanted::removed) << example.name;
        EXPECT_EQ(node_of(snapshot, example.leaves).phase, NodePhase::draining) << example.name;
    }
}

TEST(Draining, ends_clean_or_when_its_time_is_over) {
    struct Example {
        const char* name;
        std::int64_t timeout_s;
        Milliseconds passed;
        const char* state;
        int jobs;
        std::int64_t pending_writes;
        bool leaves;
        bool cut_off;
    };
    const Example examples[] = {
        {"with a job it stays", 900, Seconds(10), "draining", 1, 0, false, false},
        {"drained, but writes wait", 900, Seconds(10), "drained", 0, 4, false, false},
        {"drained", 900, Seconds(10), "drained", 0, 0, true, false},
        {"time is over", 900, Seconds(901), "draining", 1, 0, true, true},
        {"time is over, writes wait", 900, Seconds(901), "drained", 0, 4, true, true},
        {"at once, with a job", 0, Milliseconds(0), "allocated", 1, 0, true, true},
        {"at once, idle", 0, Milliseconds(0), "idle", 0, 0, true, false},
        {"never", -1, Seconds(100'000), "draining", 1, 0, false, false},
    };
    for (const Example& example : examples) {
        Snapshot snapshot = running_cluster(1);
        snapshot.cluster.spec.drain_timeout.seconds = example.timeout_s;
        snapshot.cluster.spec.workers[0].count = 0;
        node_of(snapshot, "w1").seen.jobs = example.jobs;
        Plan next = plan(snapshot);
        bool cut_off = tells(next, "job_cut_off");
        snapshot = after(snapshot, next);
        model::Node& node = node_of(snapshot, "w1");
        node.seen.workload_state = example.state;
        node.seen.mount_pending_writes = example.pending_writes;
        snapshot.now += example.passed;
        next = plan(snapshot);
        cut_off = cut_off || tells(next, "job_cut_off");
        snapshot = after(snapshot, next);
        const bool left = node_of(snapshot, "w1").phase == NodePhase::removing;
        EXPECT_EQ(left, example.leaves) << example.name;
        EXPECT_EQ(cut_off, example.cut_off) << example.name;
    }
}

TEST(Draining, of_a_worker_that_slurm_lost_with_nothing_on_it_ends) {
    Snapshot snapshot = running_cluster(1);
    snapshot.cluster.spec.drain_timeout.seconds = model::DrainTimeout::never;
    snapshot.cluster.spec.workers[0].count = 0;
    snapshot = after(snapshot, plan(snapshot));
    node_of(snapshot, "w1").seen.workload_state = "down";
    node_of(snapshot, "w1").seen.workload_lost_at = snapshot.now;
    snapshot.now += Seconds(59);
    EXPECT_EQ(node_of(snapshot = after(snapshot, plan(snapshot)), "w1").phase, NodePhase::draining);
    snapshot.now += Seconds(2);
    EXPECT_EQ(node_of(snapshot = after(snapshot, plan(snapshot)), "w1").phase, NodePhase::removing);
}

TEST(Names, are_never_used_twice) {
    Snapshot snapshot = running_cluster(2);
    std::set<std::string> ever = node_names(snapshot);
    for (int i = 0; i < 12; ++i) {
        std::set<std::string> before = node_names(snapshot);
        snapshot.cluster.spec.workers[0].count = i % 2 == 0 ? 1 : 3;
        for (auto& node : snapshot.nodes) node.seen.workload_state = "drained";
        snapshot = settle(snapshot, 30);
        for (const std::string& name : node_names(snapshot)) {
            if (before.contains(name)) continue;
            EXPECT_TRUE(ever.insert(name).second) << name << " was used before";
        }
    }
    EXPECT_GT(ever.size(), 10u);
}

// --- stop, start, restart, terminate -----------------------------------------------------------

TEST(Stopping, removes_workers_and_keeps_the_head_until_they_are_gone_or_late) {
    const Snapshot begun = wanted(running_cluster(2), Wanted::stopped, Phase::stopping);
    const Plan first = plan(begun);
    EXPECT_EQ(words_of(first),
              (Words{"remove machine demo-ab12cd34-w1", "remove machine demo-ab12cd34-w2"}));
    Snapshot late = after(begun, first);
    late.now += Seconds(30);
    EXPECT_EQ(words_of(plan(late)), Words{"deallocate machine demo-ab12cd34-head"});
    Snapshot stopped = settle(begun, 12);
    EXPECT_EQ(stopped.cluster.phase, Phase::stopped);
    EXPECT_EQ(stopped.nodes.size(), 1u);
    EXPECT_EQ(node_of(stopped, "head").phase, NodePhase::stopped);
    EXPECT_FALSE(machine_of(stopped, "head").running);
    Snapshot started = settle(wanted(stopped, Wanted::running, Phase::starting), 20);
    EXPECT_EQ(started.cluster.phase, Phase::running);
    EXPECT_EQ(started.nodes.size(), 3u);
}

TEST(Stopping, ends_also_when_something_failed_meanwhile) {
    Snapshot snapshot = wanted(running_cluster(1), Wanted::stopped, Phase::stopping);
    snapshot = after(snapshot, plan(snapshot));
    snapshot.busy.clear();
    machine_of(snapshot, "w1").problem = Error{.kind = ErrorKind::permission_denied};
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(snapshot.cluster.phase, Phase::failed);
    for (auto& row : snapshot.resources) row.problem.reset();
    EXPECT_EQ(settle(snapshot, 15).cluster.phase, Phase::stopped);
}

TEST(Stopping, before_the_head_was_ever_made_ends_without_machines) {
    Snapshot snapshot = snapshot_of(accepted_cluster(1));
    snapshot = after(snapshot, plan(snapshot));
    snapshot.busy.clear();
    snapshot.storage_busy = false;
    snapshot = settle(wanted(snapshot, Wanted::stopped, Phase::stopping), 10);
    EXPECT_EQ(snapshot.cluster.phase, Phase::stopped);
    EXPECT_TRUE(snapshot.nodes.empty());
    snapshot = settle(wanted(snapshot, Wanted::running, Phase::starting), 20);
    EXPECT_EQ(snapshot.cluster.phase, Phase::running);
    EXPECT_EQ(snapshot.nodes.size(), 2u);
}

TEST(Restarting, begins_with_the_head_and_goes_on_when_it_is_back) {
    Snapshot snapshot = running_cluster(2);
    ++snapshot.cluster.restart_generation;
    const Plan first = plan(snapshot);
    EXPECT_EQ(words_of(first), Words{"restart machine demo-ab12cd34-head"});
    Snapshot waiting = after(snapshot, first);
    waiting.busy.clear();
    EXPECT_EQ(words_of(plan(waiting)), Words{}) << "the head has to be ready first";
    snapshot = carried_out(snapshot, first);
    EXPECT_EQ(words_of(plan(snapshot)),
              (Words{"restart machine demo-ab12cd34-w1", "restart machine demo-ab12cd34-w2"}));
    snapshot = settle(snapshot, 6);
    EXPECT_EQ(snapshot.cluster.phase, Phase::running);
    EXPECT_TRUE(plan(snapshot).rows.empty());
}

TEST(Terminating, removes_in_the_order_that_the_cloud_allows) {
    Snapshot snapshot = wanted(running_cluster(1), Wanted::terminated, Phase::terminating);
    std::vector<Words> rounds;
    for (int i = 0; i < 20; ++i) {
        const Plan next = plan(snapshot);
        if (next.rows.erase_cluster) break;
        if (!next.calls.empty()) rounds.push_back(words_of(next));
        snapshot = carried_out(snapshot, next);
    }
    ASSERT_GE(rounds.size(), 4u);
    EXPECT_EQ(
        rounds[0],
        (Words{"revoke", "remove machine demo-ab12cd34-head", "remove machine demo-ab12cd34-w1"}));
    EXPECT_EQ(rounds[1],
              (Words{"remove network_interface demo-ab12cd34-head-nic",
                     "remove network_interface demo-ab12cd34-w1-nic"}));
    EXPECT_EQ(rounds[2], Words{"remove public_address demo-ab12cd34-ip"});
    EXPECT_EQ(rounds[3],
              (Words{"remove virtual_network demo-ab12cd34-net",
                     "remove security_group demo-ab12cd34-nsg"}));
}

TEST(Terminating, erases_all_rows_with_the_cluster) {
    Snapshot snapshot = wanted(running_cluster(2), Wanted::terminated, Phase::terminating);
    for (int i = 0; i < 30; ++i) {
        const Plan next = plan(snapshot);
        if (!next.rows.erase_cluster) {
            snapshot = carried_out(snapshot, next);
            continue;
        }
        EXPECT_EQ(next.rows.erased_resources.size(), snapshot.resources.size());
        EXPECT_TRUE(next.calls.empty());
        return;
    }
    FAIL() << "it never ended";
}

TEST(Terminating, is_the_last_that_is_told_of_a_cluster) {
    Snapshot snapshot = wanted(running_cluster(0), Wanted::terminated, Phase::terminating);
    for (int i = 0; i < 30; ++i) {
        snapshot.cluster.problem = Error{.kind = ErrorKind::unavailable, .message = "just now"};
        const Plan next = plan(snapshot);
        if (next.rows.erase_cluster) {
            EXPECT_EQ(next.rows.activity.back().code, "cluster_terminated");
            return;
        }
        snapshot = carried_out(snapshot, next);
    }
    FAIL() << "it never ended";
}

TEST(Terminating, takes_disks_with_it_that_were_left_behind) {
    Snapshot snapshot = wanted(running_cluster(0), Wanted::terminated, Phase::terminating);
    snapshot.stray_disks = {{ResourceKind::disk, "lab", "", "left"}};
    Plan next = until_asked(snapshot, Call::Kind::remove, ResourceKind::disk);
    EXPECT_TRUE(asks(next, Call::Kind::remove, ResourceKind::disk));
}

// --- when to try again -------------------------------------------------------------------------

TEST(Retry, is_short_for_what_passes_and_long_for_what_somebody_mends) {
    struct Example {
        ErrorKind kind;
        int attempts;
        Milliseconds wait;
    };
    const Example examples[] = {
        {ErrorKind::unavailable, 1, Milliseconds(250)},
        {ErrorKind::unavailable, 3, Milliseconds(1000)},
        {ErrorKind::conflict, 20, Seconds(30)},
        {ErrorKind::quota_exceeded, 1, Seconds(600)},
        {ErrorKind::capacity_unavailable, 9, Seconds(3600)},
        {ErrorKind::permission_denied, 1, Seconds(60)},
        {ErrorKind::internal, 2, Seconds(60)},
    };
    for (const Example& example : examples)
        EXPECT_EQ(wait_after({.kind = example.kind}, example.attempts), example.wait)
            << to_string(example.kind);
}

TEST(Retry, comes_back_when_told_and_not_later_each_time) {
    const Error told{.kind = ErrorKind::rate_limited, .retry_after = Seconds(17)};
    EXPECT_EQ(wait_after(told, 1), Seconds(17));
    EXPECT_EQ(wait_after(told, 9), Seconds(17));
}

TEST(Ports, have_rules_with_fixed_priorities_and_the_sources_that_were_asked_for) {
    model::Cluster cluster = accepted_cluster(0);
    EXPECT_EQ(content_of(port_rules(cluster)), "https 100 443 from *\nhttp 101 80 from *\n");
    cluster.spec.ports.ssh = true;
    cluster.spec.port_sources = {"198.51.100.0/24"};
    EXPECT_EQ(content_of({port_rules(cluster).back()}), "ssh 102 22 from 198.51.100.0/24\n");
    cluster.spec.network.security_group = "theirs";
    EXPECT_EQ(port_rules(cluster).front().priority, 1000) << "out of the way of the user's own";
}

}  // namespace
}  // namespace hopyard::decide
