// The heart: plan(snapshot) says what happens next to a cluster and why. Pure: the same snapshot
// gives the same plan, and nothing here knows a clock, a network, a thread or a database.
//
// A plan has two parts. `rows` is what is to be stored first: new rows name what will be made,
// before anything is asked of the cloud (names before effects). `calls` are then sent, all
// together: whatever has to wait for something else is not in the plan yet. When rows can't be
// stored because somebody else changed them, the plan is dropped and made again.
//
// There are no workflows. After a crash, a failure or a change of mind the same function looks at
// what is there and goes on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "decide/lifecycle/snapshot.h"
#include "model/activity.h"
#include "model/decision_record.h"

namespace hopyard::decide {

/// One request to the cloud.
struct Call {
    enum class Kind {
        put,
        remove,
        start,
        deallocate,
        restart,
        resize,
        read,  ///< only looks; the outcome goes into the sightings
        claim_container,
        grant_storage,
        revoke_storage,
    };
    Kind kind = Kind::put;
    model::ResourceName name;  ///< empty for calls about the container
    std::string reason;
    std::string content;  ///< of a put whose content may change: what to remember
    bool operator==(const Call&) const = default;
};

/// What is to be stored before the calls go out. Only what changed.
struct RowChanges {
    std::optional<model::Cluster> cluster;
    std::vector<model::Node> nodes;  ///< version 0: new, gets its one-time token when stored
    std::vector<model::Resource> resources;
    std::vector<NodeId> erased_nodes;
    std::vector<model::ResourceName> erased_resources;
    std::vector<model::Activity> activity;
    std::vector<model::DecisionRecord> decisions;
    bool erase_cluster = false;  ///< with all its secrets; its activity stays

    bool empty() const;
};

struct Plan {
    RowChanges rows;
    std::vector<Call> calls;
    bool wants_list = false;  ///< something waits for a list that began after now
    std::optional<Timestamp> look_again_at;
};

Plan plan(const Snapshot& snapshot);

}  // namespace hopyard::decide
