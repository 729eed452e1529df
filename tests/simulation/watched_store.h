// One replica's view of the store that all replicas share: its loops', or that of whoever else
// writes. It tells a watcher of every change that was committed, and lets the replica die right
// after a commit (before it: see world.cpp).
#pragma once

#include <vector>

#include "simulation/ground.h"
#include "store/store.h"

namespace hopyard::simulation {

struct ClusterChange {
    ClusterId id;
    std::optional<model::Phase> from;  ///< nothing: the row is new
    model::Phase to = model::Phase::pending;
    bool gone = false;
};

struct NodeChange {
    NodeId id;
    ClusterId cluster;
    std::optional<model::NodePhase> from;
    model::NodePhase to = model::NodePhase::planned;
    model::NodeWanted wanted = model::NodeWanted::running;
    bool is_head = false;
    bool autoscaled = false;
    bool gone = false;
    bool restarts_alone = false;     ///< a worker goes down for a restart of itself
    bool restarts_with_all = false;  ///< it goes down for a restart of the cluster
};

struct ResourceChange {
    ResourceName name;
    bool is_new = false;
    bool made = false;
    bool gone = false;
};

struct Changes {
    std::vector<ClusterChange> clusters;
    std::vector<NodeChange> nodes;
    std::vector<ResourceChange> resources;
    std::vector<model::Activity> activity;
};

struct Writer {
    int replica = 0;
    bool loops = false;
};

class StoreWatcher {
  public:
    virtual ~StoreWatcher() = default;
    virtual void committed(const Writer& writer, const Changes& changes) = 0;
    /// The lease is that replica's from now on, or still.
    virtual void lease_taken(int replica, std::int64_t generation) = 0;
};

class WatchedStore final : public store::Store {
  public:
    WatchedStore(store::Store& inner, Ground& ground, StoreWatcher& watcher, Writer writer)
        : inner_(inner), ground_(ground), watcher_(watcher), writer_(writer) {}

    Result<void> read(const Body& body) override { return inner_.read(body); }
    Result<void> write(const Body& body) override;
    Result<void> write(const store::Lease& fence, const Body& body) override;
    Result<std::optional<store::Lease>> acquire(const std::string& name,
                                                const std::string& holder,
                                                Timestamp now,
                                                Milliseconds validity) override;
    Result<void> release(const store::Lease& lease) override { return inner_.release(lease); }

  private:
    Result<void> watched(const Body& body, const std::function<Result<void>(const Body&)>& write);

    store::Store& inner_;
    Ground& ground_;
    StoreWatcher& watcher_;
    const Writer writer_;
};

}  // namespace hopyard::simulation
