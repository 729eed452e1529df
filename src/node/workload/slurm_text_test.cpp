#include "node/workload/slurm_text.h"

#include <gtest/gtest.h>

namespace hopyard::node::workload {
namespace {

Timestamp at(std::int64_t seconds) {
    return Timestamp(Seconds(seconds));
}

// As sinfo of Slurm 22.05 prints them, without the fields that nobody reads.
constexpr std::string_view nodes = R"json({"meta": {}, "errors": [], "nodes": [
  {"name": "w1", "state": "mixed", "state_flags": ["CLOUD", "DRAIN", "DYNAMIC_NORM"], "cpus": 2,
   "alloc_cpus": 1, "alloc_memory": 512, "real_memory": 1024, "gres": "gpu:a100:2(S:0)",
   "gres_used": "gpu:a100:1(IDX:0)", "slurmd_start_time": 17955},
  {"name": "w2", "state": "down", "state_flags": ["CLOUD", "DYNAMIC_NORM", "POWERED_DOWN"],
   "cpus": 4, "alloc_cpus": 0, "real_memory": 2048, "gres": "", "slurmd_start_time": 0},
  {"name": "w3", "state": "idle", "state_flags": ["CLOUD", "INVALID_REG", "NOT_RESPONDING"],
   "cpus": 4, "alloc_cpus": 0, "real_memory": 2048, "gres": "gpu:2", "slurmd_start_time": 5}
]})json";

const std::vector<Job> jobs = {
    {.id = "1", .state = "COMPLETED", .nodes = "w1"},
    {.id = "2", .state = "RUNNING", .nodes = "w[1-2]", .limit_s = 60, .ends_at = at(70)},
    {.id = "5", .state = "SUSPENDED", .nodes = "w1", .limit_s = 9, .ends_at = at(90)},
    {.id = "6", .state = "RUNNING", .nodes = "w2"},
    {.id = "3_[3-5,9%2]", .state = "PENDING"},
    {.id = "4", .state = "PENDING"}};

TEST(SlurmText, ReadsNodesAndJobs) {
    const auto seen = parse_seen(nodes, jobs);
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(seen->jobs_running, 3);
    EXPECT_EQ(seen->jobs_pending, 5);
    ASSERT_EQ(seen->nodes.size(), 3u);
    EXPECT_EQ(seen->nodes[0],
              (NodeSeen{.name = "w1",
                        .state = "mixed",
                        .draining = true,
                        .has_registered = true,
                        .cpus = 2,
                        .memory_mb = 1024,
                        .gpus = 2,
                        .allocated = {.cpus = 1, .memory_mb = 512, .gpus = 1},
                        .busy_until = at(90),
                        .jobs = 2}));
    EXPECT_FALSE(seen->nodes[1].has_registered);
    EXPECT_EQ(seen->nodes[1].jobs, 2);
    EXPECT_FALSE(seen->nodes[1].busy_until) << "one of its jobs has no limit";
    EXPECT_EQ(seen->nodes[2].state, "down") << "it takes no work";
    EXPECT_FALSE(seen->nodes[2].responding);
}

TEST(SlurmText, RefusesWhatIsNotSlurmsJson) {
    for (const auto* text : {"", "[]", "{}", R"({"nodes": 3})", "slurm_load_node error"})
        EXPECT_FALSE(parse_seen(text, jobs)) << text;
}

TEST(SlurmText, TakesNoListOfNodesForAnAnswerThatNamesAnError) {
    const auto seen = parse_seen(
        R"({"errors": [{"error": "Unable to contact slurm controller", "errno": 1}], "nodes": []})",
        {});
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().kind, ErrorKind::unavailable);
    EXPECT_NE(seen.error().message.find("Unable to contact slurm controller"), std::string::npos);
}

TEST(SlurmText, TellsARegisteredMachineFromAPlaceholder) {
    EXPECT_TRUE(is_registered("NodeName=w1 State=IDLE SlurmdStartTime=2026-11-24T15:21:32 X=1"));
    EXPECT_FALSE(is_registered("NodeName=w1 State=DOWN SlurmdStartTime=None X=1"));
    EXPECT_FALSE(is_registered("Node w1 not found"));
}

TEST(SlurmText, CountsGpus) {
    EXPECT_EQ(gpus_in(""), 0);
    EXPECT_EQ(gpus_in("gpu:4"), 4);
    EXPECT_EQ(gpus_in("shard:8,gpu:a100:2(S:0-1)"), 2);
    EXPECT_EQ(gpus_in("gpu"), 1);
}

nodewire::Orders orders() {
    nodewire::Orders result{.cluster = "c-1", .node = "c-1-head", .head_address = "10.0.0.4"};
    result.members = {{.name = "c-1-head", .is_head = true, .vcpus = 2, .memory_mb = 100},
                      {.name = "w1", .vcpus = 4, .memory_mb = 8192}};
    result.placeholders = {{.name = "type-a", .vcpus = 2, .memory_mb = 1024}};
    return result;
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(SlurmText, NamesTheHeadByItsAddress) {
    const auto text = slurm_conf(orders(), {.host_name = "c-1-head"});
    EXPECT_TRUE(has_line(text, "ClusterName=c-1"));
    EXPECT_TRUE(has_line(text, "SlurmctldHost=c-1-head(10.0.0.4)"));
    EXPECT_TRUE(has_line(text, "MaxNodeCount=1024"));
}

TEST(SlurmText, GivesACoreTheLeastShareOfMemoryThatAnyWorkerHas) {
    EXPECT_TRUE(has_line(slurm_conf(orders(), {.host_name = "h"}), "DefMemPerCPU=512"));
    EXPECT_EQ(slurm_conf({}, {.host_name = "h"}).find("DefMemPerCPU"), std::string::npos);
}

TEST(SlurmText, ConfinesJobsByControlGroupsWhereThereAreSome) {
    const ControllerFacts with{.host_name = "h", .control_groups = ControlGroups::version2};
    EXPECT_TRUE(has_line(slurm_conf(orders(), with), "ProctrackType=proctrack/cgroup"));
    EXPECT_TRUE(has_line(cgroup_conf(with.control_groups), "ConstrainRAMSpace=yes"));
    EXPECT_TRUE(has_line(cgroup_conf(with.control_groups), "ConstrainDevices=yes"));
    const ControllerFacts without{.host_name = "h"};
    EXPECT_TRUE(has_line(slurm_conf(orders(), without), "ProctrackType=proctrack/linuxproc"));
    EXPECT_EQ(cgroup_conf(without.control_groups), "CgroupPlugin=cgroup/v1\n");
}

TEST(SlurmText, OffersGpusAsAFeatureToo) {
    EXPECT_EQ(node_conf(2, 1024, 0), "CPUs=2 RealMemory=1024 Feature=cmp");
    EXPECT_EQ(node_conf(8, 65536, 4), "CPUs=8 RealMemory=65536 Feature=gpu Gres=gpu:4");
}

TEST(SlurmText, ReportsMachinesAndNoPlaceholders) {
    Seen seen{.nodes = {{.name = "w1", .state = "idle", .draining = true, .completing = true},
                        {.name = "w2", .state = "idle", .draining = true},
                        {.name = "type-a", .state = "down"}}};
    const auto report = to_report(orders(), seen, {{"w2", 3}});
    ASSERT_EQ(report.size(), 2u);
    EXPECT_EQ(report[0].drain, -1) << "nobody ordered that drain";
    EXPECT_EQ(report[1].drain, 3);
    EXPECT_FALSE(report[0].drained) << "a job is still being cleaned up";
    EXPECT_TRUE(report[1].drained);
}

}  // namespace
}  // namespace hopyard::node::workload
