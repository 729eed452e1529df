// From the machines that Slurm knows to those it should know: which commands of scontrol, in order.
// Pure; the commands of one plan go to one scontrol, so that there is nearly no time between them.
//
// Every machine that may come is there beforehand, as a node that is down: so jobs are checked
// against it and wait for it. A node made while a job waits would be given to that job at once,
// though nobody is there; so partitions are down while nodes are made.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "node/workload/workload.h"

namespace hopyard::node::workload {

struct Plan {
    std::vector<std::string> commands;
    bool attained = false;  ///< nothing to do and nothing expected to change by itself
    bool opens_partitions = false;
};

/// What is known of workers beside what Slurm tells.
struct Known {
    std::set<std::string> alive;   ///< their program says that the daemon runs and has registered
    std::set<std::string> silent;  ///< of nodes_that_lose_work(): the daemon does not answer
};

/// Nodes with work that these orders take from them: Slurm has to tell their daemons.
std::vector<const NodeSeen*> nodes_that_lose_work(const nodewire::Orders& orders, const Seen& seen);

Plan plan(const nodewire::Orders& orders, const Seen& seen, const Known& known);

/// What lets partitions take work again; sent whenever a plan may have ended half-way.
std::vector<std::string> open_partitions();

/// The commands for one machine that Slurm knows already, or does not (null).
struct Step {
    std::vector<std::string> commands;
    bool create = false;   ///< the node is to be made, as a node that is down
    bool settled = false;  ///< it is what it should be
};
Step step(const nodewire::Member& wanted, const NodeSeen* seen, const Known& known);

}  // namespace hopyard::node::workload
