// Slurm's jobs, as squeue prints them in a table of our own, and what of them is demand. Pure.
//
// A table and not squeue's JSON: that has some five thousand characters for each job, and of this
// there are two hundred. What is free text to its user (a job's name, its comment) is not in it.
//
// The table does not say whether one machine was asked for (-N1) or just came out of Slurm's
// estimate. That is in scontrol's list alone, which is asked once for each job that is in doubt.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/demand.h"

namespace hopyard::node::workload {

/// squeue's arguments and environment that print the table: by priority, times in seconds, arrays
/// that wait as one line whose list of tasks is whole.
std::vector<std::string> list_jobs_command();
std::vector<std::string> list_jobs_environment();

struct Job {
    std::string id;      ///< "31", "40_3", "40_[3-5,9%2]"
    std::string number;  ///< of the job, or of the whole array
    std::string state;   ///< PENDING, RUNNING …
    std::string reason;  ///< why it waits
    std::string partition;
    std::string features;
    std::string required_nodes;
    std::string nodes;  ///< that it runs on: "w[1-3,7]"
    int tasks = 1;
    int tasks_per_node = 0;  ///< 0: not said
    int cpus = 1;            ///< of the whole job
    int cpus_per_task = 1;
    int cpus_per_node = 1;  ///< at least
    int nodes_min = 1;
    int nodes_estimated = 1;
    int nodes_max = 1;               ///< or the estimate, when none was asked for
    std::int64_t memory_mb = 0;      ///< of a core or of a machine; 0: all that a machine has
    bool is_memory_of_node = false;  ///< which of the two
    bool is_exclusive = false;
    std::int64_t gpus_per_job = 0, gpus_per_node = 0, gpus_per_task = 0;
    std::string gpu_type;
    std::int64_t limit_s = 0;  ///< 0: none
    std::optional<Timestamp> eligible_at, ends_at;

    /// It has machines.
    bool is_placed() const;
    bool is_pending() const { return state == "PENDING"; }
    /// Of an array that waits: how many tasks that stands for; 1 of any other.
    std::int64_t count() const;
    /// Of an array with a limit: how many of its tasks may run at a time.
    std::optional<std::int64_t> array_limit() const;
    /// The table does not say whether all its tasks must be on one machine.
    bool is_in_doubt() const;
};

/// `invalid_argument` when a line is not as we asked for it.
Result<std::vector<Job>> parse_jobs(std::string_view table);

/// From `scontrol --oneliner show job`: the jobs (or arrays) that ask for one machine exactly.
std::set<std::string> jobs_of_one_node(std::string_view lines);

/// What waits and could begin now if there were machines: not what is held, waits for another job
/// or for a time, or can never run. Equal requests are one; `of_one_node` as above.
model::Demand demand_of(const std::vector<Job>& jobs,
                        const std::set<std::string>& of_one_node,
                        Timestamp now);

/// "w[1-3,07],x" is w1, w2, w3, w07, x. Of more than ten thousand names, the first.
std::vector<std::string> names_in(std::string_view list);

/// "gres:gpu:a100:2" is two of a100, "gres:gpu:2" two of any type.
struct Gpus {
    std::int64_t count = 0;
    std::string type;
};
Gpus gpus_asked(std::string_view gres);

}  // namespace hopyard::node::workload
