#include <set>

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/yaml.h"
#include "model/entity_json.h"
#include "model/phase.h"
#include "model/spec_json.h"
#include "model/validate.h"

namespace hopyard::model {
namespace {

ClusterSpec good() {
    ClusterSpec spec;
    spec.name = "demo";
    spec.resource_group = "lab";
    spec.head.instance_type = "Standard_D2s_v3";
    spec.workers = {{.key = {.instance_type = "Standard_D2s_v3", .disk_gb = 30}, .count = 2}};
    spec.storage.account = "labstore";
    spec.ssh_key = "ops";
    spec.identity = "nodes";
    return spec;
}

ScaleSpec random_group(Random& random) {
    ScaleSpec group{.instance_type = random_word(random, 5),
                    .disk_gb = static_cast<std::int64_t>(below(random, 1000)),
                    .min_workers = static_cast<int>(below(random, 5)),
                    .max_workers = static_cast<int>(below(random, 50)),
                    .standby_workers = static_cast<double>(below(random, 100)) / 7,
                    .downscale_wait_s = static_cast<std::int64_t>(below(random, 5000))};
    if (chance(random, 0.3))
        group.fallback_types = {random_word(random, 4), random_word(random, 6)};
    if (chance(random, 0.3)) group.spot = SpotSpec{.fall_back_on_demand = false};
    if (chance(random, 0.3))
        group.standby_shape = StandbyShape{.each = {.cpus = 2, .memory_mb = 4096, .gpus = 1},
                                           .count = static_cast<int>(below(random, 4))};
    if (chance(random, 0.5))
        group.schedule.push_back({.days = {static_cast<int>(below(random, 7))},
                                  .from_minute = static_cast<int>(below(random, 1440)),
                                  .to_minute = static_cast<int>(below(random, 1441)),
                                  .min_workers = 3});
    return group;
}

AutoscaleSpec random_policy(Random& random) {
    AutoscaleSpec policy{.general = random_group(random)};
    if (chance(random, 0.5)) policy.mode = AutoscaleMode::adaptive;
    if (chance(random, 0.5)) policy.gpu = random_group(random);
    return policy;
}

ClusterSpec random_spec(Random& random) {
    ClusterSpec spec = good();
    spec.name = random_word(random, 1 + below(random, 20));
    spec.head.disk_gb = static_cast<std::int64_t>(below(random, 1000));
    spec.workers.clear();
    for (std::uint64_t i = below(random, 4); i > 0; --i) {
        WorkerGroupSpec group{.key = {.instance_type = random_word(random, 5)},
                              .count = static_cast<int>(below(random, 9))};
        if (chance(random, 0.3)) group.key.spot = SpotSpec{.max_price_percent = 60};
        spec.workers.push_back(group);
    }
    for (char c = 'a'; c < 'f'; ++c)
        if (chance(random, 0.5))
            spec.tags.push_back({std::string(1, c), random_word(random, below(random, 5))});
    spec.init_script.text = chance(random, 0.5) ? "#!/bin/sh\necho \"<&>\"\n\t'x' \\ ü\n" : "";
    spec.ports.ssh = chance(random, 0.5);
    if (chance(random, 0.5)) spec.drain_timeout.seconds = DrainTimeout::never;
    if (chance(random, 0.5)) spec.wire_json = R"({"os":"ubuntu","version":"3.8.0"})";
    spec.network.virtual_network_cidr = chance(random, 0.5) ? "10.4.0.0/16" : "";
    if (chance(random, 0.5)) spec.autoscale = random_policy(random);
    return spec;
}

std::vector<std::string> codes(const ClusterSpec& spec) {
    std::vector<std::string> out;
    for (const Error& error : check(spec)) {
        EXPECT_FALSE(error.field.empty());
        EXPECT_FALSE(error.next_action.empty());
        out.push_back(error.code);
    }
    return out;
}

TEST(Phase, every_phase_has_a_word_and_is_reached_and_can_be_terminated) {
    std::set<Phase> reached = {Phase::pending};
    for (int round = 0; round < 10; ++round)
        for (const PhaseMove& move : phase_moves())
            if (reached.contains(move.from)) reached.insert(move.to);
    for (int i = 0; i <= static_cast<int>(Phase::failed); ++i) {
        const auto phase = static_cast<Phase>(i);
        EXPECT_EQ(parse<Phase>(to_string(phase)), phase);
        EXPECT_TRUE(reached.contains(phase)) << to_string(phase);
        EXPECT_TRUE(may_move(phase, Phase::terminating)) << to_string(phase);
    }
}

TEST(Phase, a_stopped_cluster_runs_only_through_starting) {
    EXPECT_FALSE(may_move(Phase::stopped, Phase::running));
    EXPECT_TRUE(may_move(Phase::stopped, Phase::starting));
    EXPECT_FALSE(may_move(Phase::terminating, Phase::running));
}

TEST(NodePhase, every_phase_has_a_word_and_is_reached_and_can_be_removed) {
    std::set<NodePhase> reached = {NodePhase::planned};
    for (int round = 0; round < 12; ++round)
        for (const NodePhaseMove& move : node_phase_moves())
            if (reached.contains(move.from)) reached.insert(move.to);
    for (int i = 0; i <= static_cast<int>(NodePhase::failed); ++i) {
        const auto phase = static_cast<NodePhase>(i);
        EXPECT_EQ(parse<NodePhase>(to_string(phase)), phase);
        EXPECT_TRUE(reached.contains(phase)) << to_string(phase);
        EXPECT_TRUE(may_move(phase, NodePhase::removing)) << to_string(phase);
    }
}

TEST(SpecJson, writing_and_reading_back_gives_an_equal_value) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        SeededRandom random(seed);
        const ClusterSpec spec = random_spec(random);
        const auto from_json = spec_from_json(spec_to_json(spec));
        ASSERT_TRUE(from_json) << seed << from_json.error().message;
        EXPECT_EQ(*from_json, spec) << seed;
        const auto from_yaml = spec_from_yaml(spec_to_yaml(spec));
        ASSERT_TRUE(from_yaml) << seed << from_yaml.error().message;
        EXPECT_EQ(*from_yaml, spec) << seed;
    }
}

TEST(SpecJson, the_example_is_read_and_well_formed) {
    const auto spec = spec_from_yaml(spec_example());
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_TRUE(check(*spec).empty());
}

TEST(SpecJson, the_policy_of_the_example_is_read_and_well_formed) {
    std::string text = spec_example();
    const auto begin = text.find("# autoscale:");
    ASSERT_NE(begin, std::string::npos);
    for (std::size_t at = begin; text[at] == '#'; at = text.find('\n', at) + 1) text.erase(at, 2);
    const auto spec = spec_from_yaml(text);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_TRUE(check(*spec).empty());
    ASSERT_TRUE(spec->autoscale && spec->autoscale->gpu);
    EXPECT_EQ(spec->autoscale->general.schedule.front().days.size(), 5u);
}

TEST(SpecJson, a_policy_has_the_documented_defaults) {
    const auto policy = autoscale_from_json(R"({"general": {"instanceType": "a"}})");
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->mode, AutoscaleMode::standard);
    EXPECT_FALSE(policy->gpu);
    const ScaleSpec& group = policy->general;
    EXPECT_EQ(group.min_workers, 0);
    EXPECT_EQ(group.max_workers, 10);
    EXPECT_DOUBLE_EQ(group.standby_workers, 0.5);
    EXPECT_EQ(group.downscale_wait_s, 300);
    EXPECT_FALSE(group.spot);
}

struct BadDocument {
    const char* text;
    const char* code;
    const char* field;
};

TEST(SpecJson, faults_are_named_by_their_pointer) {
    const BadDocument documents[] = {
        {R"({"nam": "x"})", "unknown_field", "/nam"},
        {R"({"name": 5})", "wrong_type", "/name"},
        {R"({"head": {"diskGb": 30.5}})", "wrong_type", "/head/diskGb"},
        {R"({"head": {"diskGb": "30"}})", "wrong_type", "/head/diskGb"},
        {R"({"head": {"diskGb": 18446744073709551615}})", "wrong_type", "/head/diskGb"},
        {R"({"head": []})", "wrong_type", "/head"},
        {R"({"workers": {}})", "wrong_type", "/workers"},
        {R"({"workers": [{"cuont": 1}]})", "unknown_field", "/workers/0/cuont"},
        {R"({"workers": [{"count": 99999999999}]})", "out_of_range", "/workers/0/count"},
        {R"({"workers": [{"spot": {"x": 1}}]})", "unknown_field", "/workers/0/spot/x"},
        {R"({"tags": {"a": 1}})", "wrong_type", "/tags/a"},
        {R"({"userManagement": "magic"})", "unknown_value", "/userManagement"},
        {R"({"drainTimeoutSeconds": -5})", "out_of_range", "/drainTimeoutSeconds"},
        {R"({"portSources": ["a", 1]})", "wrong_type", "/portSources/1"},
        {R"({"autoscale": {}})", "missing", "/autoscale/general"},
        {R"({"autoscale": {"mode": "wild", "general": {}}})", "unknown_value", "/autoscale/mode"},
        {R"({"autoscale": {"general": {"maxWorker": 1}}})",
         "unknown_field",
         "/autoscale/general/maxWorker"},
        {R"({"autoscale": {"general": {"standbyWorkers": "half"}}})",
         "wrong_type",
         "/autoscale/general/standbyWorkers"},
        {R"({"autoscale": {"general": {"schedule": [{"from": "8:00"}]}}})",
         "time_malformed",
         "/autoscale/general/schedule/0/from"},
        {R"({"autoscale": {"general": {"schedule": [{"days": ["Monday"]}]}}})",
         "unknown_value",
         "/autoscale/general/schedule/0/days"},
        {R"({"name": "a", "name": "b"})", "duplicate_member", ""},
        {R"([])", "wrong_type", ""},
        {R"({"name": )", "malformed_json", ""},
        {"", "malformed_json", ""},
    };
    for (const BadDocument& bad : documents) {
        const auto spec = spec_from_json(bad.text);
        ASSERT_FALSE(spec) << bad.text;
        EXPECT_EQ(spec.error().code, bad.code) << bad.text;
        EXPECT_EQ(spec.error().field, bad.field) << bad.text;
        EXPECT_FALSE(spec.error().next_action.empty()) << bad.text;
    }
}

TEST(SpecJson, a_near_miss_is_corrected) {
    EXPECT_EQ(spec_from_json(R"({"sshkey": "x"})").error().next_action, "Did you mean 'sshKey'?");
}

TEST(SpecJson, deep_and_large_documents_are_refused_before_they_are_built) {
    EXPECT_EQ(spec_from_json(std::string(100'000, '[')).error().code, "too_deep");
    EXPECT_EQ(spec_from_json("\"" + std::string(2u << 20, 'x') + "\"").error().code, "too_large");
    std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char c = 'b'; c < 'i'; ++c)
        bomb += std::string(1, c) + ": &" + c + " [*" + char(c - 1) + ", *" + char(c - 1) + ", *" +
                char(c - 1) + ", *" + char(c - 1) + ", *" + char(c - 1) + "]\n";
    EXPECT_EQ(spec_from_yaml(bomb).error().code, "malformed_yaml");
}

TEST(SpecJson, mutated_documents_never_crash_and_always_say_something) {
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        SeededRandom random(seed);
        std::string text = spec_to_json(random_spec(random));
        for (int edits = 0; edits < 3; ++edits)
            text[below(random, text.size())] = static_cast<char>(32 + below(random, 95));
        if (const auto spec = spec_from_json(text); !spec) {
            EXPECT_FALSE(spec.error().message.empty());
        }
    }
}

TEST(Check, a_good_specification_has_no_findings) {
    EXPECT_TRUE(codes(good()).empty());
}

TEST(Check, names_follow_the_rule) {
    for (const char* bad : {"", "A", "1a", "-a", "a-", "a_b", "a b", "ä"}) {
        ClusterSpec spec = good();
        spec.name = bad;
        EXPECT_EQ(codes(spec), std::vector<std::string>{"name_malformed"}) << bad;
    }
    ClusterSpec spec = good();
    spec.name = std::string(40, 'a');
    EXPECT_TRUE(codes(spec).empty());
    spec.name += "a";
    EXPECT_EQ(codes(spec).size(), 1u);
}

TEST(Check, every_broken_rule_is_found_at_once_in_the_order_of_the_steps) {
    ClusterSpec spec = good();
    spec.name = "X";
    spec.head.disk_gb = 1;
    spec.storage.container = "a--b";
    spec.workers[0].count = -1;
    spec.backup_retention_days = 3;
    spec.user_management = UserManagement::ldap;
    spec.network.virtual_network_cidr = "10.0.0.1/16";
    spec.network.subnet_cidr = "8.8.8.0/24";
    spec.tags = {{"hopyard-x", "1"}};
    spec.init_script.text = "echo";
    spec.port_sources = {"everywhere"};
    EXPECT_EQ(codes(spec),
              (std::vector<std::string>{"name_malformed",
                                        "disk_size",
                                        "container_name",
                                        "worker_count",
                                        "retention",
                                        "feature_unavailable",
                                        "cidr_malformed",
                                        "cidr_not_private",
                                        "tag_reserved",
                                        "shebang_missing",
                                        "cidr_malformed"}));
}

TEST(Check, a_subnet_must_lie_inside_its_network) {
    ClusterSpec spec = good();
    spec.network.virtual_network_cidr = "10.1.0.0/16";
    spec.network.subnet_cidr = "10.2.0.0/24";
    EXPECT_EQ(codes(spec), std::vector<std::string>{"subnet_outside_network"});
}

TEST(Check, two_groups_of_one_kind_are_refused) {
    ClusterSpec spec = good();
    spec.workers.push_back(spec.workers[0]);
    EXPECT_EQ(codes(spec), std::vector<std::string>{"duplicate_group"});
    spec.workers[1].key.spot = SpotSpec{};
    EXPECT_TRUE(codes(spec).empty());
}

TEST(Cidr, is_read_strictly_and_written_back) {
    EXPECT_EQ(parse_cidr("10.0.0.0/16")->to_string(), "10.0.0.0/16");
    EXPECT_EQ(parse_cidr("0.0.0.0/0")->to_string(), "0.0.0.0/0");
    for (const char* bad : {"",
                            "10.0.0.0",
                            "10.0.0/16",
                            "10.0.0.0/33",
                            "10.0.0.1/16",
                            "10.0.0.256/32",
                            "010.0.0.0/8",
                            "10.0.0.0/16 ",
                            "a.b.c.d/8"})
        EXPECT_FALSE(parse_cidr(bad)) << bad;
}

TEST(Cidr, the_first_free_range_overlaps_nothing_taken) {
    const Cidr outer = *parse_cidr("10.0.0.0/8");
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        SeededRandom random(seed);
        std::vector<Cidr> taken;
        for (std::uint64_t i = below(random, 40); i > 0; --i) {
            const int length = 9 + static_cast<int>(below(random, 16));
            const auto bits = static_cast<std::uint32_t>(below(random, 1u << (length - 8)));
            taken.push_back({.address = (10u << 24) | bits << (32 - length), .length = length});
        }
        const auto free = first_free(outer, 16, taken);
        if (!free) continue;
        EXPECT_TRUE(outer.contains(*free));
        for (const Cidr& range : taken) EXPECT_FALSE(range.overlaps(*free)) << seed;
    }
    EXPECT_EQ(first_free(outer, 16, {*parse_cidr("10.0.0.0/16")})->to_string(), "10.1.0.0/16");
    EXPECT_FALSE(first_free(outer, 16, {outer}));
}

TEST(EntityJson, clusters_come_back_equal) {
    SeededRandom random(5);
    for (int i = 0; i < 100; ++i) {
        Cluster cluster;
        cluster.id = ClusterId("c-" + random_word(random, 8));
        cluster.organisation = OrganisationId("o-1");
        cluster.spec = random_spec(random);
        cluster.wanted = static_cast<Wanted>(below(random, 3));
        cluster.phase = static_cast<Phase>(below(random, 9));
        cluster.generation = static_cast<std::int64_t>(below(random, 1000));
        if (chance(random, 0.5))
            cluster.problem = Error{.kind = ErrorKind::quota_exceeded, .code = "q", .message = "m"};
        cluster.created_at = Timestamp(Milliseconds(below(random, 1u << 30)));
        if (chance(random, 0.5)) cluster.started_at = cluster.created_at;
        cluster.network.subnet_cidr = "10.0.0.0/24";
        cluster.access.url = "https://198.18.0.10/";
        const auto back = cluster_from_json(to_json(cluster));
        ASSERT_TRUE(back) << back.error().message;
        EXPECT_EQ(*back, cluster);
    }
}

TEST(EntityJson, nodes_and_resources_come_back_equal) {
    Node node;
    node.id = NodeId("demo-head");
    node.is_head = true;
    node.phase = NodePhase::joining;
    node.group.spot = SpotSpec{.max_price_percent = 70, .fall_back_on_demand = false};
    node.max_spot_price = 0.07125;
    node.drain_deadline = Timestamp(Milliseconds(5));
    node.enrolment = {.token_hash = "ab", .expires_at = Timestamp(Milliseconds(9)), .closed = true};
    node.seen.workload_state = "idle";
    node.seen.failure = Error{.code = "x"};
    EXPECT_EQ(node_from_json(to_json(node)), node);

    Resource resource;
    resource.name = {ResourceKind::machine, "lab", "", "demo-head"};
    resource.operation = PendingOperation{.verb = PendingOperation::Verb::stop, .url = "u"};
    resource.missing_since = Timestamp(Milliseconds(7));
    EXPECT_EQ(resource_from_json(to_json(resource)), resource);
}

TEST(EntityJson, malformed_documents_are_internal_errors_that_name_the_member) {
    EXPECT_EQ(cluster_from_json("[]").error().kind, ErrorKind::internal);
    EXPECT_NE(node_from_json(R"({"ordinal": "x"})").error().message.find("ordinal"),
              std::string::npos);
    EXPECT_NE(resource_from_json(R"({"kind": "zeppelin"})").error().message.find("kind"),
              std::string::npos);
}

}  // namespace
}  // namespace hopyard::model
