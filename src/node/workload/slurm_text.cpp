#include "node/workload/slurm_text.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hopyard::node::workload {
namespace {

using nlohmann::json;

// cred_expire: requeued jobs wait that long before they start again. cloud_reg_addrs: the address
// comes with the registration, so no name of a worker needs to resolve. ReturnToService=2: a
// machine that registers takes work, whatever it was down for. nohold_on_prolog_fail: a job whose
// prolog was cut off together with its controller waits again, instead of being held for ever.
// PrologEpilogTimeout: one that never ends (seen once in a thousand jobs: the controller's own
// process for scripts forks while it has threads) is ended, and its job starts anew.
// SlurmdTimeout: longer than the control plane takes to say that a machine is lost. Left to itself
// Slurm would call for half a minute at an address that the next machine may get (slurm_plan.cpp).
// PrivateData=cloud shows placeholders.
constexpr std::string_view fixed_part = R"(SlurmctldParameters=enable_configless,cloud_reg_addrs
SlurmctldPort=6817
SlurmdPort=6818
SlurmUser=slurm
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5
CredType=cred/munge
SlurmdSpoolDir=/var/lib/slurm/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
MailProg=/bin/true
JobAcctGatherFrequency=task=2
MpiDefault=none
SwitchType=switch/none
PropagateResourceLimits=NONE
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=5,sched_interval=5,batch_sched_delay=1,nohold_on_prolog_fail
PrologEpilogTimeout=20
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=120
TreeWidth=65533
SlurmdParameters=config_overrides
GresTypes=gpu
PrivateData=cloud
NodeSet=nsgpu Feature=gpu
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=nsgpu MaxTime=INFINITE State=UP
)";

constexpr std::string_view without_control_groups =
    "ProctrackType=proctrack/linuxproc\n"
    "TaskPlugin=task/none\n"
    "JobAcctGatherType=jobacct_gather/linux\n"
    "JobAcctGatherParams=OverMemoryKill\n";

constexpr std::string_view with_control_groups =
    "ProctrackType=proctrack/cgroup\n"
    "TaskPlugin=task/cgroup,task/affinity\n"
    "JobAcctGatherType=jobacct_gather/cgroup\n";

/// The least memory that any machine has for one core: a job that says nothing of memory gets its
/// cores' share, and not the whole machine.
std::int64_t memory_per_core(const nodewire::Orders& orders) {
    std::int64_t least = 0;
    const auto count = [&](const nodewire::Member& member) {
        if (member.is_head || member.vcpus < 1) return;
        const auto share = std::max<std::int64_t>(1, member.memory_mb / member.vcpus);
        least = least == 0 ? share : std::min(least, share);
    };
    for (const auto& member : orders.members) count(member);
    for (const auto& member : orders.placeholders) count(member);
    return least;
}

std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t number_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return text;
}

NodeSeen node_of(const json& object) {
    NodeSeen node{.name = text_of(object, "name"),
                  .address = text_of(object, "address"),
                  .state = lower(text_of(object, "state"))};
    const auto flags = object.find("state_flags");
    if (flags != object.end() && flags->is_array()) {
        for (const auto& flag : *flags) {
            if (flag == "DRAIN") node.draining = true;
            if (flag == "COMPLETING") node.completing = true;
            if (flag == "NOT_RESPONDING") node.responding = false;
            // It registered with less than it was announced with: it takes no work.
            if (flag == "INVALID_REG") node.state = "down";
        }
    }
    node.has_registered = number_of(object, "slurmd_start_time") > 0;
    // "idle" is what Slurm calls a machine of a cloud that it takes to be off, too.
    if (!node.has_registered) node.responding = false;
    node.cpus = static_cast<int>(number_of(object, "cpus"));
    node.memory_mb = number_of(object, "real_memory");
    node.gpus = gpus_in(text_of(object, "gres"));
    node.allocated = {.cpus = number_of(object, "alloc_cpus"),
                      .memory_mb = number_of(object, "alloc_memory"),
                      .gpus = gpus_in(text_of(object, "gres_used"))};
    return node;
}

/// What the jobs say of the machines they have.
struct Uses {
    int jobs = 0;
    bool is_endless = false;
    std::optional<Timestamp> until;
};

std::map<std::string, Uses> uses_of(const std::vector<Job>& jobs) {
    std::map<std::string, Uses> result;
    for (const Job& job : jobs) {
        if (!job.is_placed()) continue;
        for (const auto& name : names_in(job.nodes)) {
            Uses& uses = result[name];
            ++uses.jobs;
            // Without a limit Slurm says a year.
            if (job.limit_s == 0 || !job.ends_at)
                uses.is_endless = true;
            else if (!uses.until || *uses.until < *job.ends_at)
                uses.until = job.ends_at;
        }
    }
    return result;
}

/// sinfo ends well when the controller does not answer it: only what it prints says so, beside an
/// empty list.
Result<void> check_answered(const json& answer) {
    const auto errors = answer.find("errors");
    if (errors == answer.end() || !errors->is_array() || errors->empty()) return {};
    return fail(ErrorKind::unavailable,
                "slurmctld_not_answering",
                fmt::format("slurmctld does not tell its nodes: {}; see its log on the head",
                            text_of(errors->front(), "error")));
}

Result<json> nodes_in(std::string_view text) {
    auto answer = json::parse(text, nullptr, false);
    if (!answer.is_object() || !answer.contains("nodes") || !answer["nodes"].is_array()) {
        return fail(ErrorKind::invalid_argument,
                    "workload_not_understood",
                    "Slurm's list of nodes is not JSON as we know it");
    }
    RETURN_IF_ERROR(check_answered(answer));
    return std::move(answer["nodes"]);
}

}  // namespace

std::string slurm_conf(const nodewire::Orders& orders, const ControllerFacts& facts) {
    auto text = fmt::format("ClusterName={}\nSlurmctldHost={}({})\n",
                            as_word(orders.cluster),
                            facts.host_name,
                            orders.head_address);
    text += facts.control_groups == ControlGroups::version2 ? with_control_groups
                                                            : without_control_groups;
    if (const auto share = memory_per_core(orders); share > 0) {
        text += fmt::format("DefMemPerCPU={}\n", share);
    }
    // Changing it would take a restart of the controller: it is the most there ever is.
    text += fmt::format("MaxNodeCount={}\n", nodewire::machines_max);
    text += fmt::format("StateSaveLocation={}\nPrologSlurmctld={}\n", state_directory, prolog_file);
    return text.append(fixed_part);
}

std::string cgroup_conf(ControlGroups control_groups) {
    // Without the first line slurmd does not start at all, whatever follows processes.
    if (control_groups == ControlGroups::none) return "CgroupPlugin=cgroup/v1\n";
    return "CgroupPlugin=cgroup/v2\n"
           "IgnoreSystemd=yes\n"
           "ConstrainCores=yes\n"
           "ConstrainRAMSpace=yes\n"
           "ConstrainDevices=yes\n";
}

std::string gres_conf() {
    return fmt::format("Name=gpu File={}/gpu[0-{}]\n", gpu_directory, gpus_max - 1);
}

std::string node_conf(int vcpus, std::int64_t memory_mb, int gpus) {
    auto text =
        fmt::format("CPUs={} RealMemory={} Feature={}", vcpus, memory_mb, gpus > 0 ? "gpu" : "cmp");
    if (gpus > 0) text += fmt::format(" Gres=gpu:{}", gpus);
    return text;
}

Result<Seen> parse_seen(std::string_view nodes_json, const std::vector<Job>& jobs) {
    ASSIGN_OR_RETURN(const auto nodes, nodes_in(nodes_json));
    Seen seen;
    for (const Job& job : jobs) {
        if (job.is_pending()) seen.jobs_pending += static_cast<int>(job.count());
        if (job.is_placed()) ++seen.jobs_running;
    }
    const auto uses = uses_of(jobs);
    for (const auto& object : nodes) {
        auto node = node_of(object);
        if (node.name.empty()) continue;
        if (const auto found = uses.find(node.name); found != uses.end()) {
            node.jobs = found->second.jobs;
            if (!found->second.is_endless) node.busy_until = found->second.until;
        }
        seen.nodes.push_back(std::move(node));
    }
    return seen;
}

bool is_registered(std::string_view node_line) {
    constexpr std::string_view key = " SlurmdStartTime=";
    const auto at = node_line.find(key);
    if (at == std::string_view::npos) return false;
    const auto value = node_line.substr(at + key.size());
    return !value.empty() && value.front() >= '0' && value.front() <= '9';
}

int gpus_in(std::string_view gres) {
    const auto at = gres.find("gpu");
    if (at == std::string_view::npos) return 0;
    auto item = gres.substr(at, gres.find(',', at) - at);
    item = item.substr(0, item.find('('));
    const auto colon = item.rfind(':');
    if (colon == std::string_view::npos) return 1;
    int count = 0;
    std::from_chars(item.data() + colon + 1, item.data() + item.size(), count);
    return count;
}

std::string as_word(std::string_view text) {
    std::string word(text.substr(0, 60));
    for (auto& c : word) {
        const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '.' || c == '_';
        if (!fine) c = '-';
    }
    return word.empty() ? "-" : word;
}

}  // namespace hopyard::node::workload
