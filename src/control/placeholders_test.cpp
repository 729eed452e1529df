#include "control/placeholders.h"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

namespace hopyard::control {
namespace {

struct Ground {
    model::Cluster cluster{.spec = {.name = "demo"},
                           .types = {{"Small", {.vcpus = 2, .memory_mb = 4'096}},
                                     {"Same.As_Small", {.vcpus = 2, .memory_mb = 4'096}},
                                     {"Big", {.vcpus = 16, .memory_mb = 65'536}},
                                     {"Gpu", {.vcpus = 6, .memory_mb = 57'344, .gpus = 1}}}};
    std::vector<model::Node> nodes = {{.id = NodeId("h"), .is_head = true}};

    Ground() {
        auto& spec = cluster.spec.autoscale.emplace();
        spec.general = {.instance_type = "Small", .max_workers = 10};
    }
    void add_worker(const char* type, bool autoscaled = true) {
        nodes.push_back({.id = NodeId("w" + std::to_string(nodes.size())),
                         .group = {.instance_type = type},
                         .autoscaled = autoscaled});
    }
    /// By number of cores.
    std::map<int, int> counts() const {
        std::map<int, int> result;
        for (const auto& each : placeholders(cluster, nodes)) ++result[each.vcpus];
        return result;
    }
};

using Counts = std::map<int, int>;

TEST(Placeholders, of_a_group_are_as_many_as_it_may_still_grow_by) {
    Ground ground;
    EXPECT_EQ(ground.counts(), (Counts{{2, 10}}));
    ground.add_worker("Small");
    ground.add_worker("Small");
    EXPECT_EQ(ground.counts(), (Counts{{2, 8}}));
    ground.nodes.back().wanted = model::NodeWanted::removed;
    EXPECT_EQ(ground.counts(), (Counts{{2, 9}})) << "one that leaves makes room";
    ground.add_worker("Small", false);
    EXPECT_EQ(ground.counts(), (Counts{{2, 9}})) << "nobody's worker but its user's";
    ground.cluster.spec.autoscale->general.max_workers = 1;
    EXPECT_EQ(ground.counts(), Counts{}) << "it is full";
    ground.cluster.spec.autoscale->general.max_workers = 0;
    EXPECT_EQ(ground.counts(), Counts{});
}

TEST(Placeholders, offer_gpus_only_with_a_group_that_has_them) {
    Ground ground;
    EXPECT_EQ(ground.counts().count(6), 0u);
    ground.cluster.spec.autoscale->gpu = {.instance_type = "Gpu", .max_workers = 3};
    EXPECT_EQ(ground.counts(), (Counts{{2, 10}, {6, 3}}));
    ground.add_worker("Gpu");
    EXPECT_EQ(ground.counts(), (Counts{{2, 10}, {6, 2}})) << "each group for itself";
}

TEST(Placeholders, of_each_other_type_are_as_many_too_and_of_equal_sizes_one_lot) {
    Ground ground;
    ground.cluster.spec.autoscale->general.fallback_types = {"Same.As_Small", "Big", "Unknown"};
    EXPECT_EQ(ground.counts(), (Counts{{2, 10}, {16, 10}}));
    ground.add_worker("Big");
    EXPECT_EQ(ground.counts(), (Counts{{2, 9}, {16, 9}}));
}

TEST(Placeholders, of_fixed_groups_are_one_of_each_size) {
    Ground ground;
    ground.cluster.spec.workers = {{.key = {.instance_type = "Big"}, .count = 2}};
    EXPECT_EQ(ground.counts(), (Counts{{2, 10}, {16, 1}}));
    ground.cluster.spec.autoscale.reset();
    EXPECT_EQ(ground.counts(), (Counts{{2, 1}, {6, 1}, {16, 1}}));
}

TEST(Placeholders, have_names_of_their_own_and_never_exceed_what_the_manager_takes) {
    Ground ground;
    auto& spec = *ground.cluster.spec.autoscale;
    spec.general.max_workers = 5'000;
    spec.general.fallback_types = {"Big"};
    spec.gpu = {.instance_type = "Gpu", .fallback_types = {"Small"}, .max_workers = 5'000};
    for (int i = 0; i < 24; ++i) ground.add_worker("Small");
    const auto all = placeholders(ground.cluster, ground.nodes);
    std::set<std::string> names;
    for (const auto& each : all) names.insert(each.name);
    EXPECT_EQ(names.size(), all.size());
    EXPECT_TRUE(names.contains("any-small-1"));
    EXPECT_LE(all.size() + ground.nodes.size(), std::size_t(nodewire::machines_max));
    EXPECT_GT(ground.counts()[16], 100) << "each kind has its part";
    EXPECT_GT(ground.counts()[6], 100);
}

}  // namespace
}  // namespace hopyard::control
