// A plan in the making: copies of the rows that the parts of plan() change, and the calls they ask
// for. Private to this folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "decide/lifecycle/names.h"
#include "decide/lifecycle/plan.h"
#include "decide/lifecycle/retry.h"
#include "decide/lifecycle/snapshot.h"

namespace hopyard::decide {

struct Remark {
    model::Severity severity = model::Severity::info;
    std::string code;
    std::string message;
    std::string reason;
    NodeId node;
    std::optional<Error> error;
};

class Draft {
  public:
    explicit Draft(const Snapshot& snapshot);

    const Snapshot& seen;
    const Timestamp now;
    model::Cluster cluster;
    std::map<NodeId, model::Node> nodes;
    std::map<model::ResourceName, model::Resource> resources;
    const SharedNames shared;
    bool content_differs = false;  ///< a security group is not yet what it should be

    /// The head that is to stay; null when there is none.
    model::Node* head();
    /// Workers that are to stay, by ordinal.
    std::vector<model::Node*> workers();
    model::Resource* find(const model::ResourceName& name);
    /// The row of that name, written down when it is new.
    model::Resource& ensure(const model::ResourceName& name, const NodeId& node);
    bool made(const model::ResourceName& name);
    const Sighting* sighting(const model::ResourceName& name) const;

    void erase(const model::ResourceName& name) { resources.erase(name); }
    void erase(const NodeId& id) { nodes.erase(id); }
    void erase_cluster() { erase_cluster_ = true; }
    bool erases_cluster() const { return erase_cluster_; }

    /// True when a call about it may go out now: none is under way, nothing is pending, and the
    /// wait after a failure is over (else the plan looks again then).
    bool free(const model::Resource& resource);
    /// It is as it should be: what failed before does not matter any more.
    void all_well(model::Resource& row);
    bool busy(const model::ResourceName& name) const { return seen.busy.contains(name); }
    void call(Call::Kind kind,
              const model::ResourceName& name,
              std::string reason,
              std::string content = {});
    /// A direct read, unless one was made a moment ago.
    void read(const model::ResourceName& name, std::string reason);
    void want_list() { plan_.wants_list = true; }
    void look_at(Timestamp time);
    /// True when that time has come, else the plan looks again then.
    bool reached(Timestamp time);

    void move(model::Node& node, model::NodePhase phase);
    void move(model::Phase phase);
    void remark(Remark remark);
    /// A decision of the autoscaler, to be explained later.
    void record(std::string situation_json, std::string decision_json);

    /// The difference to the snapshot.
    Plan finish();

  private:
    Plan plan_;
    bool erase_cluster_ = false;
};

// The parts, in the order in which plan() runs them.

/// What the cloud lost: machines that are gone or off, shared resources that vanished.
void note_losses(Draft& draft);
/// What reports say about each node.
void update_node_phases(Draft& draft);
/// Workers that Slurm lost and machines that never reported.
void replace_the_lost(Draft& draft);
void intend_running(Draft& draft);
void intend_stopped(Draft& draft);
void intend_terminated(Draft& draft);
/// Lets drained workers go.
void let_drained_go(Draft& draft);
/// Container, network, security group, address. True once machines may be made.
void provide_shared(Draft& draft);
void provide_nodes(Draft& draft);
void remove_unwanted(Draft& draft);
void update_cluster(Draft& draft);

/// Gives a node up, and says so. A replacement with the same ordinal and a new name takes its
/// place.
void retire(Draft& draft,
            model::Node& node,
            const std::string& why,
            const std::optional<Error>& error);
/// The same without a word: who calls has told it.
void give_up(Draft& draft, model::Node& node, const std::optional<Error>& error);
/// Lets the autoscaler decide, and does what it says: its workers come, stay or drain.
void scale_groups(Draft& draft);
/// Workers of the autoscaler, as long as there is one: how many there are is its affair.
bool is_autoscaled(const Draft& draft, const model::Node& node);
/// A machine that failed in a way that may have left something broken behind gets a new name.
bool retire_if_broken(Draft& draft, model::Node& node, model::Resource& machine);
/// The cloud had none of that to give, or what it gave was of no use.
void rest_offer(Draft& draft, const model::GroupKey& offer, const Error& error);
/// It was refused a moment ago, and is not asked for again yet.
bool offer_rests(const Draft& draft, const model::GroupKey& offer);
/// One came up: when it was asked for after the refusal, its kind is to be had again.
/// How long it took is learned from the first time.
void worker_came(Draft& draft, const model::Node& node);
int lowest_free_ordinal(const Draft& draft);
/// It takes no new work and goes when what runs on it has ended; one that cannot hold work goes at
/// once.
void begin_leave(Draft& draft, model::Node& node, std::string reason);
/// One that drains stays.
void call_back(Draft& draft, model::Node& node, std::string reason);
/// A row for a head or a worker that is to be.
model::Node& add_node(Draft& draft, bool is_head, const model::GroupKey& group, int ordinal);
/// What the activity says of a worker that was added.
std::string planned(const model::Node& node);
/// No call about the container is under way, and the wait after a failed one is over.
bool storage_free(Draft& draft);
/// Nodes whose reports count: the channel of this boot has spoken.
bool reports_count(const model::Node& node);
/// It has a certificate: from then on the workload manager may give it work, whether or not we have
/// heard of it.
bool has_enrolled(const model::Node& node);
bool workload_takes_work(const std::string& workload_state);
/// The cloud has carried the removal out; list and read are still to confirm it.
bool removal_ended(const model::Resource& row);

}  // namespace hopyard::decide
