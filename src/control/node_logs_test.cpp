#include "control/node_logs.h"

#include <gtest/gtest.h>

#include "control/test_sessions.h"

namespace hopyard::control {
namespace {

const NodeId head("demo-head");

/// Answers that came, in their order.
struct Answers {
    std::vector<LogAnswer> all;
    NodeLogs::Callback keep() {
        return [this](const LogAnswer& answer) { all.push_back(answer); };
    }
};

Timestamp at(int seconds) {
    return Timestamp(Seconds(seconds));
}

TEST(NodeLogs, are_fetched_once_for_everybody_who_waits) {
    NodeLogs logs;
    Answers answers;
    logs.ask(head, {.node = "demo-w1", .lines = 20}, at(5), answers.keep());
    logs.ask(head, {.node = "demo-w1", .lines = 50}, at(6), answers.keep());
    EXPECT_TRUE(logs.take(NodeId("other-head")).empty());
    const auto wishes = logs.take(head);
    ASSERT_EQ(wishes.size(), 1u);
    EXPECT_EQ(wishes[0].lines, 50);
    EXPECT_TRUE(logs.take(head).empty()) << "each wish goes out once";
    logs.came({.node = "demo-w1", .program = "up\n", .init_script = "done\n"}, at(1));
    ASSERT_EQ(answers.all.size(), 2u);
    for (const LogAnswer& answer : answers.all) {
        EXPECT_TRUE(answer.is_live);
        EXPECT_EQ(answer.log->program, "up\n");
        EXPECT_EQ(answer.log->init_script, "done\n");
        EXPECT_EQ(answer.log->taken_at, at(1));
    }
    logs.expire(at(100));
    EXPECT_EQ(answers.all.size(), 2u) << "each is answered once";
}

TEST(NodeLogs, of_a_node_out_of_reach_are_the_last_known) {
    NodeLogs logs;
    Answers answers;
    logs.ask(head, {.node = "demo-w1"}, at(5), answers.keep());
    logs.expire(at(4));
    EXPECT_TRUE(answers.all.empty());
    logs.expire(at(5));
    ASSERT_EQ(answers.all.size(), 1u);
    EXPECT_FALSE(answers.all[0].is_live);
    EXPECT_FALSE(answers.all[0].log) << "it never said anything";
    EXPECT_TRUE(logs.take(head).empty()) << "nobody waits for it any more";

    logs.ask(head, {.node = "demo-w1"}, at(10), answers.keep());
    logs.came({.node = "demo-w1", .program = "up\n"}, at(7));
    logs.ask(head, {.node = "demo-w1"}, at(20), answers.keep());
    logs.expire(at(20));
    ASSERT_EQ(answers.all.size(), 3u);
    EXPECT_FALSE(answers.all[2].is_live);
    EXPECT_EQ(answers.all[2].log->program, "up\n");
    EXPECT_EQ(answers.all[2].log->taken_at, at(7));
}

TEST(NodeLogs, keep_nothing_that_nobody_asked_for_and_no_more_than_the_limits) {
    NodeLogs logs;
    Answers answers;
    logs.came({.node = "demo-w1", .program = "unasked\n"}, at(1));
    logs.ask(head, {.node = "demo-w1"}, at(5), answers.keep());
    logs.expire(at(5));
    EXPECT_FALSE(answers.all.at(0).log);
    logs.ask(head, {.node = "demo-w1"}, at(9), answers.keep());
    logs.came({.node = "demo-w1",
               .program = std::string(1u << 20, 'p') + "end",
               .init_script = std::string(1u << 20, 's')},
              at(6));
    const NodeLog& log = *answers.all.at(1).log;
    EXPECT_EQ(log.program.size() + log.init_script.size(), 64u << 10);
    EXPECT_TRUE(log.program.ends_with("end"));
}

TEST(NodeLogs, go_through_the_head_and_wake_its_poll) {
    Session session;
    session.settle();
    Answers answers;
    int woken = 0;
    const std::int64_t seen = session.sessions.orders(session.head.id())->revision;
    const auto waiting =
        session.sessions.when_newer(session.head.id(), seen, [&woken] { ++woken; });
    session.sessions.ask_log(session.head.id(), {.node = session.worker.node}, answers.keep());
    EXPECT_EQ(woken, 1);
    EXPECT_EQ(session.sessions.log_requests(session.head.id()).size(), 1u);
    const nodewire::LogReply reply{.node = session.worker.node, .program = "up\n"};
    EXPECT_FALSE(session.sessions.log_came(session.worker.id(), reply)) << "not through its head";
    EXPECT_FALSE(session.sessions.log_came(NodeId("stranger"), reply));
    const auto foreign = session.sessions.log_came(session.head.id(), {.node = "other-w1"});
    ASSERT_FALSE(foreign);
    EXPECT_EQ(foreign.error().kind, ErrorKind::permission_denied);
    EXPECT_TRUE(answers.all.empty());
    ASSERT_TRUE(session.sessions.log_came(session.head.id(), reply));
    ASSERT_EQ(answers.all.size(), 1u);
    EXPECT_TRUE(answers.all[0].is_live);
}

TEST(NodeLogs, are_waited_for_no_longer_than_the_patience) {
    Session session;
    session.settle();
    Answers answers;
    session.sessions.ask_log(session.head.id(), {.node = session.worker.node}, answers.keep());
    session.desk.clock.advance(Seconds(4));
    session.sessions.expire_logs();
    EXPECT_TRUE(answers.all.empty());
    session.desk.clock.advance(Seconds(1));
    session.sessions.expire_logs();
    ASSERT_EQ(answers.all.size(), 1u);
    EXPECT_FALSE(answers.all[0].is_live);
}

}  // namespace
}  // namespace hopyard::control
