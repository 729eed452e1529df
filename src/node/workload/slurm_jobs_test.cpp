#include "node/workload/slurm_jobs.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace hopyard::node::workload {
namespace {

// As squeue of Slurm 22.05 prints our table for two workers of two cores, which job 1 has, beside
// placeholders of 2 to 16 cores; "|" stands for the separator. DefMemPerCPU is 64. They were asked:
//   1 -N2 --exclusive -t 60   2 -n20 -c2   3 -c3   4 -N3 -t 5
//   5 -N2 --ntasks-per-node=2 --mem=300   6 -n4 --mem-per-cpu=100   7 --exclusive
//   8 -a 3-9%2   9 -a 1,4,5   10 --hold   11 --dependency=afterok:1   12 --begin=now+100
//   13 -w w1 -C cmp   14 -N2-4   15 -N1 -n2 --gres=gpu:1   16 --gpus=2   17 -N1 -n4
//   18 -n2 --gpus-per-task=1   19 -p gpu   20 -n3 --ntasks-per-node=1   21 -n2 --mem=0
//   22 -n2   23 -N1 -n2 -a 1-3
constexpr std::string_view recorded =
    "1|1|RUNNING|None|"
    "all|2|0|4|1|1|2|2|64M|cpu=4,mem=256M,node=2,billing=4|N/A|N/A|N/A|"
    "(null)||NO|1795859234|1795862836|1:00:00|w[1-2]|\n"
    "2|2|PENDING|Resources|"
    "all|20|0|40|2|2|7|7|64M|cpu=40,mem=2.50G,node=1,billing=40|N/A|N/A|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "3|3|PENDING|ReqNodeNotAvail, UnavailableNodes:any-x|"
    "all|1|0|3|3|3|1|1|64M|cpu=3,mem=192M,node=1,billing=3|N/A|N/A|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "4|4|PENDING|ReqNodeNotAvail, UnavailableNodes:any-x|"
    "all|3|0|3|1|1|3|3|64M|cpu=3,mem=192M,node=3,billing=3|N/A|N/A|N/A|"
    "(null)||OK|1795859234|N/A|5:00||\n"
    "5|5|PENDING|Priority|"
    "all|4|2|4|1|2|2|2|300M|cpu=4,mem=600M,node=2,billing=4|N/A|N/A|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "6|6|PENDING|Priority|"
    "all|4|0|4|1|1|2|2|100M|cpu=4,mem=400M,node=1,billing=4|N/A|N/A|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "7|7|PENDING|Priority|"
    "all|1|0|1|1|1|1|1|64M|cpu=1,mem=64M,node=1,billing=1|N/A|N/A|N/A|"
    "(null)||NO|1795859234|N/A|UNLIMITED||\n"
    "8_[3-9%2]|8|PENDING|Priority|"
    "all|1|0|1|1|1|1|1|64M|cpu=1,mem=64M,node=1,billing=1|N/A|N/A|N/A|"
    "(null)||OK|1795859236|N/A|UNLIMITED||\n"
    "9_[1,4-5]|9|PENDING|Priority|"
    "all|1|0|1|1|1|1|1|64M|cpu=1,mem=64M,node=1,billing=1|N/A|N/A|N/A|"
    "(null)||OK|1795859236|N/A|UNLIMITED||\n"
    "11|11|PENDING|Dependency|"
    "all|1|0|1|1|1|1|1|64M|cpu=1,mem=64M,node=1,billing=1|N/A|N/A|N/A|"
    "(null)||OK|N/A|N/A|UNLIMITED||\n"
    "12|12|PENDING|BeginTime|"
    "all|1|0|1|1|1|1|1|64M|cpu=1,mem=64M,node=1,billing=1|N/A|N/A|N/A|"
    "(null)||OK|1795859334|NONE|UNLIMITED||\n"
    "13|13|PENDING|Priority|"
    "all|1|0|1|1|1|1|1|64M|cpu=1,mem=64M,node=1,billing=1|N/A|N/A|N/A|"
    "cmp|w1|OK|1795859234|N/A|UNLIMITED||\n"
    "14|14|PENDING|Priority|"
    "all|2|0|1|1|1|2|4|64M|cpu=1,mem=64M,node=2,billing=1|N/A|N/A|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "15|15|PENDING|ReqNodeNotAvail, UnavailableNodes:any-x|"
    "all|2|0|2|1|1|1|1|64M|cpu=2,mem=128M,node=1,billing=2|N/A|gres:gpu:1|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "16|16|PENDING|ReqNodeNotAvail, UnavailableNodes:any-x|"
    "all|1|0|1|1|1|1|1|64M|cpu=1,mem=64M,node=1,billing=1|gres:gpu:2|N/A|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "17|17|PENDING|ReqNodeNotAvail, UnavailableNodes:any-x|"
    "all|4|0|4|1|1|1|1|64M|cpu=4,mem=256M,node=1,billing=4|N/A|N/A|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "18|18|PENDING|ReqNodeNotAvail, UnavailableNodes:any-x|"
    "all|2|0|2|1|1|1|1|64M|cpu=2,mem=128M,node=1,billing=2|N/A|N/A|gres:gpu:1|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "19|19|PENDING|Nodes required for job are DOWN, DRAINED or reserved "
    "for jobs in higher priority partitions|"
    "gpu|1|0|1|1|1|1|1|64M|cpu=1,mem=64M,node=1,billing=1|N/A|N/A|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "20|20|PENDING|ReqNodeNotAvail, UnavailableNodes:any-x|"
    "all|3|1|3|1|1|3|3|64M|cpu=3,mem=192M,node=1,billing=3|N/A|N/A|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "21|21|PENDING|Priority|"
    "all|2|0|2|1|1|1|1|0|cpu=2,mem=1G,node=1,billing=2|N/A|N/A|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "22|22|PENDING|Priority|"
    "all|2|0|2|1|1|1|1|64M|cpu=2,mem=128M,node=1,billing=2|N/A|N/A|N/A|"
    "(null)||OK|1795859234|N/A|UNLIMITED||\n"
    "23_[1-3]|23|PENDING|Priority|"
    "all|2|0|2|1|1|1|1|64M|cpu=2,mem=128M,node=1,billing=2|N/A|N/A|N/A|"
    "(null)||OK|1795859236|N/A|UNLIMITED||\n"
    "10|10|PENDING|JobHeldUser|"
    "all|1|0|1|1|1|1|1|64M|cpu=1,mem=64M,node=1,billing=1|N/A|N/A|N/A|"
    "(null)||OK|N/A|N/A|UNLIMITED||\n";

std::string table(std::string_view rows) {
    std::string text(rows);
    std::replace(text.begin(), text.end(), '|', '\x1f');
    return text;
}

Timestamp at(std::int64_t seconds) {
    return Timestamp(Seconds(seconds));
}
constexpr std::int64_t submitted = 1795859234;

std::vector<Job> jobs(std::string_view rows = recorded) {
    const auto parsed = parse_jobs(table(rows));
    EXPECT_TRUE(parsed) << parsed.error().message;
    return parsed.value_or(std::vector<Job>());
}

/// Of the one job in the recorded table.
std::optional<model::Request> request(const std::string& number) {
    auto all = jobs();
    std::erase_if(all, [&](const Job& job) { return job.number != number; });
    const auto demand = demand_of(all, {"15", "17", "23"}, at(submitted + 3));
    if (demand.requests.empty()) return std::nullopt;
    return demand.requests.at(0);
}

struct Shape {
    const char* number;
    std::int64_t count;
    int pieces;
    bool apart;
    model::Resources each;
    bool whole_machine = false;
};

TEST(SlurmJobs, SayWhatEachPieceTakesAndWhetherTheyShareMachines) {
    const Shape shapes[] = {{"2", 1, 20, false, {2, 128, 0}},
                            {"3", 1, 1, false, {3, 192, 0}},
                            {"4", 1, 3, true, {1, 64, 0}},
                            {"5", 1, 2, true, {2, 300, 0}},
                            {"6", 1, 4, false, {1, 100, 0}},
                            {"7", 1, 1, false, {1, 64, 0}, true},
                            {"8", 2, 1, false, {1, 64, 0}},
                            {"9", 3, 1, false, {1, 64, 0}},
                            {"14", 1, 2, true, {1, 64, 0}},
                            {"15", 1, 1, false, {2, 128, 1}},
                            {"16", 1, 1, false, {1, 64, 2}},
                            {"17", 1, 1, false, {4, 256, 0}},
                            {"18", 1, 2, false, {1, 64, 1}},
                            {"19", 1, 1, false, {1, 64, 1}},
                            {"20", 1, 3, true, {1, 64, 0}},
                            {"21", 1, 1, false, {2, 0, 0}, true},
                            {"22", 1, 2, false, {1, 64, 0}},
                            {"23", 3, 1, false, {2, 128, 0}}};
    for (const auto& shape : shapes) {
        const auto said = request(shape.number);
        ASSERT_TRUE(said) << shape.number;
        EXPECT_EQ(said->count, shape.count) << shape.number;
        EXPECT_EQ(said->pieces, shape.pieces) << shape.number;
        EXPECT_EQ(said->apart, shape.apart) << shape.number;
        EXPECT_EQ(said->each, shape.each) << shape.number << ": " << in_words(said->each);
        EXPECT_EQ(said->whole_machine, shape.whole_machine) << shape.number;
    }
}

TEST(SlurmJobs, SayWhichMachinesWillDoAndHowLongTheyTake) {
    EXPECT_EQ(request("13")->machines, std::vector<std::string>{"w1"});
    EXPECT_EQ(request("13")->features, std::vector<std::string>{"cmp"});
    EXPECT_EQ(request("19")->features, std::vector<std::string>{"gpu"});
    EXPECT_EQ(request("4")->limit_s, 300);
    EXPECT_EQ(request("2")->limit_s, 0);
    EXPECT_EQ(request("2")->name, "2");
    EXPECT_EQ(request("2")->waiting_since, at(submitted));
}

TEST(SlurmJobs, ThatCouldNotBeginAreNoDemand) {
    for (const char* number : {"1", "10", "11", "12"})
        EXPECT_FALSE(request(number)) << number << " runs, is held, or waits for something else";
    auto later = jobs();
    std::erase_if(later, [](const Job& job) { return job.number != "2"; });
    EXPECT_TRUE(demand_of(later, {}, at(submitted - 1)).requests.empty()) << "not yet";
    for (const char* reason : {"BadConstraints",
                               "JobHeldAdmin",
                               "Reservation",
                               "DependencyNeverSatisfied",
                               "PartitionTimeLimit",
                               "ReqNodeNotAvail, Reserved for maintenance"}) {
        later[0].reason = reason;
        EXPECT_TRUE(demand_of(later, {}, at(submitted)).requests.empty()) << reason;
    }
    for (const char* reason :
         {"None", "Priority", "PartitionConfig", "PartitionDown", "PartitionNodeLimit"}) {
        later[0].reason = reason;
        EXPECT_EQ(demand_of(later, {}, at(submitted)).requests.size(), 1u) << reason;
    }
}

TEST(SlurmJobs, OfAnArrayWithALimitAreDemandOnlyUpToIt) {
    std::vector<Job> array = {{.id = "8_[3-9%2]",
                               .number = "8",
                               .state = "PENDING",
                               .reason = "JobArrayTaskLimit",
                               .memory_mb = 64,
                               .eligible_at = at(0)}};
    EXPECT_EQ(array[0].count(), 7);
    EXPECT_EQ(demand_of(array, {}, at(0)).requests.at(0).count, 2);
    const Job running{.id = "8_1", .number = "8", .state = "RUNNING"};
    array.push_back(running);
    EXPECT_EQ(demand_of(array, {}, at(0)).requests.at(0).count, 1);
    array.push_back(running);
    EXPECT_TRUE(demand_of(array, {}, at(0)).requests.empty());
    array[0].id = "8_[0-1000000:5]";
    EXPECT_EQ(demand_of(array, {}, at(0)).requests.at(0).count, 200'001);
}

TEST(SlurmJobs, ThatAreEqualAreOneRequestWhereTheFirstStands) {
    auto all = jobs();
    const auto demand = demand_of(all, {"15", "17", "23"}, at(submitted + 3));
    ASSERT_FALSE(demand.requests.empty());
    EXPECT_EQ(demand.requests[0].name, "2") << "by priority";
    const auto one_core = std::find_if(demand.requests.begin(),
                                       demand.requests.end(),
                                       [](const auto& each) { return each.name == "8_[3-9%2]"; });
    ASSERT_NE(one_core, demand.requests.end());
    EXPECT_EQ(one_core->count, 5) << "of both arrays";
    EXPECT_FALSE(demand.cut);
}

TEST(SlurmJobs, OfMoreKindsThanAReportTakesAreCut) {
    std::vector<Job> many;
    for (int i = 1; i <= 3'000; ++i)
        many.push_back({.id = std::to_string(i),
                        .number = std::to_string(i),
                        .state = "PENDING",
                        .reason = "Priority",
                        .cpus = i,
                        .memory_mb = 1,
                        .eligible_at = at(0)});
    const auto demand = demand_of(many, {}, at(0));
    EXPECT_EQ(demand.requests.size(), model::requests_max);
    EXPECT_TRUE(demand.cut);
    EXPECT_EQ(demand.requests.back().each.cpus, std::int64_t(model::requests_max));
}

TEST(SlurmJobs, ThatMustBeOnOneMachineAreAskedForOnlyWhereItIsInDoubt) {
    std::set<std::string> in_doubt;
    for (const Job& job : jobs())
        if (job.is_in_doubt()) in_doubt.insert(job.number);
    EXPECT_EQ(in_doubt, (std::set<std::string>{"15", "17", "18", "21", "22", "23"}));
    EXPECT_EQ(
        jobs_of_one_node("JobId=15 JobName=a NumNodes=1-1 b UserId=ada(2000) NumNodes=1-1 X=1\n"
                         "JobId=18 JobName=x NumNodes=1-1 UserId=ada(2000) NumNodes=1 X=1\n"
                         "JobId=25 ArrayJobId=23 ArrayTaskId=1 NumNodes=1-1 NumCPUs=2\n"
                         "NumNodes=1-1 \n"),
        (std::set<std::string>{"15", "23"}));
}

TEST(SlurmJobs, AreRefusedInAnotherTable) {
    EXPECT_TRUE(jobs("").empty());
    EXPECT_FALSE(parse_jobs("slurm_load_jobs error: Unable to contact slurm controller"));
    EXPECT_FALSE(parse_jobs(table("1|1|RUNNING|\n")));
}

TEST(SlurmJobs, HaveMemoryInSlurmsUnits) {
    const auto memory = [](const std::string& asked, const std::string& of_job) {
        return jobs("1|1|PENDING|None|all|1|0|4|1|1|1|1|" + asked + "|cpu=4,mem=" + of_job +
                    ",node=1|N/A|N/A|N/A|(null)||OK|1|N/A|1-02:03:04||\n")
            .at(0);
    };
    EXPECT_EQ(memory("2.50G", "2.50G").memory_mb, 2560);
    EXPECT_TRUE(memory("2.50G", "2.50G").is_memory_of_node);
    EXPECT_FALSE(memory("1500M", "5.86G").is_memory_of_node);
    EXPECT_EQ(memory("1T", "4T").memory_mb, 1024 * 1024);
    EXPECT_EQ(memory("2048K", "8M").memory_mb, 2);
    EXPECT_EQ(memory("1M", "4M").limit_s, 93'784);
}

TEST(SlurmJobs, NameTheirMachinesInShort) {
    using Names = std::vector<std::string>;
    EXPECT_EQ(names_in(""), Names{});
    EXPECT_EQ(names_in("w1"), Names{"w1"});
    EXPECT_EQ(names_in("w[1-3,07],x,y[9-10]z"),
              (Names{"w1", "w2", "w3", "w07", "x", "y9z", "y10z"}));
    EXPECT_EQ(names_in("w[098-101]"), (Names{"w098", "w099", "w100", "w101"}));
    EXPECT_EQ(names_in("w[1-999999999]").size(), 10'000u);
    EXPECT_EQ(names_in("w[1").size(), 1u);
}

TEST(SlurmJobs, AskForGpusByCountAndType) {
    const auto said = [](std::string_view text) {
        const auto gpus = gpus_asked(text);
        return std::to_string(gpus.count) + gpus.type;
    };
    EXPECT_EQ(said("N/A"), "0");
    EXPECT_EQ(said("gres:gpu"), "1");
    EXPECT_EQ(said("gres:gpu:3"), "3");
    EXPECT_EQ(said("gres:gpu:a100:2"), "2a100");
    EXPECT_EQ(said("gres:gpu:a100"), "1a100");
    EXPECT_EQ(said("gres:shard:8,gres:gpu:h100:4"), "4h100");
}

TEST(SlurmJobs, OfTenThousandThatWaitAreOneRequestPerShape) {
    std::string rows;
    for (int i = 0; i < 10'000; ++i)
        rows += std::to_string(i) + "|" + std::to_string(i) +
                "|PENDING|ReqNodeNotAvail, UnavailableNodes:any-x|all|1|0|3|3|3|1|"
                "1|64M|cpu=3,mem=192M,node=1,billing=3|N/A|N/A|N/A|(null)||OK|1795859234|N/A|" +
                std::to_string(i % 500) + ":00||\n";
    const auto text = table(rows);
    const auto parsed = parse_jobs(text);
    ASSERT_TRUE(parsed);
    const auto demand = demand_of(*parsed, {}, at(1795859300));
    EXPECT_EQ(demand.requests.size(), 500u);
    EXPECT_EQ(demand.requests[0].count, 20);
}

}  // namespace
}  // namespace hopyard::node::workload
