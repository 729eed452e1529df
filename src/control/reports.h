// What a report changes in the rows of a cluster: pure. A report is the whole of what its sender
// is; the head's carries the newest one of each worker and what the workload manager says of all.
//
// Machines belong to their users, so nothing here trusts a report beyond its own cluster: text is
// cut to a length, numbers to a range.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/activity.h"
#include "model/cluster.h"
#include "nodewire/wire.h"

namespace hopyard::control {

struct Heard {
    std::vector<model::Node> nodes;  ///< those whose rows are to be stored
    std::vector<model::Activity> activity;
    std::vector<NodeId> enrolled;  ///< their first report: their tokens are worth nothing from now
    bool is_news = false;          ///< something has changed but the time when they were heard
    bool matters = false;          ///< something that plans are made from has changed
    bool members_change = false;   ///< a worker is something else for the workload manager now
};

/// `permission_denied` when the sender is not the machine that was enrolled, or speaks for a node
/// of another cluster. What it says of nodes that are gone is passed over. A row that only got
/// older is stored again once its last report is older than a quarter of `silence`.
Result<Heard> take_report(const model::Cluster& cluster,
                          const std::vector<model::Node>& nodes,
                          const model::Node& head,
                          const nodewire::Report& report,
                          Timestamp now,
                          Milliseconds silence);

/// Machines of which silence means something: they have spoken and should go on doing so.
bool should_speak(const model::Node& node);

/// Not the machine that this node was given.
Failure wrong_machine();
bool is_its_machine(const model::Node& node, const std::string& machine_id);

}  // namespace hopyard::control
