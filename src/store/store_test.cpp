// One suite for every store. PostgreSQL is a real server that the test starts and removes.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encoding.h"
#include "store/open.h"
#include "store/sealing.h"

namespace hopyard::store {
namespace {

namespace fs = std::filesystem;

const Secret sealing_key(std::string(32, 'k'));

/// A directory that goes with the object.
class Directory {
  public:
    Directory() {
        std::string pattern = (fs::temp_directory_path() / "hopyard-store-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
        fs::permissions(path_, fs::perms(0755));
    }
    ~Directory() { fs::remove_all(path_); }
    Directory(const Directory&) = delete;
    std::string operator/(const char* name) const { return (path_ / name).string(); }

  private:
    fs::path path_;
};

/// A PostgreSQL server on a unix socket, run by the user postgres; ended with the object.
class Postgres {
  public:
    Postgres() {
        const std::string data = dir_ / "data", socket = dir_ / "";
        run("chown postgres " + socket);
        run(as_postgres() + bin() + "/initdb -D " + data + " -A trust --no-sync >/dev/null");
        run(as_postgres() + bin() + "/pg_ctl -D " + data + " -w -s -l " + data +
            "/log -o \"-c listen_addresses='' -k " + socket + "\" start >/dev/null 2>&1");
        address_ = "postgresql:dbname=postgres user=postgres host=" + socket;
    }
    ~Postgres() {
        run(as_postgres() + bin() + "/pg_ctl -D " + (dir_ / "data") + " -m immediate -s stop");
    }
    const std::string& address() const { return address_; }
    void empty() {
        run("psql -q -h " + (dir_ / "") +
            " -U postgres postgres -c 'DROP SCHEMA public CASCADE; CREATE SCHEMA public' "
            ">/dev/null 2>&1");
    }

  private:
    static std::string bin() { return "/usr/lib/postgresql/15/bin"; }
    static std::string as_postgres() {
        return "cd / && setpriv --reuid=postgres --regid=postgres --init-groups ";
    }
    static void run(const std::string& command) {
        ASSERT_EQ(std::system(command.c_str()), 0) << command;
    }
    Directory dir_;
    std::string address_;
};

Postgres& postgres() {
    static Postgres server;
    return server;
}

class StoreSuite : public testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        if (GetParam() == std::string("postgresql")) postgres().empty();
        store_ = reopen();
    }
    std::unique_ptr<Store> reopen() {
        if (GetParam() == std::string("memory")) return open_memory();
        auto opened = open(
            GetParam() == std::string("sqlite") ? "sqlite:" + (dir_ / "db") : postgres().address(),
            sealing_key);
        EXPECT_TRUE(opened) << opened.error().message;
        return std::move(*opened);
    }
    Directory dir_;
    std::unique_ptr<Store> store_;
};

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
    EXPECT_EQ(store_->write([&](Transaction& t) { return t.put(stale); }).error().kind,
              ErrorKind::conflict);
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
        RETURN_IF_ERROR(t.put_secret("cluster/c-1/munge-key", Secret(std::string("\0x", 2))));
        RETURN_IF_ERROR(t.put_secret("cluster/c-2/munge-key", Secret("y")));
        RETURN_IF_ERROR(t.put_setting("installation-id", "i"));
        RETURN_IF_ERROR(t.put(key));
        return t.remember(
            OrganisationId("o"), "once", {.request_hash = "h", .status = 202, .body = "{}"});
    }));
    ASSERT_TRUE(store_->write([&](Transaction& t) -> Result<void> {
        EXPECT_EQ((*t.secret("cluster/c-1/munge-key"))->reveal(), std::string("\0x", 2));
        RETURN_IF_ERROR(t.erase_secrets("cluster/c-1/"));
        EXPECT_FALSE(*t.secret("cluster/c-1/munge-key"));
        EXPECT_TRUE(*t.secret("cluster/c-2/munge-key"));
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

TEST_P(StoreSuite, writers_in_many_threads_lose_no_update) {
    model::Cluster row = cluster("c-1", "demo");
    ASSERT_TRUE(store_->write([&](Transaction& t) { return t.put(row); }));
    constexpr int threads = 4, rounds = 10;
    {
        std::vector<std::jthread> writers;
        for (int i = 0; i < threads; ++i)
            writers.emplace_back([&] {
                for (int done = 0; done < rounds;)
                    if (store_->write([&](Transaction& t) -> Result<void> {
                            ASSIGN_OR_RETURN(auto seen, t.cluster(ClusterId("c-1")));
                            ++seen->generation;
                            return t.put(*seen);
                        }))
                        ++done;
            });
    }
    ASSERT_TRUE(store_->read([&](Transaction& t) -> Result<void> {
        EXPECT_EQ((*t.cluster(row.id))->generation, 1 + threads * rounds);
        return {};
    }));
}

INSTANTIATE_TEST_SUITE_P(Every,
                         StoreSuite,
                         testing::Values("memory", "sqlite", "postgresql"),
                         [](const auto& parameter) { return std::string(parameter.param); });

std::string bytes_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(Sqlite, what_was_acknowledged_survives_a_kill) {
    Directory dir;
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    const pid_t writer = ::fork();
    if (writer == 0) {
        auto store = open("sqlite:" + (dir / "db"), sealing_key);
        for (int i = 0; store; ++i) {
            if (!(*store)->write(
                    [&](Transaction& t) { return t.put_setting("n" + std::to_string(i), "x"); }))
                break;
            if (::write(acknowledged[1], &i, sizeof i) != sizeof i) break;
        }
        ::_exit(0);
    }
    ::close(acknowledged[1]);
    int last = -1;
    while (last < 50) ASSERT_EQ(::read(acknowledged[0], &last, sizeof last), ssize_t(sizeof last));
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    for (int more; ::read(acknowledged[0], &more, sizeof more) == ssize_t(sizeof more);)
        last = more;
    ::close(acknowledged[0]);
    auto store = open("sqlite:" + (dir / "db"), sealing_key);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->read([&](Transaction& t) -> Result<void> {
        for (int i = 0; i <= last; ++i) EXPECT_TRUE(*t.setting("n" + std::to_string(i))) << i;
        return {};
    }));
}

TEST(Sqlite, a_database_of_a_newer_version_is_refused_untouched) {
    Directory dir;
    ASSERT_TRUE(open("sqlite:" + (dir / "db"), sealing_key));
    ASSERT_EQ(std::system(("sqlite3 " + (dir / "db") +
                           " 'PRAGMA journal_mode=DELETE; PRAGMA user_version = 99' >/dev/null")
                              .c_str()),
              0);
    const std::string before = bytes_of(dir / "db");
    const auto refused = open("sqlite:" + (dir / "db"), sealing_key);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "database_newer");
    EXPECT_FALSE(refused.error().next_action.empty());
    EXPECT_EQ(bytes_of(dir / "db"), before);
}

TEST(Sqlite, a_damaged_database_is_refused_untouched) {
    Directory dir;
    std::ofstream(dir / "db") << std::string(8192, 'z');
    const auto refused = open("sqlite:" + (dir / "db"), sealing_key);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "database_damaged");
    EXPECT_EQ(bytes_of(dir / "db"), std::string(8192, 'z'));
}

TEST(Sqlite, another_sealing_key_is_refused_and_no_secret_lies_in_the_file) {
    Directory dir;
    const std::string canary = "canary-7f3a91";
    {
        auto store = open("sqlite:" + (dir / "db"), sealing_key);
        ASSERT_TRUE(store);
        ASSERT_TRUE((*store)->write(
            [&](Transaction& t) { return t.put_secret("cluster/c-1/password", Secret(canary)); }));
    }
    EXPECT_EQ(bytes_of(dir / "db").find(canary), std::string::npos);
    EXPECT_EQ(bytes_of(dir / "db-wal").find(canary), std::string::npos);
    EXPECT_EQ(open("sqlite:" + (dir / "db"), Secret(std::string(32, 'q'))).error().code,
              "sealed_with_another_key");
    EXPECT_EQ(fs::status(dir / "db").permissions() & fs::perms(0077), fs::perms::none);
}

TEST(Open, an_unknown_address_and_an_unwritable_place_are_refused_with_a_remedy) {
    EXPECT_EQ(open("mysql:x", sealing_key).error().code, "database_address");
    const auto refused = open("sqlite:/nonexistent/db", sealing_key);
    ASSERT_FALSE(refused);
    EXPECT_FALSE(refused.error().next_action.empty());
}

TEST(SealingKey, is_made_once_and_must_be_private_and_whole) {
    Directory dir;
    SystemRandom random;
    const auto first = open_sealing_key(dir / "key", random);
    ASSERT_TRUE(first);
    EXPECT_EQ(open_sealing_key(dir / "key", random)->reveal(), first->reveal());
    fs::permissions(dir / "key", fs::perms(0644));
    EXPECT_EQ(open_sealing_key(dir / "key", random).error().code, "sealing_key_readable");
    fs::permissions(dir / "key", fs::perms(0600));
    std::ofstream(dir / "key") << "short";
    EXPECT_EQ(open_sealing_key(dir / "key", random).error().code, "sealing_key_malformed");
}

TEST(Sealing, a_value_opens_under_its_own_name_only) {
    const std::string sealed = seal(sealing_key, "a", Secret("value"));
    EXPECT_EQ(unseal(sealing_key, "a", sealed)->reveal(), "value");
    EXPECT_FALSE(unseal(sealing_key, "b", sealed));
    EXPECT_FALSE(unseal(sealing_key, "a", sealed.substr(0, 20)));
    EXPECT_NE(seal(sealing_key, "a", Secret("value")), sealed);
}

}  // namespace
}  // namespace hopyard::store
