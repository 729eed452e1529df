// Slurm's texts: the files it reads, the commands scontrol takes, and the JSON that sinfo prints
// (openapi v0.0.38 of Slurm 22.05). Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "node/workload/slurm_jobs.h"
#include "node/workload/workload.h"

namespace hopyard::node::workload {

/// The port of the controller and of the machines' own daemons.
inline constexpr int controller_port = 6817;
inline constexpr int worker_port = 6818;
/// Where the controller keeps its state, and what starts before each job (saved_jobs.h).
inline constexpr const char* state_directory = "/var/lib/slurm/slurmctld";
inline constexpr const char* prolog_file = "/etc/slurm/prolog";
inline constexpr const char* prolog_log = "/var/log/slurm/prolog.log";
/// Character devices that stand for GPUs, on every machine alike: gres.conf names all of them for
/// all machines, and each machine offers as many as it has.
inline constexpr const char* gpu_directory = "/var/lib/slurm/gpu";
inline constexpr int gpus_max = 8;

enum class ControlGroups {
    none,     ///< processes are followed by their parents, memory is polled
    version2  ///< the kernel confines jobs: cores, memory and devices
};

struct ControllerFacts {
    std::string host_name;
    ControlGroups control_groups = ControlGroups::none;
};

std::string slurm_conf(const nodewire::Orders& orders, const ControllerFacts& facts);
std::string cgroup_conf(ControlGroups control_groups);
std::string gres_conf();

/// What a machine's daemon says of itself: "CPUs=2 RealMemory=1024 Feature=cmp".
std::string node_conf(int vcpus, std::int64_t memory_mb, int gpus);

/// `sinfo --json` and the jobs together; demand is left out. `invalid_argument` when the first is
/// not what we know, `unavailable` when it says that the controller did not answer.
Result<Seen> parse_seen(std::string_view nodes_json, const std::vector<Job>& jobs);
/// From one line of `scontrol show node --oneliner`: its daemon has registered since it started.
bool is_registered(std::string_view node_line);
/// "gpu:a100:2(S:0)" is 2; without gpu 0.
int gpus_in(std::string_view gres);
/// One word that can stand in a command: what else is in it becomes "-".
std::string as_word(std::string_view text);

}  // namespace hopyard::node::workload
