#include "node/init_script/init_script.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/read_file.h"
#include "node/system/files.h"

namespace hopyard::node {
namespace {

/// Answers the first requests with errors, then with the script.
class ScriptServer final : public http::Transport {
  public:
    explicit ScriptServer(std::string script) : script_(std::move(script)) {}
    void refuse_first(int count) { refusals_ = count; }
    int asked() const { return asked_; }
    Result<http::Response> send(const http::OutgoingRequest&) override {
        ++asked_;
        if (refusals_-- > 0) return fail(ErrorKind::unavailable, "down", "nobody answers");
        return http::text_response(200, script_);
    }

  private:
    const std::string script_;
    std::atomic<int> refusals_ = 0;
    std::atomic<int> asked_ = 0;
};

/// A machine in a directory of its own; run() begins the part, the end of the Machine stops it.
class Machine {
  public:
    explicit Machine(const std::string& script)
        : directory_(make_directory()),
          state(*StateDirectory::open(directory_ + "/state")),
          server(std::make_shared<ScriptServer>(script)) {
        upstream.set(std::make_shared<Upstream>(server, "https://head"));
        children_ = std::jthread([this](std::stop_token stop) { processes_.run(stop); });
    }
    ~Machine() {
        stop();
        children_.request_stop();
        children_.join();
        std::filesystem::remove_all(directory_);
    }

    void give_orders(nodewire::Orders orders) {
        orders.revision = ++revision_;
        orders.init_script = true;
        orders.node = "w1";
        board.set_orders(std::move(orders));
    }
    void set_ready(Part part) {
        board.set_status(part, {.applied_revision = revision_, .ready = true});
    }
    void run() {
        part_ = std::jthread([this](std::stop_token stop) {
            InitScript(InitScript::Parts{board, state, upstream, processes_, random_},
                       {.log_file = file("log"), .timeout = timeout})
                .run(stop);
        });
    }
    void stop() { part_ = std::jthread(); }

    bool wait_for(const std::function<bool()>& fits) {
        const auto deadline = std::chrono::steady_clock::now() + Seconds(20);
        while (!fits()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            board.wait_for_change(board.change(), Milliseconds(10), {});
        }
        return true;
    }
    bool wait_for_result() {
        return wait_for([this] { return board.report().init_script.has_value(); });
    }
    nodewire::InitScriptResult result() const { return board.report().init_script.value(); }
    PartStatus status() const { return board.status(Part::init_script); }
    std::string file(const std::string& name) const { return directory_ + "/" + name; }

  private:
    static std::string make_directory() {
        char pattern[] = "/tmp/hopyard-init-script-XXXXXX";
        return mkdtemp(pattern);
    }
    const std::string directory_;
    const SystemClock clock_;
    SeededRandom random_{1};
    std::int64_t revision_ = 0;

  public:
    StateDirectory state;
    std::shared_ptr<ScriptServer> server;
    UpstreamSlot upstream;
    Board board{{.node = "w1"}, clock_};
    Milliseconds timeout{60'000};

  private:
    system::Processes processes_{clock_};
    std::jthread children_;
    std::jthread part_;
};

nodewire::Orders first() {
    return {.cluster = "c-1", .init_script_first = true};
}

TEST(InitScript, RunsAndReportsItsOutputInOrderAndItsExitCode) {
    Machine machine("#!/bin/sh\necho one; echo two >&2; echo three\n");
    machine.give_orders(first());
    EXPECT_FALSE(may_start(machine.board));
    machine.run();
    ASSERT_TRUE(machine.wait_for_result());
    EXPECT_EQ(machine.result().exit_code, 0);
    EXPECT_EQ(machine.result().output_tail, "one\ntwo\nthree\n");
    EXPECT_TRUE(machine.wait_for([&] { return machine.status().ready; }));
    EXPECT_TRUE(may_start(machine.board));
    EXPECT_TRUE(may_take_work(machine.board));
    EXPECT_EQ(read_file(machine.file("log")), "one\ntwo\nthree\n");
    struct stat facts {};
    ASSERT_EQ(stat(machine.file("log").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST(InitScript, RunsWhileOtherThreadsStartPrograms) {
    // Each child holds for a moment whatever is open here when it is made.
    std::jthread starting([](std::stop_token stop) {
        std::vector<pid_t> children;
        while (!stop.stop_requested()) {
            const pid_t child = fork();
            if (child == 0) {
                usleep(50'000);
                _exit(0);
            }
            children.push_back(child);
            usleep(500);
        }
        for (const pid_t child : children) waitpid(child, nullptr, 0);
    });
    for (int run = 0; run < 10; ++run) {
        Machine machine("#!/bin/sh\necho ran\n");
        machine.give_orders(first());
        machine.run();
        ASSERT_TRUE(machine.wait_for_result());
        ASSERT_EQ(machine.result().exit_code, 0) << machine.result().output_tail;
    }
}

TEST(InitScript, SeesAnEnvironmentOfItsOwnOnly) {
    setenv("HOPYARD_TEST_CANARY", "leaked", 1);
    Machine machine("#!/usr/bin/env bash\nenv\n");
    machine.give_orders(first());
    machine.run();
    ASSERT_TRUE(machine.wait_for_result());
    unsetenv("HOPYARD_TEST_CANARY");
    const auto output = machine.result().output_tail;
    EXPECT_EQ(output.find("leaked"), output.npos) << output;
    for (const char* line : {"HOME=/root\n", "HOPYARD_CLUSTER=c-1\n", "HOPYARD_NODE=w1\n"}) {
        EXPECT_NE(output.find(line), output.npos) << line << output;
    }
}

TEST(InitScript, ThatFailsIsTheUsersAndLetsTheMachineBeEnteredButNotTakeWork) {
    Machine machine("#!/bin/sh\necho no such package\nexit 7\n");
    machine.give_orders(first());
    machine.run();
    ASSERT_TRUE(machine.wait_for_result());
    EXPECT_EQ(machine.result().exit_code, 7);
    EXPECT_TRUE(machine.wait_for([&] { return machine.status().failure.has_value(); }));
    EXPECT_EQ(machine.status().failure->code, "init_script_failed");
    EXPECT_EQ(machine.status().failure->owner, Owner::user);
    EXPECT_FALSE(machine.status().failure->next_action.empty());
    EXPECT_FALSE(machine.status().ready);
    EXPECT_TRUE(may_start(machine.board));
    EXPECT_FALSE(may_take_work(machine.board));
}

TEST(InitScript, RunsOncePerMachine) {
    Machine machine("#!/bin/sh\necho run >>" + std::string("\"$0.runs\"\n"));
    machine.give_orders(first());
    machine.run();
    ASSERT_TRUE(machine.wait_for_result());
    machine.give_orders(first());
    EXPECT_TRUE(machine.wait_for([&] { return machine.status().applied_revision == 2; }));
    machine.stop();
    machine.give_orders(first());
    machine.run();
    EXPECT_TRUE(machine.wait_for([&] { return machine.status().applied_revision == 3; }));
    EXPECT_EQ(read_file(machine.state.file("init-script.runs")), "run\n");
    EXPECT_EQ(machine.server->asked(), 1);
}

TEST(InitScript, IsAskedForUntilItIsThere) {
    Machine machine("#!/bin/sh\nexit 0\n");
    machine.server->refuse_first(3);
    machine.give_orders(first());
    machine.run();
    ASSERT_TRUE(machine.wait_for_result());
    EXPECT_EQ(machine.server->asked(), 4);
}

TEST(InitScript, ThatNeedNotBeFirstWaitsForUsersAndStorage) {
    Machine machine("#!/bin/sh\nexit 0\n");
    machine.give_orders({});
    EXPECT_TRUE(may_start(machine.board));
    EXPECT_FALSE(may_take_work(machine.board));
    machine.run();
    machine.set_ready(Part::access);
    machine.board.wait_for_orders(Part::access, 1, Milliseconds(120), {});
    EXPECT_EQ(machine.server->asked(), 0);
    machine.set_ready(Part::storage);
    ASSERT_TRUE(machine.wait_for_result());
}

TEST(InitScript, OfAHeadWaitsForTheWorkloadManagerToo) {
    Machine machine("#!/bin/sh\nexit 0\n");
    machine.give_orders({.is_head = true});
    machine.set_ready(Part::access);
    machine.set_ready(Part::storage);
    machine.run();
    machine.board.wait_for_orders(Part::access, 1, Milliseconds(120), {});
    EXPECT_EQ(machine.server->asked(), 0);
    machine.set_ready(Part::workload);
    ASSERT_TRUE(machine.wait_for_result());
}

TEST(InitScript, ReportsTheEndOfALongOutput) {
    Machine machine("#!/bin/sh\nseq 1 100000\n");
    machine.give_orders(first());
    machine.run();
    ASSERT_TRUE(machine.wait_for_result());
    const auto output = machine.result().output_tail;
    EXPECT_EQ(output.size(), init_script_tail_max);
    EXPECT_TRUE(output.ends_with("99999\n100000\n"));
}

TEST(InitScript, ThatDoesNotEndIsEndedWithWhatItStarted) {
    Machine machine("#!/bin/sh\nsleep 1000 &\necho $! >\"$0.child\"\necho begun\nwait\n");
    machine.timeout = Milliseconds(500);
    machine.give_orders(first());
    machine.run();
    ASSERT_TRUE(machine.wait_for_result());
    EXPECT_EQ(machine.result().exit_code, 124);
    EXPECT_TRUE(machine.result().output_tail.starts_with("begun\n"));
    const auto child = read_file(machine.state.file("init-script.child")).value_or("");
    ASSERT_FALSE(child.empty());
    EXPECT_TRUE(machine.wait_for([&] {
        const auto stat = read_file("/proc/" + std::to_string(std::stoi(child)) + "/stat");
        return !stat || stat->find(") Z ") != stat->npos;
    }));
}

TEST(InitScript, CutShortByAStopRunsAgain) {
    Machine machine(
        "#!/bin/sh\necho run >>\"$0.runs\"\n[ $(wc -l <\"$0.runs\") -gt 1 ] || exec sleep 1000\n");
    machine.give_orders(first());
    machine.run();
    const auto runs = [&] { return read_file(machine.state.file("init-script.runs")); };
    ASSERT_TRUE(machine.wait_for([&] { return runs() == "run\n"; }));
    machine.stop();
    EXPECT_FALSE(machine.board.report().init_script.has_value());
    machine.run();
    ASSERT_TRUE(machine.wait_for_result());
    EXPECT_EQ(machine.result().exit_code, 0);
    EXPECT_EQ(runs(), "run\nrun\n");
}

TEST(InitScript, IsNotNeededWhenThereIsNone) {
    Machine machine("");
    machine.board.set_orders({.revision = 1});
    EXPECT_TRUE(may_start(machine.board));
    EXPECT_TRUE(may_take_work(machine.board));
    machine.run();
    EXPECT_TRUE(machine.wait_for([&] { return machine.status().ready; }));
    EXPECT_FALSE(machine.board.report().init_script.has_value());
}

TEST(TailOf, DoesNotBeginInsideOfACharacter) {
    EXPECT_EQ(tail_of("abc", 3), "abc");
    EXPECT_EQ(tail_of("abc", 2), "bc");
    EXPECT_EQ(tail_of("\xc3\xa4\xc3\xb6", 3), "\xc3\xb6");
    EXPECT_EQ(tail_of("\xc3\xa4\xc3\xb6", 0), "");
}

}  // namespace
}  // namespace hopyard::node
