// The loops when things go wrong: replies that are lost, lists that are old, machines that vanish,
// quotas, throttling, outages, crashes at every write and every call, and a second replica.
#include <algorithm>

#include <gtest/gtest.h>

#include "control/test_rig.h"
#include "model/phase.h"

namespace hopyard::control {
namespace {

using cloud::ResourceKind;
using model::NodePhase;
using model::Phase;
using model::Wanted;

struct Crash {};

Error error_of(ErrorKind kind) {
    return {.kind = kind, .code = std::string(to_string(kind)), .message = "as the test says"};
}

ClusterId running(Rig& rig, int workers) {
    const ClusterId id = rig.create(rig.example(workers));
    EXPECT_TRUE(rig.until_phase(id, Phase::running, Seconds(600))) << rig.cluster(id)->stage;
    rig.cloud.log.clear();
    return id;
}

void terminate(Rig& rig, const ClusterId& id) {
    rig.change(id, [](model::Cluster& row) {
        row.wanted = Wanted::terminated;
        row.phase = Phase::terminating;
    });
}

std::size_t machine_count(const TestCloud& cloud) {
    std::size_t count = 0;
    for (const auto& [name, thing] : cloud.things()) count += name.kind == ResourceKind::machine;
    return count;
}

// --- replies -----------------------------------------------------------------------------------

class LostReply : public testing::TestWithParam<const char*> {};

TEST_P(LostReply, after_the_work_was_done_changes_nothing) {
    Rig rig;
    rig.cloud.network_time = Seconds(2);
    for (int i = 0; i < 3; ++i)
        rig.cloud.fail_next(GetParam(), {error_of(ErrorKind::timed_out), true});
    const ClusterId id = running(rig, 2);
    EXPECT_EQ(machine_count(rig.cloud), 3u);
    rig.change(id, [](model::Cluster& row) {
        row.wanted = Wanted::stopped;
        row.phase = Phase::stopping;
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::stopped, Seconds(900)));
    rig.change(id, [](model::Cluster& row) {
        row.wanted = Wanted::running;
        row.phase = Phase::starting;
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(900)));
    EXPECT_EQ(machine_count(rig.cloud), 3u);
    terminate(rig, id);
    ASSERT_TRUE(rig.until_gone(id, Seconds(900)));
    EXPECT_TRUE(rig.cloud.things().empty());
    EXPECT_TRUE(rig.cloud.policies.empty());
}

INSTANTIATE_TEST_SUITE_P(OfEveryCall,
                         LostReply,
                         testing::Values("put virtual_network",
                                         "put security_group",
                                         "put public_address",
                                         "put network_interface",
                                         "put machine",
                                         "remove",
                                         "start",
                                         "deallocate",
                                         "poll",
                                         "read",
                                         "list",
                                         "create",
                                         "claim",
                                         "grant",
                                         "revoke"),
                         [](const auto& one) {
                             std::string name = one.param;
                             std::replace(name.begin(), name.end(), ' ', '_');
                             return name;
                         });

TEST(LoopsFaults, a_right_on_the_container_that_was_given_without_a_reply_is_ended_too) {
    Rig rig;
    for (int i = 0; i < 40; ++i)
        rig.cloud.fail_next("grant", {error_of(ErrorKind::timed_out), true});
    const ClusterId id = rig.create(rig.example(0));
    ASSERT_TRUE(rig.until([&] { return !rig.cloud.policies.empty(); }));
    terminate(rig, id);
    ASSERT_TRUE(rig.until_gone(id, Seconds(900)));
    EXPECT_TRUE(rig.cloud.policies.empty());
}

TEST(LoopsFaults, a_right_that_may_still_be_given_is_ended_when_that_is_over) {
    Rig rig;
    const ClusterId id = rig.create(rig.example(0));
    ASSERT_TRUE(rig.until([&] { return rig.cloud.count("grant") == 1; }));
    rig.cloud.policies.clear();  // as if it had not arrived, and nobody knew what became of it
    rig.change(
        id, [&](model::Cluster& row) { row.storage_unsure_until = rig.clock.now() + Seconds(90); });
    terminate(rig, id);
    rig.run_for(Seconds(80));
    rig.cloud.policies.insert("hopyard-" + id.value);  // it arrives
    ASSERT_TRUE(rig.until_gone(id, Seconds(120)));
    EXPECT_TRUE(rig.cloud.policies.empty());
}

TEST(LoopsFaults, operations_that_the_cloud_forgot_are_told_from_their_resources) {
    Rig rig;
    const ClusterId id = rig.create(rig.example(1));
    ASSERT_TRUE(rig.until([&] { return rig.cloud.count("put machine") == 2; }));
    rig.run_for(Seconds(5));
    rig.cloud.vanish("demo-ab12cd34-w1");
    rig.cloud.forget_operations();
    // Nobody ends them any more, so the machines never get on; they are given up in the end.
    rig.cloud.machine_time = Seconds(10);
    ASSERT_TRUE(rig.until([&] { return rig.cloud.count("put machine") > 2; }, Seconds(120)));
    EXPECT_GT(rig.cloud.count("read demo"), 0);
    terminate(rig, id);
    ASSERT_TRUE(rig.until_gone(id, Seconds(900)));
    EXPECT_TRUE(rig.cloud.things().empty());
}

// --- lists -------------------------------------------------------------------------------------

TEST(LoopsFaults, a_short_list_changes_nothing) {
    Rig rig;
    const ClusterId id = running(rig, 2);
    for (const auto& row : rig.resources(id)) rig.cloud.hide_from_list(row.name.name);
    rig.run_for(Seconds(600));
    EXPECT_EQ(rig.cloud.count("put") + rig.cloud.count("remove"), 0);
    EXPECT_GT(rig.cloud.count("read"), 0) << "a suspicion is looked into";
    EXPECT_EQ(rig.cluster(id)->phase, Phase::running);
}

TEST(LoopsFaults, a_list_that_stands_still_does_not_bring_back_what_is_gone) {
    Rig rig;
    const ClusterId id = running(rig, 1);
    rig.cloud.freeze_list();
    terminate(rig, id);
    rig.run_for(Seconds(300));
    ASSERT_TRUE(rig.cluster(id)) << "absence counts only when list and read agree";
    EXPECT_LT(rig.cloud.count("list"), 100) << "asking all the time helps nobody";
    EXPECT_TRUE(rig.cloud.things().empty());
    rig.cloud.thaw_list();
    ASSERT_TRUE(rig.until_gone(id, Seconds(120)));
}

// --- machines ----------------------------------------------------------------------------------

TEST(LoopsFaults, a_worker_that_vanished_is_made_anew_under_another_name) {
    Rig rig;
    const ClusterId id = running(rig, 2);
    const std::string lost = rig.node(id, "w1").id.value;
    rig.cloud.vanish(lost);
    ASSERT_TRUE(rig.until([&] { return machine_count(rig.cloud) == 3; }, Seconds(300)));
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(300)));
    EXPECT_EQ(rig.cloud.find(lost), nullptr);
    EXPECT_EQ(rig.nodes(id).size(), 3u);
    EXPECT_EQ(rig.cloud.count("put machine"), 1);
    EXPECT_TRUE(rig.told(id, "node_replaced"));
}

TEST(LoopsFaults, a_head_without_power_is_started_on_its_disk) {
    Rig rig;
    const ClusterId id = running(rig, 1);
    const std::string head = rig.node(id, "head").id.value;
    rig.cloud.power_off(head);
    ASSERT_TRUE(rig.until([&] { return rig.cloud.count("start") == 1; }, Seconds(120)));
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(300)));
    EXPECT_EQ(rig.cloud.find(head)->boots, 2);
    EXPECT_EQ(rig.cloud.count("put") + rig.cloud.count("remove"), 0);
}

TEST(LoopsFaults, a_head_that_is_gone_is_not_made_anew_unasked) {
    Rig rig;
    const ClusterId id = running(rig, 1);
    rig.cloud.vanish(rig.node(id, "head").id.value);
    ASSERT_TRUE(rig.until_phase(id, Phase::failed, Seconds(120)));
    EXPECT_EQ(rig.cluster(id)->problem->code, "head_machine_lost");
    rig.run_for(Seconds(600));
    EXPECT_EQ(rig.cloud.count("put machine"), 0);
    // As `retry` does it.
    rig.change_nodes(id, [](model::Node& node) {
        if (!node.is_head) return;
        node.problem.reset();
        node.wanted = model::NodeWanted::removed;
        node.phase = NodePhase::removing;
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(300))) << rig.cluster(id)->stage;
    EXPECT_EQ(machine_count(rig.cloud), 2u);
    EXPECT_NE(rig.node(id, "head").id.value, "demo-ab12cd34-head");
}

TEST(LoopsFaults, silence_alone_changes_nothing) {
    Rig rig;
    const ClusterId id = running(rig, 2);
    for (const auto& node : rig.nodes(id)) rig.mute.insert(node.id.value);
    rig.change_nodes(id, [&](model::Node& node) { node.seen.silent_since = rig.clock.now(); });
    rig.run_for(Seconds(3600));
    EXPECT_EQ(rig.cloud.log.size(), static_cast<std::size_t>(rig.cloud.count("list")));
    EXPECT_EQ(rig.cluster(id)->phase, Phase::running);
}

TEST(LoopsFaults, a_machine_that_never_reports_is_given_up_after_its_time_and_replaced) {
    Rig rig;
    rig.mute.insert("demo-ab12cd34-w1");
    const ClusterId id = rig.create(rig.example(1));
    rig.run_for(Seconds(15 * 60));
    EXPECT_EQ(rig.cloud.count("remove"), 0);
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(300)));
    EXPECT_EQ(rig.cloud.find("demo-ab12cd34-w1"), nullptr);
    EXPECT_EQ(machine_count(rig.cloud), 2u);
}

// --- refusals ----------------------------------------------------------------------------------

TEST(LoopsFaults, a_quota_that_is_used_up_is_said_at_once_and_not_tried_blindly) {
    Rig rig;
    const ClusterId id = running(rig, 0);
    rig.cloud.fail_next("put machine", {error_of(ErrorKind::quota_exceeded)});
    rig.change(id, [](model::Cluster& row) {
        row.spec.workers = {{.key = {.instance_type = "small", .disk_gb = 30}, .count = 1}};
    });
    ASSERT_TRUE(rig.until_phase(id, Phase::failed, Seconds(30)));
    EXPECT_EQ(rig.cluster(id)->problem->kind, ErrorKind::quota_exceeded);
    rig.run_for(Seconds(590));
    EXPECT_EQ(rig.cloud.count("put machine"), 1);
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(300)));
    EXPECT_EQ(rig.cloud.count("put machine"), 2);
}

TEST(LoopsFaults, a_creation_that_failed_later_leaves_nothing_behind) {
    Rig rig;
    rig.cloud.fail_next_creation(error_of(ErrorKind::capacity_unavailable));
    const ClusterId id = rig.create(rig.example(1));
    ASSERT_TRUE(rig.until_phase(id, Phase::failed, Seconds(120)));
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(1500))) << rig.cluster(id)->stage;
    EXPECT_EQ(machine_count(rig.cloud), 2u);
    terminate(rig, id);
    ASSERT_TRUE(rig.until_gone(id, Seconds(600)));
    EXPECT_TRUE(rig.cloud.things().empty());
}

TEST(LoopsFaults, who_is_throttled_comes_back_when_told_and_not_before) {
    Rig rig;
    rig.cloud.throttle(Seconds(40));
    const ClusterId id = rig.create(rig.example(1));
    rig.run_for(Milliseconds(39'900));
    EXPECT_LE(rig.cloud.log.size(), 6u) << "one of each bucket finds out";
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(60)));
}

TEST(LoopsFaults, an_outage_loses_nothing_and_is_told_when_it_begins_and_when_it_ends) {
    Rig rig;
    const ClusterId id = rig.create(rig.example(2));
    ASSERT_TRUE(rig.until([&] { return rig.cloud.count("put machine") == 3; }));
    rig.cloud.unreachable = true;
    rig.run_for(Seconds(600));
    EXPECT_TRUE(rig.told(id, "cloud_unreachable"));
    EXPECT_FALSE(rig.told(id, "cloud_reachable"));
    ASSERT_TRUE(rig.loops->status().cloud_problem);
    EXPECT_GE(rig.clock.now() - *rig.loops->status().cloud_problem_since, Seconds(590));
    rig.cloud.log.clear();
    rig.run_for(Seconds(60));
    EXPECT_LT(rig.cloud.log.size(), 30u) << "not tried all the time";
    rig.cloud.unreachable = false;
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(60)));
    ASSERT_TRUE(rig.until([&] { return rig.told(id, "cloud_reachable"); }, Seconds(60)));
    EXPECT_FALSE(rig.loops->status().cloud_problem);
    EXPECT_EQ(machine_count(rig.cloud), 3u);
}

// --- crashes -----------------------------------------------------------------------------------

/// A whole life that dies at the n-th of something; returns false when there was no n-th.
bool live_and_die(int n, const char* where) {
    Rig rig;
    rig.cloud.network_time = Seconds(1);
    int passed = 0;
    bool died = false;
    const auto maybe_die = [&] {
        if (passed++ != n || died) return;
        died = true;
        throw Crash();
    };
    const std::string_view place = where;
    bool armed = false;
    const auto hook = [&] {
        if (armed) maybe_die();
    };
    if (place == "commit") rig.on_commit = hook;
    if (place == "before call") rig.cloud.before_call = hook;
    if (place == "after call") rig.cloud.after_call = hook;
    const ClusterId id = rig.create(rig.example(1));
    const auto guarded = [&](const std::function<bool()>& so) {
        const Timestamp end = rig.clock.now() + Seconds(900);
        while (rig.clock.now() < end) {
            try {
                armed = true;
                const bool reached = rig.until(so, Seconds(900));
                armed = false;
                return reached;
            } catch (const Crash&) {
                armed = false;
                rig.clock.advance(Seconds(2));
                rig.restart();
            }
        }
        return false;
    };
    const auto is_running = [&] { return rig.cluster(id)->phase == Phase::running; };
    EXPECT_TRUE(guarded(is_running)) << where << " " << n << ": " << rig.cluster(id)->stage;
    EXPECT_EQ(machine_count(rig.cloud), 2u) << where << " " << n;
    terminate(rig, id);
    EXPECT_TRUE(guarded([&] { return !rig.cluster(id); })) << where << " " << n;
    EXPECT_TRUE(rig.cloud.things().empty()) << where << " " << n;
    EXPECT_TRUE(rig.cloud.policies.empty()) << where << " " << n;
    return died;
}

class CrashAt : public testing::TestWithParam<const char*> {};

TEST_P(CrashAt, every_place_ends_well) {
    int n = 0;
    while (live_and_die(n, GetParam()) && !HasFailure()) ++n;
    EXPECT_GT(n, 40);
}

INSTANTIATE_TEST_SUITE_P(Every,
                         CrashAt,
                         testing::Values("commit", "before call", "after call"),
                         [](const auto& one) {
                             std::string name = one.param;
                             std::replace(name.begin(), name.end(), ' ', '_');
                             return name;
                         });

// --- replicas ----------------------------------------------------------------------------------

TEST(LoopsFaults, only_the_replica_that_holds_the_lease_asks_for_anything) {
    Rig rig;
    LoopOptions second = rig.options;
    second.holder = "replica-2";
    TestRunner runner;
    Loops other(*rig.store, rig.cloud, rig.cloud, runner, rig.clock, rig.random, second);
    const ClusterId id = running(rig, 0);
    (void)other.step();
    EXPECT_FALSE(other.status().holds_lease);
    EXPECT_TRUE(runner.waiting.empty());
    rig.loops->release();
    (void)other.step();
    EXPECT_TRUE(other.status().holds_lease);
    EXPECT_EQ(runner.waiting.size(), 1u) << "the list";
    (void)rig.loops->step();
    EXPECT_FALSE(rig.loops->status().holds_lease);
    (void)id;
}

TEST(LoopsFaults, what_a_replica_that_lost_the_lease_still_wanted_is_neither_sent_nor_stored) {
    Rig rig;
    const ClusterId id = rig.create(rig.example(0));
    (void)rig.loops->step();
    ASSERT_EQ(rig.runner.waiting.size(), 5u);
    rig.clock.advance(Seconds(20));  // it stands still longer than its lease is good for
    LoopOptions second = rig.options;
    second.holder = "replica-2";
    TestRunner runner;
    Loops other(*rig.store, rig.cloud, rig.cloud, runner, rig.clock, rig.random, second);
    (void)other.step();
    ASSERT_TRUE(other.status().holds_lease);
    while (rig.runner.run_one()) {
    }
    EXPECT_EQ(rig.cloud.count("put"), 0);
    for (const auto& row : rig.resources(id)) EXPECT_FALSE(row.made) << row.name.name;
}

TEST(LoopsFaults, a_call_that_is_under_way_is_not_made_twice) {
    Rig rig;
    const ClusterId id = rig.create(rig.example(2));
    for (int i = 0; i < 5; ++i) {
        rig.loops->wake();
        (void)rig.loops->step();
    }
    EXPECT_EQ(rig.runner.waiting.size(), 5u);
    EXPECT_EQ(rig.loops->status().calls_under_way, 5u);
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(60)));
    EXPECT_EQ(rig.cloud.count("put virtual_network"), 1);
}

}  // namespace
}  // namespace hopyard::control
