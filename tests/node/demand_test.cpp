// What waits in a real Slurm, as the control plane hears of it.
#include <algorithm>
#include <iostream>

#include <gtest/gtest.h>

#include "cluster.h"

namespace hopyard::test {
namespace {

/// The head looks by itself every five seconds: what is known well before was pushed. That it takes
/// a second at most is measured by the benchmark.
constexpr long pushed_within_ms = 4'000;

const model::Request* request(const Report& report, const std::string& name) {
    if (!report.demand) return nullptr;
    const auto& all = report.demand->requests;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
    return found == all.end() ? nullptr : &*found;
}

/// Submits, and waits until a report has it; how long that took after sbatch had answered.
struct Submitted {
    std::string id;
    long known_after_ms = 0;
    model::Request request;
};
Submitted submit(Cluster& cluster, const std::string& options) {
    Submitted result{.id = cluster.on_head("sbatch --parsable " + options + " --wrap 'sleep 30'")};
    const Stopwatch waiting;
    result.id = result.id.substr(0, result.id.find('\n'));
    EXPECT_TRUE(cluster.sees([&](const Report& report) {
        const auto* found = request(report, result.id);
        if (found != nullptr) result.request = *found;
        return found != nullptr;
    })) << options
        << ": " << result.id;
    result.known_after_ms = waiting.ms();
    std::cout << "sbatch " << options << ": known after " << result.known_after_ms << " ms\n";
    return result;
}

TEST(Demand, IsPushedAtSubmission) {
    Cluster cluster;
    auto gpu = member("c-test-type-gpu", "", Member::State::expected);
    gpu.gpus = 4;
    cluster.orders.placeholders.push_back(gpu);
    ASSERT_TRUE(cluster.start({"w1"}));
    ASSERT_TRUE(cluster.sees([](const Report& report) { return report.demand.has_value(); }));
    EXPECT_EQ(cluster.control.report()->demand, model::Demand{}) << "nothing waits";

    // One after the other, at whatever moment of Slurm's rounds each comes.
    const char* options[] = {"-c 7", "-c 8 -t 5", "-n 3 -N1 --mem=700", "-c 9", "--gpus=2 -n1"};
    const model::Resources each[] = {
        {7, 448, 0}, {8, 512, 0}, {3, 700, 0}, {9, 576, 0}, {1, 64, 2}};
    for (std::size_t i = 0; i < std::size(options); ++i) {
        const auto said = submit(cluster, options[i]);
        EXPECT_LT(said.known_after_ms, pushed_within_ms) << options[i];
        EXPECT_EQ(said.request.each, each[i]) << options[i];
        EXPECT_EQ(said.request.pieces, 1) << options[i];
    }
    EXPECT_EQ(request(*cluster.control.report(), "2")->limit_s, 300);

    cluster.on_head("scancel 1 2 3 4");
    EXPECT_TRUE(cluster.sees([](const Report& report) {
        return report.demand->requests.size() == 1 && request(report, "5") != nullptr;
    }));
}

TEST(Demand, EndsWhereAWorkerTakesTheJobAndSaysUntilWhen) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1"}));
    cluster.on_head("sbatch -c 2 --mem=300 -t 10 --wrap 'sleep 60'");
    ASSERT_TRUE(cluster.sees(
        [](const Report& report) { return state_of(report, "w1").allocated.cpus == 2; }));
    const auto report = *cluster.control.report();
    const auto worker = state_of(report, "w1");
    EXPECT_EQ(worker.allocated, (model::Resources{.cpus = 2, .memory_mb = 300}));
    EXPECT_EQ(worker.jobs, 1);
    ASSERT_TRUE(worker.busy_until);
    EXPECT_GT(*worker.busy_until, report.at + Seconds(9 * 60));
    EXPECT_LT(*worker.busy_until, report.at + Seconds(11 * 60));

    const auto waits = submit(cluster, "-c 2");
    EXPECT_LT(waits.known_after_ms, pushed_within_ms);
    cluster.on_head("scancel 1");
    EXPECT_TRUE(cluster.sees([](const Report& said) {
        return said.demand->requests.empty() && state_of(said, "w1").jobs == 1 &&
               state_of(said, "w1").allocated.cpus == 2;
    })) << "what waited runs now";
    EXPECT_FALSE(state_of(*cluster.control.report(), "w1").busy_until) << "without a limit";
}

TEST(Demand, OfAnArrayIsNoMoreThanItsLimitLets) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1"}));
    cluster.on_head("sbatch -c 2 --mem=10 -a 1-40%3 --wrap 'sleep 60'");
    EXPECT_TRUE(cluster.sees([](const Report& report) {
        return state_of(report, "w1").jobs == 1 && report.demand->requests.size() == 1 &&
               report.demand->requests[0].count == 2;
    })) << "one of three runs";
    cluster.on_head(
        "sbatch --hold -c 2 --wrap true; sbatch --begin=now+1000 -c 2 --wrap true; "
        "sbatch --dependency=afterok:1 -c 2 --wrap true");
    ASSERT_TRUE(cluster.sees([](const Report& report) { return report.jobs_pending == 42; }));
    ASSERT_EQ(cluster.control.report()->demand->requests.size(), 1u);
    EXPECT_EQ(cluster.control.report()->demand->requests[0].count, 2);
}

TEST(Demand, StaysWhenSlurmHasSeenThatMoreMachinesAreAskedForThanMayCome) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1"}));
    const auto said = submit(cluster, "-N 5");
    EXPECT_EQ(said.request.pieces, 5);
    cluster.on_head(
        "timeout 15 sh -c 'until squeue -h -o %r | grep -q PartitionNodeLimit; do sleep 0.1; "
        "done'");
    EXPECT_EQ(cluster.on_head("squeue -h -o %r"), "PartitionNodeLimit\n");
    // Another job's news brings a report that was made after that.
    submit(cluster, "-c 16");
    EXPECT_NE(request(*cluster.control.report(), said.id), nullptr);
}

TEST(Demand, IsTakenWhereHundredsOfMachinesMayCome) {
    constexpr int may_come = 300;
    Cluster cluster;
    ASSERT_TRUE(cluster.start({"w1"}));
    const auto accepts = [&](int machines) {
        const auto answer = cluster.on_head("sbatch --parsable -n" + std::to_string(machines) +
                                            " -c2 --wrap 'sleep 1'");
        return !answer.starts_with("failed");
    };
    const auto conf = cluster.lab.file("c-test-head", "/etc/slurm/slurm.conf");
    for (int i = 1; i <= may_come; ++i)
        cluster.orders.placeholders.push_back(
            member("any-small-" + std::to_string(i), "", Member::State::expected));
    const Stopwatch announcing;
    cluster.control.set_orders(cluster.orders);
    const auto count = "sinfo -h -N -o %N | grep -c any-small";
    const auto wait_for = [&](int number) {
        return cluster.on_head(std::string("timeout 30 sh -c 'until [ \"$(") + count + ")\" = " +
                               std::to_string(number) + " ]; do sleep 0.1; done; echo there'");
    };
    ASSERT_EQ(wait_for(may_come), "there\n");
    std::cout << may_come << " machines announced after " << announcing.ms() << " ms\n";
    EXPECT_TRUE(cluster.sees([](const Report& report) { return is_idle(report, "w1"); }));
    EXPECT_TRUE(accepts(may_come + 9));

    cluster.orders.placeholders.resize(11);
    const Stopwatch taking_back;
    cluster.control.set_orders(cluster.orders);
    ASSERT_EQ(wait_for(10), "there\n");
    std::cout << "290 taken back after " << taking_back.ms() << " ms\n";
    EXPECT_EQ(cluster.lab.file("c-test-head", "/etc/slurm/slurm.conf"), conf)
        << "the controller goes on as it was";
}

}  // namespace
}  // namespace hopyard::test
