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
    std::shared_ptr<Caught> report(const nodewire::Report& report,
                                   const std::string& query = "",
                                   const std::string& subject = "demo-head") {
        return ask("POST", "/node/v1/report" + query, nodewire::to_json(report), subject);
    }
    std::shared_ptr<Caught> poll(std::int64_t seen, const std::string& query = "") {
        return report({.node = head, .machine_id = "vm-1"},
                      "?seen=" + std::to_string(seen) + query);
    }
    std::int64_t newest() { return nodewire::orders_from_json(poll(0)->body)->revision; }
    void change_orders() {
        api.add_node(cluster, {.id = NodeId("demo-w1"), .ordinal = 1});
        api.sessions.orders_may_have_changed();
    }
    void tick() { api.service.tick(api.clock.now()); }
};

TEST(Nodes, only_enrolment_comes_without_a_certificate) {
    WithHead it;
    for (const auto& [method, path] : {std::pair("POST", "/node/v1/report?seen=0"),
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
    const nodewire::Report report{.node = "demo-head", .machine_id = "vm-1"};
    for (const char* query : {"", "?seen=0"})
        EXPECT_EQ(it.report(report, query, "stranger")->status, 403);
    EXPECT_EQ(it.ask("POST", "/node/v1/report", "not a report")->status, 400);
    EXPECT_EQ(it.report(report)->status, 204);
    EXPECT_EQ(it.ask("GET", "/node/v1/init-script")->status, 404);
    EXPECT_EQ(it.ask("POST", "/node/v2/report")->status, 404);
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
    it.api.clock.advance(nodewire::report_period - Milliseconds(1));
    it.tick();
    EXPECT_FALSE(waiting->answered);
    it.api.clock.advance(Milliseconds(1));
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

// --- logs --------------------------------------------------------------------------------------

/// Somebody looks at a node's log while its head polls.
struct WithLog : WithHead {
    std::shared_ptr<Caught> look(const std::string& node, const std::string& query = "") {
        return api.get("/v1/clusters/" + cluster + "/nodes/" + node + "/log" + query);
    }
    std::shared_ptr<Caught> poll_for_logs() { return poll(newest(), "&logs=yes"); }
    std::shared_ptr<Caught> send(const std::string& node, const std::string& text) {
        return ask("POST",
                   "/node/v1/log",
                   nodewire::to_json(nodewire::LogReply{.node = node, .program = text}));
    }
};

TEST(NodeLog, is_asked_of_the_node_and_shown_when_it_comes) {
    WithLog it;
    it.api.add_node(it.cluster, {.id = NodeId("demo-w1"), .ordinal = 1});
    const auto polling = it.poll_for_logs();
    const auto looking = it.look("demo-w1", "?lines=30");
    EXPECT_FALSE(looking->answered);
    it.tick();
    ASSERT_EQ(polling->status, 200) << polling->body;
    const auto wishes = nodewire::poll_reply_from_json(polling->body);
    ASSERT_TRUE(wishes && wishes->logs.size() == 1) << polling->body;
    EXPECT_EQ(wishes->logs[0].node, "demo-w1");
    EXPECT_EQ(wishes->logs[0].lines, 30);
    EXPECT_FALSE(it.poll_for_logs()->answered) << "it is asked once";
    EXPECT_EQ(it.send("demo-w1", "up\n")->status, 204);
    ASSERT_EQ(looking->status, 200);
    EXPECT_EQ(looking->json()["program"], "up\n");
    EXPECT_EQ(looking->json()["live"], true);
    EXPECT_EQ(looking->json()["problem"], nullptr);
    EXPECT_EQ(looking->headers.get("Cache-Control"), "no-store");
}

TEST(NodeLog, of_a_node_out_of_reach_is_the_last_one_with_its_time_and_the_reason) {
    WithLog it;
    const auto first = it.look(it.head);
    it.api.clock.advance(Seconds(5));
    it.tick();
    ASSERT_EQ(first->status, 200) << "nobody polls";
    EXPECT_EQ(first->json()["live"], false);
    EXPECT_EQ(first->json()["takenAt"], nullptr);
    EXPECT_EQ(first->json()["problem"]["code"], "node_out_of_reach");

    const auto second = it.look(it.head);
    ASSERT_EQ(it.poll_for_logs()->status, 200) << "a wish waits for the next poll";
    const std::string said_at = to_rfc3339(it.api.clock.now());
    ASSERT_EQ(it.send(it.head, "up\n")->status, 204);
    ASSERT_EQ(second->status, 200);
    it.api.clock.advance(Seconds(60));
    const auto third = it.look(it.head);
    it.api.clock.advance(Seconds(5));
    it.tick();
    ASSERT_EQ(third->status, 200);
    EXPECT_EQ(third->json()["live"], false);
    EXPECT_EQ(third->json()["program"], "up\n");
    EXPECT_EQ(third->json()["takenAt"], said_at);
}

TEST(NodeLog, is_of_a_node_of_that_cluster_and_of_so_many_lines) {
    WithLog it;
    EXPECT_EQ(it.look("other-w1")->json()["code"], "no_such_node");
    EXPECT_EQ(it.look("other-w1")->status, 404);
    for (const char* lines : {"0", "2001", "many"})
        EXPECT_EQ(it.look(it.head, std::string("?lines=") + lines)->json()["code"],
                  "query_malformed");
    EXPECT_EQ(it.api.get("/v1/clusters/c-none/nodes/demo-head/log")->status, 404);
}

TEST(NodeLog, is_not_asked_of_a_program_that_does_not_know_of_logs) {
    WithLog it;
    const auto polling = it.poll(it.newest());
    const auto looking = it.look(it.head);
    it.tick();
    EXPECT_FALSE(polling->answered);
    it.api.clock.advance(Seconds(5));
    it.tick();
    EXPECT_EQ(looking->json()["live"], false);
}

TEST(NodeLog, of_another_cluster_is_not_taken) {
    WithLog it;
    EXPECT_EQ(it.send("other-w1", "mine\n")->status, 403);
    EXPECT_EQ(it.ask("POST", "/node/v1/log", "{}", "")->status, 401);
    EXPECT_EQ(it.ask("POST", "/node/v1/log", "not json")->status, 400);
}

// --- acts on one node, and the password --------------------------------------------------------

struct WithWorker : WithHead {
    std::string one = "/v1/clusters/" + cluster;

    WithWorker() {
        api.edit(cluster, [](model::Cluster& row) { row.phase = model::Phase::creating; });
        api.edit(cluster, [](model::Cluster& row) { row.phase = model::Phase::running; });
        model::Node worker{.id = NodeId("demo-w1"), .ordinal = 1, .phase = model::NodePhase::ready};
        worker.seen.workload_state = "mixed";
        worker.seen.jobs = 1;
        api.add_node(cluster, worker);
    }
    nlohmann::json worker() { return api.get(one)->json()["nodes"][1]; }
};

TEST(NodeActs, show_at_once_what_was_asked) {
    WithWorker it;
    EXPECT_EQ(it.worker()["state"], "ready");
    const auto drained = it.api.post(it.one + "/nodes/demo-w1/drain");
    ASSERT_EQ(drained->status, 202) << drained->body;
    EXPECT_EQ(drained->json()["nodes"][1]["drainWanted"], true);
    EXPECT_EQ(drained->json()["nodes"][1]["state"], "draining");
    EXPECT_EQ(it.api.post(it.one + "/nodes/demo-w1/resume")->json()["nodes"][1]["state"], "ready");
    const auto restarted = it.api.post(it.one + "/nodes/demo-w1/restart");
    EXPECT_EQ(restarted->json()["nodes"][1]["restartWanted"], true);
    EXPECT_EQ(it.worker()["state"], "draining");
    const auto head = it.api.post(it.one + "/nodes/demo-head/drain");
    EXPECT_EQ(head->status, 409);
    EXPECT_EQ(head->json()["code"], "head_takes_no_jobs");
}

TEST(NodeActs, take_if_match_and_are_carried_out_once_for_a_key) {
    WithWorker it;
    const std::string target = it.one + "/nodes/demo-w1/drain";
    const auto stale =
        it.api.ask({.method = "POST", .target = target, .headers = {{"If-Match", "\"0\""}}});
    EXPECT_EQ(stale->status, 412) << stale->body;
    const Ask once{.method = "POST", .target = target, .headers = {{"Idempotency-Key", "k"}}};
    const auto first = it.api.ask(once);
    ASSERT_EQ(first->status, 202);
    ASSERT_EQ(it.api.post(it.one + "/nodes/demo-w1/resume")->status, 202);
    EXPECT_EQ(it.api.ask(once)->body, first->body);
    EXPECT_EQ(it.worker()["drainWanted"], false) << "the repetition changes nothing";
}

TEST(Password, is_made_anew_handed_over_once_and_pending_until_the_head_has_it) {
    WithWorker it;
    const std::string target = it.one + "/first-administrator";
    const std::string old = it.api.get(target)->json()["password"];
    EXPECT_EQ(it.api.get(it.one)->json()["access"]["passwordPending"], false);
    const auto made = it.api.post(it.one + "/password");
    ASSERT_EQ(made->status, 202) << made->body;
    EXPECT_EQ(made->json()["user"], it.api.get(target)->json()["user"]);
    EXPECT_EQ(made->json()["password"], it.api.get(target)->json()["password"]);
    EXPECT_NE(made->json()["password"], old);
    const auto access = [&] { return it.api.get(it.one)->json()["access"]; };
    EXPECT_EQ(access()["passwordPending"], true);
    EXPECT_NE(access()["passwordRotatedAt"], nullptr);

    nodewire::Report report{.node = "demo-head", .machine_id = "vm-1", .applied_revision = 0};
    report.applied_revision = it.newest() - 1;
    ASSERT_EQ(it.report(report)->status, 204);
    EXPECT_EQ(access()["passwordPending"], true);
    report.applied_revision = it.newest();
    ASSERT_EQ(it.report(report)->status, 204);
    EXPECT_EQ(access()["passwordPending"], false);
    const std::string shown = it.api.get(it.one)->body + it.api.get("/v1/activity")->body;
    EXPECT_EQ(shown.find(made->json()["password"].get<std::string>()), std::string::npos);
}

TEST(Password, is_never_kept_for_a_repetition) {
    WithWorker it;
    const auto refused = it.api.ask(
        {.method = "POST", .target = it.one + "/password", .headers = {{"Idempotency-Key", "k"}}});
    EXPECT_EQ(refused->status, 400) << refused->body;
}

}  // namespace
}  // namespace hopyard::api
