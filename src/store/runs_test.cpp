// What the stores keep of machines that ran, in the same transaction as the machines' rows; and
// clusters by the page. One suite for every store.
#include "store/test_stores.h"

namespace hopyard::store {
namespace {

using model::MachineRun;
using model::PendingOperation;
using model::Resource;

const OrganisationId ours("o");
const ClusterId demo("c-1");

Timestamp at(int seconds) {
    return Timestamp(Seconds(seconds));
}

class RunsSuite : public EveryStore {
  protected:
    void SetUp() override {
        EveryStore::SetUp();
        model::Cluster cluster{.id = demo, .organisation = ours};
        cluster.spec.name = "demo";
        cluster.spec.location = "here";
        cluster.types = {{"Big", {.vcpus = 8}}, {"Small", {.vcpus = 2}}};
        model::Node node{.id = NodeId("demo-head"), .cluster = demo, .is_head = true};
        node.group.instance_type = "Small";
        node.vcpus = 2;
        machine_.name = {model::ResourceKind::machine, "g", "", "demo-head"};
        machine_.cluster = demo;
        machine_.node = node.id;
        ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
            RETURN_IF_ERROR(t.put(cluster));
            RETURN_IF_ERROR(t.put(node));
            return t.put(machine_);
        }));
    }

    void change(int second, const std::function<void(Resource&)>& change) {
        change(machine_);
        machine_.changed_at = at(second);
        ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(machine_); }));
    }
    void made(int second) {
        change(second, [](Resource& row) { row.made = row.running = true; });
    }
    void started(int second) {
        change(second, [](Resource& row) {
            row.running = true;
            row.deallocated = false;
        });
    }
    void deallocated(int second) {
        change(second, [](Resource& row) {
            row.running = false;
            row.deallocated = true;
        });
    }
    std::vector<MachineRun> runs(RunQuery query = {.organisation = ours}) {
        std::vector<MachineRun> found;
        EXPECT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(found, t.runs(query));
            return {};
        }));
        return found;
    }

    Resource machine_;
};

TEST_P(RunsSuite, a_machine_runs_from_power_to_deallocation) {
    EXPECT_TRUE(runs().empty());
    made(10);
    const MachineRun begun{.organisation = ours,
                           .cluster = demo,
                           .cluster_name = "demo",
                           .machine = "demo-head",
                           .location = "here",
                           .instance_type = "Small",
                           .vcpus = 2,
                           .started_at = at(10)};
    EXPECT_EQ(runs(), std::vector<MachineRun>{begun});
    change(15, [](Resource& row) { row.problem = Error{.code = "whatever"}; });
    EXPECT_EQ(runs(), std::vector<MachineRun>{begun});
    deallocated(20);
    started(50);
    ASSERT_EQ(runs().size(), 2u);
    EXPECT_EQ(runs()[0].ended_at, at(20));
    EXPECT_EQ(runs()[1].started_at, at(50));
    EXPECT_FALSE(runs()[1].ended_at);
}

TEST_P(RunsSuite, a_machine_that_went_off_by_itself_still_costs) {
    made(10);
    change(20, [](Resource& row) { row.running = false; });
    EXPECT_FALSE(runs().at(0).ended_at);
    started(30);
    ASSERT_EQ(runs().size(), 1u);
    EXPECT_EQ(runs()[0].started_at, at(10));
}

TEST_P(RunsSuite, a_run_ends_with_what_takes_the_machine_away) {
    made(10);
    change(20, [](Resource& row) { row.made = row.running = false; });
    EXPECT_EQ(runs().at(0).ended_at, at(20));
    made(30);
    change(40, [](Resource& row) {
        row.running = false;
        row.operation = PendingOperation{.verb = PendingOperation::Verb::remove, .url = "u"};
    });
    EXPECT_FALSE(runs().at(1).ended_at);
    change(50, [](Resource& row) { row.operation->url.clear(); });
    EXPECT_EQ(runs().at(1).ended_at, at(50));
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.erase(machine_.name); }));
    EXPECT_EQ(runs().at(1).ended_at, at(50));
}

TEST_P(RunsSuite, a_row_that_is_erased_ends_its_run) {
    made(10);
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.erase(machine_.name); }));
    EXPECT_TRUE(runs().at(0).ended_at);
}

TEST_P(RunsSuite, runs_outlive_their_cluster) {
    made(10);
    change(20, [](Resource& row) { row.made = row.running = false; });
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.erase(demo); }));
    EXPECT_EQ(runs().size(), 1u);
    EXPECT_TRUE(runs({.organisation = ours, .of_present_clusters = true}).empty());
}

TEST_P(RunsSuite, a_clock_that_is_set_back_doubles_nothing) {
    made(100);
    deallocated(50);
    EXPECT_EQ(runs().at(0).ended_at, at(100));
    started(60);
    ASSERT_EQ(runs().size(), 1u);  // of no length so far, it gave its place to the new one
    EXPECT_EQ(runs()[0].started_at, at(100));
    EXPECT_FALSE(runs()[0].ended_at);
    deallocated(150);
    started(120);
    ASSERT_EQ(runs().size(), 2u);
    EXPECT_EQ(runs()[1].started_at, at(150));
}

TEST_P(RunsSuite, a_transaction_that_fails_leaves_no_run) {
    Resource row = machine_;
    row.made = row.running = true;
    EXPECT_FALSE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(row));
        return fail(ErrorKind::internal, "no", "no");
    }));
    EXPECT_TRUE(runs().empty());
    made(10);
    row = machine_;
    row.deallocated = true;
    EXPECT_FALSE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(row));
        return fail(ErrorKind::internal, "no", "no");
    }));
    EXPECT_FALSE(runs().at(0).ended_at);
}

TEST_P(RunsSuite, the_size_is_what_the_machine_was_given) {
    machine_.applied = "Big";
    made(10);
    EXPECT_EQ(runs().at(0).instance_type, "Big");
    EXPECT_EQ(runs().at(0).vcpus, 8);
}

TEST_P(RunsSuite, runs_are_found_by_time_and_cluster) {
    made(10);
    deallocated(20);
    started(30);
    const auto count = [&](std::optional<int> from, std::optional<int> until) {
        RunQuery query{.organisation = ours};
        if (from) query.from = at(*from);
        if (until) query.until = at(*until);
        return runs(query).size();
    };
    EXPECT_EQ(count(10, 20), 1u);
    EXPECT_EQ(count(20, 30), 0u);
    EXPECT_EQ(count(19, 31), 2u);
    EXPECT_EQ(count(1000, {}), 1u);
    EXPECT_EQ(count({}, 10), 0u);
    EXPECT_EQ(runs({.organisation = ours, .cluster = demo}).size(), 2u);
    EXPECT_TRUE(runs({.organisation = ours, .cluster = ClusterId("c-2")}).empty());
    EXPECT_TRUE(runs({.organisation = OrganisationId("p")}).empty());
}

TEST_P(RunsSuite, nothing_but_machines_runs) {
    Resource address;
    address.name = {model::ResourceKind::public_address, "g", "", "a"};
    address.cluster = demo;
    address.made = address.running = true;
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(address); }));
    EXPECT_TRUE(runs().empty());
}

TEST_P(RunsSuite, clusters_come_by_the_page_in_the_order_of_their_making) {
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        for (int i = 9; i > 0; --i) {
            model::Cluster row{.id = ClusterId("p-" + std::to_string(i)),
                               .organisation = OrganisationId("p"),
                               .created_at = at(i / 3)};
            row.spec.name = row.id.value;
            RETURN_IF_ERROR(t.put(row));
        }
        return {};
    }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        std::string order;
        std::optional<ClusterPlace> after;
        for (int pages = 0; pages < 5; ++pages) {
            const auto page = *t.clusters_of(OrganisationId("p"), after, 2);
            if (page.empty()) break;
            EXPECT_LE(page.size(), 2u);
            for (const auto& row : page) order += row.id.value.substr(2);
            after = {.created_at = page.back().created_at, .id = page.back().id};
        }
        EXPECT_EQ(order, "123456789");
        return {};
    }));
}

TEST_P(RunsSuite, stamps_come_by_the_page_as_clusters_do) {
    const OrganisationId others("p");
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        for (const char* id : {"p-3", "p-2", "p-1"}) {
            model::Cluster row{.id = ClusterId(id),
                               .organisation = others,
                               .created_at = at(id[2] == '3' ? 1 : 2)};
            row.spec.name = id;
            RETURN_IF_ERROR(t.put(row));
            model::Node head{.id = NodeId(std::string(id) + "-head"), .cluster = row.id};
            RETURN_IF_ERROR(t.put(head));
        }
        return {};
    }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        for (const int limit : {1, 2, 5}) {
            std::optional<ClusterPlace> after;
            for (int pages = 0; pages < 4; ++pages) {
                const auto rows = *t.clusters_of(others, after, limit);
                const auto stamps = *t.stamped_of(others, after, limit);
                EXPECT_EQ(stamps.size(), rows.size());
                for (std::size_t i = 0; i < std::min(rows.size(), stamps.size()); ++i) {
                    const ClusterPlace place{.created_at = rows[i].created_at, .id = rows[i].id};
                    EXPECT_EQ(stamps[i].place, place);
                    EXPECT_EQ(stamps[i].organisation, others);
                    EXPECT_EQ(*t.stamped(place.id), stamps[i]);
                    after = place;
                }
            }
        }
        EXPECT_EQ(*t.stamped(ClusterId("p-4")), std::nullopt);
        return {};
    }));
}

TEST_P(RunsSuite, a_stamp_rises_with_every_write_of_a_cluster_or_a_node) {
    std::int64_t seen = 0;
    /// What was written since the last call: "NAME" or "NAME gone" of each.
    const auto news = [&] {
        std::string told;
        EXPECT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(const auto all, t.written_since(seen, std::nullopt));
            for (const StampedCluster& cluster : all) {
                EXPECT_GT(cluster.stamp, seen);
                seen = cluster.stamp;
                told += cluster.place.id.value + (cluster.is_gone ? " gone " : " ");
                EXPECT_EQ(*t.stamped(cluster.place.id),
                          cluster.is_gone ? std::nullopt : std::optional(cluster));
                EXPECT_EQ(t.written_since(seen - 1, cluster.organisation)->front(), cluster);
            }
            EXPECT_TRUE(t.written_since(0, OrganisationId("p"))->empty());
            return {};
        }));
        return told;
    };
    EXPECT_EQ(news(), "c-1 ");
    EXPECT_EQ(news(), "");
    const auto told_of = [&](const Store::Body& body) {
        EXPECT_TRUE(store_->write(body));
        return news();
    };
    EXPECT_EQ(told_of([&](Transaction& t) -> Result<void> {
                  ASSIGN_OR_RETURN(auto row, t.cluster(demo));
                  return t.put(*row);
              }),
              "c-1 ");
    EXPECT_EQ(told_of([&](Transaction& t) -> Result<void> {
                  ASSIGN_OR_RETURN(auto row, t.node(NodeId("demo-head")));
                  return t.put(*row);
              }),
              "c-1 ");
    EXPECT_EQ(told_of([](Transaction& t) -> Result<void> {
                  model::Cluster other{.id = ClusterId("other"), .organisation = ours};
                  other.spec.name = "other";
                  RETURN_IF_ERROR(t.put(other));
                  model::Node worker{.id = NodeId("demo-w1"), .cluster = demo};
                  return t.put(worker);
              }),
              "other c-1 ");
    EXPECT_EQ(told_of([](Transaction& t) { return t.erase(NodeId("demo-w1")); }), "c-1 ");
    EXPECT_EQ(told_of([](Transaction& t) { return t.erase(NodeId("demo-w1")); }), "");
    EXPECT_FALSE(store_->write([](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.erase(demo));
        return fail(ErrorKind::internal, "undone", "this is taken back");
    }));
    EXPECT_EQ(news(), "");
    EXPECT_EQ(told_of([](Transaction& t) { return t.erase(demo); }), "c-1 gone ");
    EXPECT_EQ(told_of([](Transaction& t) { return t.erase(demo); }), "");
    seen = 0;
    EXPECT_EQ(news(), "other ");
}

INSTANTIATE_TEST_SUITE_P(Every, RunsSuite, every_store, name_of_store);

}  // namespace
}  // namespace hopyard::store
