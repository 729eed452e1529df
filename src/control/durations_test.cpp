// What is kept of how long machines took, and what is told of it.
#include "control/durations.h"

#include <gtest/gtest.h>

#include "control/test_rig.h"
#include "store/open.h"

namespace hopyard::control {
namespace {

using model::Node;
using model::NodePhase;

Timestamp at(std::int64_t ms) {
    return Timestamp(Milliseconds(ms));
}

Node node(NodePhase phase, std::int64_t since_ms, const std::string& size = "Small") {
    Node row{.id = NodeId("demo-head"), .phase = phase, .phase_since = at(since_ms)};
    row.group.instance_type = size;
    return row;
}

class Durations : public testing::Test {
  protected:
    void note(const Node& before, const Node& after, const std::string& location = "here") {
        ASSERT_TRUE(store_->write(
            [&](store::Transaction& t) { return note_durations(t, location, {before}, {after}); }));
    }
    void took(NodePhase from, NodePhase to, std::int64_t ms, const std::string& size = "Small") {
        note(node(from, 1000, size), node(to, 1000 + ms, size));
    }
    std::vector<Usual> usual() {
        std::vector<Usual> all;
        EXPECT_TRUE(store_->read([&](store::Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(all, usual_durations(t));
            return {};
        }));
        return all;
    }
    std::unique_ptr<store::Store> store_ = store::open_memory();
};

TEST_F(Durations, nothing_is_told_before_the_first) {
    EXPECT_TRUE(usual().empty());
    EXPECT_FALSE(estimated_start(usual(), {}));
}

TEST_F(Durations, the_median_of_the_last_ones_is_told) {
    for (const int ms : {900, 100, 300}) took(NodePhase::booting, NodePhase::joining, ms);
    EXPECT_EQ(usual(),
              std::vector<Usual>{(Usual{.phase = NodePhase::booting,
                                        .location = "here",
                                        .instance_type = "Small",
                                        .median = Milliseconds(300),
                                        .starts = 3})});
    for (int i = 0; i < 9; ++i) took(NodePhase::booting, NodePhase::joining, 5);
    EXPECT_EQ(usual().at(0).median, Milliseconds(5));
    EXPECT_EQ(usual().at(0).starts, 9);
}

TEST_F(Durations, only_steps_towards_ready_count) {
    took(NodePhase::ready, NodePhase::stopping, 5);
    took(NodePhase::creating, NodePhase::failed, 5);
    took(NodePhase::failed, NodePhase::creating, 5);
    took(NodePhase::booting, NodePhase::booting, 5);
    took(NodePhase::booting, NodePhase::joining, -5);  // the clock was set back
    EXPECT_TRUE(usual().empty());
    const Node before = node(NodePhase::creating, 0);
    Node other = node(NodePhase::booting, 10);
    other.id = NodeId("another");
    note(before, other);
    EXPECT_TRUE(usual().empty());
}

TEST_F(Durations, a_phase_that_is_leapt_over_took_no_time) {
    took(NodePhase::booting, NodePhase::ready, 500);
    ASSERT_EQ(usual().size(), 2u);
    EXPECT_EQ(usual()[0].median, Milliseconds(500));
    EXPECT_EQ(usual()[1].phase, NodePhase::joining);
    EXPECT_EQ(usual()[1].median, Milliseconds(0));
}

TEST_F(Durations, are_kept_apart_by_place_size_and_phase) {
    took(NodePhase::creating, NodePhase::booting, 1);
    took(NodePhase::booting, NodePhase::joining, 2);
    took(NodePhase::creating, NodePhase::booting, 3, "Big");
    note(node(NodePhase::creating, 0), node(NodePhase::booting, 4), "there");
    std::vector<std::int64_t> medians;
    for (const Usual& each : usual()) medians.push_back(each.median.count());
    EXPECT_EQ(medians, (std::vector<std::int64_t>{3, 1, 2, 4}));
}

TEST_F(Durations, the_record_stays_small_and_forgets_what_was_used_longest_ago) {
    for (int i = 0; i < 400; ++i)
        took(NodePhase::creating, NodePhase::booting, 1, "size-" + std::to_string(i));
    const auto all = usual();
    EXPECT_EQ(all.size(), 300u);
    const auto knows = [&](const std::string& size) {
        return std::any_of(
            all.begin(), all.end(), [&](const Usual& each) { return each.instance_type == size; });
    };
    EXPECT_FALSE(knows("size-99"));
    EXPECT_TRUE(knows("size-100"));
}

TEST_F(Durations, an_estimate_is_the_slowest_of_each_phase_once_every_size_is_known) {
    model::ClusterSpec spec{.location = "here", .head = {.instance_type = "Big"}};
    spec.workers = {{.key = {.instance_type = "Small"}, .count = 2}};
    const auto run = [&](const std::string& size, int creating, int booting, int joining) {
        took(NodePhase::creating, NodePhase::booting, creating, size);
        took(NodePhase::booting, NodePhase::joining, booting, size);
        took(NodePhase::joining, NodePhase::ready, joining, size);
    };
    run("Big", 10, 200, 3000);
    EXPECT_FALSE(estimated_start(usual(), spec));
    run("Small", 20, 100, 1000);
    EXPECT_EQ(estimated_start(usual(), spec), Milliseconds(3220));
    spec.workers[0].count = 0;
    EXPECT_EQ(estimated_start(usual(), spec), Milliseconds(3210));
    spec.location = "there";
    EXPECT_FALSE(estimated_start(usual(), spec));
}

TEST_F(Durations, a_record_that_cannot_be_read_is_begun_anew) {
    ASSERT_TRUE(store_->write(
        [](store::Transaction& t) { return t.put_setting("usual-durations", "{broken"); }));
    EXPECT_TRUE(usual().empty());
    took(NodePhase::creating, NodePhase::booting, 7);
    EXPECT_EQ(usual().size(), 1u);
}

TEST(StartOfACluster, leaves_what_it_took_and_what_ran) {
    Rig rig;
    model::Cluster wanted = rig.example(2);
    const ClusterId id = rig.create(wanted);
    ASSERT_TRUE(rig.until_phase(id, model::Phase::running, Seconds(600)));
    std::vector<Usual> usual;
    std::vector<model::MachineRun> runs;
    const auto look = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(usual, usual_durations(t));
        ASSIGN_OR_RETURN(runs, t.runs({.organisation = wanted.organisation}));
        return {};
    };
    ASSERT_TRUE(rig.store->read(look));
    for (const Usual& each : usual)
        if (each.phase == NodePhase::booting) {
            EXPECT_GE(each.median, rig.boot_time);
        }
    const auto estimate = estimated_start(usual, rig.cluster(id)->spec);
    ASSERT_TRUE(estimate);
    EXPECT_GE(*estimate, rig.boot_time);
    EXPECT_EQ(runs.size(), 3u);
    for (const model::MachineRun& run : runs) EXPECT_FALSE(run.ended_at);
    rig.change(id, [](model::Cluster& row) {
        row.wanted = model::Wanted::terminated;
        row.phase = model::Phase::terminating;
    });
    ASSERT_TRUE(rig.until_gone(id));
    ASSERT_TRUE(rig.store->read(look));
    EXPECT_EQ(runs.size(), 3u);
    for (const model::MachineRun& run : runs) {
        ASSERT_TRUE(run.ended_at);
        EXPECT_GT(*run.ended_at, run.started_at);
    }
}

TEST_F(Durations, makings_are_told_by_place_kind_and_size) {
    const auto made = [&](model::ResourceKind kind, const std::string& size, int ms) {
        ASSERT_TRUE(store_->write([&](store::Transaction& t) {
            return note_making(t, "here", kind, size, Milliseconds(ms));
        }));
    };
    for (const int ms : {900, 100, 300, -5}) made(model::ResourceKind::machine, "Small", ms);
    made(model::ResourceKind::subnet, "", 7);
    EXPECT_TRUE(store_->read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto usual, UsualMakings::read(t));
        EXPECT_EQ(usual.of("here", model::ResourceKind::machine, "Small"), Milliseconds(300));
        EXPECT_EQ(usual.of("here", model::ResourceKind::subnet, ""), Milliseconds(7));
        EXPECT_EQ(usual.of("there", model::ResourceKind::subnet, ""), std::nullopt);
        EXPECT_EQ(usual.of("here", model::ResourceKind::machine, "Large"), std::nullopt);
        return {};
    }));
}

}  // namespace
}  // namespace hopyard::control
