// What becomes of jobs when the controller of a real Slurm dies at a bad moment.
#include <iostream>
#include <regex>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cluster.h"

namespace hopyard::test {
namespace {

constexpr int jobs_of_round = 8;
constexpr long ended_within_ms = 60'000;

/// Of all jobs that Slurm knows: "NUMBER STATE REASON RESTARTS", one a line.
std::string jobs(Cluster& cluster) {
    return cluster.on_head(
        "scontrol -o show job | sed -E 's/^JobId=([0-9]+) .* JobState=([A-Z_]+) Reason=([^ ]+) "
        ".* Restarts=([0-9]+) .*/\\1 \\2 \\3 \\4/'");
}

int count(const std::string& text, const std::string& word) {
    int result = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++result;
    return result;
}

/// Eight jobs, more than there are cores, and the controller dies that long after the first of them
/// was given its core.
void kill_as_jobs_start(Cluster& cluster, Milliseconds after) {
    const auto submitted =
        cluster.on_head(fmt::format("for i in $(seq {}); do sbatch -Q -n1 -o /dev/null --wrap "
                                    "'sleep 0.3'; done",
                                    jobs_of_round));
    ASSERT_EQ(submitted, "");
    ASSERT_EQ(cluster.lab.run("c-test-head",
                              "root",
                              fmt::format("until squeue -h -t CF,R -o %i | grep -q .; do :; done; "
                                          "sleep {}; pkill -9 -x slurmctld",
                                          static_cast<double>(after.count()) / 1e3)),
              "");
}

TEST(Controller, LosesNoJobThoughItIsKilledAsJobsStart) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1", "w2"}));
    int expected = 0, deaths = 0;
    for (const long after : {0, 30, 80, 200, 500, 1'200}) {
        SCOPED_TRACE(fmt::format("killed {} ms after the first start", after));
        kill_as_jobs_start(cluster, Milliseconds(after));
        if (::testing::Test::HasFatalFailure()) return;
        expected += jobs_of_round;
        const Stopwatch ending;
        std::string seen;
        do {
            seen = jobs(cluster);
        } while (count(seen, " COMPLETED ") < expected && ending.ms() < ended_within_ms);
        std::cout << "killed after " << after << " ms: all ended after " << ending.ms() << " ms\n";
        ASSERT_EQ(count(seen, " COMPLETED "), expected)
            << seen << cluster.on_head("scontrol show job | head -400; date; sinfo");
        EXPECT_EQ(count(cluster.lab.file("c-test-head", "/var/log/hopyard-node.log"),
                        "a service ended service=slurmctld how=\"signal 9\""),
                  ++deaths);
    }
}

/// The next prolog stops itself before it does anything; those after it run as ever. What is
/// covered is the program that the prolog calls, because the head writes the script itself again
/// and again.
void hang_next_prolog(Cluster& cluster) {
    const auto covered = cluster.lab.run("c-test-head", "root", R"(set -e
        install -d -o slurm /tmp/hang
        cp /usr/lib/hopyard/hopyard-node /run/program
        printf '#!/bin/sh\nrmdir /tmp/hang && kill -STOP $$\nexec /run/program "$@"\n' > /run/cover
        chmod 755 /run/cover
        mount --bind /run/cover /usr/lib/hopyard/hopyard-node)");
    ASSERT_EQ(covered, "");
}

TEST(Controller, StartsAJobAnewWhosePrologNeverEnds) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1"}));
    hang_next_prolog(cluster);
    const Stopwatch ending;
    ASSERT_EQ(cluster.on_head("sbatch -Q -n1 -o /dev/null --wrap true"), "");
    std::string seen;
    do {
        seen = jobs(cluster);
    } while (count(seen, " COMPLETED ") < 1 && ending.ms() < ended_within_ms);
    std::cout << "a job whose prolog hung ended after " << ending.ms() << " ms\n";
    EXPECT_EQ(count(seen, "1 COMPLETED None 1"), 1) << seen << "the last is how often it restarted";
}

/// When the controller wrote the first line of its log that says so, in seconds of the day;
/// negative when it wrote none.
double said_at(const std::string& log, const std::string& words) {
    const std::regex line("\\[[^T]*T(\\d\\d):(\\d\\d):(\\d\\d\\.\\d+)\\][^\\n]*" + words);
    std::smatch found;
    if (!std::regex_search(log, found, line)) return -1;
    return std::stod(found[1]) * 3'600 + std::stod(found[2]) * 60 + std::stod(found[3]);
}

TEST(Controller, StartsItsFirstJobAsSoonAsAnyOther) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({}));
    ASSERT_EQ(cluster.on_head("sbatch -Q -n1 -o /dev/null --wrap true"), "");
    ASSERT_TRUE(cluster.sees([](const Report& report) { return report.jobs_pending == 1; }));
    cluster.add_worker("w1", Member::State::expected);
    cluster.control.set_orders(cluster.orders);
    ASSERT_TRUE(cluster.sees([](const Report& report) { return find(report, "w1") != nullptr; }));
    cluster.lab.start("w1", cluster.address_of("w1"));
    cluster.set_state("w1", Member::State::member);
    ASSERT_EQ(cluster.on_head("until test -z \"$(squeue -h)\"; do :; done"), "");
    const auto log = cluster.lab.file("c-test-head", "/var/log/slurm/slurmctld.log");
    const double came = said_at(log, "node w1 returned to service");
    const double began = said_at(log, "(Allocate|Started) JobId=1 ");
    ASSERT_GE(came, 0) << log;
    ASSERT_GE(began, 0) << log;
    std::cout << "began " << began - came << " s after its worker came\n";
    EXPECT_LT(began - came, 1.8) << "it looks once a second; before its first look every three";
}

}  // namespace
}  // namespace hopyard::test
