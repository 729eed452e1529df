// The nodes' channel: who may speak, and polls that wait without a thread.
#include "api/test_rig.h"
#include "base/encoding.h"

namespace hopyard::api {
namespace {

/// A cluster with a head that may enrol with "token", and may speak.
struct WithHead {
    TestApi api;
    std::string cluster = api.create();
    std::string head = "demo-head";

    WithHead() {
        model::Node node{.id = NodeId(head), .is_head = true, .machine_id = "vm-1"};
        node.private_ip = "10.0.0.4";
        node.enrolment.token_hash = to_hex(sha256("token"));
        node.enrolment.expires_at = api.clock.now() + Seconds(3600);
        api.add_node(cluster, node);
    }
    std::string enrolment(const std::string& token) const {
        return nodewire::to_json(nodewire::EnrolRequest{
            .cluster = cluster,
            .node = head,
            .token = Secret(token),
            .machine_id = "vm-1",
            .private_ip = "10.0.0.4",
            .signing_request_pem = http::make_signing_request(head).signing_request_pem});
    }
    std::shared_ptr<Caught> ask(const std::string& method,
                                const std::string& target,
                                const std::string& body = "",
                                const std::string& subject = "demo-head") {
        return api.ask_as_node(
            {.method = method, .target = target, .body = body, .certificate_subject = subject});
    }
    std::int64_t newest() {
        return nodewire::orders_from_json(ask("GET", "/node/v1/orders?seen=0")->body)->revision;
    }
    std::shared_ptr<Caught> poll(std::int64_t seen) {
        return ask("GET", "/node/v1/orders?seen=" + std::to_string(seen));
    }
    void change_orders() {
        api.add_node(cluster, {.id = NodeId("demo-w1"), .ordinal = 1});
        api.sessions.orders_may_have_changed();
    }
    void tick() { api.service.tick(api.clock.now()); }
};

TEST(Nodes, only_enrolment_comes_without_a_certificate) {
    WithHead it;
    for (const auto& [method, path] : {std::pair("GET", "/node/v1/orders?seen=0"),
                                       std::pair("POST", "/node/v1/report"),
                                       std::pair("GET", "/node/v1/init-script"),
                                       std::pair("POST", "/node/v1/renew")})
        EXPECT_EQ(it.ask(method, path, "{}", "")->status, 401) << path;
    EXPECT_EQ(it.ask("POST", "/node/v1/enrol", it.enrolment("wrong"), "")->status, 401);
    const auto enrolled = it.ask("POST", "/node/v1/enrol", it.enrolment("token"), "");
    ASSERT_EQ(enrolled->status, 200) << enrolled->body;
    const auto reply = nodewire::enrol_reply_from_json(enrolled->body);
    ASSERT_TRUE(reply);
    EXPECT_EQ(http::read_certificate(reply->certificate_pem)->common_name, it.head);
}

TEST(Nodes, whose_certificate_is_of_nobody_wanted_is_refused) {
    WithHead it;
    EXPECT_EQ(it.ask("GET", "/node/v1/orders?seen=0", "", "stranger")->status, 403);
    const nodewire::Report report{.node = "demo-head", .machine_id = "vm-1"};
    EXPECT_EQ(it.ask("POST", "/node/v1/report", nodewire::to_json(report), "stranger")->status,
              403);
    EXPECT_EQ(it.ask("POST", "/node/v1/report", "not a report")->status, 400);
    EXPECT_EQ(it.ask("POST", "/node/v1/report", nodewire::to_json(report))->status, 204);
    EXPECT_EQ(it.ask("GET", "/node/v1/init-script")->status, 404);
    EXPECT_EQ(it.ask("GET", "/node/v2/orders")->status, 404);
    EXPECT_EQ(it.ask("POST", "/node/v1/enrol", "{", "")->status, 400);
}

TEST(Nodes, a_renewal_gives_a_new_certificate_to_the_same_machine_only) {
    WithHead it;
    ASSERT_EQ(it.ask("POST", "/node/v1/enrol", it.enrolment("token"), "")->status, 200);
    EXPECT_EQ(it.ask("POST", "/node/v1/renew", it.enrolment(""))->status, 200);
    EXPECT_EQ(it.ask("POST", "/node/v1/renew", it.enrolment(""), "stranger")->status, 403);
}

TEST(Nodes, the_init_script_is_given_byte_by_byte) {
    WithHead it;
    it.api.edit(it.cluster, [&](model::Cluster& cluster) {
        cluster.spec.init_script.text = "#!/bin/sh\n#\t%";
    });
    const auto given = it.ask("GET", "/node/v1/init-script");
    EXPECT_EQ(given->status, 200);
    EXPECT_EQ(given->body, "#!/bin/sh\n#\t%");
}

TEST(Polls, answer_at_once_when_there_is_something_newer) {
    WithHead it;
    const auto orders = it.poll(0);
    ASSERT_EQ(orders->status, 200) << orders->body;
    EXPECT_EQ(nodewire::orders_from_json(orders->body)->node, it.head);
}

TEST(Polls, wait_for_a_change_and_answer_at_the_next_tick) {
    WithHead it;
    const std::int64_t seen = it.newest();
    const auto waiting = it.poll(seen);
    EXPECT_FALSE(waiting->answered);
    it.tick();
    EXPECT_FALSE(waiting->answered);
    const int before = it.api.ticks_wanted;
    it.change_orders();
    EXPECT_GT(it.api.ticks_wanted, before);
    it.tick();
    ASSERT_EQ(waiting->status, 200);
    EXPECT_GT(nodewire::orders_from_json(waiting->body)->revision, seen);
}

TEST(Polls, end_empty_after_their_time) {
    WithHead it;
    const auto waiting = it.poll(it.newest());
    it.api.clock.advance(Seconds(24));
    it.tick();
    EXPECT_FALSE(waiting->answered);
    it.api.clock.advance(Seconds(1));
    it.tick();
    EXPECT_EQ(waiting->status, 204);
    EXPECT_EQ(waiting->body, "");
}

TEST(Polls, a_node_that_asks_again_gives_up_the_poll_before) {
    WithHead it;
    const std::int64_t seen = it.newest();
    const auto first = it.poll(seen), second = it.poll(seen);
    EXPECT_EQ(first->status, 204);
    EXPECT_FALSE(second->answered);
    it.change_orders();
    it.tick();
    EXPECT_EQ(second->status, 200);
}

TEST(Polls, of_a_node_that_is_gone_are_refused_and_of_a_client_that_left_forgotten) {
    WithHead it;
    const std::int64_t seen = it.newest();
    const auto left = it.poll(seen);
    left->progress->gone = true;
    it.tick();
    it.change_orders();
    it.tick();
    EXPECT_NE(left->status, 200);
    const auto waiting = it.poll(it.newest());
    (void)it.api.store->write([&](store::Transaction& t) { return t.erase(NodeId(it.head)); });
    it.api.sessions.orders_may_have_changed();
    it.tick();
    EXPECT_EQ(waiting->status, 403);
}

}  // namespace
}  // namespace hopyard::api
