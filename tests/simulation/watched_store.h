// One replica's view of the store that all replicas share. It tells a watcher of every change that
// was committed, and lets the replica die right before or right after a commit.
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
    bool gone = false;
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

class StoreWatcher {
  public:
    virtual ~StoreWatcher() = default;
    virtual void committed(const Changes& changes) = 0;
};

class WatchedStore final : public store::Store {
  public:
    WatchedStore(store::Store& inner, Ground& ground, StoreWatcher& watcher)
        : inner_(inner), ground_(ground), watcher_(watcher) {}

    Result<void> read(const Body& body) override { return inner_.read(body); }
    Result<void> write(const Body& body) override;
    Result<void> write(const store::Lease& fence, const Body& body) override;
    Result<std::optional<store::Lease>> acquire(const std::string& name,
                                                const std::string& holder,
                                                Timestamp now,
                                                Milliseconds validity) override {
        return inner_.acquire(name, holder, now, validity);
    }
    Result<void> release(const store::Lease& lease) override { return inner_.release(lease); }

  private:
    Result<void> watched(const Body& body, const std::function<Result<void>(const Body&)>& write);

    store::Store& inner_;
    Ground& ground_;
    StoreWatcher& watcher_;
};

}  // namespace hopyard::simulation
