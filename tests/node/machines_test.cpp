// One head and two workers, real in all but the cloud, from boot to power off.
#include <algorithm>
#include <chrono>
#include <iostream>

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/read_file.h"
#include "cluster.h"
#include "node/system/files.h"

namespace hopyard::test {
namespace {

TEST(Machines, BecomeAClusterThatRunsJobsAndDrains) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1", "w2"}));
    EXPECT_EQ(cluster.on_head("srun -N2 hostname | sort"), "w1\nw2\n");
    cluster.on_head("sbatch -N2 --wrap 'srun sleep 3'");
    EXPECT_EQ(cluster.on_head("timeout 10 sh -c 'until squeue -h -t R -o %i | grep 2; do :; done'"),
              "2\n");

    cluster.set_state("w1", Member::State::draining);
    EXPECT_TRUE(cluster.sees([](const Report& report) { return state_of(report, "w1").draining; }));
    EXPECT_FALSE(find(*cluster.control.report(), "w1")->drained) << "a job still runs on it";
    EXPECT_TRUE(cluster.sees([](const Report& report) { return state_of(report, "w1").drained; }));
    EXPECT_EQ(cluster.on_head("srun -N1 hostname"), "w2\n");
    cluster.set_state("w1", Member::State::member);
    EXPECT_TRUE(cluster.sees([](const Report& report) { return is_idle(report, "w1"); }));
    cluster.set_state("w1", Member::State::removed);
    EXPECT_TRUE(cluster.sees([](const Report& report) { return find(report, "w1") == nullptr; }));
}

bool is_drained(const Report& report, const std::string& name, std::int64_t drain) {
    const auto node = state_of(report, name);
    return node.drained && node.drain == drain && node.state == "idle" && node.responding;
}

TEST(Machines, StayDrainedOverRestartsOfTheirOwnAndOfTheHead) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1", "w2"}));
    cluster.set_state("w1", Member::State::draining, 4);
    const auto drained = [](const Report& report) { return is_drained(report, "w1", 4); };
    ASSERT_TRUE(cluster.sees(drained));

    ASSERT_TRUE(cluster.lab.stop("w1", Milliseconds(10'000)));
    cluster.set_state("w1", Member::State::absent);
    ASSERT_TRUE(
        cluster.sees([](const Report& report) { return state_of(report, "w1").drain == -1; }));
    cluster.lab.start("w1", cluster.address_of("w1"));
    cluster.set_state("w1", Member::State::draining, 4);
    EXPECT_TRUE(cluster.sees(drained)) << "it is back, and takes no work";

    ASSERT_TRUE(cluster.lab.stop("c-test-head", Milliseconds(10'000)));
    cluster.lab.start("c-test-head", head_address);
    EXPECT_EQ(cluster.on_head("timeout 15 sh -c 'until srun -N1 hostname 2>/dev/null; do :; done'"),
              "w2\n");
    EXPECT_TRUE(cluster.sees(drained));
    EXPECT_TRUE(cluster.on_head("srun -I2 -w w1 -N1 hostname 2>&1").starts_with("failed"));

    cluster.set_state("w1", Member::State::member);
    EXPECT_TRUE(cluster.sees([](const Report& report) { return is_idle(report, "w1"); }));
    EXPECT_EQ(cluster.on_head("srun -w w1 -N1 hostname"), "w1\n");
    cluster.set_state("w1", Member::State::draining, 5);
    EXPECT_TRUE(cluster.sees([](const Report& report) { return is_drained(report, "w1", 5); }))
        << "it is told which drain this is";
}

TEST(Machines, SendTheEndsOfTheirLogsWhenAsked) {
    Cluster cluster;
    cluster.orders.init_script = true;
    const auto hash = cluster.orders.users[0].password_hash;
    cluster.control.set_init_script("#!/bin/sh\necho made on $(hostname); echo '" + hash + "'\n");
    ASSERT_TRUE(cluster.start({"w1"}));
    for (const char* name : {"c-test-head", "w1"}) {
        const Stopwatch asking;
        const auto log = cluster.control.log_of(name, Milliseconds(5'000));
        ASSERT_TRUE(log) << name;
        std::cout << "log of " << name << " after " << asking.ms() << " ms\n";
        EXPECT_NE(log->program.find("orders came"), std::string::npos);
        EXPECT_EQ(log->init_script, "made on " + std::string(name) + "\n[secret]\n");
    }
    cluster.lab.kill_machine("w1");
    EXPECT_FALSE(cluster.control.log_of("w1", Milliseconds(1'000)));
    EXPECT_TRUE(cluster.control.log_of("c-test-head", Milliseconds(5'000)));
}

TEST(Machines, TakeANewPasswordWithTheirOrders) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1"}));
    const auto before = cluster.control.report()->applied_revision;
    const auto hash = hash_of("battery staple");
    cluster.orders.users[0].password_hash = hash;
    cluster.orders.workers.at("w1").users = cluster.orders.users;
    cluster.control.set_orders(cluster.orders);
    ASSERT_TRUE(cluster.sees([&](const Report& report) {
        return report.applied_revision > before && !report.workers.empty() &&
               report.workers[0].report.applied_revision > before;
    }));
    for (const char* name : {"c-test-head", "w1"})
        EXPECT_EQ(cluster.lab.run(name, "root", "getent shadow ada | cut -d: -f2"), hash + "\n");
}

TEST(Machines, LetTheirUsersInAndKeepMetadataFromThem) {
    Cluster cluster;
    cluster.lab.host("ssh-keygen -q -t ed25519 -N '' -f " + cluster.directory + "/key");
    cluster.orders.users[0].ssh_keys = {read_file(cluster.directory + "/key.pub").value()};
    ASSERT_TRUE(cluster.start({"w1"}));
    for (const char* address : {head_address, "10.9.0.11"}) {
        cluster.lab.host(
            "test \"$(ssh -o BatchMode=yes -o StrictHostKeyChecking=no "
            "-o UserKnownHostsFile=/dev/null -i " +
            cluster.directory + "/key ada@" + address + " id -u)\" = 2000");
    }
    EXPECT_EQ(cluster.on_head("getent hosts w1"), "10.9.0.11       w1\n");
    const std::string ask =
        "python3 -c \"import socket; socket.create_connection(('169.254.169.254', 80), 2); "
        "print('open')\"";
    EXPECT_EQ(cluster.lab.run("c-test-head", "root", ask), "open\n");
    EXPECT_TRUE(cluster.on_head(ask).starts_with("failed"));
    EXPECT_TRUE(cluster.lab.run("w1", "ada", ask).starts_with("failed"));
}

TEST(Machines, BeginTheWorkOfALostOneAgainWhereItsAddressComesAgain) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1", "w2"}));
    cluster.on_head("sbatch -w w1 -N1 -o /dev/null --wrap 'sleep 15'");
    ASSERT_TRUE(
        cluster.sees([](const Report& report) { return state_of(report, "w1").jobs == 1; }));
    cluster.lab.kill_machine("w1");
    cluster.lab.host("ip link set v-w1 down");
    cluster.set_state("w1", Member::State::absent);
    EXPECT_TRUE(cluster.sees([](const Report& report) {
        return state_of(report, "w1").state == "down" && report.jobs_pending == 1;
    }));
    EXPECT_TRUE(cluster.sees([](const Report& report) { return !report.demand->requests.empty(); }))
        << "Slurm lets it wait for some seconds";
    cluster.set_state("w1", Member::State::member);
    cluster.lab.host("ip link set v-w1 up");
    cluster.lab.start("w1", cluster.address_of("w1"));
    EXPECT_TRUE(
        cluster.sees([](const Report& report) { return state_of(report, "w1").jobs == 1; }));
    EXPECT_EQ(cluster.on_head("timeout 18 sh -c 'while squeue -h | grep -q .; do sleep 0.2; done';"
                              "scontrol show job 1 | grep -o 'JobState=[A-Z]*'"),
              "JobState=COMPLETED\n")
        << "what Slurm sent to end it on the lost machine does not reach the next one";
}

/// A job of that number begins on the one worker, and the head dies that long afterwards.
void lose_head_after_start(Cluster& cluster, const std::string& job, Milliseconds after) {
    const Stopwatch starting;
    cluster.on_head(
        "sbatch --requeue -N1 -o /dev/null --wrap 'touch /tmp/began-$SLURM_JOB_ID; sleep 1000'");
    cluster.lab.run("w1", "ada", "until test -e /tmp/began-" + job + "; do :; done");
    std::cout << "job " << job << " began after " << starting.ms() << " ms\n";
    cluster.lab.run("w1", "ada", "sleep " + std::to_string(after.count() / 1e3));
    cluster.lab.kill_machine("c-test-head");
    cluster.lab.start("c-test-head", head_address);
}

TEST(Machines, RememberEveryJobThatAWorkerHasStarted) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1"}));
    const auto wait_for_job = [&](const std::string& job) {
        return cluster.on_head("timeout 15 sh -c 'until scontrol -o show job " + job +
                               " 2>/dev/null; do sleep 0.1; done'");
    };
    // Whatever was written just before, the next change is written at once.
    cluster.on_head("sbatch -H --wrap true");
    lose_head_after_start(cluster, "2", Milliseconds(0));
    EXPECT_TRUE(wait_for_job("2").starts_with("JobId=2 "));
    cluster.on_head("scancel 2");
    EXPECT_TRUE(cluster.sees([](const Report& report) { return is_idle(report, "w1"); }));

    lose_head_after_start(cluster, "3", Milliseconds(1'000));
    EXPECT_NE(wait_for_job("3").find("JobState=RUNNING"), std::string::npos);
    EXPECT_TRUE(
        cluster.sees([](const Report& report) { return state_of(report, "w1").jobs == 1; }));
    EXPECT_NE(wait_for_job("3").find(" Restarts=0 "), std::string::npos) << "it just goes on";
    EXPECT_EQ(cluster.lab.run("w1", "ada", "pgrep -c -f 'sleep 1000$'"), "1\n");
}

TEST(Machines, ComeBackFromTheirDisksWhenNobodyAnswers) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1"}));
    cluster.on_head("sbatch -H --wrap hostname");
    ASSERT_TRUE(cluster.sees([](const Report& report) { return report.jobs_pending == 1; }));
    const int enrolled = cluster.control.enrolments();
    cluster.control.set_silent(true);
    for (const char* name : {"w1", "c-test-head"}) {
        ASSERT_TRUE(cluster.lab.stop(name, Milliseconds(10'000))) << name;
    }
    cluster.lab.start("c-test-head", head_address);
    cluster.lab.start("w1", "10.9.0.11");
    EXPECT_EQ(cluster.on_head("timeout 15 sh -c 'until srun -N1 hostname 2>/dev/null; do :; done'"),
              "w1\n");
    EXPECT_EQ(cluster.on_head("squeue -h -o %i"), "1\n") << "the queue is kept";
    EXPECT_EQ(cluster.control.enrolments(), enrolled);
    cluster.control.set_silent(false);
    EXPECT_TRUE(cluster.sees([](const Report& report) { return is_idle(report, "w1"); }));
}

TEST(Machines, StopTheirServicesInOrder) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1"}));
    cluster.on_head("sbatch -N1 --wrap 'sleep 100 & setsid sleep 100 & wait'");
    ASSERT_TRUE(cluster.sees([](const Report& report) { return report.jobs_running == 1; }));
    const Stopwatch stopping;
    EXPECT_TRUE(cluster.lab.stop("w1", Milliseconds(10'000)));
    std::cout << "worker stopped after " << stopping.ms() << " ms\n";
    const Stopwatch ending;
    EXPECT_TRUE(cluster.lab.stop("c-test-head", Milliseconds(10'000)));
    std::cout << "head stopped after " << ending.ms() << " ms\n";
    const auto worker = cluster.lab.file("w1", "/var/log/hopyard-node.log");
    const auto said = [&](const char* service) {
        return worker.find(std::string("a service ended service=") + service);
    };
    ASSERT_NE(said("slurmd"), std::string::npos) << worker;
    EXPECT_LT(said("slurmd"), said("munged"));
    EXPECT_LT(said("munged"), said("sshd"));
    EXPECT_NE(cluster.lab.file("c-test-head", "/var/log/slurm/slurmctld.log")
                  .find("Saving all slurm state"),
              std::string::npos);
}

TEST(Machines, RunTheInitScriptBeforeTheyTakeWork) {
    Cluster cluster;
    cluster.orders.init_script = cluster.orders.init_script_first = true;
    cluster.control.set_init_script("#!/bin/sh\necho made on $(hostname); touch /opt/made\n");
    ASSERT_TRUE(cluster.start({"w1"}));
    EXPECT_EQ(cluster.on_head("srun -N1 ls /opt/made"), "/opt/made\n");
    // A worker takes work before its report has come all the way: the head speaks for itself.
    ASSERT_TRUE(cluster.sees([](const Report& report) {
        return report.init_script && report.workers.size() == 1 &&
               report.workers[0].report.init_script;
    }));
    const auto report = cluster.control.report();
    EXPECT_EQ(report->init_script->exit_code, 0);
    EXPECT_EQ(report->init_script->output_tail, "made on c-test-head\n");
    EXPECT_EQ(report->workers[0].report.init_script->output_tail, "made on w1\n");
}

TEST(Machines, MayBeAnnouncedWhileJobsWait) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1"}));
    const auto is_refused = [](const std::string& answer) { return answer.starts_with("failed"); };
    EXPECT_TRUE(is_refused(cluster.on_head("sbatch --mem 5000 --wrap true")))
        << "no size that may come has so much memory";
    EXPECT_FALSE(is_refused(cluster.on_head("sbatch -c 16 --mem 100 --wrap true")));
    EXPECT_FALSE(is_refused(cluster.on_head("sbatch -x w1 -o /tmp/waited --wrap 'echo waited'")));
    ASSERT_TRUE(cluster.sees([](const Report& report) { return report.jobs_pending == 2; }));

    auto huge = member("c-test-type-huge", "", Member::State::expected);
    huge.memory_mb = 8192;
    cluster.orders.placeholders.push_back(huge);
    cluster.add_worker("w2", Member::State::expected);
    cluster.control.set_orders(cluster.orders);
    ASSERT_TRUE(cluster.sees([](const Report& report) { return find(report, "w2") != nullptr; }));
    EXPECT_FALSE(is_refused(cluster.on_head("sbatch --mem 5000 --wrap true")));
    // A scheduling round goes by: bf_interval and sched_interval are five seconds.
    const auto rounds = "sdiag | sed -n 's/.*Last cycle when: *//p' | tail -1";
    const auto before = cluster.on_head(rounds);
    cluster.on_head(std::string("timeout 15 sh -c 'while [ \"$(") + rounds + ")\" = \"" +
                    before.substr(0, before.find('\n')) + "\" ]; do sleep 0.2; done'");
    EXPECT_EQ(cluster.on_head("squeue -h -t CF,R -o %i"), "") << "nobody is there yet";

    cluster.set_state("w2", Member::State::member);
    cluster.lab.start("w2", cluster.address_of("w2"));
    EXPECT_TRUE(cluster.sees([](const Report& report) { return is_idle(report, "w2"); }));
    EXPECT_EQ(cluster.lab.run("w2",
                              "ada",
                              // The file is there a moment before its content is.
                              "timeout 10 sh -c 'until grep -s . /tmp/waited; do sleep 0.1; done'"),
              "waited\n");
}

}  // namespace
}  // namespace hopyard::test

int main(int count, char** arguments) {
    if (hopyard::test::isolated_directory().empty()) {
        return hopyard::test::run_isolated(arguments);
    }
    ::testing::InitGoogleTest(&count, arguments);
    return RUN_ALL_TESTS();
}
