#include <gtest/gtest.h>

#include "control/test_sessions.h"

namespace hopyard::control {
namespace {

TEST(Enrol, turns_the_token_into_a_certificate_for_that_node) {
    Session session;
    const auto reply = session.enrol(session.worker);
    ASSERT_TRUE(reply);
    const auto facts = http::read_certificate(reply->certificate_pem);
    EXPECT_EQ(facts->common_name, "demo-w1");
    EXPECT_EQ(facts->ip_addresses, std::vector<std::string>{"10.1.0.5"});
    const model::Node node = session.node(session.worker);
    EXPECT_EQ(node.enrolment.machine_id, "vm-1");
    EXPECT_EQ(node.enrolment.certificate_serial, facts->serial);
    EXPECT_EQ(node.enrolment.certificate_expires_at, facts->not_after);
    EXPECT_FALSE(node.enrolment.closed);
}

TEST(Enrol, may_be_repeated_by_the_same_machine_until_its_first_report) {
    Session session;
    ASSERT_TRUE(session.enrol(session.head));
    EXPECT_TRUE(session.enrol(session.head)) << "the reply may have been lost";
    ASSERT_TRUE(session.send(session.head.says));
    EXPECT_TRUE(session.node(session.head).enrolment.closed);
    const auto late = session.enrol(session.head);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, "enrolment_refused");
}

TEST(Enrol, of_a_worker_is_closed_by_the_report_that_its_head_relays) {
    Session session;
    ASSERT_TRUE(session.enrol(session.head));
    ASSERT_TRUE(session.enrol(session.worker));
    ASSERT_TRUE(session.enrol(session.other));
    nodewire::Report report = session.head.says;
    report.workers.push_back({.report = session.worker.says, .age_ms = 5});
    ASSERT_TRUE(session.send(report));
    EXPECT_FALSE(session.enrol(session.worker));
    EXPECT_TRUE(session.enrol(session.other)) << "it has not reported yet";
}

TEST(Enrol, uses_up_the_token_of_that_node_and_of_no_other) {
    Session session;
    ASSERT_TRUE(session.enrol(session.head));
    ASSERT_TRUE(session.enrol(session.worker));
    nodewire::Report report = session.head.says;
    report.workers.push_back({.report = session.worker.says, .age_ms = 5});
    ASSERT_TRUE(session.send(report));
    EXPECT_FALSE(session.desk.secret(token_secret(session.cluster, session.worker.id())));
    EXPECT_TRUE(session.desk.secret(token_secret(session.cluster, session.other.id())));
}

TEST(Enrol, refuses_without_saying_why) {
    using Request = nodewire::EnrolRequest;
    const std::pair<const char*, std::function<void(Session&, Request&)>> cases[] = {
        {"wrong token", [](Session&, Request& r) { r.token = Secret("guess"); }},
        {"no token", [](Session&, Request& r) { r.token = Secret(); }},
        {"token of another node",
         [](Session& s, Request& r) { r.token = Secret(Session::token_of(s.head)); }},
        {"unknown node", [](Session&, Request& r) { r.node = "demo-w7"; }},
        {"another cluster", [](Session&, Request& r) { r.cluster = "c-other"; }},
        {"no machine id", [](Session&, Request& r) { r.machine_id = ""; }},
        {"run out", [](Session& s, Request&) { s.desk.clock.advance(Seconds(7200)); }},
        {"removed",
         [](Session& s, Request&) {
             model::Node row = s.node(s.worker);
             row.wanted = model::NodeWanted::removed;
             row.phase = model::NodePhase::removing;
             s.desk.put(row);
         }},
        {"bound to another machine",
         [](Session& s, Request& r) {
             ASSERT_TRUE(s.enrol(s.worker));
             r.machine_id = "vm-99";
         }},
        {"the cloud names another machine",
         [](Session& s, Request&) {
             model::Node row = s.node(s.worker);
             row.machine_id = "vm-99";
             s.desk.put(row);
         }},
        {"a row that never had a token",
         [](Session& s, Request&) {
             model::Node row = s.node(s.worker);
             row.enrolment = {};
             s.desk.put(row);
         }},
    };
    for (const auto& [what, spoil] : cases) {
        SCOPED_TRACE(what);
        Session session;
        nodewire::EnrolRequest request = session.request(session.worker);
        spoil(session, request);
        const model::Node before = session.node(session.worker);
        const auto reply = session.sessions.enrol(request);
        ASSERT_FALSE(reply);
        EXPECT_EQ(reply.error().kind, ErrorKind::unauthenticated);
        EXPECT_EQ(reply.error().code, "enrolment_refused");
        EXPECT_EQ(reply.error().message,
                  "the token is not good for this node and machine, was used up, or has run out");
        EXPECT_EQ(session.node(session.worker), before);
    }
}

TEST(Enrol, follows_the_cloud_when_somebody_else_came_first) {
    Session session;
    nodewire::EnrolRequest thief = session.request(session.worker);
    thief.machine_id = "vm-99";
    ASSERT_TRUE(session.sessions.enrol(thief));
    model::Node row = session.node(session.worker);
    row.machine_id = "VM-1";  // case does not count
    session.desk.put(row);
    EXPECT_FALSE(session.sessions.enrol(thief));
    EXPECT_TRUE(session.enrol(session.worker));
    EXPECT_EQ(session.node(session.worker).enrolment.machine_id, "vm-1");
}

TEST(Enrol, signs_the_address_that_the_cloud_gave) {
    Session session;
    model::Node row = session.node(session.worker);
    row.private_ip = "10.1.0.77";
    session.desk.put(row);
    const auto reply = session.enrol(session.worker);
    EXPECT_EQ(http::read_certificate(reply->certificate_pem)->ip_addresses,
              std::vector<std::string>{"10.1.0.77"});
}

TEST(Enrol, refuses_a_malformed_request_and_keeps_the_token) {
    Session session;
    nodewire::EnrolRequest request = session.request(session.worker);
    request.signing_request_pem = "hello";
    EXPECT_EQ(session.sessions.enrol(request).error().kind, ErrorKind::invalid_argument);
    request = session.request(session.worker);
    request.private_ip = "10.1.0.5, *.example";
    EXPECT_EQ(session.sessions.enrol(request).error().kind, ErrorKind::invalid_argument);
    EXPECT_TRUE(session.enrol(session.worker));
}

TEST(Enrol, tries_again_when_the_loops_were_faster) {
    Session session;
    session.desk.store.losses = 2;
    EXPECT_TRUE(session.enrol(session.worker));
}

TEST(Renew, is_open_to_the_node_itself_and_to_its_head) {
    Session session;
    session.settle();
    session.desk.clock.advance(Seconds(20 * 24 * 3600));
    nodewire::EnrolRequest request = session.request(session.worker);
    request.token = Secret();
    const auto by_head = session.sessions.renew(session.head.id(), request);
    ASSERT_TRUE(by_head);
    const auto facts = http::read_certificate(by_head->certificate_pem);
    EXPECT_EQ(facts->common_name, "demo-w1");
    EXPECT_EQ(facts->not_after, session.desk.clock.now() + Seconds(30 * 24 * 3600));
    EXPECT_EQ(session.node(session.worker).enrolment.certificate_serial, facts->serial);
    EXPECT_TRUE(session.sessions.renew(session.worker.id(), request));
}

TEST(Renew, is_refused_to_everybody_else) {
    Session session;
    session.settle();
    nodewire::EnrolRequest request = session.request(session.worker);
    EXPECT_EQ(session.sessions.renew(session.other.id(), request).error().kind,
              ErrorKind::permission_denied);
    EXPECT_EQ(session.sessions.renew(NodeId("gone"), request).error().kind,
              ErrorKind::permission_denied);
    request.machine_id = "vm-99";
    EXPECT_EQ(session.sessions.renew(session.worker.id(), request).error().code, "wrong_machine");
    request.node = "gone";
    EXPECT_EQ(session.sessions.renew(session.head.id(), request).error().kind,
              ErrorKind::permission_denied);
}

}  // namespace
}  // namespace hopyard::control
