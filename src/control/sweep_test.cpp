#include "control/sweep.h"

#include <gtest/gtest.h>

#include "control/test_rig.h"
#include "model/phase.h"

namespace hopyard::control {
namespace {

using cloud::ResourceKind;
using model::Phase;

cloud::Seen thing(ResourceKind kind, const std::string& name, const std::string& installation) {
    return {.name = {kind, "lab", "", name},
            .tags = {{"hopyard-installation", installation}, {"hopyard-cluster", "c-gone"}}};
}

cloud::Seen orphan(ResourceKind kind, const std::string& name) {
    return thing(kind, name, test_installation.value);
}

TEST(Sweep, an_orphan_goes_after_ten_minutes_and_a_direct_read) {
    Rig rig;
    rig.cloud.add(orphan(ResourceKind::network_interface, "lost-nic"));
    rig.run_for(Seconds(595));
    EXPECT_EQ(rig.cloud.count("remove"), 0);
    rig.run_for(Seconds(30));
    EXPECT_EQ(rig.cloud.find("lost-nic"), nullptr);
    const auto read = std::find(rig.cloud.log.begin(), rig.cloud.log.end(), "read lost-nic");
    const auto gone = std::find(rig.cloud.log.begin(), rig.cloud.log.end(), "remove lost-nic");
    EXPECT_LT(read, gone);
}

TEST(Sweep, a_disk_waits_a_day_and_one_that_is_held_stays) {
    Rig rig;
    rig.cloud.add(orphan(ResourceKind::disk, "lost-disk"));
    cloud::Seen held = orphan(ResourceKind::disk, "held-disk");
    held.attached_to = "/machine/lab/somebodys";
    rig.cloud.add(held);
    rig.run_for(Seconds(23 * 3600));
    EXPECT_NE(rig.cloud.find("lost-disk"), nullptr);
    rig.run_for(Seconds(3700));
    EXPECT_EQ(rig.cloud.find("lost-disk"), nullptr);
    EXPECT_NE(rig.cloud.find("held-disk"), nullptr);
}

TEST(Sweep, what_bears_another_installations_tag_is_not_ours_to_see) {
    Rig rig;
    rig.cloud.lists_everything = true;
    rig.cloud.add(thing(ResourceKind::machine, "theirs", "99999999-2222-4333-8444-555555555555"));
    rig.cloud.add(thing(ResourceKind::machine, "untagged", ""));
    rig.run_for(Seconds(2 * 3600));
    EXPECT_EQ(rig.cloud.count("remove") + rig.cloud.count("read"), 0);
}

TEST(Sweep, only_a_list_that_read_agrees_with_counts) {
    Rig rig;
    rig.cloud.add(orphan(ResourceKind::network_interface, "lost-nic"));
    rig.cloud.freeze_list();
    rig.cloud.vanish("lost-nic");
    rig.run_for(Seconds(700));
    EXPECT_EQ(rig.cloud.count("remove"), 0);
    EXPECT_GT(rig.cloud.count("read lost-nic"), 0);
}

TEST(Sweep, after_a_database_was_restored_it_only_reports) {
    Rig rig;
    rig.options.sweep_removes = false;
    rig.restart();
    rig.cloud.add(orphan(ResourceKind::machine, "lost-machine"));
    rig.run_for(Seconds(3600));
    EXPECT_EQ(rig.cloud.count("remove"), 0);
    EXPECT_GT(rig.cloud.count("read lost-machine"), 0);
    EXPECT_LT(rig.cloud.count("read lost-machine"), 100);
}

TEST(Sweep, what_a_cluster_has_is_never_a_suspect) {
    Rig rig;
    const ClusterId id = rig.create(rig.example(2));
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(600)));
    rig.run_for(Seconds(25 * 3600));
    EXPECT_EQ(rig.cloud.count("remove"), 0);
    EXPECT_EQ(rig.cluster(id)->phase, Phase::running);
}

TEST(Sweep, a_removal_that_is_refused_is_tried_again_later) {
    Rig rig;
    rig.cloud.add(orphan(ResourceKind::network_interface, "lost-nic"));
    rig.cloud.fail_next("remove", {{.kind = ErrorKind::conflict, .code = "in_use"}});
    ASSERT_TRUE(rig.until([&] { return rig.cloud.find("lost-nic") == nullptr; }, Seconds(1000)));
    EXPECT_EQ(rig.cloud.count("remove"), 2);
}

TEST(Orphans, are_found_from_tags_alone_and_machines_come_first) {
    Rig rig;
    rig.cloud.add(orphan(ResourceKind::network_interface, "lost-nic"));
    rig.cloud.add(orphan(ResourceKind::machine, "lost-machine"));
    const ClusterId id = rig.create(rig.example(0));
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(600)));
    const auto found = find_orphans(*rig.store, rig.cloud, test_installation);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 2u);
    EXPECT_EQ((*found)[0].name.name, "lost-machine");
    EXPECT_EQ((*found)[1].name.name, "lost-nic");
    EXPECT_EQ((*found)[0].cluster.value, "c-gone");
}

TEST(Orphans, all_of_a_lost_database_are_found) {
    Rig rig;
    const ClusterId id = rig.create(rig.example(1));
    ASSERT_TRUE(rig.until_phase(id, Phase::running, Seconds(600)));
    const auto empty = store::open_memory();
    const auto found = find_orphans(*empty, rig.cloud, test_installation);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), rig.cloud.things().size());
}

TEST(Orphans, are_removed_as_asked_and_what_is_held_waits) {
    Rig rig;
    rig.cloud.add(orphan(ResourceKind::machine, "lost-machine"));
    cloud::Seen nic = orphan(ResourceKind::network_interface, "lost-nic");
    nic.attached_to = "/machine/lab/lost-machine";
    rig.cloud.add(nic);
    rig.cloud.add(orphan(ResourceKind::public_address, "kept"));
    const std::vector<model::ResourceName> both = {
        {ResourceKind::machine, "lab", "", "lost-machine"}, nic.name};
    const auto first = remove_orphans(*rig.store, rig.cloud, test_installation, both);
    ASSERT_TRUE(first);
    ASSERT_EQ(first->removed.size(), 1u);
    EXPECT_EQ(first->removed[0].name, "lost-machine");
    ASSERT_EQ(first->waiting.size(), 1u);
    rig.clock.advance(Seconds(60));
    const auto second = remove_orphans(*rig.store, rig.cloud, test_installation, both);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->removed.size(), 1u);
    EXPECT_EQ(rig.cloud.things().size(), 1u);
}

}  // namespace
}  // namespace hopyard::control
