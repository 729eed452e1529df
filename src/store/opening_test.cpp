// What happens before a store serves: refusals that leave the database as it is, keys, crashes,
// full disks.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>

#include "base/encoding.h"
#include "base/random.h"
#include "store/open.h"
#include "store/schema.h"
#include "store/sealing.h"
#include "store/test_database.h"

namespace hopyard::store {
namespace {

namespace fs = std::filesystem;

const Secret sealing_key(std::string(32, 'k'));

Result<void> put(Store& store, const std::string& name, const std::string& value) {
    return store.write([&](Transaction& t) { return t.put_setting(name, value); });
}

bool has(Store& store, const std::string& name) {
    bool found = false;
    EXPECT_TRUE(store.read([&](Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto value, t.setting(name));
        found = value.has_value();
        return {};
    }));
    return found;
}

/// The exit code of a process that runs the body.
template <class Body>
int in_child(Body body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// A writer that is killed in the middle of its work, several times.
void expect_acknowledged_rows_survive_kills(const std::string& address) {
    int last = -1;
    for (int kills = 1; kills <= 5; ++kills) {
        int acknowledged[2];
        ASSERT_EQ(::pipe(acknowledged), 0);
        const pid_t writer = ::fork();
        if (writer == 0) {
            auto store = open(address, sealing_key);
            for (int i = last + 1; store; ++i) {
                if (!put(**store, "n" + std::to_string(i), "x")) break;
                if (::write(acknowledged[1], &i, sizeof i) != sizeof i) break;
            }
            ::_exit(0);
        }
        ::close(acknowledged[1]);
        const auto next = [&] {
            return ::read(acknowledged[0], &last, sizeof last) == ssize_t(sizeof last);
        };
        const int enough = last + 10 * kills;
        while (last < enough) ASSERT_TRUE(next());
        ::kill(writer, SIGKILL);
        ::waitpid(writer, nullptr, 0);
        while (next()) {
        }
        ::close(acknowledged[0]);
    }
    auto store = open(address, sealing_key);
    ASSERT_TRUE(store) << store.error().message;
    for (int i = 0; i <= last; ++i) EXPECT_TRUE(has(**store, "n" + std::to_string(i))) << i;
    EXPECT_TRUE(put(**store, "alive", "x"));
}

TEST(Sqlite, what_was_acknowledged_survives_kills) {
    Directory dir;
    expect_acknowledged_rows_survive_kills("sqlite:" + (dir / "db"));
}

TEST(PostgresStore, what_was_acknowledged_survives_kills) {
    postgres().empty();
    expect_acknowledged_rows_survive_kills(postgres().address());
}

/// A database whose newest rows lie in the log only, as a crash leaves it: nobody closes the store.
void make_crashed_database(const std::string& path, const std::string& last_words) {
    ASSERT_EQ(in_child([&] {
                  auto store = open("sqlite:" + path, sealing_key);
                  if (!store || !put(**store, "a", "b")) return 1;
                  if (!last_words.empty() &&
                      std::system(("sqlite3 " + path + " '" + last_words + "'").c_str()) != 0)
                      return 2;
                  (void)store->release();
                  return 0;
              }),
              0);
    ASSERT_GT(bytes_of(path + "-wal").size(), 0u);
}

struct Bytes {
    std::string database, log;
    bool operator==(const Bytes&) const = default;
};
Bytes all_bytes(const std::string& path) {
    return {bytes_of(path), bytes_of(path + "-wal")};
}

/// The code of the refusal of a database that must stay as it is.
std::string refused_untouched(const std::string& path, const Secret& key = sealing_key) {
    const Bytes before = all_bytes(path);
    const auto refused = open("sqlite:" + path, key);
    EXPECT_TRUE(all_bytes(path) == before) << "it was touched";
    if (refused) return "";
    EXPECT_FALSE(refused.error().next_action.empty());
    return refused.error().code;
}

TEST(Sqlite, a_crashed_database_is_recovered) {
    Directory dir;
    make_crashed_database(dir / "db", "");
    auto store = open("sqlite:" + (dir / "db"), sealing_key);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_TRUE(has(**store, "a"));
}

TEST(Sqlite, a_database_of_a_newer_version_is_refused_untouched) {
    Directory dir;
    make_crashed_database(dir / "db", "PRAGMA user_version = 99");
    EXPECT_EQ(refused_untouched(dir / "db"), "database_newer");
    ASSERT_EQ(
        std::system(("sqlite3 " + (dir / "db") + " 'PRAGMA wal_checkpoint' >/dev/null").c_str()),
        0);
    EXPECT_EQ(refused_untouched(dir / "db"), "database_newer");
}

TEST(Sqlite, another_sealing_key_is_refused_untouched) {
    Directory dir;
    make_crashed_database(dir / "db", "");
    EXPECT_EQ(refused_untouched(dir / "db", Secret(std::string(32, 'q'))),
              "sealed_with_another_key");
    EXPECT_TRUE(open("sqlite:" + (dir / "db"), sealing_key));
}

TEST(Sqlite, what_is_no_database_of_ours_is_refused_untouched) {
    Directory dir;
    std::ofstream(dir / "garbage") << std::string(8192, 'z');
    EXPECT_EQ(refused_untouched(dir / "garbage"), "database_damaged");
    ASSERT_EQ(std::system(("sqlite3 " + (dir / "foreign") + " 'CREATE TABLE t (a)'").c_str()), 0);
    EXPECT_EQ(refused_untouched(dir / "foreign"), "database_foreign");
}

TEST(Sqlite, damage_in_the_middle_is_found_before_it_spreads) {
    Directory dir;
    {
        auto store = open("sqlite:" + (dir / "db"), sealing_key);
        ASSERT_TRUE(store);
        for (int i = 0; i < 50; ++i)
            ASSERT_TRUE(put(**store, "n" + std::to_string(i), std::string(2000, 'x')));
    }
    std::string bytes = bytes_of(dir / "db");
    ASSERT_GT(bytes.size(), 60'000u);
    for (std::size_t at = 4096; at < bytes.size(); at += 4096) bytes.replace(at, 64, 64, '\xa5');
    std::ofstream(dir / "db", std::ios::binary) << bytes;
    EXPECT_EQ(refused_untouched(dir / "db"), "database_damaged");
    std::ofstream(dir / "db", std::ios::binary) << bytes.substr(0, 5000);
    EXPECT_EQ(refused_untouched(dir / "db"), "database_damaged");
}

TEST(Migrations, are_numbered_one_after_the_other) {
    int version = 0;
    for (const Migration& migration : migrations()) EXPECT_EQ(migration.version, ++version);
}

TEST(Sqlite, an_empty_file_becomes_a_database) {
    Directory dir;
    std::ofstream(dir / "db").close();
    EXPECT_TRUE(open("sqlite:" + (dir / "db"), sealing_key));
}

TEST(Sqlite, no_secret_lies_in_the_files_and_nobody_else_reads_them) {
    Directory dir;
    const std::string canary = "canary-7f3a91";
    auto store = open("sqlite:" + (dir / "db"), sealing_key);
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->write(
        [&](Transaction& t) { return t.put_secret("cluster/c-1/password", Secret(canary)); }));
    for (const char* name : {"db", "db-wal", "db-shm"}) {
        EXPECT_GT(bytes_of(dir / name).size(), 0u) << name;
        EXPECT_EQ(bytes_of(dir / name).find(canary), std::string::npos) << name;
        EXPECT_EQ(bytes_of(dir / name).find(to_base64(canary)), std::string::npos) << name;
        EXPECT_EQ(fs::status(dir / name).permissions() & fs::perms(0077), fs::perms::none) << name;
    }
}

TEST(PostgresStore, a_newer_or_differently_sealed_or_foreign_database_is_refused_untouched) {
    postgres().empty();
    const std::string address = postgres().address();
    const std::string canary = "canary-7f3a91";
    {
        auto store = open(address, sealing_key);
        ASSERT_TRUE(store) << store.error().message;
        ASSERT_TRUE((*store)->write(
            [&](Transaction& t) { return t.put_secret("cluster/c-1/x", Secret(canary)); }));
    }
    EXPECT_EQ(postgres().ask("SELECT sealed FROM secrets").find(canary), std::string::npos);
    EXPECT_EQ(open(address, Secret(std::string(32, 'q'))).error().code, "sealed_with_another_key");
    postgres().ask("INSERT INTO schema_version VALUES (99)");
    EXPECT_EQ(open(address, sealing_key).error().code, "database_newer");
    postgres().ask("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE t (a INT)");
    EXPECT_EQ(open(address, sealing_key).error().code, "database_foreign");
    EXPECT_EQ(postgres().ask("SELECT COUNT(*) FROM information_schema.tables WHERE "
                             "table_schema = 'public'"),
              "1");
}

// --- databases that were made by an earlier program ----------------------------------------------

constexpr const char* without_stamps =
    "DROP TABLE stamps; CREATE INDEX stamps_of_clusters ON clusters (organisation, id, version); "
    "CREATE INDEX stamps_of_nodes ON nodes (cluster, version, generation); ";

void put_clusters(const std::string& address) {
    auto store = open(address, sealing_key);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->write([](Transaction& t) -> Result<void> {
        for (const char* id : {"c-2", "c-1"}) {
            model::Cluster row{.id = ClusterId(id), .organisation = OrganisationId("o")};
            row.spec.name = id;
            RETURN_IF_ERROR(t.put(row));
        }
        return {};
    }));
}

void expect_stamps(const std::string& address) {
    auto store = open(address, sealing_key);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_TRUE((*store)->write([](Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto all, t.written_since(0, std::nullopt));
        EXPECT_EQ(all.size(), 2u);
        if (all.size() != 2) return {};
        EXPECT_EQ(all[0].place.id.value + " " + all[1].place.id.value, "c-1 c-2");
        EXPECT_EQ(all[0].version, 1);
        ASSIGN_OR_RETURN(auto row, t.cluster(all[0].place.id));
        RETURN_IF_ERROR(t.put(*row));
        ASSIGN_OR_RETURN(const auto stamped, t.stamped(row->id));
        EXPECT_GT(stamped->stamp, all[1].stamp);
        return {};
    }));
}

TEST(Sqlite, clusters_made_before_there_were_stamps_get_them) {
    Directory dir;
    const std::string address = "sqlite:" + (dir / "db");
    put_clusters(address);
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((dir / "db").c_str(), &database), SQLITE_OK);
    const std::string undo = std::string(without_stamps) + "PRAGMA user_version = 7";
    EXPECT_EQ(sqlite3_exec(database, undo.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
    expect_stamps(address);
}

TEST(PostgresStore, clusters_made_before_there_were_stamps_get_them) {
    postgres().empty();
    put_clusters(postgres().address());
    postgres().ask(std::string(without_stamps) + "DELETE FROM schema_version WHERE version = 8");
    expect_stamps(postgres().address());
}

TEST(PostgresStore, replicas_that_start_together_make_one_schema) {
    postgres().empty();
    const std::string address = postgres().address();
    std::vector<pid_t> replicas;
    for (int i = 0; i < 4; ++i) {
        replicas.push_back(::fork());
        if (replicas.back() == 0) ::_exit(open(address, sealing_key) ? 0 : 1);
    }
    for (const pid_t replica : replicas) {
        int status = -1;
        ::waitpid(replica, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(postgres().ask("SELECT COUNT(*) FROM schema_version"),
              std::to_string(migrations().size()));
}

/// The small disk lives in a mount namespace of the child, and goes with it.
TEST(Sqlite, a_full_disk_is_named_and_leaves_nothing_half_written) {
    Directory dir;
    const std::string disk = dir / "disk";
    fs::create_directory(disk);
    EXPECT_EQ(in_child([&] {
                  if (::unshare(CLONE_NEWNS) != 0 ||
                      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                      ::mount("none", disk.c_str(), "tmpfs", 0, "size=2m") != 0)
                      return 10;
                  auto store = open("sqlite:" + disk + "/db", sealing_key);
                  if (!store || !put(**store, "before", "x")) return 11;
                  std::ofstream(disk + "/ballast") << std::string(4u << 20, 'b');
                  const auto full = (*store)->write([&](Transaction& t) -> Result<void> {
                      RETURN_IF_ERROR(t.put_setting("first half", "x"));
                      return t.put_setting("second half", std::string(1u << 20, 'y'));
                  });
                  if (full || full.error().code != "no_space") return 12;
                  if (full.error().next_action.empty()) return 13;
                  if (!has(**store, "before") || has(**store, "first half")) return 14;
                  fs::remove(disk + "/ballast");
                  if (!put(**store, "after", "x") || !has(**store, "after")) return 15;
                  return 0;
              }),
              0);
}

TEST(Open, an_unknown_address_and_an_unwritable_place_are_refused_with_a_remedy) {
    for (const char* bad : {"mysql:x",
                            "",
                            "sqlite:",
                            "postgresql://me:secret@host/db",
                            "postgresql:dbname=x password=secret"}) {
        const auto refused = open(bad, sealing_key);
        ASSERT_FALSE(refused) << bad;
        EXPECT_EQ(refused.error().code, "database_address") << bad;
        EXPECT_EQ(refused.error().message.find("secret"), std::string::npos) << bad;
    }
    EXPECT_EQ(open("postgresql:dbname=x host=/nonexistent", sealing_key).error().kind,
              ErrorKind::unavailable);
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
