// A cloud resource that we made, are making or are removing for a cluster: the stored intent. The
// row is written before the first call (names before effects), and goes only when the cloud
// confirmed by list and by direct read that the resource is gone.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <tuple>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace hopyard::model {

enum class ResourceKind {
    virtual_network,
    subnet,  ///< only in a network of the user; ours are made with their network
    security_group,
    security_rule,  ///< only in a group of the user
    public_address,
    network_interface,
    machine,
    disk,  ///< the machine's own; seen, and removed when left behind
};

/// Where a resource lies. `parent` is the network of a subnet and the group of a rule.
struct ResourceName {
    ResourceKind kind = ResourceKind::machine;
    std::string resource_group;
    std::string parent;
    std::string name;
    // What tells most apart comes first: rows are kept and looked up by name all the time.
    std::strong_ordering operator<=>(const ResourceName& other) const {
        return std::tie(kind, name, parent, resource_group) <=>
               std::tie(other.kind, other.name, other.parent, other.resource_group);
    }
    bool operator==(const ResourceName& other) const {
        return kind == other.kind && name == other.name && parent == other.parent &&
               resource_group == other.resource_group;
    }
};

/// A long-running operation as data: where to look, and when.
struct PendingOperation {
    enum class Verb { put, remove, start, stop, restart } verb = Verb::put;
    std::string url;  ///< opaque, from the cloud; empty: look at the resource
    Timestamp started_at;
    Timestamp look_at;
    int attempt = 0;  ///< looks so far, for the back-off
    bool operator==(const PendingOperation&) const = default;
};

struct Resource {
    ResourceName name;
    ClusterId cluster;
    NodeId node;         ///< empty for what belongs to the whole cluster
    bool wanted = true;  ///< false: to be removed
    bool made = false;   ///< the cloud confirmed it at least once
    std::optional<PendingOperation> operation;
    std::optional<Error> problem;
    int failed_attempts = 0;
    std::optional<Timestamp> try_again_at;
    /// For a removal: the time of the list in which it was already missing; the direct read
    /// confirms.
    std::optional<Timestamp> missing_since;
    Timestamp created_at;
    /// When a call about it was last accepted or an operation of it ended: what a list or a read
    /// that began before says of it does not count.
    Timestamp changed_at;
    /// What was last put, for the kinds whose content changes (security groups and rules).
    std::string applied;
    bool running = false;  ///< machine: has power as far as we know
    /// Machine: given back to the cloud since it last had power. One that went off by itself still
    /// costs what a running one does.
    bool deallocated = false;

    std::int64_t version = 0;
    bool operator==(const Resource&) const = default;
};

}  // namespace hopyard::model
