// Orders that heads are given, and who waits for newer ones.
#include <gtest/gtest.h>

#include "control/test_sessions.h"

namespace hopyard::control {
namespace {

bool has(const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

// --- orders ------------------------------------------------------------------------------------

TEST(Sessions, give_a_head_its_orders_with_secrets_that_stay) {
    Session session;
    session.settle();
    const auto first = session.sessions.orders(session.head.id());
    ASSERT_TRUE(first);
    EXPECT_EQ(first->workload_key.reveal().size(), 128u);
    EXPECT_TRUE(first->users.at(0).password_hash.starts_with("$6$"));
    EXPECT_FALSE(first->page_key_pem.empty());
    EXPECT_EQ(first->workers.size(), 2u);
    const auto second = session.sessions.orders(session.head.id());
    EXPECT_EQ(nodewire::to_json(*first), nodewire::to_json(*second));
}

TEST(Sessions, make_a_page_certificate_for_the_heads_addresses_and_a_new_one_when_they_change) {
    Session session;
    session.settle();
    const auto addresses = [&] {
        const auto orders = session.sessions.orders(session.head.id());
        return http::read_certificate(orders->page_certificate_pem.reveal())->ip_addresses;
    };
    EXPECT_EQ(addresses(), (std::vector<std::string>{"203.0.113.7", "10.1.0.4"}));
    EXPECT_EQ(session.desk.cluster(session.cluster).access.certificate_authority_pem,
              session.authority.ca_pem());
    model::Cluster row = session.desk.cluster(session.cluster);
    row.access.head_public_ip = "203.0.113.8";
    session.desk.put(row);
    EXPECT_EQ(addresses(), (std::vector<std::string>{"203.0.113.8", "10.1.0.4"}));
}

TEST(Sessions, renew_the_page_certificate_in_time) {
    Session session;
    session.settle();
    const auto before = session.sessions.orders(session.head.id());
    session.desk.clock.advance(Seconds(21 * 24 * 3600));
    const auto after = session.sessions.orders(session.head.id());
    EXPECT_GT(after->revision, before->revision);
    EXPECT_NE(after->page_certificate_pem.reveal(), before->page_certificate_pem.reveal());
}

TEST(Sessions, number_orders_on_where_the_last_control_plane_stood) {
    Session session;
    session.settle();
    const auto before = session.sessions.orders(session.head.id());
    NodeSessions restarted(session.desk.store,
                           session.authority,
                           session.desk.wake,
                           session.desk.clock,
                           session.desk.random,
                           {});
    EXPECT_EQ(restarted.orders(session.head.id())->revision, before->revision);
    model::Cluster row = session.desk.cluster(session.cluster);
    row.ssh_public_key = "another";
    session.desk.put(row);
    EXPECT_EQ(restarted.orders(session.head.id())->revision, before->revision + 1);
}

TEST(Sessions, store_a_revision_before_anybody_sees_it) {
    Session session;
    session.settle();
    session.desk.store.losses = 5;
    EXPECT_FALSE(session.sessions.orders(session.head.id())) << "it could not be stored";
    session.desk.store.losses = 1;
    EXPECT_TRUE(session.sessions.orders(session.head.id()));
}

TEST(Sessions, give_the_right_on_the_container_once_the_loops_have_it) {
    Session session;
    session.settle();
    EXPECT_FALSE(session.sessions.orders(session.head.id())->storage);
    (void)session.desk.store.write([&](store::Transaction& transaction) {
        return transaction.put_secret(storage_grant_secret(session.cluster),
                                      Secret("https://store.blob/data?sig=1"));
    });
    const auto orders = session.sessions.orders(session.head.id());
    EXPECT_EQ(orders->storage->sas_url.reveal(), "https://store.blob/data?sig=1");
    EXPECT_TRUE(orders->workers.at("demo-w1").storage);
}

TEST(Sessions, give_orders_and_script_to_heads_only) {
    model::ClusterSpec spec = good_spec();
    spec.init_script.text = "#!/bin/sh\necho hello\n";
    Session session(spec);
    session.settle();
    EXPECT_EQ(*session.sessions.init_script(session.head.id()), spec.init_script.text);
    EXPECT_TRUE(session.sessions.orders(session.head.id())->init_script);
    for (const NodeId& caller : {session.worker.id(), NodeId("gone")}) {
        EXPECT_EQ(session.sessions.orders(caller).error().kind, ErrorKind::permission_denied);
        EXPECT_EQ(session.sessions.init_script(caller).error().kind, ErrorKind::permission_denied);
    }
    Session without;
    without.settle();
    EXPECT_EQ(without.sessions.init_script(without.head.id()).error().kind, ErrorKind::not_found);
}

// --- waiting for newer orders --------------------------------------------------------------------

struct Waiter {
    Session session;
    std::int64_t revision = 0;
    int calls = 0;
    std::unique_ptr<NodeSessions::Subscription> seat;

    Waiter() {
        session.settle();
        revision = session.sessions.orders(session.head.id())->revision;
    }
    void wait() {
        seat = session.sessions.when_newer(session.head.id(), revision, [this] { ++calls; });
    }
    void change() {
        model::Cluster row = session.desk.cluster(session.cluster);
        row.ssh_public_key += "x";
        session.desk.put(row);
        session.sessions.orders_may_have_changed();
    }
};

TEST(WhenNewer, calls_once_when_orders_have_changed) {
    Waiter waiter;
    waiter.wait();
    waiter.session.sessions.orders_may_have_changed();
    EXPECT_EQ(waiter.calls, 0);
    waiter.change();
    EXPECT_EQ(waiter.calls, 1);
    waiter.change();
    EXPECT_EQ(waiter.calls, 1);
}

TEST(WhenNewer, calls_at_once_when_they_are_there_already) {
    Waiter waiter;
    waiter.change();
    waiter.wait();
    EXPECT_EQ(waiter.calls, 1);
}

TEST(WhenNewer, does_not_call_who_has_left) {
    Waiter waiter;
    waiter.wait();
    waiter.seat.reset();
    waiter.change();
    EXPECT_EQ(waiter.calls, 0);
}

TEST(WhenNewer, calls_when_a_report_changes_what_the_head_should_know) {
    Waiter waiter;
    model::Node worker = waiter.session.node(waiter.session.worker);
    worker.left_boot_id = "boot-1";
    waiter.session.desk.put(worker);
    waiter.revision = waiter.session.sessions.orders(waiter.session.head.id())->revision;
    waiter.wait();
    ASSERT_TRUE(waiter.session.send(waiter.session.report()));
    EXPECT_EQ(waiter.calls, 0);
    waiter.session.worker.says.boot_id = "boot-2";
    ASSERT_TRUE(waiter.session.send(waiter.session.report()));
    EXPECT_EQ(waiter.calls, 1);
}

TEST(WhenNewer, lets_a_head_that_is_gone_hear_it) {
    Waiter waiter;
    waiter.wait();
    (void)waiter.session.desk.store.write([&](store::Transaction& transaction) {
        return transaction.erase(waiter.session.head.id());
    });
    waiter.session.sessions.orders_may_have_changed();
    EXPECT_EQ(waiter.calls, 1);
}

TEST(WhenNewer, may_be_left_after_the_sessions_have_ended) {
    auto waiter = std::make_unique<Waiter>();
    waiter->wait();
    auto seat = std::move(waiter->seat);
    waiter.reset();
    seat.reset();
}

TEST(WhenNewer, may_be_left_from_within_the_call) {
    Waiter waiter;
    waiter.seat =
        waiter.session.sessions.when_newer(waiter.session.head.id(), waiter.revision, [&] {
            ++waiter.calls;
            waiter.seat.reset();
        });
    waiter.change();
    EXPECT_EQ(waiter.calls, 1);
    EXPECT_TRUE(has(waiter.session.codes(), "create_accepted"));
}

}  // namespace
}  // namespace hopyard::control
