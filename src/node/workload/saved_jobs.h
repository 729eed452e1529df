// No job starts before Slurm has written that it exists: what a worker runs survives the sudden
// death of the head's machine. slurmctld calls a job's prolog on the head before it lets it start;
// ours
// (`hopyard-node await-saved-job`) waits until the job's record is in the file that slurmctld reads
// when it starts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace hopyard::node::workload {

/// Of a job as its prolog's environment names it.
struct StartingJob {
    std::uint32_t id = 0;
    std::uint32_t array_id = 0;  ///< of the array it is a task of; 0 without one
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

/// Whether a state file of slurmctld holds that job, or its array, whose record stands for all
/// tasks that have not started. In a record of Slurm 22.05 (_dump_job_state of job_mgr.c) the
/// job's, user's and group's numbers follow each other, as 32 bits, the highest first.
bool holds_job(std::string_view state, const StartingJob& job);

enum class Awaited {
    found,  ///< its record is there
    /// Two states were written meanwhile: the second was begun after the job, whatever it looks
    /// like.
    written_twice,
    given_up
};

/// Waits at most that long for that job in that file.
Awaited await_saved(const std::string& state_file, const StartingJob& job, Milliseconds most);

/// Slurm's prolog as a command: the job is read from the environment that Slurm gives it. It ends
/// well in any case, because a prolog that fails keeps the job from starting; a wait in vain is a
/// line in the log that lies beside slurmctld's.
int run_prolog();

}  // namespace hopyard::node::workload
