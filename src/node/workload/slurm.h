// Slurm as the workload manager: munge on every machine, slurmctld on the head, slurmd on workers.
// slurm.conf lies on the head alone; workers fetch it from there ("configless"). Nodes are made by
// scontrol as machines of a cloud; Slurm neither starts nor stops any.
#pragma once

#include <memory>

#include "base/random.h"
#include "base/time.h"
#include "node/system/processes.h"
#include "node/workload/workload.h"

namespace hopyard::node::workload {

/// What the manager may use; all of it outlives the manager.
struct SlurmParts {
    system::Processes& processes;
    Random& random;
    const Clock& clock;
};

std::unique_ptr<WorkloadManager> make_slurm(SlurmParts parts);

}  // namespace hopyard::node::workload
