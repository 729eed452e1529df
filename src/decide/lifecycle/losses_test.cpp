// When a machine counts as lost, and what is done then (product.md D11, D17).
#include <gtest/gtest.h>

#include "decide/lifecycle/test_snapshot.h"
#include "model/phase.h"

namespace hopyard::decide {
namespace {

using model::NodePhase;
using model::NodeWanted;
using model::Phase;
using model::ResourceKind;
using Words = std::vector<std::string>;

/// A running cluster whose worker was made a moment ago and has spoken since, and is silent now.
Snapshot with_silent_worker() {
    Snapshot snapshot = running_cluster(1);
    machine_of(snapshot, "w1").changed_at = snapshot.now - Seconds(13);
    auto& seen = node_of(snapshot, "w1").seen;
    seen.last_report_at = snapshot.now - Seconds(12);
    seen.silent_since = seen.last_report_at;
    return snapshot;
}

TEST(Losses, are_looked_for_as_soon_as_a_node_is_silent) {
    Snapshot snapshot = with_silent_worker();
    Sighting& sighting = snapshot.sightings[machine_of(snapshot, "w1").name];
    sighting.listed_at = snapshot.now - Seconds(2);
    EXPECT_TRUE(plan(snapshot).wants_list) << "that list was begun before the silence counts";
    sighting.listed_at = snapshot.now;
    EXPECT_FALSE(plan(snapshot).wants_list);
    EXPECT_TRUE(plan(snapshot).rows.nodes.empty()) << "silence changes nothing by itself";
    sighting.listed_power = sighting.read_power = Sighting::Power::off;
    sighting.read_at = snapshot.now;
    EXPECT_TRUE(tells(plan(snapshot), "node_replaced"));

    Snapshot speaks = snapshot;
    node_of(speaks, "w1").seen.silent_since.reset();
    EXPECT_TRUE(plan(speaks).rows.nodes.empty()) << "the cloud's word is too young against its own";
    Snapshot mute = snapshot;
    node_of(mute, "w1").seen.last_report_at = machine_of(mute, "w1").changed_at - Seconds(1);
    EXPECT_FALSE(tells(plan(mute), "node_replaced")) << "it may be on its way";
}

TEST(Losses, are_looked_for_when_a_machine_has_said_nothing_for_long_enough) {
    Snapshot snapshot = running_cluster(1);
    model::Resource& machine = machine_of(snapshot, "w1");
    node_of(snapshot, "w1").seen = {};
    node_of(snapshot, "w1").phase = NodePhase::booting;
    machine.changed_at = snapshot.now - Seconds(20);
    EXPECT_EQ(plan(snapshot).look_again_at, machine.changed_at + snapshot.timing.settle);
    EXPECT_FALSE(plan(snapshot).wants_list);
    snapshot.now += Seconds(11);
    EXPECT_TRUE(plan(snapshot).wants_list);
    snapshot.sightings[machine.name].listed_at = snapshot.now;
    EXPECT_FALSE(plan(snapshot).wants_list);
}

/// What a list and a read say of the worker's machine, and whether it is given up.
TEST(Losses, of_a_worker_count_when_list_and_read_agree) {
    using Power = Sighting::Power;
    struct Example {
        const char* name;
        Sighting seen;
        bool reads;
        bool replaces;
    };
    const Timestamp now = running_cluster(1).now + Seconds(3600);
    const Timestamp old = noon;  // when it was being made
    const Sighting there{.listed = true, .listed_at = now, .listed_power = Power::on};
    const auto read = [](Sighting seen, Timestamp at, bool exists, Power power) {
        seen.read_at = at;
        seen.read_exists = exists;
        seen.read_power = power;
        return seen;
    };
    Sighting missing = there;
    missing.listed = false;
    Sighting off = there;
    off.listed_power = Power::off;
    Sighting starting = there;
    starting.listed_power = Power::unknown;
    Sighting stale = missing;
    stale.listed_at = old;
    const Example examples[] = {
        {"never looked", {}, false, false},
        {"there", there, false, false},
        {"no power known", starting, false, false},
        {"not listed", missing, true, false},
        {"not listed, but read", read(missing, now, true, Power::on), false, false},
        {"not listed, not read", read(missing, now, false, Power::unknown), false, true},
        {"not read, but listed", read(there, now, false, Power::unknown), false, false},
        {"missing in an old list", read(stale, now, false, Power::unknown), false, false},
        {"missing in an old read", read(missing, old, false, Power::unknown), true, false},
        {"listed off", off, true, false},
        {"listed off, read on", read(off, now, true, Power::on), false, false},
        {"listed off, read off", read(off, now, true, Power::off), false, true},
        {"listed off, read off before", read(off, old, true, Power::off), true, false},
    };
    for (const Example& example : examples) {
        Snapshot snapshot = running_cluster(1);
        snapshot.now = now;
        const auto name = machine_of(snapshot, "w1").name;
        snapshot.sightings[name] = example.seen;
        const Plan next = plan(snapshot);
        EXPECT_EQ(asks(next, Call::Kind::read, ResourceKind::machine), example.reads)
            << example.name;
        EXPECT_EQ(tells(next, "node_replaced"), example.replaces) << example.name;
        const bool removes = asks(next, Call::Kind::remove, ResourceKind::machine);
        EXPECT_EQ(removes, example.replaces) << example.name;
    }
}

TEST(Losses, in_slurm_count_after_a_minute_with_nothing_allocated_and_a_head_that_talks) {
    struct Example {
        const char* name;
        void (*prepare)(Snapshot&);
        bool replaces;
    };
    const Example examples[] = {
        {"lost for long", [](Snapshot&) {}, true},
        {"lost just now",
         [](Snapshot& s) { node_of(s, "w1").seen.workload_lost_at = s.now - Seconds(59); },
         false},
        {"with a job", [](Snapshot& s) { node_of(s, "w1").seen.jobs = 1; }, false},
        {"with cores allocated",
         [](Snapshot& s) { node_of(s, "w1").seen.allocated.cpus = 2; },
         false},
        {"the head is silent",
         [](Snapshot& s) { node_of(s, "head").seen.silent_since = s.now - Seconds(20); },
         false},
        {"most are silent",
         [](Snapshot& s) {
             for (const char* part : {"w1", "w2", "w3"})
                 node_of(s, part).seen.silent_since = s.now - Seconds(20);
         },
         false},
        {"the control plane just began", [](Snapshot& s) { s.listening_since = s.now; }, false},
        {"most are lost: twice as long",
         [](Snapshot& s) {
             for (const char* part : {"w1", "w2", "w3"})
                 node_of(s, part).seen.workload_lost_at = s.now - Seconds(100);
         },
         false},
        {"most are lost for very long",
         [](Snapshot& s) {
             for (const char* part : {"w1", "w2", "w3"})
                 node_of(s, part).seen.workload_lost_at = s.now - Seconds(121);
         },
         true},
    };
    for (const Example& example : examples) {
        Snapshot snapshot = running_cluster(3);
        snapshot.now += Seconds(3600);
        node_of(snapshot, "w1").seen.workload_lost_at = snapshot.now - Seconds(61);
        example.prepare(snapshot);
        EXPECT_EQ(tells(plan(snapshot), "node_replaced"), example.replaces) << example.name;
    }
}

TEST(Losses, of_the_heads_machine_call_somebody_and_touch_nothing) {
    Snapshot snapshot = running_cluster(1);
    snapshot.now += Seconds(3600);
    snapshot.sightings[machine_of(snapshot, "head").name] = {
        .listed = false, .listed_at = snapshot.now, .read_at = snapshot.now, .read_exists = false};
    const Plan next = plan(snapshot);
    EXPECT_TRUE(next.calls.empty());
    EXPECT_EQ(next.rows.cluster->phase, Phase::failed);
    EXPECT_EQ(next.rows.cluster->problem->code, "head_machine_lost");
    EXPECT_TRUE(plan(after(snapshot, next)).rows.empty()) << "said once";
}

TEST(Losses, of_a_head_that_was_never_ready_make_another_under_another_name) {
    Snapshot snapshot = snapshot_of(accepted_cluster(0));
    const Plan put = until_asked(snapshot, Call::Kind::put, ResourceKind::machine);
    snapshot = carried_out(snapshot, put);
    node_of(snapshot, "head").seen = {};
    snapshot.now += Seconds(100);
    snapshot.sightings[machine_of(snapshot, "head").name] = {
        .listed = false, .listed_at = snapshot.now, .read_at = snapshot.now, .read_exists = false};
    snapshot = settle(snapshot, 15);
    EXPECT_EQ(node_names(snapshot), std::set<std::string>{"demo-ab12cd34-head-2"});
    EXPECT_EQ(snapshot.cluster.phase, Phase::running);
}

}  // namespace
}  // namespace hopyard::decide
