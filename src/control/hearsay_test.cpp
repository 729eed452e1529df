// Reports that say nothing new, in an installation so large that they are not written each time.
#include "control/hearsay.h"

#include <gtest/gtest.h>

#include "control/test_sessions.h"

namespace hopyard::control {
namespace {

/// One cluster that counts as many: its rows may grow a minute old.
struct Large {
    Session session{good_spec(), options()};
    NodeSessions other{session.desk.store,
                       session.authority,
                       session.desk.wake,
                       session.desk.clock,
                       session.desk.random,
                       options()};

    Large() {
        session.sessions.notice_silence();
        other.notice_silence();
        session.settle();
        report_for(Seconds(5));
    }
    static SessionOptions options() { return {.between_rewrites = Seconds(60)}; }

    /// Every five seconds, as heads do.
    void report_for(Seconds time) { report_for(time, session.sessions); }
    void report_for(Seconds time, NodeSessions& to) {
        for (Seconds passed{0}; passed < time; passed += Seconds(5)) {
            session.desk.clock.advance(Seconds(5));
            ASSERT_TRUE(to.report(session.head.id(), session.report()));
            to.write_old_rows();
        }
    }
    model::Node head() { return session.node(session.head); }
    bool is_silent() { return head().seen.silent_since.has_value(); }
};

TEST(Hearsay, spares_the_row_until_it_is_old) {
    Large it;
    const auto version = it.head().version;
    it.report_for(Seconds(55));
    EXPECT_EQ(it.head().version, version);
    it.report_for(Seconds(5));
    EXPECT_EQ(it.head().version, version + 1);
    EXPECT_EQ(it.head().seen.last_report_at, it.session.desk.clock.now());
}

TEST(Hearsay, lets_what_is_new_be_written_at_once) {
    Large it;
    it.session.head.says.stage = "something else";
    it.report_for(Seconds(5));
    EXPECT_EQ(it.head().seen.stage, "something else");
    EXPECT_EQ(it.head().seen.last_report_at, it.session.desk.clock.now());
    it.report_for(Seconds(5));
    it.session.desk.clock.advance(Seconds(5));
    ASSERT_TRUE(it.session.send(it.session.report(10'000)));
    EXPECT_TRUE(it.session.node(it.session.worker).seen.silent_since) << "an age is news as well";
}

TEST(Hearsay, writes_the_old_rows_of_many_heads_together) {
    Large it;
    auto& [desk, authority, sessions, cluster, head, worker, other] = it.session;
    std::vector<nodewire::Report> reports;
    for (int i = 0; i < 250; ++i) {
        model::Cluster row = desk.cluster(cluster);
        row.id = ClusterId("c-" + std::to_string(i));
        row.spec.name = row.id.value;
        row.version = 0;
        desk.put(row);
        model::Node its_head = it.head();
        its_head.id = NodeId("head-" + std::to_string(i));
        its_head.cluster = row.id;
        its_head.version = 0;
        desk.put(its_head);
        reports.push_back(head.says);
        reports.back().node = its_head.id.value;
    }
    desk.clock.advance(Seconds(5));
    const int before = desk.store.writes;
    for (const auto& report : reports) ASSERT_TRUE(sessions.report(NodeId(report.node), report));
    EXPECT_EQ(desk.store.writes, before);
    sessions.write_old_rows();
    EXPECT_EQ(desk.store.writes, before + 3) << "a hundred in one transaction";
    for (int i = 0; i < 250; ++i)
        EXPECT_EQ(desk.nodes(ClusterId("c-" + std::to_string(i)))[0].seen.last_report_at,
                  desk.clock.now());
    sessions.write_old_rows();
    EXPECT_EQ(desk.store.writes, before + 3) << "nothing is old";
}

TEST(Hearsay, that_waits_to_be_written_never_replaces_what_came_after_it) {
    Large it;
    it.session.desk.clock.advance(Seconds(60));
    ASSERT_TRUE(it.session.sessions.report(it.session.head.id(), it.session.report()));
    it.session.head.says.stage = "newer";
    ASSERT_TRUE(it.session.sessions.report(it.session.head.id(), it.session.report()));
    it.session.sessions.write_old_rows();
    EXPECT_EQ(it.head().seen.stage, "newer");
}

TEST(Hearsay, is_worth_nothing_when_somebody_else_wrote_the_rows) {
    Large it;
    model::Node row = it.head();
    row.seen.stage = "as another left it";
    it.session.desk.put(row);
    it.report_for(Seconds(5));
    EXPECT_EQ(it.head().seen.stage, it.session.head.says.stage);
}

TEST(Hearsay, of_a_node_that_is_gone_lets_nobody_in) {
    Large it;
    ASSERT_TRUE(it.session.desk.store.write(
        [&](store::Transaction& t) { return t.erase(it.session.head.id()); }));
    EXPECT_EQ(it.session.send(it.session.report()).error().code, "node_unknown");
}

TEST(Hearsay, tells_silence_as_soon_as_a_row_would) {
    Large it;
    it.report_for(Seconds(30));
    const Timestamp heard = it.session.desk.clock.now();
    EXPECT_EQ(it.session.sessions.notice_silence(), heard + Seconds(10));
    it.session.desk.clock.advance(Milliseconds(9'999));
    it.session.sessions.notice_silence();
    EXPECT_FALSE(it.is_silent());
    it.session.desk.clock.advance(Milliseconds(1));
    it.session.sessions.notice_silence();
    EXPECT_TRUE(it.is_silent());
    it.report_for(Seconds(5));
    EXPECT_FALSE(it.is_silent());
}

TEST(Hearsay, of_one_replica_is_not_silence_to_another) {
    Large it;
    for (int minute = 0; minute < 3; ++minute) {
        it.report_for(Seconds(60));
        it.other.notice_silence();
        EXPECT_FALSE(it.is_silent());
    }
    // Its replica went with it: the other one notices once the row is older than it may grow.
    const Timestamp row = *it.head().seen.last_report_at;
    it.session.desk.clock.advance(row + Seconds(70) - it.session.desk.clock.now() -
                                  Milliseconds(1));
    it.other.notice_silence();
    EXPECT_FALSE(it.is_silent());
    it.session.desk.clock.advance(Milliseconds(1));
    it.other.notice_silence();
    EXPECT_TRUE(it.is_silent());
}

TEST(Hearsay, ends_where_another_replica_hears_the_head) {
    Large it;
    it.report_for(Seconds(20), it.other);
    it.session.sessions.notice_silence();
    EXPECT_FALSE(it.is_silent());
    it.report_for(Seconds(20));
    it.other.notice_silence();
    EXPECT_FALSE(it.is_silent());
}

}  // namespace
}  // namespace hopyard::control
