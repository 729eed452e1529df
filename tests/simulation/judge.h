// What must be true all the time, whatever goes wrong (safety), and what must be true once nothing
// goes wrong any more (convergence: verdict.cpp). The judge knows the truth of the simulated cloud
// and machines, and what users were promised; it never asks the control plane for its opinion but
// to compare it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "simulation/cloud_front.h"
#include "simulation/ground.h"
#include "simulation/nodes.h"
#include "simulation/watched_store.h"

namespace hopyard::simulation {

/// What the users of one cluster were promised: every request that was answered with success.
struct Wish {
    ClusterId id;
    model::ClusterSpec spec;
    model::Wanted wanted = model::Wanted::running;
};

class Judge final : public RequestWatcher, public StoreWatcher {
  public:
    Judge(Ground& ground, store::Store& store);
    void know(const Nodes& nodes) { nodes_ = &nodes; }

    // RequestWatcher
    void request_leaves(const Request& request) override;
    void request_arrives(const Request& request) override;
    void reply_received(const Request& request, const Error* error) override;
    // StoreWatcher
    void committed(const Writer& writer, const Changes& changes) override;
    void lease_taken(int replica, std::int64_t generation) override {
        leader_ = replica;
        turn_ = generation;
    }

    /// Somebody asked for something: waits after refusals begin anew.
    void user_acts(const ClusterId& cluster);

    /// What is not yet as it should be for this wish; empty when all is. `terminated` clusters have
    /// nothing left but their container.
    std::vector<std::string> differences(const Wish& wish);
    /// What is in the cloud and belongs to no wish; what is still under way.
    std::vector<std::string> leftovers(const std::vector<Wish>& wishes);
    /// The rows of a cluster as they stand, for people who look into a failure.
    std::vector<std::string> describe(const Wish& wish);
    /// The history that users see of a cluster, judged at its end.
    void judge_history(const Wish& wish);
    std::uint64_t refusals() const { return refusals_; }

  private:
    void wrong(std::string what) { ground_.findings.add(std::move(what)); }
    void judge_put(const Request& request);
    void judge_wait(const Request& request);
    void judge_offer(const Request& request);
    void judge_eviction(const model::Activity& entry);
    /// What a refusal speaks of: a place in a cluster or, of a worker that the autoscaler asked
    /// for, a type; as a spot machine or on demand.
    std::string asked_place(const Request& request) const;
    void judge_loss(const Request& request);
    void judge_restart(const Request& request);
    bool may_leave_busy(const NodeId& id, const Thing& machine);
    void judge_node(const NodeChange& change);
    void judge_scaling(const NodeChange& change);
    void judge_cluster(const ClusterChange& change);
    void judge_end(const ClusterId& id);
    void judge_activity(const model::Activity& entry);

    struct Rows {
        std::optional<model::Cluster> cluster;
        std::vector<model::Node> nodes;
        std::vector<model::Resource> resources;
        std::vector<model::MachineRun> runs;
        std::vector<std::string> secrets_left;
    };
    Rows rows_of(const ClusterId& id);
    void compare_running(const Wish& wish, const Rows& rows, std::vector<std::string>& out);
    void compare_stopped(const Wish& wish, const Rows& rows, std::vector<std::string>& out);
    void compare_gone(const Wish& wish, const Rows& rows, std::vector<std::string>& out);
    void compare_scaling(const Wish& wish, const Rows& rows, std::vector<std::string>& out);
    void compare_runs(const Rows& rows, std::vector<std::string>& out);
    void compare_machines(const Wish& wish, const Rows& rows, std::vector<std::string>& out);
    void compare_shared(const Wish& wish, const Rows& rows, std::vector<std::string>& out);
    void compare_workload(const Wish& wish, const Rows& rows, std::vector<std::string>& out);

    Ground& ground_;
    store::Store& store_;
    const Nodes* nodes_ = nullptr;
    int leader_ = 0;         ///< the replica whose lease is the newest
    std::int64_t turn_ = 0;  ///< that lease's generation
    std::set<NodeId> nodes_ever_;
    std::set<ResourceName> rows_;
    std::set<ResourceName> known_made_;
    std::map<NodeId, Timestamp> leaving_since_;
    std::set<NodeId> restarting_alone_;
    std::map<NodeId, ClusterId> autoscaled_;
    std::set<std::string> spot_machines_;
    struct Refusal {
        int replica = 0;
        Timestamp at;
    };
    std::map<std::string, Refusal> refused_;
    struct Departure {
        Timestamp at;
        std::int64_t turn = 0;
    };
    std::map<ResourceName, Departure> left_;          ///< of the newest request about it
    std::map<std::string, Timestamp> user_acted_at_;  ///< by the cluster's part of names
    std::map<ClusterId, std::vector<std::string>> history_;
    std::int64_t last_sequence_ = 0;
    std::uint64_t refusals_ = 0;
};

}  // namespace hopyard::simulation
