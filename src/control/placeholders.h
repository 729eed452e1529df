// Machines that may join a cluster later, as the workload manager is told of them: jobs are
// accepted or refused by the sizes that could be there, not by those that are. Pure.
//
// A cluster of fixed groups has one of each size. An autoscaled group has of each of its kinds as
// many as it may still grow by, so that a job that needs many has them to wait for. Slurm refuses
// nothing for its number of machines: a job for more than may ever come waits, and is demand.
#pragma once

#include <vector>

#include "model/cluster.h"
#include "nodewire/wire.h"

namespace hopyard::control {

/// By size within a group: kinds that differ in name or price alone are one to the manager. With
/// the nodes no more than nodewire::machines_max; beyond that each kind gets its part.
std::vector<nodewire::Member> placeholders(const model::Cluster& cluster,
                                           const std::vector<model::Node>& nodes);

}  // namespace hopyard::control
