#include "control/orders.h"

#include <gtest/gtest.h>

#include "control/secrets.h"

namespace hopyard::control {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using State = nodewire::Member::State;

Node node_of(const char* name, int ordinal) {
    Node node{.id = NodeId(name),
              .cluster = ClusterId("c-1"),
              .is_head = ordinal == 0,
              .group = {.instance_type = "Small"},
              .ordinal = ordinal,
              .phase = NodePhase::ready,
              .private_ip = "10.1.0." + std::to_string(4 + ordinal),
              .vcpus = 2,
              .memory_mb = 4096};
    node.seen.last_report_at = Timestamp(Seconds(100));
    node.seen.boot_id = "boot-1";
    return node;
}

/// A running cluster of one head and two workers, with all its secrets.
struct Ground {
    model::Cluster cluster{.id = ClusterId("c-1"),
                           .spec = {.name = "demo"},
                           .access = {.user = "hopyard", .head_private_ip = "10.1.0.4"},
                           .ssh_public_key = "ssh-ed25519 AAAA ops",
                           .types = {{"Small", {.vcpus = 2, .memory_mb = 4096}}}};
    std::vector<Node> nodes = {node_of("h", 0), node_of("w1", 1), node_of("w2", 2)};
    OrderSecrets secrets{.workload_key = Secret("shared"),
                         .password_hash = "$6$hash",
                         .storage_grant = Secret("https://acct.blob.local:444/data?sig=s"),
                         .page_certificate_pem = Secret("page"),
                         .page_key_pem = Secret("key")};
    SessionOptions options;
    GivenRevisions given;

    nodewire::Orders compose() const {
        return compose_orders(cluster, nodes, nodes.front(), secrets, options);
    }
    nodewire::Orders number() {
        nodewire::Orders orders = compose();
        number_orders(orders, nodes, given);
        return orders;
    }
};

TEST(Orders, drain_who_is_drained_by_somebody_or_waits_for_its_restart) {
    Ground ground;
    Node& worker = ground.nodes[1];
    const auto member = [&] { return ground.compose().members.at(1); };
    EXPECT_EQ(member().state, State::member);
    worker.drain_number = 3;
    EXPECT_EQ(member().drain, 0) << "who works is in no drain";
    worker.drain_wanted = true;
    EXPECT_EQ(member().state, State::draining);
    EXPECT_EQ(member().drain, 3);
    worker.drain_wanted = false;
    worker.restart_wanted = true;
    EXPECT_EQ(member().state, State::draining);
    worker.left_boot_id = worker.seen.boot_id;
    EXPECT_EQ(member().state, State::absent) << "it restarts";
    worker.seen.boot_id = "boot-2";
    worker.restart_wanted = false;
    worker.drain_wanted = true;
    EXPECT_EQ(member().state, State::draining) << "a drain lasts over restarts";
}

TEST(Orders, of_another_drain_are_other_orders) {
    Ground ground;
    ground.nodes[1].drain_wanted = true;
    const std::int64_t before = ground.number().revision;
    EXPECT_EQ(ground.number().revision, before);
    ++ground.nodes[1].drain_number;
    EXPECT_EQ(ground.number().revision, before + 1);
}

TEST(Orders, tell_a_head_everything_it_should_be) {
    Ground ground;
    ground.cluster.spec.init_script = {.text = "#!/bin/sh\n", .run_first = true};
    const nodewire::Orders orders = ground.compose();
    EXPECT_EQ(orders.cluster, "c-1");
    EXPECT_EQ(orders.cluster_name, "demo");
    EXPECT_EQ(orders.node, "h");
    EXPECT_TRUE(orders.is_head);
    EXPECT_EQ(orders.workload_key.reveal(), "shared");
    EXPECT_EQ(orders.head_address, "10.1.0.4");
    EXPECT_TRUE(orders.init_script);
    EXPECT_TRUE(orders.init_script_first);
    EXPECT_EQ(orders.page_certificate_pem.reveal(), "page");
    EXPECT_EQ(orders.page_key_pem.reveal(), "key");
    ASSERT_EQ(orders.users.size(), 1u);
    EXPECT_EQ(orders.users[0].name, "hopyard");
    EXPECT_TRUE(orders.users[0].administrator);
    EXPECT_EQ(orders.users[0].password_hash, "$6$hash");
    EXPECT_EQ(orders.users[0].ssh_keys, std::vector<std::string>{"ssh-ed25519 AAAA ops"});
    ASSERT_EQ(orders.members.size(), 3u);
    EXPECT_TRUE(orders.members[0].is_head);
    EXPECT_EQ(orders.members[2].name, "w2");
    EXPECT_EQ(orders.members[2].address, "10.1.0.6");
    EXPECT_EQ(orders.members[2].memory_mb, 4096);
    EXPECT_EQ(orders.workers.size(), 2u);
}

TEST(Orders, give_a_worker_its_own_part_and_nothing_of_the_page) {
    const nodewire::Orders orders = Ground().compose();
    const nodewire::Orders& worker = orders.workers.at("w2");
    EXPECT_EQ(worker.node, "w2");
    EXPECT_FALSE(worker.is_head);
    EXPECT_EQ(worker.vcpus, 2);
    EXPECT_EQ(worker.workload_key.reveal(), "shared");
    EXPECT_EQ(worker.head_address, "10.1.0.4");
    EXPECT_EQ(worker.users.size(), 1u);
    EXPECT_TRUE(worker.storage);
    EXPECT_TRUE(worker.page_key_pem.empty());
    EXPECT_TRUE(worker.page_certificate_pem.empty());
    EXPECT_TRUE(worker.workers.empty());
    ASSERT_EQ(worker.members.size(), 2u);
    EXPECT_EQ(worker.members[0].name, "h");
    EXPECT_EQ(worker.members[1].name, "w2");
}

TEST(Orders, hand_over_the_right_on_the_container_once_there_is_one) {
    Ground ground;
    ground.options = {.blob_ca_pem = "ca"};
    const auto storage = ground.compose().storage;
    EXPECT_EQ(storage->sas_url.reveal(), "https://acct.blob.local:444/data?sig=s");
    EXPECT_EQ(storage->ca_pem, "ca");
    ground.secrets.storage_grant.reset();
    EXPECT_FALSE(ground.compose().storage) << "there is no right on the container yet";
}

TEST(Orders, hold_a_place_for_every_size_once) {
    Ground ground;
    ground.cluster.types = {{"Standard_D4s_v3", {.vcpus = 4, .memory_mb = 16'384}},
                            {"Standard_D4_v3", {.vcpus = 4, .memory_mb = 16'384}},
                            {"Standard_NC6", {.vcpus = 6, .memory_mb = 57'344, .gpus = 1}}};
    const auto places = ground.compose().placeholders;
    ASSERT_EQ(places.size(), 2u);
    EXPECT_EQ(places[0].name, "any-standard-d4-v3");
    EXPECT_EQ(places[0].state, State::expected);
    EXPECT_EQ(places[1].name, "any-standard-nc6");
    EXPECT_EQ(places[1].gpus, 1);
}

TEST(Member, state_follows_what_is_wanted_and_what_was_heard) {
    struct Case {
        const char* what;
        std::function<void(Node&)> change;
        State state;
    };
    const Case cases[] = {
        {"ready", [](Node&) {}, State::member},
        {"head", [](Node& n) { n.is_head = true; }, State::member},
        {"never heard",
         [](Node& n) { n.seen = {}, n.phase = NodePhase::booting; },
         State::expected},
        {"planned", [](Node& n) { n.seen = {}, n.phase = NodePhase::planned; }, State::expected},
        {"heard before the phase moved",
         [](Node& n) { n.phase = NodePhase::booting; },
         State::member},
        {"restarting",
         [](Node& n) { n.phase = NodePhase::booting, n.left_boot_id = "boot-1"; },
         State::absent},
        {"back from a restart", [](Node& n) { n.left_boot_id = "boot-0"; }, State::member},
        {"draining",
         [](Node& n) { n.wanted = NodeWanted::removed, n.phase = NodePhase::draining; },
         State::draining},
        {"removing",
         [](Node& n) { n.wanted = NodeWanted::removed, n.phase = NodePhase::removing; },
         State::absent},
        {"silent", [](Node& n) { n.seen.silent_since = Timestamp(Seconds(1)); }, State::member},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(each.what);
        Node node = node_of("w1", 1);
        each.change(node);
        EXPECT_EQ(member_of(node).state, each.state);
        EXPECT_EQ(member_of(node).reason.empty(), each.state == State::member);
    }
}

TEST(Revisions, stay_while_nothing_changes) {
    Ground ground;
    const nodewire::Orders first = ground.number();
    EXPECT_GE(first.revision, 1);
    EXPECT_GE(first.workers.at("w1").revision, 1);
    const nodewire::Orders second = ground.number();
    EXPECT_EQ(nodewire::to_json(first), nodewire::to_json(second));
}

TEST(Revisions, rise_with_every_change_of_any_part) {
    const std::pair<const char*, std::function<void(Ground&)>> changes[] = {
        {"workload key", [](Ground& g) { g.secrets.workload_key = Secret("other"); }},
        {"password", [](Ground& g) { g.secrets.password_hash = "$6$other"; }},
        {"grant", [](Ground& g) { g.secrets.storage_grant = Secret("https://x/y?z"); }},
        {"page", [](Ground& g) { g.secrets.page_certificate_pem = Secret("other"); }},
        {"page key", [](Ground& g) { g.secrets.page_key_pem = Secret("other"); }},
        {"key", [](Ground& g) { g.cluster.ssh_public_key = "other"; }},
        {"script", [](Ground& g) { g.cluster.spec.init_script.text = "#!"; }},
        {"size", [](Ground& g) { g.nodes[1].vcpus = 64; }},
        {"address", [](Ground& g) { g.nodes[2].private_ip = "10.1.0.99"; }},
        {"drain",
         [](Ground& g) {
             g.nodes[2].wanted = NodeWanted::removed;
             g.nodes[2].phase = NodePhase::draining;
         }},
        {"gone", [](Ground& g) { g.nodes.pop_back(); }},
        {"one more", [](Ground& g) { g.nodes.push_back(node_of("w3", 3)); }},
        {"new size", [](Ground& g) { g.cluster.types["Big"] = {.vcpus = 8}; }},
    };
    for (const auto& [what, change] : changes) {
        SCOPED_TRACE(what);
        Ground ground;
        const auto before = ground.number().revision;
        change(ground);
        const auto after = ground.number().revision;
        EXPECT_EQ(after, before + 1);
        EXPECT_EQ(ground.number().revision, after);
    }
}

TEST(Revisions, of_a_worker_do_not_care_for_other_workers) {
    Ground ground;
    const nodewire::Orders before = ground.number();
    ground.nodes[2].wanted = NodeWanted::removed;
    ground.nodes[2].phase = NodePhase::draining;
    ground.nodes.push_back(node_of("w3", 3));
    const nodewire::Orders after = ground.number();
    EXPECT_GT(after.revision, before.revision);
    EXPECT_EQ(after.workers.at("w1").revision, before.workers.at("w1").revision);
    EXPECT_EQ(nodewire::to_json(after.workers.at("w1")),
              nodewire::to_json(before.workers.at("w1")));
}

TEST(Revisions, go_on_where_they_stood_after_being_written_and_read) {
    Ground ground;
    ground.number();
    ground.nodes[1].vcpus = 64;
    const auto before = ground.number();
    const auto read = given_revisions_from_json(to_json(ground.given));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, ground.given);
    ground.given = *read;
    EXPECT_EQ(ground.number().revision, before.revision);
    ground.nodes[1].vcpus = 2;
    EXPECT_EQ(ground.number().revision, before.revision + 1);
}

TEST(Revisions, pass_what_a_node_says_it_has_carried_out) {
    Ground ground;
    ground.nodes[0].seen.applied_revision = 40;
    ground.nodes[1].seen.applied_revision = 7;
    const nodewire::Orders orders = ground.number();
    EXPECT_GT(orders.revision, 40) << "the database is older than the machine";
    EXPECT_GT(orders.workers.at("w1").revision, 7);
    EXPECT_EQ(orders.workers.at("w2").revision, 1);
    EXPECT_EQ(ground.number().revision, orders.revision);
}

TEST(Revisions, of_a_head_rise_with_those_of_its_workers) {
    Ground ground;
    const nodewire::Orders before = ground.number();
    ground.nodes[1].seen.applied_revision = 7;
    const nodewire::Orders after = ground.number();
    EXPECT_EQ(after.workers.at("w1").revision, 8);
    EXPECT_EQ(after.revision, before.revision + 1) << "else it would never travel";
}

TEST(Revisions, of_nodes_that_are_gone_are_forgotten) {
    Ground ground;
    ground.number();
    ground.nodes.pop_back();
    ground.number();
    EXPECT_EQ(ground.given.size(), 2u);
    EXPECT_FALSE(ground.given.contains("w2"));
}

TEST(Revisions, that_are_malformed_are_an_error) {
    EXPECT_FALSE(given_revisions_from_json("[]"));
    EXPECT_FALSE(given_revisions_from_json("{\"h\":{\"number\":\"x\"}}"));
    EXPECT_TRUE(given_revisions_from_json("{}"));
}

TEST(Secrets, of_one_node_never_begin_another_one) {
    const ClusterId id("c-1");
    const std::string one = token_secret(id, NodeId("demo-w1"));
    EXPECT_FALSE(token_secret(id, NodeId("demo-w10")).starts_with(one));
    EXPECT_TRUE(one.starts_with(secret_prefix(id)));
    EXPECT_FALSE(first_administrator_secret(id).starts_with(token_secret(id, NodeId(""))));
}

}  // namespace
}  // namespace hopyard::control
