// One suite for every store. PostgreSQL is a real server that the test starts and removes.
#include <atomic>
#include <thread>

#include "store/test_stores.h"

namespace hopyard::store {
namespace {

class StoreSuite : public EveryStore {};

model::Cluster cluster(const std::string& id, const std::string& name) {
    model::Cluster row;
    row.id = ClusterId(id);
    row.organisation = OrganisationId("o");
    row.spec.name = name;
    return row;
}

TEST_P(StoreSuite, a_row_is_kept_and_read_back_with_its_version) {
    model::Cluster row = cluster("c-1", "demo");
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(row); }));
    EXPECT_EQ(row.version, 1);
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_EQ(*t.cluster(row.id), row);
        EXPECT_EQ(*t.cluster_named(row.organisation, "demo"), row);
        EXPECT_FALSE(*t.cluster(ClusterId("c-2")));
        EXPECT_EQ(t.clusters()->size(), 1u);
        EXPECT_TRUE(t.clusters_of(OrganisationId("other"))->empty());
        return {};
    }));
}

TEST_P(StoreSuite, a_stale_version_is_a_conflict_and_changes_nothing) {
    model::Cluster row = cluster("c-1", "demo");
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(row); }));
    model::Cluster stale = row;
    row.stage = "first";
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(row); }));
    stale.stage = "second";
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(stale); }).error().code,
              "changed_meanwhile");
    EXPECT_EQ(stale.version, 1);
    model::Cluster again = cluster("c-1", "demo");
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(again); }).error().kind,
              ErrorKind::already_exists);
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_EQ((*t.cluster(row.id))->stage, "first");
        return {};
    }));
}

TEST_P(StoreSuite, a_name_is_taken_within_its_organisation_only) {
    model::Cluster first = cluster("c-1", "demo"), second = cluster("c-2", "demo");
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(first); }));
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(second); }).error().code,
              "name_taken");
    second.organisation = OrganisationId("p");
    EXPECT_TRUE(store_->write([&](Transaction& t) { return t.put(second); }));
}

TEST_P(StoreSuite, a_body_that_fails_leaves_nothing) {
    model::Cluster row = cluster("c-1", "demo");
    EXPECT_FALSE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(row));
        return fail(ErrorKind::internal, "no", "no");
    }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_TRUE(t.clusters()->empty());
        return {};
    }));
}

TEST_P(StoreSuite, operations_come_when_they_are_due_soonest_first) {
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        EXPECT_FALSE(*t.next_operation_at());
        model::Cluster owner = cluster("c-1", "demo");
        RETURN_IF_ERROR(t.put(owner));
        for (int i = 5; i > 0; --i) {
            model::Resource row;
            row.name = {model::ResourceKind::machine, "g", "", "m" + std::to_string(i)};
            row.cluster = ClusterId("c-1");
            if (i < 5) row.operation.emplace().look_at = Timestamp(Milliseconds(i * 10));
            RETURN_IF_ERROR(t.put(row));
        }
        return {};
    }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_EQ(*t.next_operation_at(), Timestamp(Milliseconds(10)));
        const auto due = *t.due_operations(Timestamp(Milliseconds(30)), 2);
        EXPECT_EQ(due.size(), 2u);
        EXPECT_EQ(due.at(0).name.name, "m1");
        EXPECT_EQ(t.resources(ClusterId("c-1"))->size(), 5u);
        return {};
    }));
}

TEST_P(StoreSuite, a_cluster_with_made_resources_is_not_forgotten) {
    model::Cluster row = cluster("c-1", "demo");
    model::Resource machine;
    machine.name = {model::ResourceKind::machine, "g", "", "m"};
    machine.cluster = row.id;
    machine.made = true;
    model::Node node;
    node.id = NodeId("m");
    node.cluster = row.id;
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(row));
        RETURN_IF_ERROR(t.put(node));
        return t.put(machine);
    }));
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.erase(row.id); }).error().code,
              "resources_left");
    machine.made = false;
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(machine));
        return t.erase(row.id);
    }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_FALSE(*t.cluster(row.id));
        EXPECT_TRUE(t.nodes(row.id)->empty());
        EXPECT_TRUE(t.resources(row.id)->empty());
        return {};
    }));
}

TEST_P(StoreSuite, activity_is_numbered_and_paged_in_both_directions) {
    for (int i = 0; i < 7; ++i)
        ASSERT_TRUE(store_->write([&](Transaction& t) {
            model::Activity entry{.organisation = OrganisationId("o"), .cluster = ClusterId("c-1")};
            entry.message = std::to_string(i);
            return t.append(entry);
        }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        ActivityQuery query{.organisation = OrganisationId("o"), .limit = 3};
        std::string order;
        for (int pages = 0; pages < 5; ++pages) {
            const auto page = *t.activity(query);
            for (const auto& entry : page.entries) order += entry.message;
            if (!page.next_before) break;
            query.before = page.next_before;
        }
        EXPECT_EQ(order, "6543210");
        const auto newer =
            *t.activity({.organisation = OrganisationId("o"), .after = 5, .limit = 9});
        EXPECT_EQ(newer.entries.size(), 2u);
        EXPECT_EQ(newer.entries.at(0).sequence, 6);
        EXPECT_TRUE(t.activity({.organisation = OrganisationId("p")})->entries.empty());
        return {};
    }));
}

TEST_P(StoreSuite, secrets_settings_keys_and_replies_come_back) {
    model::ApiKey key{.id = ApiKeyId("k"), .organisation = OrganisationId("o"), .key_hash = "ab"};
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put_secret("cluster/c-1/workload-key", Secret(std::string("\0x", 2))));
        RETURN_IF_ERROR(t.put_secret("cluster/c-2/workload-key", Secret("y")));
        RETURN_IF_ERROR(t.put_setting("installation-id", "i"));
        RETURN_IF_ERROR(t.put(key));
        return t.remember(
            OrganisationId("o"), "once", {.request_hash = "h", .status = 202, .body = "{}"});
    }));
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        EXPECT_EQ((*t.secret("cluster/c-1/workload-key"))->reveal(), std::string("\0x", 2));
        RETURN_IF_ERROR(t.erase_secrets("cluster/c-1/"));
        EXPECT_FALSE(*t.secret("cluster/c-1/workload-key"));
        EXPECT_TRUE(*t.secret("cluster/c-2/workload-key"));
        EXPECT_EQ(*t.setting("installation-id"), "i");
        EXPECT_EQ((*t.api_key_by_hash("ab"))->id, key.id);
        EXPECT_FALSE(*t.api_key_by_hash("ac"));
        EXPECT_EQ((*t.remembered(OrganisationId("o"), "once"))->status, 202);
        RETURN_IF_ERROR(t.forget_replies_before(Timestamp(Milliseconds(1))));
        EXPECT_FALSE(*t.remembered(OrganisationId("o"), "once"));
        return {};
    }));
}

TEST_P(StoreSuite, a_lost_lease_stops_the_writes_of_its_holder) {
    const Timestamp start{};
    const auto first = *store_->acquire("loops", "a", start, Seconds(10));
    ASSERT_TRUE(first);
    EXPECT_FALSE(*store_->acquire("loops", "b", start + Seconds(5), Seconds(10)));
    EXPECT_EQ((*store_->acquire("loops", "a", start + Seconds(5), Seconds(10)))->generation,
              first->generation);
    const auto second = *store_->acquire("loops", "b", start + Seconds(15), Seconds(10));
    ASSERT_TRUE(second);
    const auto touch = [](Transaction& t) { return t.put_setting("x", "y"); };
    EXPECT_EQ(store_->write(*first, touch).error().code, "lease_lost");
    EXPECT_TRUE(store_->write(*second, touch));
    ASSERT_TRUE(store_->release(*second));
    EXPECT_TRUE(*store_->acquire("loops", "a", start + Seconds(16), Seconds(10)));
}

TEST_P(StoreSuite, a_node_moves_with_its_generation_and_needs_its_cluster) {
    model::Cluster row = cluster("c-1", "demo");
    model::Node first, second;
    first.id = NodeId("a");
    second.id = NodeId("b");
    first.cluster = second.cluster = row.id;
    first.ordinal = second.ordinal = 1;
    second.generation = 2;
    model::Resource machine;
    machine.name.name = "m";
    machine.cluster = row.id;
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(first); }).error().code,
              "cluster_gone");
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(machine); }).error().code,
              "cluster_gone");
    EXPECT_EQ(first.version, 0);
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put(row));
        RETURN_IF_ERROR(t.put(first));
        RETURN_IF_ERROR(t.put(second));
        first.generation = 3;
        return t.put(first);
    }));
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        EXPECT_EQ(t.nodes(row.id)->at(1), first);
        RETURN_IF_ERROR(t.erase(second.id));
        EXPECT_EQ(t.nodes(row.id)->size(), 1u);
        return {};
    }));
}

TEST_P(StoreSuite, a_reading_body_cannot_write) {
    model::Cluster row = cluster("c-1", "demo");
    EXPECT_EQ(store_->read([&](Transaction& t) { return t.put(row); }).error().code,
              "write_in_read");
    EXPECT_EQ(row.version, 0);
    EXPECT_FALSE(store_->read([](Transaction& t) { return t.put_setting("a", "b"); }));
    EXPECT_FALSE(store_->read([](Transaction& t) { return t.erase(ClusterId("c-1")); }));
}

TEST_P(StoreSuite, everything_of_a_failed_write_is_taken_back) {
    model::Cluster row = cluster("c-1", "demo");
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put_setting("kept", "before"));
        return t.put(row);
    }));
    model::Activity entry{.organisation = OrganisationId("o")};
    EXPECT_FALSE(store_->write([&](Transaction& t) -> Result<void> {
        model::Node node;
        node.id = NodeId("n");
        node.cluster = row.id;
        RETURN_IF_ERROR(t.put(node));
        RETURN_IF_ERROR(t.put_setting("kept", "after"));
        RETURN_IF_ERROR(t.append(entry));
        RETURN_IF_ERROR(t.put_secret("s", Secret("x")));
        RETURN_IF_ERROR(t.erase(row.id));
        return fail(ErrorKind::internal, "no", "no");
    }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_EQ(*t.cluster(row.id), row);
        EXPECT_TRUE(t.nodes(row.id)->empty());
        EXPECT_EQ(*t.setting("kept"), "before");
        EXPECT_FALSE(*t.secret("s"));
        EXPECT_TRUE(t.activity({.organisation = OrganisationId("o")})->entries.empty());
        return {};
    }));
}

TEST_P(StoreSuite, two_keys_never_have_one_hash) {
    model::ApiKey first{.id = ApiKeyId("k1"), .key_hash = "ab"};
    model::ApiKey second{.id = ApiKeyId("k2"), .key_hash = "ab"};
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(first); }));
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(second); }).error().kind,
              ErrorKind::already_exists);
    first.revoked = true;
    EXPECT_TRUE(store_->write([&](Transaction& t) { return t.put(first); }));
}

TEST_P(StoreSuite, text_comes_back_byte_for_byte) {
    const std::string text = "ü – \"quoted\" 'single' \\ :colon ; -- \n\t\x01 %s {} 🙂";
    model::Cluster row = cluster("c-1", "demo");
    row.spec.init_script.text = "#!/bin/sh\n" + text;
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(t.put_setting("text", text));
        RETURN_IF_ERROR(t.put_secret("text", Secret(std::string("\0\xff\x80", 3))));
        return t.put(row);
    }));
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_EQ(*t.setting("text"), text);
        EXPECT_EQ((*t.secret("text"))->reveal(), std::string("\0\xff\x80", 3));
        EXPECT_EQ(*t.cluster(row.id), row);
        return {};
    }));
}

TEST_P(StoreSuite, writers_in_many_threads_and_replicas_lose_no_update) {
    model::Cluster row = cluster("c-1", "demo");
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(row); }));
    const auto replica = is("memory") ? nullptr : another();
    constexpr int threads = 4, rounds = 25;
    const auto grow = [](Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(auto seen, t.cluster(ClusterId("c-1")));
        ++seen->generation;
        RETURN_IF_ERROR(t.put(*seen));
        model::Activity entry{.organisation = OrganisationId("o")};
        return t.append(entry);
    };
    {
        std::vector<std::jthread> writers;
        for (int i = 0; i < threads; ++i)
            writers.emplace_back([&, i] {
                Store& own = replica && i % 2 == 1 ? *replica : *store_;
                for (int round = 0; round < rounds; ++round) {
                    const auto outcome = own.write(grow);
                    EXPECT_TRUE(outcome) << outcome.error().message;
                }
            });
    }
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_EQ((*t.cluster(row.id))->generation, 1 + threads * rounds);
        const auto page = *t.activity({.organisation = OrganisationId("o"), .limit = 1000});
        EXPECT_EQ(page.entries.size(), std::size_t{threads * rounds});
        EXPECT_EQ(page.entries.front().sequence, threads * rounds);
        return {};
    }));
}

TEST_P(StoreSuite, of_writers_that_hold_the_same_row_one_wins_each_round) {
    model::Cluster row = cluster("c-1", "demo");
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(row); }));
    const auto replica = is("memory") ? nullptr : another();
    constexpr int threads = 4, rounds = 10;
    for (int round = 0; round < rounds; ++round) {
        std::atomic<int> won = 0;
        {
            std::vector<std::jthread> writers;
            for (int i = 0; i < threads; ++i)
                writers.emplace_back([&, i, mine = row]() mutable {
                    Store& own = replica && i % 2 == 1 ? *replica : *store_;
                    mine.stage = std::to_string(i);
                    const auto outcome = own.write([&](Transaction& t) { return t.put(mine); });
                    if (outcome) {
                        ++won;
                    } else {
                        EXPECT_EQ(outcome.error().code, "changed_meanwhile");
                    }
                });
        }
        EXPECT_EQ(won, 1);
        ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
            row = **t.cluster(row.id);
            return {};
        }));
        EXPECT_EQ(row.version, round + 2);
    }
}

TEST_P(StoreSuite, a_reader_sees_one_moment) {
    const auto set = [&](const std::string& value) {
        return store_->write([&](Transaction& t) -> Result<void> {
            RETURN_IF_ERROR(t.put_setting("left", value));
            return t.put_setting("right", value);
        });
    };
    ASSERT_TRUE(set("0"));
    std::jthread writer([&] {
        for (int i = 1; i <= 50; ++i) EXPECT_TRUE(set(std::to_string(i)));
    });
    for (int i = 0; i < 50; ++i)
        EXPECT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
            const auto left = *t.setting("left");
            EXPECT_EQ(left, *t.setting("right"));
            return {};
        }));
}

TEST_P(StoreSuite, two_replicas_never_hold_one_lease) {
    const auto replica = is("memory") ? nullptr : another();
    Store& other = replica ? *replica : *store_;
    std::atomic<int> held = 0;
    {
        std::vector<std::jthread> replicas;
        for (int i = 0; i < 4; ++i)
            replicas.emplace_back([&, i] {
                Store& own = i % 2 == 1 ? other : *store_;
                const auto lease = own.acquire("loops", std::to_string(i), Timestamp(), Seconds(9));
                ASSERT_TRUE(lease) << lease.error().message;
                if (*lease) ++held;
            });
    }
    EXPECT_EQ(held, 1);
    const auto late = *other.acquire("loops", "late", Timestamp(Seconds(9)), Seconds(9));
    ASSERT_TRUE(late);
    EXPECT_EQ(late->generation, 2);
    const Lease never{.name = "other", .holder = "x", .generation = 0};
    EXPECT_EQ(store_->write(never, [](Transaction&) { return Result<void>(); }).error().code,
              "lease_lost");
}

INSTANTIATE_TEST_SUITE_P(Every, StoreSuite, every_store, name_of_store);

TEST(MemoryStore, a_commit_that_dies_leaves_nothing) {
    bool die = false;
    const auto store = open_memory([&] {
        if (die) throw std::runtime_error("killed");
    });
    ASSERT_TRUE(store->write([](Transaction& t) { return t.put_setting("a", "1"); }));
    die = true;
    EXPECT_THROW((void)store->write([](Transaction& t) { return t.put_setting("a", "2"); }),
                 std::runtime_error);
    EXPECT_THROW((void)store->acquire("loops", "x", Timestamp(), Seconds(1)), std::runtime_error);
    die = false;
    ASSERT_TRUE(store->read([](Transaction& t) -> Result<void> {
        EXPECT_EQ(*t.setting("a"), "1");
        return {};
    }));
    EXPECT_EQ((*store->acquire("loops", "x", Timestamp(), Seconds(1)))->generation, 1);
}

TEST(PostgresStore, comes_back_when_its_server_does) {
    postgres().empty();
    const auto store = *open(postgres().address(), sealing_key);
    const auto touch = [](Transaction& t) { return t.put_setting("a", "1"); };
    ASSERT_TRUE(store->write(touch));
    postgres().stop();
    const auto refused = store->write(touch);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    EXPECT_FALSE(store->read(touch));
    postgres().start();
    EXPECT_TRUE(store->write(touch));
    EXPECT_TRUE(store->read([](Transaction& t) -> Result<void> {
        EXPECT_EQ(*t.setting("a"), "1");
        return {};
    }));
}

}  // namespace
}  // namespace hopyard::store
