#include <gtest/gtest.h>

#include "control/secrets.h"
#include "control/test_subscription.h"

namespace hopyard::control {
namespace {

TEST(Create, stores_everything_the_loops_need_and_wakes_them) {
    Desk desk;
    const auto outcome = desk.commands.create(desk.caller, good_spec());
    ASSERT_TRUE(outcome);
    const model::Cluster cluster = desk.cluster(outcome->id);
    EXPECT_EQ(cluster.phase, model::Phase::pending);
    EXPECT_EQ(cluster.wanted, model::Wanted::running);
    EXPECT_EQ(cluster.organisation, desk.caller.organisation);
    EXPECT_EQ(cluster.created_at, desk.clock.now());
    EXPECT_EQ(cluster.spec.location, "north");
    EXPECT_EQ(cluster.ssh_public_key, "ssh-ed25519 AAAA ops");
    EXPECT_EQ(cluster.identity_id, "/id/nodes");
    ASSERT_TRUE(cluster.types.contains("Small"));
    EXPECT_EQ(cluster.types.at("Small").memory_mb, 4096);
    EXPECT_EQ(cluster.container, "hopyard-" + cluster.id.value);
    EXPECT_EQ(cluster.spec.storage.container, cluster.container);
    EXPECT_FALSE(cluster.container_claimed);
    const std::string stem = "demo-" + cluster.id.value.substr(2);
    EXPECT_EQ(cluster.network.virtual_network, stem + "-net");
    EXPECT_EQ(cluster.network.subnet, stem + "-subnet");
    EXPECT_EQ(cluster.network.security_group, stem + "-nsg");
    EXPECT_EQ(cluster.network.virtual_network_cidr, "10.1.0.0/16");
    EXPECT_EQ(cluster.spec.network.virtual_network, "") << "it is still ours to make";
    EXPECT_EQ(cluster.access.user, "hopyard");
    EXPECT_EQ(desk.wake.count, 1);
    EXPECT_TRUE(desk.subscription.containers.empty()) << "the loops claim the container";
}

TEST(Create, makes_the_secrets_of_the_cluster) {
    Desk desk;
    const model::Cluster cluster = desk.made();
    EXPECT_EQ(desk.secret(workload_key_secret(cluster.id))->reveal().size(), 128u);
    const auto password = desk.commands.first_password(desk.caller, cluster.id);
    ASSERT_TRUE(password);
    EXPECT_GE(password->reveal().size(), 20u);
    model::ClusterSpec other = good_spec();
    other.name = "other";
    const auto second = desk.commands.first_password(desk.caller, desk.made(other).id);
    EXPECT_NE(second->reveal(), password->reveal());
}

TEST(Create, says_in_the_activity_who_asked_for_what) {
    Desk desk;
    const model::Cluster cluster = desk.made();
    const auto entries = desk.activity();
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].code, "create_accepted");
    EXPECT_EQ(entries[0].actor, "ann");
    EXPECT_EQ(entries[0].cluster, cluster.id);
    EXPECT_NE(entries[0].message.find("2 x Small"), std::string::npos) << entries[0].message;
}

TEST(Create, warns_in_the_activity_of_what_it_lets_pass) {
    Desk desk;
    desk.subscription.unreadable = {"usages"};
    model::ClusterSpec spec = good_spec();
    spec.port_sources.clear();
    ASSERT_TRUE(desk.commands.create(desk.caller, spec));
    std::set<std::string> codes;
    for (const auto& entry : desk.activity())
        if (entry.severity == model::Severity::warning) codes.insert(entry.code);
    EXPECT_EQ(codes, (std::set<std::string>{"open_to_everybody", "cloud_unreachable"}));
}

struct BadCase {
    const char* what;
    std::function<void(model::ClusterSpec&, Desk&)> spoil;
    const char* field;
    const char* code;
    ErrorKind kind = ErrorKind::invalid_argument;
};

const cloud::ContainerName data{.account = "store", .container = "data"};

const std::vector<BadCase>& bad_cases() {
    using Spec = model::ClusterSpec;
    static const std::vector<BadCase> cases = {
        {"name malformed", [](Spec& s, Desk&) { s.name = "Demo_1"; }, "/name", "name_malformed"},
        {"name empty", [](Spec& s, Desk&) { s.name = ""; }, "/name", "name_malformed"},
        {"unknown size",
         [](Spec& s, Desk&) { s.head.instance_type = "Huge"; },
         "/head/instanceType",
         "no_such_size"},
        {"unknown size of a worker",
         [](Spec& s, Desk&) { s.workers[0].key.instance_type = "Huge"; },
         "/workers/0/instanceType",
         "no_such_size"},
        {"size that cannot be had",
         [](Spec& s, Desk&) { s.workers[0].key.instance_type = "Gone"; },
         "/workers/0/instanceType",
         "size_unavailable"},
        {"unknown location",
         [](Spec& s, Desk&) { s.location = "nowhere"; },
         "/location",
         "no_such_location"},
        {"unknown group",
         [](Spec& s, Desk&) { s.resource_group = "attic"; },
         "/resourceGroup",
         "no_such_group"},
        {"unknown key", [](Spec& s, Desk&) { s.ssh_key = "lost"; }, "/sshKey", "no_such_key"},
        {"unknown identity",
         [](Spec& s, Desk&) { s.identity = "nobody"; },
         "/identity",
         "no_such_identity"},
        {"unknown account",
         [](Spec& s, Desk&) { s.storage.account = "cellar"; },
         "/storage/account",
         "no_such_account"},
        {"identity without rights",
         [](Spec& s, Desk&) { s.identity = "powerless"; },
         "/identity",
         "identity_without_rights",
         ErrorKind::permission_denied},
        {"container not empty",
         [](Spec& s, Desk& d) {
             s.storage.container = "data";
             d.subscription.containers[data]["old.csv"] = "1,2";
         },
         "/storage/container",
         "container_not_empty"},
        {"container claimed",
         [](Spec& s, Desk& d) {
             s.storage.container = "data";
             (void)d.subscription.claim(data, "inst/c-other");
         },
         "/storage/container",
         "container_claimed"},
        {"count negative",
         [](Spec& s, Desk&) { s.workers[0].count = -1; },
         "/workers/0/count",
         "worker_count"},
        {"count beyond quota",
         [](Spec& s, Desk&) { s.workers[0].count = 15; },
         "/workers",
         "quota_exceeded",
         ErrorKind::quota_exceeded},
        {"disk too small", [](Spec& s, Desk&) { s.head.disk_gb = 1; }, "/head/diskGb", "disk_size"},
        {"subnet outside the network",
         [](Spec& s, Desk&) {
             s.network.virtual_network_cidr = "10.5.0.0/16";
             s.network.subnet_cidr = "10.6.0.0/24";
         },
         "/network/subnetCidr",
         "subnet_outside_network"},
        {"subnet outside the user's network",
         [](Spec& s, Desk&) {
             s.network.virtual_network = "office";
             s.network.subnet_cidr = "10.6.0.0/24";
         },
         "/network/subnetCidr",
         "subnet_outside_network"},
        {"ranges overlapping another network",
         [](Spec& s, Desk&) { s.network.virtual_network_cidr = "10.0.0.0/12"; },
         "/network/virtualNetworkCidr",
         "range_overlaps"},
        {"range of another subnet",
         [](Spec& s, Desk&) {
             s.network.virtual_network = "office";
             s.network.subnet_cidr = "10.0.1.128/25";
         },
         "/network/subnetCidr",
         "range_overlaps"},
        {"security group that is shut",
         [](Spec& s, Desk&) { s.network.security_group = "shut"; },
         "/network/securityGroup",
         "security_group_closed"},
        {"init script without shebang",
         [](Spec& s, Desk&) { s.init_script.text = "echo hello\n"; },
         "/initScript/text",
         "shebang_missing"},
        {"we lack a right",
         [](Spec&, Desk& d) {
             d.subscription.own = {{.actions = {"*"}, .not_actions = {"Networks/*"}}};
         },
         "/resourceGroup",
         "permission_missing",
         ErrorKind::permission_denied},
    };
    return cases;
}

TEST(Create, refuses_every_bad_request_with_field_rule_and_remedy_and_makes_nothing) {
    for (const BadCase& bad : bad_cases()) {
        SCOPED_TRACE(bad.what);
        Desk desk;
        model::ClusterSpec spec = good_spec();
        bad.spoil(spec, desk);
        const auto before = desk.subscription.containers;
        const auto outcome = desk.commands.create(desk.caller, spec);
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().field, bad.field);
        EXPECT_EQ(outcome.error().code, bad.code);
        EXPECT_EQ(outcome.error().kind, bad.kind);
        EXPECT_FALSE(outcome.error().message.empty());
        EXPECT_FALSE(outcome.error().next_action.empty());
        EXPECT_TRUE(desk.clusters().empty());
        EXPECT_TRUE(desk.activity().empty());
        EXPECT_EQ(desk.subscription.containers, before);
        EXPECT_EQ(desk.wake.count, 0);
    }
}

TEST(DryRun, shows_what_create_would_refuse) {
    for (const BadCase& bad : bad_cases()) {
        SCOPED_TRACE(bad.what);
        Desk desk;
        model::ClusterSpec spec = good_spec();
        bad.spoil(spec, desk);
        const auto preflight = desk.commands.dry_run(desk.caller, spec);
        ASSERT_TRUE(preflight);
        EXPECT_TRUE(preflight->refused());
        EXPECT_TRUE(std::any_of(
            preflight->findings.begin(), preflight->findings.end(), [&](const auto& finding) {
                return finding.weight == decide::Weight::blocking &&
                       finding.error.code == bad.code && finding.error.field == bad.field;
            }));
    }
}

TEST(DryRun, changes_nothing) {
    Desk desk;
    const auto preflight = desk.commands.dry_run(desk.caller, good_spec());
    ASSERT_TRUE(preflight);
    EXPECT_FALSE(preflight->refused());
    EXPECT_FALSE(preflight->resources.empty());
    EXPECT_TRUE(desk.clusters().empty());
    EXPECT_TRUE(desk.activity().empty());
    EXPECT_EQ(desk.wake.count, 0);
}

TEST(Create, refuses_a_name_that_is_taken) {
    Desk desk;
    const model::Cluster first = desk.made();
    const auto second = desk.commands.create(desk.caller, good_spec());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, "name_taken");
    EXPECT_EQ(second.error().field, "/name");
    EXPECT_FALSE(second.error().next_action.empty());
    EXPECT_EQ(desk.clusters().size(), 1u);
    EXPECT_EQ(desk.cluster(first.id), first);
}

TEST(Create, lets_another_organisation_use_the_name) {
    Desk desk;
    desk.made();
    Caller other = desk.caller;
    other.organisation = OrganisationId("another");
    EXPECT_TRUE(desk.commands.create(other, good_spec()));
}

TEST(Create, of_two_requests_at_once_one_gets_the_name) {
    Desk desk;
    // The other request commits after ours looked at the names, while ours asks the cloud.
    desk.options.run_all = [&, asked = false](std::vector<std::function<void()>> reads) mutable {
        for (const auto& read : reads) read();
        if (!std::exchange(asked, true)) desk.made();
    };
    Commands ours(desk.store, desk.clouds, desk.wake, desk.clock, desk.random, desk.options);
    const auto outcome = ours.create(desk.caller, good_spec());
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, "name_taken");
    EXPECT_EQ(outcome.error().field, "/name");
    EXPECT_EQ(desk.clusters().size(), 1u);
    EXPECT_EQ(desk.activity().size(), 1u);
    EXPECT_EQ(desk.wake.count, 1);
}

TEST(Create, is_the_same_in_whatever_order_the_cloud_answers) {
    Desk in_line;
    const model::Cluster expected = in_line.made();
    Desk desk;
    int rounds = 0;
    desk.options.run_all = [&](std::vector<std::function<void()>> reads) {
        ++rounds;
        for (auto read = reads.rbegin(); read != reads.rend(); ++read) (*read)();
    };
    Commands backwards(desk.store, desk.clouds, desk.wake, desk.clock, desk.random, desk.options);
    const auto outcome = backwards.create(desk.caller, good_spec());
    ASSERT_TRUE(outcome);
    EXPECT_EQ(desk.cluster(outcome->id), expected);
    EXPECT_EQ(rounds, 2);
}

TEST(Create, is_refused_while_what_it_stores_cannot_be_read) {
    const std::pair<const char*, const char*> needed[] = {{"groups", "/resourceGroup"},
                                                          {"ssh_keys", "/sshKey"},
                                                          {"identities", "/identity"},
                                                          {"sizes", "/head/instanceType"},
                                                          {"networks", "/network/virtualNetwork"}};
    for (const auto& [fact, field] : needed) {
        SCOPED_TRACE(fact);
        Desk desk;
        desk.subscription.unreadable = {fact};
        const auto outcome = desk.commands.create(desk.caller, good_spec());
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, "fact_unread");
        EXPECT_EQ(outcome.error().field, field);
        EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable);
        EXPECT_TRUE(desk.clusters().empty());
    }
}

TEST(Create, takes_the_security_group_network_and_container_of_the_user) {
    Desk desk;
    model::ClusterSpec spec = good_spec();
    spec.network = {.virtual_network = "office", .subnet = "desks", .security_group = "open"};
    spec.storage.container = "data";
    desk.subscription.containers[data];
    const model::Cluster cluster = desk.made(spec);
    EXPECT_EQ(cluster.network.virtual_network, "office");
    EXPECT_EQ(cluster.network.subnet, "desks");
    EXPECT_EQ(cluster.network.security_group, "open");
    EXPECT_EQ(cluster.container, "data");
}

TEST(Create, refuses_the_container_of_a_cluster_that_has_not_claimed_it_yet) {
    Desk desk;
    model::ClusterSpec spec = good_spec();
    spec.storage.container = "data";
    desk.made(spec);
    spec.name = "second";
    const auto outcome = desk.commands.create(desk.caller, spec);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, "container_claimed");
    EXPECT_EQ(outcome.error().field, "/storage/container");
    EXPECT_EQ(desk.clusters().size(), 1u);
    EXPECT_EQ(desk.activity().size(), 1u);
}

TEST(Create, that_dies_before_it_is_stored_leaves_nothing) {
    bool dies = true;
    const auto store = store::open_memory([&] {
        if (dies) throw std::runtime_error("crash");
    });
    Desk desk;
    Commands commands(*store, desk.clouds, desk.wake, desk.clock, desk.random, desk.options);
    EXPECT_THROW((void)commands.create(desk.caller, good_spec()), std::runtime_error);
    EXPECT_EQ(desk.wake.count, 0);
    EXPECT_TRUE(desk.subscription.containers.empty());
    dies = false;
    EXPECT_TRUE(commands.create(desk.caller, good_spec())) << "the name is still free";
}

}  // namespace
}  // namespace hopyard::control
