// What node/workload/workload.h promises, whichever product the manager is: one test a rule, kept
// by every engine.
#include <future>

#include <gtest/gtest.h>

#include "cluster.h"

namespace hopyard::test {
namespace {

using State = Member::State;

class WorkloadContract : public ::testing::TestWithParam<const Engine*> {
  protected:
    void SetUp() override {
        if (!cluster_) {
            cluster_ = std::make_unique<Cluster>(*GetParam(),
                                                 isolated_directory() + "/" + GetParam()->name());
        }
        ASSERT_TRUE(cluster().refresh()) << "the cluster is not as it was made";
    }
    static void TearDownTestSuite() { cluster_.reset(); }
    static Cluster& cluster() { return *cluster_; }

    /// Both workers are full until "full" is told to end.
    void fill() {
        ASSERT_TRUE(cluster().submit({{.name = "full", .count = 2, .cpus = 2}}));
        ASSERT_TRUE(cluster().sees([](const Report& report) {
            return state_of(report, "w1").jobs == 1 && state_of(report, "w2").jobs == 1;
        }));
    }

  private:
    static inline std::unique_ptr<Cluster> cluster_;
};

bool is_drained(const Report& report, const std::string& name, std::int64_t drain) {
    const auto node = state_of(report, name);
    return node.drained && node.drain == drain;
}

const model::Request* request(const Report& report, const model::Resources& each) {
    for (const auto& one : report.demand->requests)
        if (one.each == each) return &one;
    return nullptr;
}

TEST_P(WorkloadContract, SaysWhatWaitsWithItsShape) {
    ASSERT_TRUE(cluster().submit({{.name = "wide", .cpus = 9, .memory_mb = 700},
                                  {.name = "deep", .cpus = 1, .memory_mb = 3'000},
                                  {.name = "cards", .memory_mb = 100, .gpus = 2}}));
    ASSERT_TRUE(
        cluster().sees([](const Report& report) { return report.demand->requests.size() == 3; }));
    const auto report = cluster().report();
    const model::Resources shapes[] = {{9, 700, 0}, {1, 3'000, 0}, {1, 100, 2}};
    for (const auto& each : shapes) {
        const auto* found = request(report, each);
        ASSERT_NE(found, nullptr) << in_words(each);
        EXPECT_EQ(found->count, 1);
        EXPECT_EQ(found->pieces, 1);
        EXPECT_FALSE(found->whole_machine);
        EXPECT_FALSE(found->name.empty());
        EXPECT_LE(found->waiting_since, report.at + Seconds(1));
        EXPECT_GT(found->waiting_since, report.at - Seconds(60));
    }
    EXPECT_EQ(report.jobs_pending, 3);
    EXPECT_EQ(report.jobs_running, 0);
    EXPECT_FALSE(report.demand->cut);
}

TEST_P(WorkloadContract, CountsEqualRequestsAsOne) {
    ASSERT_TRUE(cluster().submit(
        {{.name = "equal", .count = 3, .cpus = 5}, {.name = "other", .count = 2, .cpus = 6}}));
    ASSERT_TRUE(cluster().sees([](const Report& report) { return report.jobs_pending == 5; }));
    const auto report = cluster().report();
    ASSERT_EQ(report.demand->requests.size(), 2u);
    EXPECT_EQ(report.demand->requests[0].each.cpus, 5) << "first come, first served";
    EXPECT_EQ(report.demand->requests[0].count, 3);
    EXPECT_EQ(report.demand->requests[1].count, 2);
}

TEST_P(WorkloadContract, AsksForWhatFindsItsWorkersFullUntilOneTakesIt) {
    fill();
    ASSERT_TRUE(cluster().submit({{.name = "waits", .count = 2, .cpus = 2, .memory_mb = 200}}));
    const model::Resources each{.cpus = 2, .memory_mb = 200};
    ASSERT_TRUE(cluster().sees([&](const Report& report) {
        const auto* found = request(report, each);
        return found != nullptr && found->count == 2;
    }));
    EXPECT_EQ(cluster().report().jobs_running, 2);
    cluster().end("full");
    EXPECT_TRUE(cluster().sees([&](const Report& report) {
        return report.demand == model::Demand{} && report.jobs_running == 2 &&
               state_of(report, "w1").allocated == each && state_of(report, "w2").allocated == each;
    }));
}

TEST_P(WorkloadContract, DoesNotAskForWhatMayNotBeginYet) {
    ASSERT_TRUE(cluster().submit({{.name = "first"}}));
    std::vector<Work> may_not = {{.name = "second", .cpus = 7, .after = "first"}};
    if (GetParam()->can_hold()) may_not.push_back({.name = "held", .cpus = 8, .held = true});
    ASSERT_TRUE(cluster().submit(may_not));
    const int count = static_cast<int>(may_not.size());
    ASSERT_TRUE(cluster().sees([&](const Report& report) {
        return report.jobs_running == 1 && report.jobs_pending == count;
    }));
    EXPECT_EQ(cluster().report().demand, model::Demand{});
    cluster().end("first");
    EXPECT_TRUE(cluster().sees([&](const Report& report) {
        return report.demand->requests.size() == 1 && request(report, {7, 64, 0}) != nullptr;
    })) << "what it waited for has ended";
}

TEST_P(WorkloadContract, SaysWhatAWorkerGivesAndThatItIsIdleAfterwards) {
    ASSERT_TRUE(cluster().submit({{.name = "half", .cpus = 1, .memory_mb = 300, .on = "w1"}}));
    ASSERT_TRUE(cluster().sees([](const Report& report) {
        const auto node = state_of(report, "w1");
        return node.jobs == 1 && node.state == "mixed" &&
               node.allocated == model::Resources{.cpus = 1, .memory_mb = 300};
    }));
    EXPECT_TRUE(is_idle(cluster().report(), "w2"));
    ASSERT_TRUE(cluster().submit({{.name = "rest", .cpus = 1, .memory_mb = 100, .on = "w1"}}));
    EXPECT_TRUE(cluster().sees([](const Report& report) {
        const auto node = state_of(report, "w1");
        return node.jobs == 2 && node.state == "allocated" &&
               node.allocated == model::Resources{.cpus = 2, .memory_mb = 400};
    }));
    cluster().end("half");
    cluster().end("rest");
    EXPECT_TRUE(cluster().sees(
        [](const Report& report) { return is_idle(report, "w1") && report.jobs_running == 0; }));
}

TEST_P(WorkloadContract, DrainsTheIdleWorkerThatIsNamedAndNoOther) {
    cluster().set_state("w1", State::draining, 3);
    ASSERT_TRUE(cluster().sees([](const Report& report) { return is_drained(report, "w1", 3); }));
    EXPECT_TRUE(is_idle(cluster().report(), "w2"));
    ASSERT_TRUE(cluster().submit({{.name = "two", .count = 2, .cpus = 2}}));
    EXPECT_TRUE(cluster().sees([](const Report& report) {
        return report.jobs_running == 1 && report.jobs_pending == 1 &&
               is_drained(report, "w1", 3) && request(report, {2, 64, 0}) != nullptr;
    })) << "one worker is open, and the rest is demand";
    EXPECT_TRUE(cluster().begins("w2", "two"));
    EXPECT_EQ(cluster().count("w1", "began", "two"), 0);
}

TEST_P(WorkloadContract, ConfirmsNoDrainBeforeWorkThatLandedFirstHasEnded) {
    ASSERT_TRUE(cluster().look());
    ASSERT_TRUE(is_idle(cluster().report(), "w1"));
    // Between the look that finds it idle and the order that drains it.
    ASSERT_TRUE(cluster().submit({{.name = "landed", .on = "w1"}}));
    ASSERT_TRUE(cluster().begins("w1", "landed"));
    cluster().set_state("w1", State::draining, 4);
    ASSERT_TRUE(cluster().arrange());
    int looks = 0;
    ASSERT_TRUE(cluster().sees([&](const Report& report) {
        const auto node = state_of(report, "w1");
        EXPECT_FALSE(node.drained);
        return node.draining && node.jobs == 1 && ++looks == 10;
    }));
    cluster().end("landed");
    ASSERT_TRUE(cluster().sees([](const Report& report) { return is_drained(report, "w1", 4); }));
    EXPECT_EQ(cluster().count("w1", "began", "landed"), 1) << "nothing was cut off";
    EXPECT_EQ(cluster().count("w1", "ended", "landed"), 1) << "nothing was cut off";
}

TEST_P(WorkloadContract, LetsNothingBeginOnAWorkerThatEndsItsLastWork) {
    fill();
    ASSERT_TRUE(cluster().submit({{.name = "next", .count = 4, .cpus = 1}}));
    ASSERT_TRUE(cluster().sees([](const Report& report) { return report.jobs_pending == 4; }));
    cluster().set_state("w1", State::draining, 5);
    ASSERT_TRUE(
        cluster().sees([](const Report& report) { return state_of(report, "w1").draining; }));
    cluster().end("full");
    EXPECT_TRUE(cluster().sees([](const Report& report) {
        return is_drained(report, "w1", 5) && state_of(report, "w2").jobs == 2;
    }));
    EXPECT_EQ(cluster().report().jobs_pending, 2);
    EXPECT_EQ(cluster().count("w1", "began", "next"), 0);
}

TEST_P(WorkloadContract, TakesADrainBack) {
    cluster().set_state("w1", State::draining, 6);
    ASSERT_TRUE(cluster().sees([](const Report& report) { return is_drained(report, "w1", 6); }));
    ASSERT_TRUE(cluster().submit({{.name = "waits", .on = "w1"}}));
    ASSERT_TRUE(cluster().sees([](const Report& report) { return report.jobs_pending == 1; }));
    cluster().set_state("w1", State::member);
    EXPECT_TRUE(cluster().sees([](const Report& report) {
        const auto node = state_of(report, "w1");
        return !node.draining && !node.drained && node.drain == -1 && node.jobs == 1;
    })) << "it takes work again";
}

TEST_P(WorkloadContract, SaysThatAWorkerIsLostAndQueuesItsWorkAgain) {
    fill();
    ASSERT_TRUE(cluster().begins("w1", "full"));
    cluster().kill_worker("w2");
    cluster().set_state("w2", State::absent);
    EXPECT_TRUE(cluster().sees([](const Report& report) {
        const auto node = state_of(report, "w2");
        return node.state == "down" && node.allocated.is_zero() && report.jobs_running == 1 &&
               request(report, {2, 64, 0}) != nullptr;
    })) << "its work is demand again";
    EXPECT_EQ(state_of(cluster().report(), "w1").jobs, 1);
    EXPECT_EQ(cluster().count("w1", "began", "full"), 1) << "the other's work just goes on";
}

TEST_P(WorkloadContract, UsesAWorkerThatComes) {
    cluster().kill_worker("w2");
    cluster().set_state("w2", State::absent);
    ASSERT_TRUE(cluster().sees(
        [](const Report& report) { return state_of(report, "w2").state == "down"; }));
    cluster().set_state("w2", State::expected);
    ASSERT_TRUE(cluster().submit({{.name = "two", .count = 2, .cpus = 2}}));
    ASSERT_TRUE(cluster().sees([](const Report& report) {
        return report.jobs_running == 1 && request(report, {2, 64, 0}) != nullptr;
    }));
    cluster().set_state("w2", State::member);
    ASSERT_TRUE(cluster().bring_worker("w2"));
    EXPECT_TRUE(cluster().sees([](const Report& report) {
        return state_of(report, "w2").jobs == 1 && report.demand == model::Demand{};
    }));
    EXPECT_TRUE(cluster().begins("w2", "two"));
    EXPECT_EQ(cluster().count("w1", "began", "two"), 1);
}

TEST_P(WorkloadContract, GivesNoWorkToAWorkerThatComesBackThoughItIsDrained) {
    cluster().set_state("w2", State::draining, 7);
    ASSERT_TRUE(cluster().sees([](const Report& report) { return is_drained(report, "w2", 7); }));
    cluster().kill_worker("w2");
    cluster().set_state("w2", State::absent);
    ASSERT_TRUE(cluster().sees([](const Report& report) {
        return state_of(report, "w2").drain < 0;
    })) << "that it was drained says nothing of one that is gone";
    ASSERT_TRUE(cluster().submit({{.name = "two", .count = 2, .cpus = 2}}));
    ASSERT_TRUE(cluster().bring_worker("w2"));
    cluster().set_state("w2", State::draining, 7);
    EXPECT_TRUE(cluster().sees([](const Report& report) {
        const auto node = state_of(report, "w2");
        return is_drained(report, "w2", 7) && node.state == "idle" && node.responding &&
               report.jobs_running == 1 && report.jobs_pending == 1;
    }));
    EXPECT_TRUE(cluster().begins("w1", "two"));
    EXPECT_EQ(cluster().count("w2", "began", "two"), 0);
}

TEST_P(WorkloadContract, ForgetsAWorkerThatIsRemoved) {
    cluster().kill_worker("w2");
    cluster().set_state("w2", State::removed);
    EXPECT_TRUE(cluster().sees([](const Report& report) { return find(report, "w2") == nullptr; }));
    EXPECT_TRUE(is_idle(cluster().report(), "w1"));
    EXPECT_EQ(find(cluster().report(), "size-big"), nullptr) << "a placeholder is no machine";
}

TEST_P(WorkloadContract, ChangesNothingWhenToldTheSameAgain) {
    ASSERT_TRUE(cluster().submit({{.name = "goes-on", .on = "w1"}}));
    cluster().set_state("w2", State::draining, 8);
    ASSERT_TRUE(cluster().sees([](const Report& report) {
        return state_of(report, "w1").jobs == 1 && is_drained(report, "w2", 8);
    }));
    ASSERT_TRUE(cluster().begins("w1", "goes-on"));
    for (int time = 0; time < 3; ++time) {
        ASSERT_TRUE(cluster().become(head));
        ASSERT_TRUE(cluster().become("w1"));
        ASSERT_TRUE(cluster().look());
        const auto arranged = cluster().arrange();
        ASSERT_TRUE(arranged);
        EXPECT_FALSE(arranged->changed);
        EXPECT_TRUE(arranged->attained);
    }
    EXPECT_TRUE(cluster().is_running(head));
    EXPECT_TRUE(cluster().is_running("w1"));
    EXPECT_EQ(state_of(cluster().report(), "w1").jobs, 1);
    EXPECT_EQ(cluster().count("w1", "began", "goes-on"), 1);
}

TEST_P(WorkloadContract, TellsWhenSomethingHappened) {
    const int before = cluster().events();
    ASSERT_TRUE(cluster().submit({{.name = "something", .cpus = 4}}));
    EXPECT_TRUE(
        cluster().sees([&](const Report&) { return before >= 0 && cluster().events() > before; }));
}

TEST_P(WorkloadContract, FailsWithAReasonWhenItDoesNotAnswer) {
    ASSERT_TRUE(cluster().submit({{.name = "waits", .cpus = 5}}));
    ASSERT_TRUE(
        cluster().sees([](const Report& report) { return report.demand->requests.size() == 1; }));
    cluster().stop(head);
    EXPECT_FALSE(cluster().is_running(head));
    const auto said = cluster().look();
    ASSERT_FALSE(said) << "nothing that waits would be seen";
    EXPECT_TRUE(said.error().kind == ErrorKind::unavailable ||
                said.error().kind == ErrorKind::timed_out)
        << to_string(said.error().kind);
    EXPECT_FALSE(said.error().code.empty());
    EXPECT_FALSE(said.error().message.empty());
}

std::string name_of(const ::testing::TestParamInfo<const Engine*>& info) {
    return info.param->name();
}
INSTANTIATE_TEST_SUITE_P(Slurm, WorkloadContract, ::testing::Values(&slurm()), name_of);
INSTANTIATE_TEST_SUITE_P(Dask, WorkloadContract, ::testing::Values(&dask()), name_of);

/// Each engine has machines and networks of its own, and mostly waits.
int run_both(char* program) {
    const auto run = [program](std::string filter) {
        char* arguments[] = {program, filter.data(), nullptr};
        return run_isolated(arguments);
    };
    auto of_slurm = std::async(std::launch::async, run, "--gtest_filter=Slurm/*");
    const int of_dask = run("--gtest_filter=Dask*");
    return of_slurm.get() == 0 ? of_dask : 1;
}

}  // namespace
}  // namespace hopyard::test

int main(int count, char** arguments) {
    if (hopyard::test::isolated_directory().empty()) {
        return count == 1 ? hopyard::test::run_both(arguments[0])
                          : hopyard::test::run_isolated(arguments);
    }
    ::testing::InitGoogleTest(&count, arguments);
    return RUN_ALL_TESTS();
}
