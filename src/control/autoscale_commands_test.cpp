// Setting, changing and ending the autoscaler: whose a worker is, and that nothing is started or
// stopped by that alone.
#include <gtest/gtest.h>

#include "control/test_subscription.h"

namespace hopyard::control {
namespace {

using Groups = std::vector<model::WorkerGroupSpec>;

model::WorkerGroupSpec of(const char* type, int count) {
    return {.key = {.instance_type = type}, .count = count};
}

model::AutoscaleSpec policy_of(const char* type, int max = 5) {
    return {.general = {.instance_type = type, .max_workers = max}};
}

/// A running cluster with two small workers and one big one, all made by hand.
class AutoscaleCommands : public testing::Test {
  protected:
    AutoscaleCommands() {
        model::ClusterSpec spec = good_spec();
        spec.workers = {of("Small", 2), of("Big", 1)};
        model::Cluster cluster = desk_.made(spec);
        id_ = cluster.id;
        cluster.phase = model::Phase::running;
        cluster.started_at = desk_.clock.now();
        desk_.put(cluster);
        for (int ordinal = 1; ordinal <= 3; ++ordinal) {
            model::Node node{.id = NodeId("demo-w" + std::to_string(ordinal)),
                             .cluster = id_,
                             .group = {.instance_type = ordinal < 3 ? "Small" : "Big"},
                             .ordinal = ordinal,
                             .phase = model::NodePhase::ready};
            put(node);
        }
    }
    void put(model::Node node) {
        EXPECT_TRUE(desk_.store.write([&](store::Transaction& t) { return t.put(node); }));
    }
    std::vector<std::string> autoscaled() { return those(&model::Node::autoscaled); }
    std::vector<std::string> outdated() { return those(&model::Node::is_outdated); }
    std::vector<std::string> those(bool model::Node::*is_so) {
        std::vector<std::string> names;
        EXPECT_TRUE(desk_.store.read([&](store::Transaction& t) -> Result<void> {
            names.clear();
            ASSIGN_OR_RETURN(const auto nodes, t.nodes(id_));
            for (const model::Node& node : nodes)
                if (node.*is_so) names.push_back(node.id.value);
            return {};
        }));
        return names;
    }
    Result<model::Cluster> set(const model::AutoscaleSpec& spec) {
        return desk_.commands.set_autoscale(desk_.caller, id_, spec);
    }
    Groups groups() { return desk_.cluster(id_).spec.workers; }

    Desk desk_;
    ClusterId id_;
    using Names = std::vector<std::string>;
};

TEST_F(AutoscaleCommands, enabling_adopts_workers_of_the_type_and_leaves_others_alone) {
    ASSERT_TRUE(set(policy_of("Small")));
    EXPECT_EQ(autoscaled(), (Names{"demo-w1", "demo-w2"}));
    EXPECT_EQ(groups(), Groups{of("Big", 1)});
    EXPECT_EQ(desk_.cluster(id_).phase, model::Phase::running) << "nothing is started or stopped";
    EXPECT_EQ(desk_.activity().front().code, "autoscale_changed");
}

TEST_F(AutoscaleCommands, a_worker_that_was_added_beside_it_is_not_adopted_by_a_later_change) {
    ASSERT_TRUE(set(policy_of("Small")));
    ASSERT_TRUE(desk_.commands.add_workers(desk_.caller, id_, {of("Small", 1)}));
    put({.id = NodeId("demo-w4"),
         .cluster = id_,
         .group = {.instance_type = "Small"},
         .ordinal = 4,
         .phase = model::NodePhase::ready});
    ASSERT_TRUE(set(policy_of("Small", 9)));
    EXPECT_EQ(autoscaled(), (Names{"demo-w1", "demo-w2"}));
    EXPECT_EQ(groups(), (Groups{of("Big", 1), of("Small", 1)}));
}

TEST_F(AutoscaleCommands, one_that_is_on_its_way_out_is_not_adopted) {
    model::Node leaving{.id = NodeId("demo-w4"),
                        .cluster = id_,
                        .group = {.instance_type = "Small"},
                        .ordinal = 4,
                        .wanted = model::NodeWanted::removed,
                        .phase = model::NodePhase::draining};
    put(leaving);
    ASSERT_TRUE(set(policy_of("Small")));
    EXPECT_EQ(autoscaled(), (Names{"demo-w1", "demo-w2"}));
}

TEST_F(AutoscaleCommands, the_same_policy_twice_changes_nothing) {
    ASSERT_TRUE(set(policy_of("Small")));
    const auto generation = desk_.cluster(id_).generation;
    ASSERT_TRUE(set(policy_of("Small")));
    EXPECT_EQ(desk_.cluster(id_).generation, generation);
}

TEST_F(AutoscaleCommands, workers_of_a_changed_type_are_replaced_until_it_is_named_again) {
    ASSERT_TRUE(set(policy_of("Small")));
    ASSERT_TRUE(set(policy_of("Big")));
    EXPECT_EQ(autoscaled(), (Names{"demo-w1", "demo-w2", "demo-w3"}));
    EXPECT_EQ(outdated(), (Names{"demo-w1", "demo-w2"}));
    EXPECT_EQ(groups(), Groups{});
    EXPECT_EQ(desk_.activity().front().code, "workers_outdated");
    ASSERT_TRUE(set(policy_of("Big", 9)));
    EXPECT_EQ(outdated(), (Names{"demo-w1", "demo-w2"})) << "still";
    model::AutoscaleSpec both = policy_of("Big");
    both.general.fallback_types = {"Small"};
    ASSERT_TRUE(set(both));
    EXPECT_EQ(outdated(), Names{});
}

TEST_F(AutoscaleCommands, workers_of_a_changed_disk_or_price_are_replaced) {
    ASSERT_TRUE(set(policy_of("Small")));
    model::AutoscaleSpec other = policy_of("Small");
    other.general.disk_gb = 64;
    ASSERT_TRUE(set(other));
    EXPECT_EQ(outdated(), (Names{"demo-w1", "demo-w2"}));
    ASSERT_TRUE(set(policy_of("Small")));
    EXPECT_EQ(outdated(), Names{});
    other = policy_of("Small");
    other.general.spot = model::SpotSpec{.fall_back_on_demand = false};
    ASSERT_TRUE(set(other));
    EXPECT_EQ(outdated(), (Names{"demo-w1", "demo-w2"}));
}

TEST_F(AutoscaleCommands, one_on_demand_is_not_replaced_in_a_spot_group_that_falls_back) {
    model::AutoscaleSpec policy = policy_of("Small");
    ASSERT_TRUE(set(policy));
    policy.general.spot = model::SpotSpec{.fall_back_on_demand = true};
    ASSERT_TRUE(set(policy));
    EXPECT_EQ(outdated(), Names{});
    policy.general.spot->fall_back_on_demand = false;
    ASSERT_TRUE(set(policy));
    EXPECT_EQ(outdated(), (Names{"demo-w1", "demo-w2"}));
}

TEST_F(AutoscaleCommands, a_type_is_kept_with_its_price_where_that_is_in_dollars) {
    cloud::Size& size = desk_.subscription.known_sizes[0];
    size.price = cloud::Price{.per_hour = 0.4, .currency = "USD"};
    ASSERT_TRUE(set(policy_of("Small")));
    EXPECT_EQ(desk_.cluster(id_).types.at("Small").usd_per_hour, 0.4);
    size.price->currency = "EUR";
    ASSERT_TRUE(set(policy_of("Small", 6)));
    EXPECT_EQ(desk_.cluster(id_).types.at("Small").usd_per_hour, std::nullopt);
}

TEST_F(AutoscaleCommands, one_that_was_adopted_with_another_disk_is_not_outdated_by_that) {
    model::AutoscaleSpec policy = policy_of("Small");
    policy.general.disk_gb = 64;
    ASSERT_TRUE(set(policy));
    EXPECT_EQ(autoscaled(), (Names{"demo-w1", "demo-w2"}));
    policy.general.max_workers = 9;
    ASSERT_TRUE(set(policy));
    EXPECT_EQ(outdated(), Names{});
}

TEST_F(AutoscaleCommands, without_a_group_for_gpus_its_workers_stay_as_static_ones) {
    put({.id = NodeId("demo-w4"),
         .cluster = id_,
         .group = {.instance_type = "Gpu"},
         .ordinal = 4,
         .phase = model::NodePhase::ready,
         .gpus = 1});
    model::AutoscaleSpec both = policy_of("Small");
    both.gpu = model::ScaleSpec{.instance_type = "Gpu"};
    ASSERT_TRUE(set(both));
    ASSERT_TRUE(set(policy_of("Small")));
    EXPECT_EQ(autoscaled(), (Names{"demo-w1", "demo-w2"}));
    EXPECT_EQ(outdated(), Names{});
    EXPECT_EQ(groups(), (Groups{of("Big", 1), of("Gpu", 1)}));
    EXPECT_EQ(desk_.activity().front().code, "workers_released");
}

TEST_F(AutoscaleCommands, disabling_keeps_all_workers_as_static_ones) {
    ASSERT_TRUE(set(policy_of("Small")));
    ASSERT_TRUE(desk_.commands.clear_autoscale(desk_.caller, id_));
    EXPECT_EQ(autoscaled(), Names{});
    EXPECT_EQ(groups(), (Groups{of("Big", 1), of("Small", 2)}));
    EXPECT_FALSE(desk_.cluster(id_).spec.autoscale);
    ASSERT_TRUE(desk_.commands.clear_autoscale(desk_.caller, id_)) << "repeatable";
}

TEST_F(AutoscaleCommands, static_workers_come_and_go_beside_it) {
    ASSERT_TRUE(set(policy_of("Small")));
    ASSERT_TRUE(desk_.commands.add_workers(desk_.caller, id_, {of("Small", 1)}));
    EXPECT_EQ(groups(), (Groups{of("Big", 1), of("Small", 1)}));
    ASSERT_TRUE(desk_.commands.remove_workers(desk_.caller, id_, {of("Small", 5)}));
    EXPECT_EQ(groups(), Groups{of("Big", 1)}) << "the autoscaler's are not touched";
    EXPECT_EQ(autoscaled(), (Names{"demo-w1", "demo-w2"}));
}

TEST_F(AutoscaleCommands, an_unknown_type_is_refused_and_nothing_changes) {
    const auto refused = set(policy_of("None"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().field, "/autoscale/general/instanceType");
    EXPECT_EQ(autoscaled(), Names{});
    EXPECT_FALSE(desk_.cluster(id_).spec.autoscale);
}

TEST_F(AutoscaleCommands, types_are_learned_with_the_policy) {
    model::AutoscaleSpec spec = policy_of("Small");
    spec.general.fallback_types = {"Big"};
    ASSERT_TRUE(set(spec));
    EXPECT_TRUE(desk_.cluster(id_).types.contains("Big"));
}

TEST_F(AutoscaleCommands, a_worker_is_protected_until_it_is_not) {
    const NodeId worker("demo-w1");
    ASSERT_TRUE(desk_.commands.protect_node(desk_.caller, id_, worker));
    ASSERT_TRUE(desk_.commands.protect_node(desk_.caller, id_, worker)) << "repeatable";
    EXPECT_EQ(desk_.activity().front().code, "node_protected");
    ASSERT_TRUE(desk_.commands.unprotect_node(desk_.caller, id_, worker));
    EXPECT_FALSE(desk_.commands.protect_node(desk_.caller, id_, NodeId("nobody")));
}

}  // namespace
}  // namespace hopyard::control
