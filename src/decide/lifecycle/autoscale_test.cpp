// What the autoscaler's decisions do to the rows of a cluster.
#include <gtest/gtest.h>

#include "decide/lifecycle/drain.h"
#include "decide/lifecycle/test_snapshot.h"
#include "decide/scale/record.h"

namespace hopyard::decide {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using model::Phase;

model::Cluster autoscaled_cluster(int min, int max, double standby) {
    model::Cluster cluster = accepted_cluster(0);
    cluster.types["small"] = {.vcpus = 2, .memory_mb = 4096};
    cluster.types["other"] = {.vcpus = 2, .memory_mb = 4096};
    cluster.spec.autoscale = model::AutoscaleSpec{};
    model::ScaleSpec& general = cluster.spec.autoscale->general;
    general = {.instance_type = "small",
               .min_workers = min,
               .max_workers = max,
               .standby_workers = standby,
               .downscale_wait_s = 300};
    return cluster;
}

/// The head says what waits; workers on which nothing runs are idle since now, or since before.
void say(Snapshot& snapshot, std::vector<model::Request> requests = {}) {
    for (Node& node : snapshot.nodes) {
        if (node.is_head) node.seen.demand = model::Demand{.requests = requests};
        if (node.is_head || node.phase != NodePhase::ready) continue;
        if (node.seen.jobs > 0) node.seen.idle_since.reset();
        if (node.seen.jobs == 0 && !node.seen.idle_since) node.seen.idle_since = snapshot.now;
    }
}

std::vector<model::Request> jobs(std::int64_t count) {
    return {{.name = "31", .count = count, .each = {.cpus = 2, .memory_mb = 1024}}};
}

std::size_t workers_of(const Snapshot& snapshot) {
    return static_cast<std::size_t>(
        std::count_if(snapshot.nodes.begin(), snapshot.nodes.end(), [](const Node& node) {
            return !node.is_head && node.wanted == NodeWanted::running;
        }));
}

Snapshot running(int min, int max, double standby) {
    Snapshot snapshot = settle(snapshot_of(autoscaled_cluster(min, max, standby)));
    say(snapshot);
    return snapshot;
}

/// Plans and carries out, with the demand as it is said, until it settles.
Snapshot settle_with(Snapshot snapshot, const std::vector<model::Request>& requests) {
    for (int round = 0; round < 12; ++round) {
        say(snapshot, requests);
        snapshot = carried_out(snapshot, plan(snapshot));
    }
    say(snapshot, requests);
    return snapshot;
}

bool has_remark(const Plan& plan, const std::string& code) {
    return std::any_of(plan.rows.activity.begin(), plan.rows.activity.end(), [&](const auto& each) {
        return each.code == code;
    });
}

TEST(Autoscale, before_anything_is_known_of_demand_only_the_minimum_is_made) {
    const Snapshot snapshot = settle(snapshot_of(autoscaled_cluster(2, 10, 3)));
    EXPECT_EQ(workers_of(snapshot), 2u);
    EXPECT_EQ(snapshot.cluster.phase, Phase::running) << "the minimum was waited for";
    for (const Node& node : snapshot.nodes) EXPECT_EQ(node.autoscaled, !node.is_head);
}

TEST(Autoscale, the_adaptive_mode_learns_from_what_is_wanted_and_the_standard_one_does_not) {
    for (const auto mode : {model::AutoscaleMode::standard, model::AutoscaleMode::adaptive}) {
        Snapshot snapshot = running(0, 10, 0);
        snapshot.cluster.spec.autoscale->mode = mode;
        snapshot = settle_with(std::move(snapshot), jobs(2));
        const auto& learned = snapshot.cluster.autoscale.general;
        ASSERT_EQ(learned.has_value(), mode == model::AutoscaleMode::adaptive);
        if (!learned) continue;
        EXPECT_EQ(learned->demand, 2);
        ASSERT_EQ(learned->sizes.size(), 1u);
        EXPECT_EQ(learned->sizes[0].workers, 2);
        EXPECT_GT(learned->boot, Milliseconds(0)) << "it takes the time that workers took to come";
        // Nothing new: nothing is written.
        EXPECT_FALSE(plan(snapshot).rows.cluster);
        // One that comes back a day later was not asked for then.
        const auto boot = learned->boot;
        snapshot.now += Seconds(86'400);
        for (Node& node : snapshot.nodes) {
            node.seen.last_report_at = snapshot.now;
            if (!node.is_head) node.phase = NodePhase::joining;
        }
        const Plan later = plan(snapshot);
        const auto is_back = [](const Node& node) { return node.phase == NodePhase::ready; };
        ASSERT_TRUE(std::any_of(later.rows.nodes.begin(), later.rows.nodes.end(), is_back));
        const model::Cluster cluster = later.rows.cluster.value_or(snapshot.cluster);
        EXPECT_EQ(cluster.autoscale.general->boot, boot);
    }
}

TEST(Autoscale, demand_makes_workers_and_the_cluster_stays_running) {
    Snapshot snapshot = running(0, 10, 0);
    EXPECT_EQ(workers_of(snapshot), 0u);
    say(snapshot, jobs(3));
    const Plan next = plan(snapshot);
    snapshot = carried_out(snapshot, next);
    EXPECT_EQ(workers_of(snapshot), 3u);
    EXPECT_EQ(snapshot.cluster.phase, Phase::running);
    ASSERT_EQ(next.rows.decisions.size(), 1u);
    const auto situation = scale::situation_from_json(next.rows.decisions[0].situation_json);
    ASSERT_TRUE(situation);
    EXPECT_EQ(scale::to_json(scale::decide(*situation)), next.rows.decisions[0].decision_json)
        << "it is made again offline";
    snapshot = settle_with(snapshot, {});
    EXPECT_EQ(snapshot.cluster.phase, Phase::running);
}

TEST(Autoscale, an_idle_worker_drains_and_leaves_once_that_is_confirmed) {
    Snapshot snapshot = settle_with(running(0, 10, 0), jobs(1));
    say(snapshot);
    EXPECT_EQ(plan(snapshot).look_again_at.has_value(), true);
    snapshot.now += Seconds(301);
    for (Node& node : snapshot.nodes) node.seen.last_report_at = snapshot.now;
    Plan next = plan(snapshot);
    EXPECT_TRUE(has_remark(next, "worker_leaves"));
    snapshot = after(snapshot, next);
    Node& worker = node_of(snapshot, "w1");
    EXPECT_EQ(worker.phase, NodePhase::draining);
    EXPECT_FALSE(worker.drain_deadline) << "its work is never cut off";
    worker.seen.workload_state = "drained";
    worker.seen.mount_pending_writes = 1;
    EXPECT_FALSE(has_remark(plan(snapshot), "worker_drained")) << "it has something to write";
    worker.seen.mount_pending_writes = 0;
    EXPECT_TRUE(has_remark(plan(snapshot), "worker_drained"));
}

TEST(Autoscale, a_job_that_lands_in_between_wins) {
    Snapshot snapshot = settle_with(running(0, 10, 0), jobs(1));
    say(snapshot);
    snapshot.now += Seconds(301);
    for (Node& node : snapshot.nodes) node.seen.last_report_at = snapshot.now;
    snapshot = after(snapshot, plan(snapshot));
    Node& worker = node_of(snapshot, "w1");
    ASSERT_EQ(worker.phase, NodePhase::draining);
    worker.seen.jobs = 1;
    worker.seen.allocated = {.cpus = 1};
    worker.seen.idle_since.reset();
    worker.seen.workload_state = "draining";
    const std::int64_t drain = worker.drain_number;
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(node_of(snapshot, "w1").wanted, NodeWanted::running);
    EXPECT_EQ(node_of(snapshot, "w1").phase, NodePhase::ready);
    EXPECT_GT(node_of(snapshot, "w1").drain_number, drain);
}

TEST(Autoscale, one_that_comes_is_waited_for_even_while_the_workload_manager_does_not_see_it) {
    Snapshot snapshot = running(0, 10, 0);
    say(snapshot, jobs(1));
    snapshot = carried_out(snapshot, plan(snapshot));
    snapshot = carried_out(snapshot, plan(snapshot));
    Node& worker = node_of(snapshot, "w1");
    worker.phase = NodePhase::joining;
    worker.seen.services_ready = true;
    worker.seen.workload_state = "down";
    worker.seen.workload_lost_at = snapshot.now;
    say(snapshot, jobs(1));
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(workers_of(snapshot), 1u) << "no second one is bought";
}

TEST(Autoscale, silence_changes_nothing) {
    Snapshot snapshot = settle_with(running(0, 10, 0), jobs(1));
    say(snapshot, jobs(5));
    for (Node& node : snapshot.nodes) {
        node.seen.last_report_at = snapshot.now;
        if (node.is_head) node.seen.silent_since = snapshot.now;
    }
    snapshot.now += Seconds(1000);
    const std::size_t before = workers_of(snapshot);
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(workers_of(snapshot), before);
}

TEST(Autoscale, what_the_control_plane_knew_before_it_started_is_not_acted_on) {
    Snapshot snapshot = running(0, 10, 0);
    say(snapshot, jobs(3));
    snapshot.listening_since = snapshot.now + Seconds(5);
    snapshot.now += Seconds(6);
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(workers_of(snapshot), 0u);
}

TEST(Autoscale, static_workers_are_left_alone) {
    model::Cluster cluster = autoscaled_cluster(0, 10, 0);
    cluster.spec.workers = {{.key = {.instance_type = "small"}, .count = 2}};
    Snapshot snapshot = settle(snapshot_of(cluster));
    say(snapshot);
    snapshot.now += Seconds(1000);
    for (Node& node : snapshot.nodes) node.seen.last_report_at = snapshot.now;
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(workers_of(snapshot), 2u);
    say(snapshot, jobs(3));
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(workers_of(snapshot), 3u) << "two find room, one is bought";
}

TEST(Autoscale, a_refused_type_rests_and_the_next_one_is_taken) {
    model::Cluster cluster = autoscaled_cluster(0, 10, 0);
    cluster.spec.autoscale->general.fallback_types = {"other"};
    Snapshot snapshot = settle(snapshot_of(cluster));
    say(snapshot, jobs(2));
    snapshot = carried_out(snapshot, plan(snapshot));  // interfaces
    say(snapshot, jobs(2));
    snapshot = after(snapshot, plan(snapshot));
    snapshot.busy.clear();
    for (model::Resource& row : snapshot.resources)
        if (row.name.kind == model::ResourceKind::machine && !row.made)
            row.problem = Error{.kind = ErrorKind::capacity_unavailable,
                                .code = "allocation_failed",
                                .message = "there is no small one"},
            row.try_again_at = snapshot.now + Seconds(600);
    snapshot.now += Seconds(1);
    for (Node& node : snapshot.nodes) node.seen.last_report_at = snapshot.now;
    const Plan refused = plan(snapshot);
    snapshot = after(snapshot, refused);
    ASSERT_EQ(snapshot.cluster.autoscale.refusals.size(), 1u);
    EXPECT_EQ(snapshot.cluster.autoscale.refusals[0].times, 1) << "refused together counts once";
    EXPECT_TRUE(refused.look_again_at);
    for (const model::Resource& row : snapshot.resources)
        EXPECT_FALSE(row.try_again_at) << "what is left of it is removed at once";
    EXPECT_NE(snapshot.cluster.phase, Phase::failed);
    snapshot.now += Seconds(1);
    say(snapshot, jobs(2));
    snapshot = after(snapshot, plan(snapshot));
    std::size_t others = 0;
    for (const Node& node : snapshot.nodes)
        others += node.group.instance_type == "other" && node.wanted == NodeWanted::running;
    EXPECT_EQ(others, 2u);
    EXPECT_NE(snapshot.cluster.phase, Phase::failed);
}

TEST(Autoscale, a_refused_type_rests_with_whatever_disk) {
    Snapshot snapshot = running(0, 10, 0);
    snapshot.cluster.autoscale.refusals = {{.key = {.instance_type = "small", .disk_gb = 30},
                                            .at = snapshot.now,
                                            .until = snapshot.now + Seconds(600)}};
    snapshot.cluster.spec.autoscale->general.disk_gb = 40;
    snapshot.cluster.spec.autoscale->general.fallback_types = {"other"};
    say(snapshot, jobs(1));
    snapshot = after(snapshot, plan(snapshot));
    ASSERT_EQ(workers_of(snapshot), 1u);
    EXPECT_EQ(snapshot.nodes.back().group.instance_type, "other");
}

TEST(Autoscale, only_a_worker_that_was_asked_for_later_ends_the_rest_of_its_type) {
    Snapshot snapshot = settle_with(running(0, 10, 0), jobs(1));
    Node& worker = node_of(snapshot, "w1");
    snapshot.cluster.autoscale.refusals = {
        {.key = worker.group, .at = snapshot.now, .until = snapshot.now + Seconds(600)}};
    worker.phase = NodePhase::joining;
    Snapshot next = after(snapshot, plan(snapshot));
    EXPECT_EQ(node_of(next, "w1").phase, NodePhase::ready);
    EXPECT_EQ(next.cluster.autoscale.refusals.size(), 1u) << "it was there before";
    worker.created_at = snapshot.now + Milliseconds(1);
    next = after(snapshot, plan(snapshot));
    EXPECT_TRUE(next.cluster.autoscale.refusals.empty());
}

TEST(Autoscale, a_lost_worker_is_not_replaced_unless_it_is_needed) {
    Snapshot snapshot = settle_with(running(0, 10, 0), jobs(1));
    say(snapshot);
    const auto machine = machine_name(snapshot.cluster, node_of(snapshot, "w1"));
    std::erase_if(snapshot.sightings, [&](const auto& entry) { return entry.first == machine; });
    snapshot.now += Seconds(100);
    for (Node& node : snapshot.nodes) node.seen.last_report_at = snapshot.now;
    Sighting& gone = snapshot.sightings[machine];
    gone.listed_at = snapshot.now;
    gone.read_at = snapshot.now;
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(workers_of(snapshot), 0u);
}

TEST(Autoscale, a_request_that_can_never_be_met_is_named_once) {
    Snapshot snapshot = running(0, 10, 0.5);
    const std::vector<model::Request> huge = {
        {.name = "31", .each = {.cpus = 64, .memory_mb = 1024}}};
    say(snapshot, huge);
    Plan next = plan(snapshot);
    EXPECT_TRUE(has_remark(next, "request_never_met"));
    snapshot = after(snapshot, next);
    EXPECT_EQ(workers_of(snapshot), 0u);
    EXPECT_FALSE(has_remark(plan(snapshot), "request_never_met"));
    say(snapshot);
    snapshot = after(snapshot, plan(snapshot));
    say(snapshot, huge);
    EXPECT_TRUE(has_remark(plan(snapshot), "request_never_met")) << "it came back";
}

TEST(Autoscale, a_changed_type_rolls_over_without_falling_below_the_minimum) {
    Snapshot snapshot = settle_with(running(1, 3, 0), jobs(2));
    for (Node& node : snapshot.nodes) node.is_outdated = !node.is_head;
    snapshot.cluster.spec.autoscale->general.instance_type = "other";
    say(snapshot);
    const Plan next = plan(snapshot);
    snapshot = after(snapshot, next);
    std::size_t leaving = 0;
    for (const Node& node : snapshot.nodes) {
        if (node.wanted != NodeWanted::removed) continue;
        ++leaving;
        EXPECT_EQ(node.phase, NodePhase::draining);
        EXPECT_FALSE(node.drain_deadline) << "its work is never cut off";
    }
    EXPECT_EQ(leaving, 1u) << "the other holds the minimum until a new one is ready";
    EXPECT_TRUE(has_remark(next, "worker_planned"));
    for (int round = 0; round < 30; ++round) {
        for (Node& node : snapshot.nodes)
            if (node.phase == NodePhase::draining) node.seen.workload_state = "drained";
        say(snapshot);
        snapshot = carried_out(snapshot, plan(snapshot));
        const auto ready =
            std::count_if(snapshot.nodes.begin(), snapshot.nodes.end(), [](const Node& node) {
                return !node.is_head && node.phase == NodePhase::ready;
            });
        EXPECT_GE(ready, 1) << "round " << round;
    }
    EXPECT_EQ(workers_of(snapshot), 1u);
    for (const Node& node : snapshot.nodes)
        if (!node.is_head) EXPECT_EQ(node.group.instance_type, "other") << node.id.value;
    EXPECT_EQ(snapshot.cluster.phase, Phase::running);
}

TEST(Autoscale, nobody_is_replaced_while_the_head_is_silent) {
    Snapshot snapshot = settle_with(running(1, 3, 0), jobs(1));
    for (Node& node : snapshot.nodes) {
        node.is_outdated = !node.is_head;
        if (node.is_head) node.seen.silent_since = snapshot.now;
    }
    snapshot.cluster.spec.autoscale->general.instance_type = "other";
    snapshot = after(snapshot, plan(snapshot));
    EXPECT_EQ(workers_of(snapshot), 1u);
    EXPECT_TRUE(node_of(snapshot, "w1").wanted == NodeWanted::running);
}

TEST(Autoscale, a_stopped_cluster_has_no_workers_and_refills_after_a_start) {
    Snapshot snapshot = settle_with(running(1, 10, 0), jobs(3));
    snapshot.cluster.wanted = model::Wanted::stopped;
    snapshot.cluster.phase = Phase::stopping;
    snapshot = settle(snapshot);
    EXPECT_EQ(snapshot.cluster.phase, Phase::stopped);
    EXPECT_EQ(workers_of(snapshot), 0u);
    snapshot.cluster.wanted = model::Wanted::running;
    snapshot.cluster.phase = Phase::starting;
    snapshot = settle(snapshot);
    EXPECT_EQ(snapshot.cluster.phase, Phase::running);
    EXPECT_GE(workers_of(snapshot), 1u);
}

}  // namespace
}  // namespace hopyard::decide
