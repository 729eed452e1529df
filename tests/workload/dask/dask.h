// A plain Dask scheduler as the workload manager. It is here to prove the interface, not to be
// offered: what node/workload/workload.h asks for must not be Slurm's alone, so a second product of
// another kind (tasks and not jobs, workers that come by themselves, nothing on disk) keeps the
// same contract. dask-scheduler runs on the head and dask-worker on workers, as Debian packages
// them; door.py, loaded into both, is how this engine asks and tells.
//
// Resources are Dask's own: a task that needs two cores says resources={"cpus": 2}; "memory_mb" and
// "gpus" likewise. Dask keeps its tasks in memory: with the scheduler they are gone.
#pragma once

#include <memory>

#include "node/system/processes.h"
#include "node/workload/workload.h"

namespace hopyard::test {

std::unique_ptr<node::workload::WorkloadManager> make_dask(node::system::Processes& processes);

/// Where the scheduler listens on the head.
inline constexpr int dask_port = 8786;

}  // namespace hopyard::test
