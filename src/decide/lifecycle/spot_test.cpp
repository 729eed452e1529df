// Spot machines: what is paid for one at most, what is asked for when the cloud has none, and what
// is made of one that the cloud took back (product.md D14).
#include "decide/lifecycle/spot.h"

#include <gtest/gtest.h>

#include "decide/lifecycle/test_snapshot.h"

namespace hopyard::decide {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using Words = std::vector<std::string>;

model::Cluster with_prices(model::Cluster cluster) {
    cluster.types["small"] = {.vcpus = 2, .memory_mb = 4096, .usd_per_hour = 0.4};
    cluster.types["other"] = {.vcpus = 2, .memory_mb = 4096, .usd_per_hour = 0.6};
    return cluster;
}

/// A fixed group of one.
model::Cluster fixed(const model::SpotSpec& spot) {
    model::Cluster cluster = with_prices(accepted_cluster(1));
    cluster.spec.workers[0].key.spot = spot;
    return cluster;
}

/// An autoscaled group of two types.
model::Cluster autoscaled(const model::SpotSpec& spot) {
    model::Cluster cluster = with_prices(accepted_cluster(0));
    cluster.spec.autoscale = model::AutoscaleSpec{};
    cluster.spec.autoscale->general = {.instance_type = "small",
                                       .fallback_types = {"other"},
                                       .spot = spot,
                                       .max_workers = 10,
                                       .standby_workers = 0};
    return cluster;
}

/// One job waits that takes a worker.
void ask_for_one(Snapshot& snapshot) {
    for (Node& node : snapshot.nodes) {
        node.seen.last_report_at = snapshot.now;
        if (node.is_head)
            node.seen.demand =
                model::Demand{.requests = {{.name = "31", .each = {.cpus = 2, .memory_mb = 1024}}}};
    }
}

const Node* worker_of(const Snapshot& snapshot) {
    for (const Node& node : snapshot.nodes)
        if (!node.is_head && node.wanted == NodeWanted::running) return &node;
    return nullptr;
}

std::string offer_in_words(const Node* node) {
    if (node == nullptr) return "none";
    return node->group.instance_type + (node->is_spot() ? " as spot" : " on demand");
}

/// Plans until a worker's machine was asked for, and then the cloud says this of it.
Plan refused(Snapshot& snapshot, const Error& error) {
    for (int round = 0; round < 10; ++round) {
        ask_for_one(snapshot);
        const Plan next = plan(snapshot);
        const bool is_asked = asks(next, Call::Kind::put, model::ResourceKind::machine);
        snapshot = is_asked ? after(snapshot, next) : carried_out(snapshot, next);
        if (is_asked) break;
    }
    snapshot.busy.clear();
    const Node* worker = worker_of(snapshot);
    if (worker == nullptr) return {};
    for (model::Resource& row : snapshot.resources)
        if (row.name.kind == model::ResourceKind::machine && row.node == worker->id)
            row.problem = error;
    snapshot.now += Seconds(1);
    ask_for_one(snapshot);
    const Plan next = plan(snapshot);
    snapshot = after(snapshot, next);
    return next;
}

const Error no_capacity{.kind = ErrorKind::capacity_unavailable,
                        .code = "sku_not_available",
                        .message = "there is none"};

/// One after the other, as each is refused.
Words offers_asked_for(Snapshot snapshot, int refusals) {
    Words offers;
    for (int i = 0; i < refusals; ++i) {
        (void)refused(snapshot, no_capacity);
        snapshot.now += Seconds(1);
        ask_for_one(snapshot);
        snapshot = after(snapshot, plan(snapshot));
        offers.push_back(offer_in_words(worker_of(snapshot)));
    }
    return offers;
}

/// Its machine is gone; list and read agree, and whoever is left goes on speaking.
void take_away(Snapshot& snapshot, const std::string& part) {
    const auto name = machine_of(snapshot, part).name;
    snapshot.now += Seconds(100);
    for (Node& node : snapshot.nodes) node.seen.last_report_at = snapshot.now;
    snapshot.sightings[name] = {.listed_at = snapshot.now, .read_at = snapshot.now};
}

TEST(SpotPrice, is_a_part_of_the_price_on_demand_and_never_above_what_was_chosen) {
    struct Example {
        int percent;
        std::optional<double> on_demand;
        double expected;
    };
    const Example examples[] = {{100, 0.4, -1},
                                {150, 0.4, -1},
                                {50, std::nullopt, -1},
                                {50, 0.4, 0.2},
                                {7, 1.0, 0.07},
                                {33, 0.1, 0.033},
                                {33, 0.00123, 0.0004},
                                {1, 0.0001, 0.00001}};
    for (const Example& example : examples)
        EXPECT_DOUBLE_EQ(max_spot_price({.max_price_percent = example.percent}, example.on_demand),
                         example.expected)
            << example.percent << " % of " << example.on_demand.value_or(0);
}

TEST(Spot, workers_are_asked_for_with_a_price_that_does_not_change_with_the_list) {
    Snapshot snapshot = snapshot_of(fixed({.max_price_percent = 50}));
    snapshot = after(snapshot, plan(snapshot));
    snapshot.cluster.types["small"].usd_per_hour = 9;
    snapshot = settle(snapshot);
    ASSERT_TRUE(worker_of(snapshot));
    EXPECT_EQ(worker_of(snapshot)->max_spot_price, 0.2);
    EXPECT_FALSE(snapshot.nodes.front().is_spot()) << "the head never is one";
}

TEST(Spot, types_are_asked_for_in_their_order_before_any_is_on_demand) {
    const Snapshot start = settle(snapshot_of(autoscaled({.fall_back_on_demand = true})));
    EXPECT_EQ(offers_asked_for(start, 4),
              (Words{"other as spot", "small on demand", "other on demand", "none"}));
}

TEST(Spot, nothing_is_on_demand_where_that_was_not_chosen) {
    const Snapshot start = settle(snapshot_of(autoscaled({.fall_back_on_demand = false})));
    EXPECT_EQ(offers_asked_for(start, 3), (Words{"other as spot", "none", "none"}));
}

TEST(Spot, a_refusal_says_nothing_of_the_type_on_demand) {
    Snapshot snapshot = settle(snapshot_of(autoscaled({.fall_back_on_demand = true})));
    const Plan next = refused(snapshot, no_capacity);
    ASSERT_EQ(snapshot.cluster.autoscale.refusals.size(), 1u);
    EXPECT_TRUE(snapshot.cluster.autoscale.refusals[0].key.spot);
    for (const auto& told : next.rows.activity)
        if (told.code == "type_rests")
            EXPECT_NE(told.message.find("small as a spot machine"), std::string::npos);
}

TEST(Spot, a_fixed_group_falls_back_at_once_where_that_was_chosen) {
    for (const ErrorKind kind : {ErrorKind::capacity_unavailable, ErrorKind::quota_exceeded}) {
        Snapshot snapshot = snapshot_of(fixed({.fall_back_on_demand = true}));
        Error error = no_capacity;
        error.kind = kind;
        const Plan next = refused(snapshot, error);
        const Node* worker = worker_of(snapshot);
        ASSERT_TRUE(worker);
        EXPECT_EQ(offer_in_words(worker), "small on demand");
        EXPECT_EQ(worker->group, snapshot.cluster.spec.workers[0].key) << "it is of that group";
        EXPECT_FALSE(worker->problem);
        EXPECT_FALSE(worker->try_again_at);
        EXPECT_EQ(worker->failed_attempts, 0);
        EXPECT_TRUE(tells(next, "type_rests"));
        const Snapshot settled = settle(snapshot);
        EXPECT_EQ(settled.cluster.phase, model::Phase::running);
        EXPECT_EQ(settled.nodes.size(), 2u) << "head and worker, and none again and again";
    }
}

TEST(Spot, a_fixed_group_tells_of_a_refusal_where_falling_back_was_not_chosen) {
    Snapshot snapshot = snapshot_of(fixed({.fall_back_on_demand = false}));
    (void)refused(snapshot, no_capacity);
    const Node* worker = worker_of(snapshot);
    ASSERT_TRUE(worker);
    EXPECT_TRUE(worker->is_spot());
    EXPECT_EQ(worker->problem, no_capacity);
    EXPECT_EQ(worker->try_again_at, snapshot.now + Seconds(600));
}

TEST(Spot, a_machine_that_never_came_up_is_no_reason_to_fall_back) {
    Snapshot snapshot = snapshot_of(fixed({.fall_back_on_demand = true}));
    Error broken = no_capacity;
    broken.kind = ErrorKind::internal;
    (void)refused(snapshot, broken);
    EXPECT_TRUE(worker_of(snapshot)->is_spot());
    EXPECT_EQ(worker_of(snapshot)->problem, broken);
}

TEST(Spot, is_asked_for_again_once_the_refused_offer_has_rested) {
    Snapshot snapshot = snapshot_of(fixed({.fall_back_on_demand = true}));
    (void)refused(snapshot, no_capacity);
    snapshot = settle(snapshot);
    snapshot.cluster.spec.workers[0].count = 2;
    EXPECT_EQ(offer_in_words(&after(snapshot, plan(snapshot)).nodes.back()), "small on demand");
    snapshot.now += Seconds(601);
    for (Node& node : snapshot.nodes) node.seen.last_report_at = snapshot.now;
    EXPECT_EQ(offer_in_words(&after(snapshot, plan(snapshot)).nodes.back()), "small as spot");
}

TEST(Eviction, of_a_fixed_worker_brings_another_and_is_nobodys_fault) {
    for (const bool with_list_alone : {true, false}) {
        Snapshot snapshot = settle(snapshot_of(fixed({})));
        ASSERT_TRUE(worker_of(snapshot)->is_spot());
        node_of(snapshot, "w1").seen.jobs = 1;
        take_away(snapshot, "w1");
        Sighting& seen = snapshot.sightings[machine_of(snapshot, "w1").name];
        if (with_list_alone) seen.read_at.reset();
        const Plan next = plan(snapshot);
        EXPECT_EQ(tells(next, "worker_evicted"), !with_list_alone);
        if (with_list_alone) continue;
        EXPECT_FALSE(tells(next, "node_replaced"));
        EXPECT_FALSE(tells(next, "resource_gone"));
        snapshot = after(snapshot, next);
        const Node* worker = worker_of(snapshot);
        ASSERT_TRUE(worker);
        EXPECT_EQ(offer_in_words(worker), "small as spot");
        EXPECT_EQ(worker->failed_attempts, 0);
        EXPECT_FALSE(worker->problem);
        EXPECT_FALSE(worker->try_again_at);
        EXPECT_TRUE(snapshot.cluster.autoscale.refusals.empty());
    }
}

TEST(Eviction, of_one_that_was_refused_when_it_was_asked_for_again_waits_as_long) {
    Snapshot snapshot = settle(snapshot_of(fixed({})));
    take_away(snapshot, "w1");
    auto& machine = machine_of(snapshot, "w1");
    machine.problem = Error{.kind = ErrorKind::capacity_unavailable, .code = "no_spot_capacity"};
    machine.try_again_at = snapshot.now + Seconds(500);
    snapshot = after(snapshot, plan(snapshot));
    const Node* worker = worker_of(snapshot);
    ASSERT_TRUE(worker);
    EXPECT_EQ(worker->problem->code, "no_spot_capacity");
    EXPECT_EQ(worker->try_again_at, snapshot.now + Seconds(500));
}

TEST(Eviction, of_an_autoscaled_worker_leaves_the_rest_to_what_waits) {
    for (const bool has_demand : {true, false}) {
        Snapshot snapshot = settle(snapshot_of(autoscaled({})));
        for (int round = 0; round < 12; ++round) {
            ask_for_one(snapshot);
            snapshot = carried_out(snapshot, plan(snapshot));
        }
        const Node first = *worker_of(snapshot);
        ASSERT_EQ(first.phase, NodePhase::ready);
        take_away(snapshot, "w1");
        if (has_demand)
            ask_for_one(snapshot);
        else
            node_of(snapshot, "head").seen.demand = model::Demand{};
        const Plan next = plan(snapshot);
        EXPECT_TRUE(tells(next, "worker_evicted"));
        EXPECT_FALSE(tells(next, "worker_given_up"));
        EXPECT_FALSE(tells(next, "type_rests"));
        snapshot = after(snapshot, next);
        ASSERT_EQ(worker_of(snapshot) != nullptr, has_demand);
        if (has_demand) EXPECT_NE(worker_of(snapshot)->id, first.id) << "no name is used twice";
    }
}

TEST(Eviction, is_told_of_spot_machines_alone) {
    Snapshot snapshot = running_cluster(1);
    take_away(snapshot, "w1");
    const Plan next = plan(snapshot);
    EXPECT_FALSE(tells(next, "worker_evicted"));
    EXPECT_TRUE(tells(next, "resource_gone"));
    EXPECT_TRUE(tells(next, "node_replaced"));
}

}  // namespace
}  // namespace hopyard::decide
