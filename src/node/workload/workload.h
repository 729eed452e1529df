// The workload manager of a cluster, as the node program uses it. A worker's machine becomes one
// that takes jobs; the head's machine becomes the one that hands them out, and there the manager is
// told, step by step, which machines to know and what each may do. Nothing here says which product
// it is: that is in slurm.h.
//
// What every product has to keep, and tests/workload holds each to:
//   - Work that could begin if there were machines is demand; work that is held, or waits for other
//     work or for a time, is not.
//   - A drain is of the machine that is named. No work begins there from the look on that says
//     `draining`; what had begun ends by itself, and until then the machine is busy.
//   - Work of a machine that is lost, or absent by the orders, waits again.
//   - Orders told again change nothing and disturb no work.
//   - A manager that does not answer is an error, never machines or demand that are empty.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "nodewire/wire.h"

namespace hopyard::node::workload {

/// One machine as the manager sees it.
struct NodeSeen {
    std::string name;
    std::string address;  ///< where the manager calls it
    std::string state;    ///< idle, allocated, mixed, down; another word of the manager's otherwise
    bool draining = false;  ///< takes no new work
    /// Work may be on it that `jobs` doesn't count: being cleaned up, or begun before it heard of a
    /// drain.
    bool completing = false;
    bool responding = true;
    bool has_registered = false;  ///< its machine was there once
    int cpus = 0;
    std::int64_t memory_mb = 0;
    int gpus = 0;
    model::Resources allocated;
    std::optional<Timestamp> busy_until;  ///< as nodewire::WorkloadNode says it
    int jobs = 0;
    /// Something is, or was a moment ago, on it.
    bool is_busy() const { return allocated != model::Resources{} || jobs > 0 || completing; }
    bool operator==(const NodeSeen&) const = default;
};

struct Seen {
    std::vector<NodeSeen> nodes;
    int jobs_running = 0;
    int jobs_pending = 0;
    model::Demand demand;
};

/// What one step towards the wanted machines came to.
struct Arranged {
    bool changed = false;   ///< something was done: looking again is worth it
    bool attained = false;  ///< all is as ordered, and nothing is expected to change by itself
};

class WorkloadManager {
  public:
    virtual ~WorkloadManager() = default;

    /// Configures and starts the services of this machine's role, and returns when they answer: the
    /// manager on a head, this machine's registration on a worker. Repeatable; costs nothing when
    /// all is so already. `unavailable` and `timed_out`: come again.
    virtual Result<void> become(const nodewire::Orders& orders, std::stop_token stop) = 0;
    /// All its services run.
    virtual bool is_running() const = 0;

    /// Head only. `unavailable` and `timed_out`: the manager does not answer; `invalid_argument`:
    /// not as we know it.
    virtual Result<Seen> look() = 0;
    /// Head only: the next step from what is seen to what is ordered; what happened since that look
    /// is never undone by it. `alive` are the workers whose own program says that all their
    /// services run. Errors as of look().
    virtual Result<Arranged> arrange(const nodewire::Orders& orders,
                                     const Seen& seen,
                                     const std::set<std::string>& alive) = 0;
    /// Head only: calls back whenever the manager did something, until stopped.
    virtual void watch(const std::function<void()>& on_event, std::stop_token stop) = 0;

    /// Ends its services in order; what they know is saved.
    virtual void stop() = 0;
};

/// By machine: which drain was arranged for it (nodewire::Member::drain).
using Drains = std::map<std::string, std::int64_t>;
/// Of the members that are to drain.
Drains drains_of(const nodewire::Orders& orders);

/// The seen nodes as the report says them: without placeholders, which are no machines. `arranged`
/// was in force when they were seen.
std::vector<nodewire::WorkloadNode> to_report(const nodewire::Orders& orders,
                                              const Seen& seen,
                                              const Drains& arranged);

}  // namespace hopyard::node::workload
