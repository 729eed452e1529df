#include <gtest/gtest.h>

#include "control/test_sessions.h"

namespace hopyard::control {
namespace {

using model::NodePhase;

TEST(Silence, of_the_head_is_that_of_all_and_is_stored_with_its_beginning) {
    Session session;
    session.settle();
    const Timestamp heard = session.desk.clock.now();
    EXPECT_EQ(session.sessions.notice_silence(), heard + Seconds(10));
    session.desk.clock.advance(Milliseconds(9'999));
    session.sessions.notice_silence();
    EXPECT_FALSE(session.node(session.head).seen.silent_since);
    EXPECT_EQ(session.desk.wake.count, 0);
    session.desk.clock.advance(Milliseconds(1));
    session.sessions.notice_silence();
    EXPECT_EQ(session.node(session.head).seen.silent_since, heard);
    EXPECT_TRUE(session.node(session.worker).seen.silent_since);
    EXPECT_EQ(session.desk.wake.count, 1);
    EXPECT_EQ(session.desk.activity().front().code, "nodes_silent");
    const auto entries = session.desk.activity().size();
    session.desk.clock.advance(Seconds(60));
    session.sessions.notice_silence();
    EXPECT_EQ(session.desk.activity().size(), entries) << "it is said once";
    EXPECT_EQ(session.desk.wake.count, 1);
}

TEST(Silence, ends_with_the_next_report) {
    Session session;
    session.settle();
    session.desk.clock.advance(Seconds(11));
    session.sessions.notice_silence();
    ASSERT_TRUE(session.send(session.report()));
    EXPECT_FALSE(session.node(session.head).seen.silent_since);
    EXPECT_FALSE(session.node(session.worker).seen.silent_since);
    EXPECT_EQ(session.desk.wake.count, 2);
}

TEST(Silence, of_one_worker_is_told_by_its_age_in_the_heads_report) {
    Session session;
    session.settle();
    session.desk.clock.advance(Seconds(12));
    ASSERT_TRUE(session.send(session.report(9'999)));
    EXPECT_FALSE(session.node(session.worker).seen.silent_since);
    ASSERT_TRUE(session.send(session.report(10'000)));
    EXPECT_EQ(session.node(session.worker).seen.silent_since,
              session.desk.clock.now() - Seconds(10));
    EXPECT_FALSE(session.node(session.other).seen.silent_since);
    EXPECT_EQ(session.desk.wake.count, 1);
}

TEST(Silence, is_not_seen_before_we_listened_for_a_whole_period) {
    Session session;
    session.settle();
    session.desk.clock.advance(Seconds(3600));
    NodeSessions restarted(session.desk.store,
                           session.authority,
                           session.desk.wake,
                           session.desk.clock,
                           session.desk.random,
                           {});
    const Timestamp started = session.desk.clock.now();
    EXPECT_EQ(restarted.notice_silence(), started + Seconds(10));
    EXPECT_FALSE(session.node(session.head).seen.silent_since);
    session.desk.clock.advance(Seconds(10));
    restarted.notice_silence();
    EXPECT_TRUE(session.node(session.head).seen.silent_since);
}

TEST(Silence, of_machines_that_are_booting_or_stopped_means_nothing) {
    for (const NodePhase phase : {NodePhase::booting, NodePhase::stopping, NodePhase::stopped}) {
        Session session;
        session.settle();
        model::Node head = session.node(session.head);
        head.phase = phase;
        session.desk.put(head);
        session.desk.clock.advance(Seconds(60));
        session.sessions.notice_silence();
        EXPECT_FALSE(session.node(session.head).seen.silent_since);
        EXPECT_EQ(session.desk.wake.count, 0);
    }
}

}  // namespace
}  // namespace hopyard::control
