// The storage part against a real container. All of it runs in a mount namespace of its own, so
// that no mount outlives the test, however it ends.
#include "node/storage/storage.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/read_file.h"
#include "blob_server.h"
#include "node/system/files.h"

namespace hopyard::test {
namespace {

using node::Part;

std::string directory;  // of this run, removed by main
std::unique_ptr<BlobServer> server;

/// A machine with one container; begin() starts the part.
class Machine {
  public:
    explicit Machine(const std::string& name)
        : container(name),
          home_(directory + "/" + name),
          state_(*node::StateDirectory::open(home_ + "/state")) {
        server->make_container(container);
        server->set_policies(container, {"n1", "n2"}, Seconds(3'600));
        children_ = std::jthread([this](std::stop_token stop) { processes_.run(stop); });
    }
    ~Machine() {
        end();
        children_.request_stop();
    }

    void order(const std::optional<Secret>& url) {
        nodewire::Orders orders{.revision = ++revision_};
        if (url) {
            orders.storage = nodewire::StorageGrant{.sas_url = *url, .ca_pem = server->ca_pem()};
        }
        board.set_orders(std::move(orders));
    }
    void begin(Milliseconds remount_patience = Milliseconds(60'000)) {
        storage_ = std::make_unique<node::Storage>(
            node::Storage::Parts{board, state_, processes_},
            node::Storage::Options{.mount_point = home_ + "/data",
                                   .cache = home_ + "/cache",
                                   .log_file = home_ + "/log",
                                   .remount_patience = remount_patience});
        part_ = std::jthread([this](std::stop_token stop) { storage_->run(stop); });
    }
    std::int64_t end(Milliseconds patience = Milliseconds(10'000)) {
        part_ = std::jthread();
        return storage_ ? storage_->unmount(patience) : 0;
    }

    bool wait_for(const std::function<bool()>& fits, Seconds longest = Seconds(20)) {
        const auto deadline = std::chrono::steady_clock::now() + longest;
        while (!fits()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            board.wait_for_change(board.change(), Milliseconds(10), {});
        }
        return true;
    }
    bool wait_until_ready() {
        return wait_for([this] {
            return board.status(Part::storage).applied_revision == revision_ &&
                   board.report().mount_ready;
        });
    }
    void write(const std::string& name, const std::string& text) {
        std::ofstream(path(name)) << text;
    }
    std::string read(const std::string& name) { return read_file(path(name)).value_or("nothing"); }
    std::string path(const std::string& name) const { return home_ + "/data/" + name; }
    std::int64_t pending() const { return board.report().mount_pending_writes; }
    std::string log() const { return read_file(home_ + "/log").value_or(""); }
    /// Which process serves the mount.
    std::string served_by() {
        const auto found = processes_.output_of(
            {.arguments = {"/usr/bin/pgrep", "-f", "rclone mount2 data:" + container}}, Seconds(5));
        return found.value_or("none");
    }

    const std::string container;
    const SystemClock clock;
    node::Board board{{.node = "w1"}, clock};
    node::Storage& storage() { return *storage_; }

  private:
    const std::string home_;
    node::StateDirectory state_;
    std::int64_t revision_ = 0;
    node::system::Processes processes_{clock};
    std::jthread children_;
    std::unique_ptr<node::Storage> storage_;
    std::jthread part_;
};

TEST(Container, IsReadAndWrittenLikeADirectoryByEverybody) {
    Machine machine("everybody");
    server->put("everybody", "before.txt", "was there");
    machine.order(server->url("everybody", "n1"));
    machine.begin();
    ASSERT_TRUE(machine.wait_until_ready()) << machine.log();
    EXPECT_TRUE(machine.board.status(Part::storage).ready);
    EXPECT_EQ(machine.read("before.txt"), "was there");
    const auto command = fmt::format(
        "setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'mkdir {0} && echo hello >{0}/f'",
        machine.path("sub"));
    EXPECT_EQ(std::system(command.c_str()), 0);
    EXPECT_TRUE(machine.wait_for([&] { return machine.pending() == 1; }));
    EXPECT_TRUE(machine.wait_for([&] { return machine.pending() == 0; }));
    EXPECT_EQ(server->blob("everybody", "sub/f"), "hello\n");
}

TEST(Container, ShowsWhatOthersWroteAfterARefresh) {
    Machine machine("others");
    machine.order(server->url("others", "n1"));
    machine.begin();
    ASSERT_TRUE(machine.wait_until_ready()) << machine.log();
    EXPECT_EQ(machine.read("job.txt"), "nothing");
    server->put("others", "job.txt", "42");
    machine.storage().refresh();
    EXPECT_TRUE(machine.wait_for([&] { return machine.read("job.txt") == "42"; }, Seconds(3)));
}

TEST(Container, KeepsItsMountWhenTheRightIsProlonged) {
    Machine machine("prolonged");
    server->set_policies("prolonged", {"n1"}, Seconds(4));
    machine.order(server->url("prolonged", "n1"));
    machine.begin();
    ASSERT_TRUE(machine.wait_until_ready()) << machine.log();
    const auto before = machine.served_by();
    server->set_policies("prolonged", {"n1"}, Seconds(3'600));
    machine.order(server->url("prolonged", "n1"));
    ASSERT_TRUE(machine.wait_until_ready());
    machine.write("a", "after it was prolonged");
    EXPECT_TRUE(machine.wait_for(
        [&] { return server->blob("prolonged", "a") == "after it was prolonged"; }));
    EXPECT_EQ(machine.served_by(), before);
}

TEST(Container, WithAnotherRightIsMountedAgainWhenNothingIsPending) {
    Machine machine("another");
    machine.order(server->url("another", "n1"));
    machine.begin();
    ASSERT_TRUE(machine.wait_until_ready()) << machine.log();
    const auto before = machine.served_by();
    {
        std::ofstream open_file(machine.path("open"));
        open_file << "first " << std::flush;
        ASSERT_TRUE(machine.wait_for([&] { return machine.pending() == 1; }));
        machine.order(server->url("another", "n2"));
        EXPECT_TRUE(machine.wait_for(
            [&] { return machine.board.status(Part::storage).stage.starts_with("waiting"); }));
        EXPECT_EQ(machine.served_by(), before);
        EXPECT_TRUE(machine.board.report().mount_ready);
        open_file << "second";
    }
    ASSERT_TRUE(machine.wait_until_ready()) << machine.log();
    EXPECT_NE(machine.served_by(), before);
    EXPECT_EQ(server->blob("another", "open"), "first second");
    server->set_policies("another", {"n2"}, Seconds(3'600));
    machine.write("b", "by the new right");
    EXPECT_TRUE(
        machine.wait_for([&] { return server->blob("another", "b") == "by the new right"; }));
}

TEST(Container, HasEveryWriteWhenItIsUnmounted) {
    Machine machine("flushed");
    machine.order(server->url("flushed", "n1"));
    machine.begin();
    ASSERT_TRUE(machine.wait_until_ready()) << machine.log();
    for (int i = 0; i < 5; ++i) machine.write(fmt::format("f{}", i), "last words");
    EXPECT_EQ(machine.end(), 0);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(server->blob("flushed", fmt::format("f{}", i)), "last words");
    }
    EXPECT_FALSE(machine.board.report().mount_ready);
    EXPECT_EQ(machine.read("f0"), "nothing");
}

TEST(Container, GetsAtTheNextStartWhatAnUnmountWithoutPatienceLeft) {
    Machine machine("left");
    machine.order(server->url("left", "n1"));
    machine.begin();
    ASSERT_TRUE(machine.wait_until_ready()) << machine.log();
    machine.write("f", "late");
    EXPECT_EQ(machine.end(Milliseconds(0)), 1);
    machine.order(server->url("left", "n1"));
    machine.begin();
    ASSERT_TRUE(machine.wait_until_ready()) << machine.log();
    EXPECT_TRUE(machine.wait_for([&] { return server->blob("left", "f") == "late"; }));
}

TEST(Container, ComesBackWhenItsProgramIsKilled) {
    Machine machine("killed");
    machine.order(server->url("killed", "n1"));
    machine.begin();
    ASSERT_TRUE(machine.wait_until_ready()) << machine.log();
    machine.write("f", "survives");
    const auto before = machine.served_by();
    kill(std::stoi(before), SIGKILL);
    EXPECT_TRUE(machine.wait_for([&] {
        const auto now = machine.served_by();
        return now != before && now != "none" && machine.read("f") == "survives";
    })) << machine.log();
    EXPECT_TRUE(machine.wait_for([&] { return server->blob("killed", "f") == "survives"; }));
}

TEST(Container, ThatRefusesIsSaidSoAndMountedWhenTheRightIsGood) {
    Machine machine("refused");
    machine.order(server->url("refused", "unknown"));
    machine.begin();
    ASSERT_TRUE(
        machine.wait_for([&] { return machine.board.status(Part::storage).failure.has_value(); }));
    const auto failure = *machine.board.status(Part::storage).failure;
    EXPECT_EQ(failure.kind, ErrorKind::permission_denied) << failure.message;
    EXPECT_EQ(failure.owner, Owner::administrator);
    EXPECT_EQ(failure.message.find("sig="), std::string::npos);
    EXPECT_FALSE(machine.board.status(Part::storage).ready);
    EXPECT_FALSE(machine.board.report().mount_ready);
    machine.order(server->url("refused", "n1"));
    EXPECT_TRUE(machine.wait_until_ready()) << machine.log();
    EXPECT_FALSE(machine.board.status(Part::storage).failure.has_value());
}

TEST(Container, IsNotNeededWhereThereIsNone) {
    Machine machine("none");
    machine.order(std::nullopt);
    machine.begin();
    EXPECT_TRUE(machine.wait_for([&] { return machine.board.status(Part::storage).ready; }));
    EXPECT_EQ(machine.served_by(), "none");
}

TEST(Container, GivesItsRightToNobodyElse) {
    Machine machine("secret");
    const auto url = server->url("secret", "n1");
    machine.order(url);
    machine.begin();
    ASSERT_TRUE(machine.wait_until_ready()) << machine.log();
    const auto signature = url.reveal().substr(url.reveal().find("sig="));
    const auto pid = std::stoi(machine.served_by());
    for (const char* file : {"cmdline", "environ"}) {
        const auto text = read_file(fmt::format("/proc/{}/{}", pid, file));
        ASSERT_TRUE(text.has_value());
        EXPECT_EQ(text->find(signature), text->npos) << file;
    }
    EXPECT_EQ(machine.log().find(signature), std::string::npos);
    int holders = 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(directory + "/secret")) {
        if (!each.is_regular_file()) continue;
        const auto text = read_file(each.path().string()).value_or("");
        if (text.find(signature) == text.npos) continue;
        ++holders;
        EXPECT_EQ(each.status().permissions(),
                  std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
    EXPECT_EQ(holders, 1);
}

/// What is mounted goes with this program.
bool isolate() {
    return unshare(CLONE_NEWNS) == 0 &&
           mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

int run_tests() {
    if (!isolate()) {
        std::perror("cannot make a mount namespace; this test needs root");
        return 1;
    }
    server = std::make_unique<BlobServer>(directory);
    const int outcome = RUN_ALL_TESTS();
    server.reset();
    return outcome;
}

}  // namespace
}  // namespace hopyard::test

int main(int count, char** arguments) {
    using namespace hopyard::test;
    ::testing::InitGoogleTest(&count, arguments);
    char pattern[] = "/tmp/hopyard-node-storage-XXXXXX";
    directory = mkdtemp(pattern);
    std::filesystem::permissions(directory, std::filesystem::perms(0711));  // others may pass
    const pid_t child = fork();
    if (child == 0) _exit(run_tests());
    int status = 1;
    waitpid(child, &status, 0);
    std::filesystem::remove_all(directory);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
