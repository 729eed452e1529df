// The library that slurmctld is started with, as bytes: the node program carries it along, because
// a machine gets one file of ours. What it does is said in slurm_preload.c.
#pragma once

#include <string_view>

namespace hopyard::node::workload {

std::string_view slurm_preload();

}  // namespace hopyard::node::workload
