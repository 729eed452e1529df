#include "decide/preflight/preflight.h"

#include <gtest/gtest.h>

namespace hopyard::decide {
namespace {

model::ClusterSpec good_spec() {
    model::ClusterSpec spec;
    spec.name = "demo";
    spec.resource_group = "lab";
    spec.head.instance_type = "Small";
    spec.workers = {{.key = {.instance_type = "Small"}, .count = 2}};
    spec.storage.account = "store";
    spec.ssh_key = "ops";
    spec.identity = "nodes";
    spec.port_sources = {"10.0.0.0/8"};
    return spec;
}

Facts good_facts() {
    const cloud::Permission everything{.actions = {"*"}, .data_actions = {"*"}};
    return Facts{
        .groups = std::vector<cloud::ResourceGroup>{{.name = "lab", .location = "here"}},
        .sizes = std::vector<cloud::Size>{{.name = "Small", .family = "fam", .vcpus = 2},
                                          {.name = "Gone", .unavailable = "not for you"}},
        .usages = std::vector<cloud::Usage>{{.name = "cores", .used = 1, .limit = 7},
                                            {.name = "FAM", .used = 0, .limit = 100}},
        .ssh_keys =
            std::vector<cloud::SshKey>{{.name = "ops", .public_key = "ssh-ed25519 AAAA ops"}},
        .identities = std::vector<cloud::Identity>{{.name = "nodes"}},
        .accounts = std::vector<cloud::StorageAccount>{{.name = "store"}},
        .networks =
            std::vector<cloud::Network>{{.name = "old",
                                         .location = "here",
                                         .cidrs = {"10.0.0.0/16"},
                                         .subnets = {{.name = "one", .cidr = "10.0.0.0/24"}}}},
        .security_groups = std::vector<cloud::SecurityGroup>{},
        .own_permissions = std::vector<cloud::Permission>{everything},
        .identity_permissions = std::vector<cloud::Permission>{everything},
        .container = cloud::ContainerFacts{},
        .needed = {.always = {{"A/write", "make it"}},
                   .for_network = {{"N/write", "make the network"}},
                   .for_public_address = {{"P/write", "make the address"}},
                   .identity_data = {{"B/read", "read blobs"}}},
        .container_owner = "i/c"};
}

std::vector<std::string> blocking(const Preflight& preflight) {
    std::vector<std::string> codes;
    for (const Finding& finding : preflight.findings) {
        if (finding.weight != Weight::blocking) continue;
        EXPECT_FALSE(finding.error.next_action.empty()) << finding.error.code;
        codes.push_back(finding.error.field + " " + finding.error.code);
    }
    return codes;
}

TEST(Preflight, the_cost_is_the_sum_of_the_machines_or_nothing) {
    Facts facts = good_facts();
    EXPECT_FALSE(weigh(good_spec(), facts).cost);
    facts.sizes->front().price = {.per_hour = 0.5, .currency = "USD"};
    const auto cost = weigh(good_spec(), facts).cost;
    ASSERT_TRUE(cost);
    EXPECT_DOUBLE_EQ(cost->head_per_hour, 0.5);
    EXPECT_DOUBLE_EQ(cost->workers_per_hour, 1.0);
    EXPECT_DOUBLE_EQ(cost->per_month(), 1.5 * 730);
    EXPECT_EQ(cost->of.currency, "USD");
    model::ClusterSpec with_spot = good_spec();
    with_spot.workers[0].key.spot = model::SpotSpec{};
    EXPECT_FALSE(weigh(with_spot, facts).cost) << "what they cost is not known";
}

TEST(Preflight, a_good_cluster_passes_and_has_its_defaults) {
    const Preflight preflight = weigh(good_spec(), good_facts());
    EXPECT_TRUE(blocking(preflight).empty());
    EXPECT_FALSE(preflight.refused());
    EXPECT_EQ(preflight.spec.location, "here");
    EXPECT_EQ(preflight.spec.network.virtual_network_cidr, "10.1.0.0/16");
    EXPECT_EQ(preflight.spec.network.subnet_cidr, "10.1.0.0/24");
    EXPECT_EQ(preflight.spec.storage.container, "hopyard-<id>");
    int machines = 0;
    for (const auto& resource : preflight.resources) machines += resource.kind == "machine";
    EXPECT_EQ(machines, 3);
}

struct Case {
    const char* what;
    std::function<void(model::ClusterSpec&, Facts&)> change;
    const char* finding;
};

TEST(Preflight, every_bad_request_is_refused_with_its_field) {
    using Spec = model::ClusterSpec;
    const Case cases[] = {
        {"name taken", [](Spec&, Facts& f) { f.name_taken = true; }, "/name name_taken"},
        {"group", [](Spec& s, Facts&) { s.resource_group = "x"; }, "/resourceGroup no_such_group"},
        {"size",
         [](Spec& s, Facts&) { s.head.instance_type = "x"; },
         "/head/instanceType no_such_size"},
        {"worker size",
         [](Spec& s, Facts&) { s.workers[0].key.instance_type = "x"; },
         "/workers/0/instanceType no_such_size"},
        {"size gone",
         [](Spec& s, Facts&) { s.head.instance_type = "Gone"; },
         "/head/instanceType size_unavailable"},
        {"quota", [](Spec& s, Facts&) { s.workers[0].count = 3; }, "/workers quota_exceeded"},
        {"quota of machines",
         [](Spec&, Facts& f) {
             f.usages->push_back({.name = "virtualMachines", .used = 98, .limit = 100});
         },
         "/workers quota_exceeded"},
        {"quota of memory",
         [](Spec&, Facts& f) {
             f.sizes->front().counted_memory_mb = 1024;
             f.usages->push_back({.name = "localMemoryMB", .used = 1, .limit = 3 * 1024});
         },
         "/workers quota_exceeded"},
        {"account",
         [](Spec& s, Facts&) { s.storage.account = "x"; },
         "/storage/account no_such_account"},
        {"container full",
         [](Spec&, Facts& f) {
             f.container = cloud::ContainerFacts{.exists = true, .empty = false};
         },
         "/storage/container container_not_empty"},
        {"container claimed",
         [](Spec&, Facts& f) {
             f.container = cloud::ContainerFacts{.exists = true, .claimed_by = "i/d"};
         },
         "/storage/container container_claimed"},
        {"key", [](Spec& s, Facts&) { s.ssh_key = "x"; }, "/sshKey no_such_key"},
        {"identity", [](Spec& s, Facts&) { s.identity = "x"; }, "/identity no_such_identity"},
        {"identity rights",
         [](Spec&, Facts& f) { f.identity_permissions = std::vector<cloud::Permission>{}; },
         "/identity identity_without_rights"},
        {"own rights",
         [](Spec&, Facts& f) {
             f.own_permissions =
                 std::vector<cloud::Permission>{{.actions = {"*"}, .not_actions = {"p/*"}}};
         },
         "/resourceGroup permission_missing"},
        {"overlap",
         [](Spec& s, Facts&) { s.network.virtual_network_cidr = "10.0.0.0/12"; },
         "/network/virtualNetworkCidr range_overlaps"},
        {"network",
         [](Spec& s, Facts&) { s.network.virtual_network = "x"; },
         "/network/virtualNetwork no_such_network"},
        {"subnet",
         [](Spec& s, Facts&) {
             s.network.virtual_network = "old";
             s.network.subnet = "x";
         },
         "/network/subnet no_such_subnet"},
        {"subnet outside",
         [](Spec& s, Facts&) {
             s.network.virtual_network = "old";
             s.network.subnet_cidr = "10.9.0.0/24";
         },
         "/network/subnetCidr subnet_outside_network"},
        {"group of rules",
         [](Spec& s, Facts&) { s.network.security_group = "x"; },
         "/network/securityGroup no_such_security_group"},
    };
    for (const Case& bad : cases) {
        model::ClusterSpec spec = good_spec();
        Facts facts = good_facts();
        bad.change(spec, facts);
        const Preflight preflight = weigh(spec, facts);
        EXPECT_EQ(blocking(preflight), std::vector<std::string>{bad.finding}) << bad.what;
        EXPECT_TRUE(preflight.refused());
    }
}

std::vector<std::string> warned(const Preflight& preflight) {
    std::vector<std::string> codes;
    for (const Finding& finding : preflight.findings)
        if (finding.weight == Weight::warning)
            codes.push_back(finding.error.field + " " + finding.error.code);
    return codes;
}

/// Minimum 1 and maximum 2 of workers with 2 cores: 7 cores less the head and what is in use.
model::ClusterSpec autoscaled_spec() {
    model::ClusterSpec spec = good_spec();
    spec.workers.clear();
    spec.autoscale.emplace().general = {
        .instance_type = "Small", .min_workers = 1, .max_workers = 2};
    return spec;
}

Facts facts_with_gpus() {
    Facts facts = good_facts();
    facts.sizes->push_back({.name = "Gpu", .family = "gpu", .vcpus = 2, .gpus = 1});
    return facts;
}

TEST(Preflight, the_minimum_of_the_autoscaler_is_planned_paid_and_counted) {
    Facts facts = good_facts();
    facts.sizes->front().price = {.per_hour = 0.5, .currency = "USD"};
    const Preflight preflight = weigh(autoscaled_spec(), facts);
    EXPECT_TRUE(blocking(preflight).empty());
    EXPECT_TRUE(warned(preflight).empty());
    ASSERT_TRUE(preflight.cost);
    EXPECT_DOUBLE_EQ(preflight.cost->workers_per_hour, 0.5);
    int machines = 0;
    for (const auto& resource : preflight.resources) machines += resource.kind == "machine";
    EXPECT_EQ(machines, 2);
    EXPECT_EQ(preflight.quotas.front().needed, 4);
}

TEST(Preflight, a_quota_too_small_for_the_minimum_blocks_and_for_the_maximum_warns) {
    model::ClusterSpec spec = autoscaled_spec();
    spec.autoscale->general.max_workers = 3;
    Preflight preflight = weigh(spec, good_facts());
    EXPECT_FALSE(preflight.refused());
    EXPECT_EQ(warned(preflight),
              std::vector<std::string>{"/autoscale/general/maxWorkers quota_below_maximum"});
    spec.autoscale->general.min_workers = 3;
    preflight = weigh(spec, good_facts());
    EXPECT_EQ(blocking(preflight),
              std::vector<std::string>{"/autoscale/general/minWorkers quota_exceeded"});
    EXPECT_TRUE(warned(preflight).empty());
}

TEST(Preflight, spot_machines_are_weighed_against_the_quota_of_spot_machines_alone) {
    model::ClusterSpec spec = autoscaled_spec();
    spec.autoscale->general.spot = model::SpotSpec{.fall_back_on_demand = false};
    spec.autoscale->general.min_workers = 3;
    spec.autoscale->general.max_workers = 5;
    Facts facts = good_facts();
    facts.usages->push_back({.name = "lowPriorityCores", .used = 0, .limit = 5});
    EXPECT_EQ(blocking(weigh(spec, facts)),
              std::vector<std::string>{"/autoscale/general/minWorkers quota_exceeded"});
    facts.usages->back().limit = 9;
    Preflight preflight = weigh(spec, facts);
    EXPECT_TRUE(blocking(preflight).empty()) << "of the others there are too few";
    EXPECT_EQ(warned(preflight),
              std::vector<std::string>{"/autoscale/general/maxWorkers quota_below_maximum"});
    facts.usages->back().limit = 0;
    spec.autoscale->general.spot->fall_back_on_demand = true;
    preflight = weigh(spec, facts);
    EXPECT_TRUE(blocking(preflight).empty()) << "the cloud says of which it has some";
    EXPECT_TRUE(warned(preflight).empty());
}

TEST(Preflight, a_standby_shape_must_fit_on_a_worker) {
    model::ClusterSpec spec = autoscaled_spec();
    spec.autoscale->general.standby_shape = model::StandbyShape{.each = {.cpus = 2}};
    EXPECT_TRUE(blocking(weigh(spec, good_facts())).empty());
    spec.autoscale->general.standby_shape->each.cpus = 3;
    EXPECT_EQ(blocking(weigh(spec, good_facts())),
              std::vector<std::string>{"/autoscale/general/standbyShape standby_shape_too_large"});
}

TEST(Preflight, types_of_the_autoscaler_must_exist_and_have_the_gpus_of_their_group) {
    model::ClusterSpec spec = autoscaled_spec();
    spec.autoscale->general.fallback_types = {"x"};
    spec.autoscale->gpu = model::ScaleSpec{.instance_type = "Gone"};
    EXPECT_EQ(blocking(weigh(spec, facts_with_gpus())),
              (std::vector<std::string>{"/autoscale/general/fallbackTypes/0 no_such_size",
                                        "/autoscale/gpu/instanceType size_unavailable",
                                        "/autoscale/gpu/instanceType type_without_gpu"}));
    spec = autoscaled_spec();
    spec.autoscale->gpu = model::ScaleSpec{.instance_type = "Gpu", .max_workers = 1};
    EXPECT_TRUE(blocking(weigh(spec, facts_with_gpus())).empty());
    spec.autoscale->gpu.reset();
    spec.autoscale->general.instance_type = "Gpu";
    EXPECT_EQ(warned(weigh(spec, facts_with_gpus())),
              std::vector<std::string>{"/autoscale/general/instanceType type_with_gpu"});
}

TEST(Preflight, our_own_claim_on_the_container_is_no_obstacle) {
    Facts facts = good_facts();
    facts.container = cloud::ContainerFacts{.exists = true, .claimed_by = "i/c"};
    EXPECT_FALSE(weigh(good_spec(), facts).refused());
}

TEST(Preflight, a_new_subnet_of_an_existing_network_takes_the_first_free_range) {
    model::ClusterSpec spec = good_spec();
    spec.network.virtual_network = "old";
    const Preflight preflight = weigh(spec, good_facts());
    EXPECT_FALSE(preflight.refused());
    EXPECT_EQ(preflight.spec.network.subnet_cidr, "10.0.1.0/24");
}

TEST(Preflight, a_fact_that_could_not_be_read_is_unchecked_and_never_fine) {
    const Failure lost = fail(ErrorKind::unavailable, "cloud_unreachable", "no answer");
    Facts facts{.groups = lost,
                .sizes = lost,
                .usages = lost,
                .ssh_keys = lost,
                .identities = lost,
                .accounts = lost,
                .networks = lost,
                .security_groups = lost,
                .own_permissions = lost,
                .identity_permissions = lost,
                .container = lost};
    const Preflight preflight = weigh(good_spec(), facts);
    int unchecked = 0;
    for (const Finding& finding : preflight.findings)
        unchecked += finding.weight == Weight::unchecked;
    EXPECT_EQ(unchecked, 7);
    EXPECT_FALSE(preflight.refused());
}

TEST(Preflight, a_closed_security_group_is_refused_and_an_open_one_is_not) {
    model::ClusterSpec spec = good_spec();
    spec.network.security_group = "mine";
    const auto with_rules = [&](std::vector<cloud::SecurityRule> rules) {
        Facts facts = good_facts();
        facts.security_groups =
            std::vector<cloud::SecurityGroup>{{.name = "mine", .rules = std::move(rules)}};
        return weigh(spec, facts).refused();
    };
    const cloud::SecurityRule open{.priority = 200, .ports = {"400-500"}};
    const cloud::SecurityRule inside{
        .priority = 300, .protocol = "*", .sources = {"VirtualNetwork"}};
    const cloud::SecurityRule deny{.priority = 100, .allow = false, .protocol = "*"};
    EXPECT_FALSE(with_rules({open}));
    EXPECT_TRUE(with_rules({inside}));
    EXPECT_TRUE(with_rules({open, deny}));
    EXPECT_TRUE(with_rules({}));
}

}  // namespace
}  // namespace hopyard::decide
