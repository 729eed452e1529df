#include <thread>

#include <gtest/gtest.h>

#include "control/test_subscription.h"

namespace hopyard::control {
namespace {

using model::Phase;
using Groups = std::vector<model::WorkerGroupSpec>;

model::WorkerGroupSpec of(const char* type, int count, std::int64_t disk_gb = 30) {
    return {.key = {.instance_type = type, .disk_gb = disk_gb}, .count = count};
}

/// A running cluster of one head and these workers.
struct Running {
    Desk desk;
    ClusterId id;

    explicit Running(const Groups& workers = {of("Small", 2)}) {
        model::ClusterSpec spec = good_spec();
        spec.workers = workers;
        model::Cluster cluster = desk.made(spec);
        id = cluster.id;
        cluster.phase = Phase::running;
        cluster.started_at = desk.clock.now();
        desk.put(cluster);
        desk.wake.count = 0;
    }
    model::Cluster now() { return desk.cluster(id); }
    Groups groups() { return now().spec.workers; }
    Result<model::Cluster> add(const Groups& groups) {
        return desk.commands.add_workers(desk.caller, id, groups);
    }
    Result<model::Cluster> remove(const Groups& groups) {
        return desk.commands.remove_workers(desk.caller, id, groups);
    }
    Result<model::Cluster> set(const Groups& groups) {
        return desk.commands.set_workers(desk.caller, id, groups);
    }
};

TEST(Workers, are_added_to_their_group) {
    Running running;
    const auto outcome = running.add({of("Small", 3)});
    ASSERT_TRUE(outcome);
    EXPECT_EQ(running.groups(), Groups{of("Small", 5)});
    EXPECT_EQ(outcome->phase, Phase::updating);
    EXPECT_EQ(running.desk.wake.count, 1);
    const auto entry = running.desk.activity().front();
    EXPECT_EQ(entry.code, "workers_changed");
    EXPECT_EQ(entry.reason, "5 workers instead of 2: 2 x Small");
}

TEST(Workers, of_a_new_group_bring_their_type) {
    Running running;
    ASSERT_TRUE(running.add({of("Gpu", 1, 64)}));
    EXPECT_EQ(running.groups(), (Groups{of("Small", 2), of("Gpu", 1, 64)}));
    ASSERT_TRUE(running.now().types.contains("Gpu"));
    EXPECT_EQ(running.now().types.at("Gpu").gpus, 1);
}

TEST(Workers, of_one_group_named_twice_are_added_up) {
    Running running;
    ASSERT_TRUE(running.add({of("Small", 1), of("Big", 1), of("Small", 2)}));
    EXPECT_EQ(running.groups(), (Groups{of("Small", 5), of("Big", 1)}));
}

TEST(Workers, of_another_disk_or_spot_setting_are_another_group) {
    Running running;
    model::WorkerGroupSpec spot = of("Small", 1);
    spot.key.spot = model::SpotSpec{};
    ASSERT_TRUE(running.add({of("Small", 1, 64), spot}));
    EXPECT_EQ(running.groups(), (Groups{of("Small", 2), of("Small", 1, 64), spot}));
}

TEST(Workers, are_removed_never_below_none_and_an_empty_group_goes) {
    Running running({of("Small", 2), of("Big", 1)});
    ASSERT_TRUE(running.remove({of("Small", 1)}));
    EXPECT_EQ(running.groups(), (Groups{of("Small", 1), of("Big", 1)}));
    ASSERT_TRUE(running.remove({of("Small", 7)}));
    EXPECT_EQ(running.groups(), Groups{of("Big", 1)});
}

TEST(Workers, unknown_groups_and_zeros_are_tolerated_and_change_nothing) {
    Running running;
    const model::Cluster before = running.now();
    const auto outcome = running.remove({of("Gpu", 3), of("Small", 0)});
    ASSERT_TRUE(outcome);
    EXPECT_EQ(*outcome, before);
    ASSERT_TRUE(running.add({of("Small", 0), of("Gpu", 0)}));
    EXPECT_EQ(running.now(), before);
    EXPECT_EQ(running.desk.wake.count, 0);
}

TEST(Workers, are_set_as_a_whole) {
    Running running({of("Small", 2), of("Big", 1)});
    ASSERT_TRUE(running.set({of("Big", 2), of("Gpu", 1), of("Small", 0)}));
    EXPECT_EQ(running.groups(), (Groups{of("Big", 2), of("Gpu", 1)}));
    ASSERT_TRUE(running.set({}));
    EXPECT_EQ(running.groups(), Groups{});
}

struct BadGroups {
    const char* what;
    Groups asked;
    const char* field;
    const char* code;
};

TEST(Workers, that_cannot_be_are_refused_with_their_place_in_the_request) {
    const BadGroups cases[] = {
        {"negative", {of("Small", 1), of("Big", -1)}, "/workers/1/count", "worker_count"},
        {"negative beside the same",
         {of("Small", 1), of("Small", -1)},
         "/workers/1/count",
         "worker_count"},
        {"beyond all bounds", {of("Small", 2'000'000'000)}, "/workers/0/count", "worker_count"},
        {"unknown size",
         {of("Small", 1), of("Small", 1), of("Huge", 1)},
         "/workers/2/instanceType",
         "no_such_size"},
        {"size that cannot be had", {of("Gone", 1)}, "/workers/0/instanceType", "size_unavailable"},
        {"no size", {of("", 1)}, "/workers/0/instanceType", "missing"},
        {"disk too small", {of("Small", 1, 1)}, "/workers/0/diskGb", "disk_size"},
        {"beyond the quota of cores", {of("Small", 16)}, "/workers", "quota_exceeded"},
        {"beyond the quota of the family", {of("Gpu", 2)}, "/workers", "quota_exceeded"},
    };
    for (const BadGroups& bad : cases) {
        SCOPED_TRACE(bad.what);
        for (const bool whole : {false, true}) {
            Running running;
            const model::Cluster before = running.now();
            Groups asked = bad.asked;
            if (whole && std::string(bad.code) == "quota_exceeded") asked.push_back(of("Big", 0));
            if (whole && asked[0].key.instance_type == "Small" && asked[0].count == 16)
                asked[0].count = 18;  // two of them are there
            const auto outcome = whole ? running.set(asked) : running.add(asked);
            ASSERT_FALSE(outcome);
            EXPECT_EQ(outcome.error().field, bad.field);
            EXPECT_EQ(outcome.error().code, bad.code);
            EXPECT_FALSE(outcome.error().next_action.empty());
            EXPECT_EQ(running.now(), before);
            EXPECT_EQ(running.desk.wake.count, 0);
        }
    }
}

TEST(Workers, fill_the_quota_to_the_last_core) {
    Running running;
    EXPECT_TRUE(running.add({of("Small", 15)})) << "10 of 40 are in use";
}

TEST(Workers, beyond_a_thousand_are_refused_even_with_quota_for_them) {
    Running running;
    for (auto& usage : running.desk.subscription.known_usages) usage.limit = 1'000'000;
    const auto outcome = running.add({of("Small", 999)});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, "worker_count");
}

TEST(Workers, of_a_new_type_wait_until_sizes_can_be_read) {
    Running running;
    running.desk.subscription.unreadable = {"sizes"};
    const auto outcome = running.add({of("Big", 1)});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(outcome.error().code, "fact_unread");
    EXPECT_TRUE(running.add({of("Small", 1)})) << "its type is known from before";
}

TEST(Workers, fewer_may_be_the_remedy_of_a_failure) {
    Running running;
    model::Cluster cluster = running.now();
    cluster.phase = Phase::failed;
    cluster.problem =
        Error{.kind = ErrorKind::quota_exceeded, .code = "quota_exceeded", .message = "x"};
    running.desk.put(cluster);
    const auto outcome = running.remove({of("Small", 1)});
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->phase, Phase::updating);
    EXPECT_FALSE(outcome->problem);
}

TEST(Workers, of_two_requests_at_once_none_is_lost) {
    Running running;
    for (auto& usage : running.desk.subscription.known_usages) usage.limit = 1'000'000;
    const auto add_twenty = [&] {
        for (int i = 0; i < 20; ++i) EXPECT_TRUE(running.add({of("Small", 1)}));
    };
    {
        const std::jthread other(add_twenty);
        add_twenty();
    }
    EXPECT_EQ(running.groups(), Groups{of("Small", 42)});
    EXPECT_EQ(running.desk.wake.count, 40);
}

TEST(Ports, are_opened_for_the_sources_that_are_named) {
    Running running;
    const auto outcome = running.desk.commands.set_ports(
        running.desk.caller, running.id, {.ssh = true}, std::vector<std::string>{"192.0.2.0/24"});
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(outcome->spec.ports.ssh);
    EXPECT_EQ(outcome->spec.port_sources, std::vector<std::string>{"192.0.2.0/24"});
    EXPECT_EQ(outcome->phase, Phase::updating);
    EXPECT_EQ(running.desk.activity().front().code, "ports_changed");
}

TEST(Ports, keep_their_sources_when_none_are_given) {
    Running running;
    const auto outcome = running.desk.commands.set_ports(
        running.desk.caller, running.id, {.kafka = true}, std::nullopt);
    EXPECT_EQ(outcome->spec.port_sources, std::vector<std::string>{"10.0.0.0/8"});
}

TEST(Ports, open_to_everybody_are_warned_of) {
    Running running;
    ASSERT_TRUE(running.desk.commands.set_ports(
        running.desk.caller, running.id, {.ssh = true}, std::vector<std::string>{}));
    const auto entry = running.desk.activity().front();
    EXPECT_EQ(entry.code, "open_to_everybody");
    EXPECT_EQ(entry.severity, model::Severity::warning);
}

TEST(Ports, that_are_so_already_change_nothing) {
    Running running;
    const model::Cluster before = running.now();
    const auto outcome =
        running.desk.commands.set_ports(running.desk.caller, running.id, {}, std::nullopt);
    EXPECT_EQ(*outcome, before);
    EXPECT_EQ(running.desk.wake.count, 0);
}

TEST(Ports, with_a_malformed_source_are_refused) {
    Running running;
    const auto outcome =
        running.desk.commands.set_ports(running.desk.caller,
                                        running.id,
                                        {.ssh = true},
                                        std::vector<std::string>{"10.0.0.0/8", "x"});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().field, "/portSources/1");
    EXPECT_EQ(outcome.error().code, "cidr_malformed");
    EXPECT_FALSE(running.now().spec.ports.ssh);
}

struct Stopped : Running {
    Stopped() {
        model::Cluster cluster = now();
        cluster.wanted = model::Wanted::stopped;
        cluster.phase = Phase::stopped;
        desk.put(cluster);
        desk.put(model::Node{.id = NodeId("demo-head"),
                             .cluster = id,
                             .is_head = true,
                             .group = {.instance_type = "Small"},
                             .wanted = model::NodeWanted::stopped,
                             .phase = model::NodePhase::stopped,
                             .vcpus = 2});
    }
    Result<model::Cluster> set_head_type(const std::string& type) {
        return desk.commands.set_head_type(desk.caller, id, type);
    }
};

TEST(HeadType, of_a_stopped_cluster_changes_with_what_it_offers) {
    Stopped stopped;
    const auto outcome = stopped.set_head_type("Big");
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->spec.head.instance_type, "Big");
    EXPECT_EQ(outcome->phase, Phase::stopped);
    EXPECT_EQ(outcome->types.at("Big").vcpus, 8);
    const model::Node head = stopped.desk.nodes(stopped.id).front();
    EXPECT_EQ(head.group.instance_type, "Big");
    EXPECT_EQ(head.vcpus, 8);
    EXPECT_EQ(head.memory_mb, 32'768);
}

TEST(HeadType, must_exist_and_fit_the_quota) {
    Stopped stopped;
    EXPECT_EQ(stopped.set_head_type("Huge").error().code, "no_such_size");
    EXPECT_EQ(stopped.set_head_type("Huge").error().field, "/head/instanceType");
    EXPECT_EQ(stopped.set_head_type("Gone").error().code, "size_unavailable");
    stopped.desk.subscription.known_usages[0].used = 39;
    EXPECT_EQ(stopped.set_head_type("Big").error().code, "quota_exceeded");
    EXPECT_EQ(stopped.now().spec.head.instance_type, "Small");
}

}  // namespace
}  // namespace hopyard::control
