// A cluster as it is kept: what is wanted, and what the loops last knew of it. State is never one
// big enum (style S3): what is wanted, the phase it is in, the failure that holds it and the
// operations under way are separate fields.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "model/demand.h"
#include "model/experience.h"
#include "model/spec.h"

namespace hopyard::model {

/// What the user last asked of the whole cluster.
enum class Wanted { running, stopped, terminated };

/// Where the cluster is on its way to what is wanted. Written only by the reconciler and, at the
/// moment of a request, by the command that accepted it. Legal moves: phase.h.
enum class Phase {
    pending,   ///< accepted; nothing made yet
    creating,  ///< resources and machines are being made for the first time
    starting,  ///< machines come back after a stop or a restart
    running,   ///< everything wanted is ready
    updating,  ///< workers, ports or types change; the head works
    stopping,
    stopped,
    terminating,
    failed,  ///< needs somebody: `problem` says who and what
};

/// How a worker, or the head, is doing. Legal moves: phase.h.
enum class NodeWanted { running, stopped, removed };

enum class NodePhase {
    planned,   ///< has a name and nothing else
    creating,  ///< its resources are being made
    booting,   ///< the machine runs, the node program has not reported yet
    joining,   ///< reports, and is becoming its role
    ready,     ///< head: all services up; worker: idle or allocated in the workload manager
    draining,  ///< takes no new work; leaves when the work on it is done
    stopping,
    stopped,
    removing,
    failed,
};

/// The first administrator of a cluster; the password is a sealed secret of the store
/// ("cluster/<id>/first-administrator").
struct ClusterAccess {
    std::string url;  ///< https address of the head's page; empty until known
    std::string user;
    std::string head_public_ip;
    std::string head_private_ip;
    std::string certificate_authority_pem;  ///< signs the page's certificate
    bool operator==(const ClusterAccess&) const = default;
};

/// What one instance type offers to the workload manager, and what it costs.
struct MachineType {
    int vcpus = 1;
    std::int64_t memory_mb = 1024;
    int gpus = 0;
    /// On demand, when the policy or the groups were last changed; none where no list says it.
    std::optional<double> usd_per_hour = std::nullopt;
    bool operator==(const MachineType&) const = default;
};

/// What the autoscaler remembers of a cluster from one decision to the next.
struct AutoscaleMemory {
    /// The cloud had no such machine to give: it is not asked for another before `until`.
    struct Refusal {
        GroupKey key;
        int times = 1;  ///< in a row
        Timestamp at;   ///< the last time
        Timestamp until;
        bool operator==(const Refusal&) const = default;
    };
    std::vector<Refusal> refusals;
    /// Requests that can never be met and of which the user was told, as long as they wait.
    std::vector<std::string> named;
    /// In the mode `adaptive`.
    std::optional<Experience> general;
    std::optional<Experience> gpu;
    bool operator==(const AutoscaleMemory&) const = default;
};

struct Cluster {
    ClusterId id;
    OrganisationId organisation;
    ClusterSpec spec;
    Wanted wanted = Wanted::running;
    /// Rises with every accepted request; what a plan was made for.
    std::int64_t generation = 1;
    /// Rises with every accepted restart; each node remembers the last one it went through.
    std::int64_t restart_generation = 0;

    Phase phase = Phase::pending;
    std::string stage;  ///< one line for people: "2 of 3 nodes ready"
    std::optional<Error> problem;
    ClusterAccess access;
    Timestamp created_at;
    std::optional<Timestamp> started_at;  ///< last time it became running
    Timestamp phase_since;
    /// Names chosen for what the user left to us, before the first call is made.
    NetworkSpec network;
    std::string container;
    bool container_claimed = false;
    bool storage_policy_set = false;
    std::optional<Timestamp> storage_grant_expires_at;
    /// Why the container could not be claimed, or the right on it not given.
    std::optional<Error> storage_problem;
    int storage_attempts = 0;
    std::optional<Timestamp> storage_try_again_at;
    /// Until then a request for the right that nobody heard of may still be carried out.
    std::optional<Timestamp> storage_unsure_until;

    /// What the names of the specification stood for when the cluster was accepted, so that the
    /// loops need no look-up: the public key, the cloud's id of the identity, the sizes in use.
    std::string ssh_public_key;
    std::string identity_id;
    std::map<std::string, MachineType> types;  ///< by instance type
    /// So that no machine's name is ever used twice: whether a head was ever planned, the highest
    /// ordinal ever given to a worker, and the newest generation of any machine.
    bool head_made = false;
    int highest_ordinal = 0;
    std::int64_t last_generation = 1;
    AutoscaleMemory autoscale;
    /// When the first administrator's password was last made anew, and the revision of the head's
    /// orders that hold the newest one; 0 as long as none do.
    std::optional<Timestamp> password_rotated_at;
    std::int64_t password_revision = 0;

    std::int64_t version = 0;  ///< of the row; the store refuses a write with another one
    bool operator==(const Cluster&) const = default;
};

/// The last thing a node said of itself, kept for showing and deciding. Not an authority: silence
/// is not death (product.md D17).
struct NodeSeen {
    std::optional<Timestamp> last_report_at;
    /// Since when nothing was heard, once that is longer than the silence period.
    std::optional<Timestamp> silent_since;
    std::int64_t applied_revision = 0;  ///< of the orders it has carried out
    bool services_ready = false;
    std::string stage;           ///< "mounting /data"
    std::string workload_state;  ///< Slurm's word, lower case: "idle", "allocated", "down" …
    int jobs = 0;
    Resources allocated;
    /// Since when nothing is allocated on it; none while something is, and before the workload
    /// manager spoke of it.
    std::optional<Timestamp> idle_since;
    /// When the last of its jobs ends at the latest, if all have a time limit.
    std::optional<Timestamp> busy_until;
    std::optional<Demand> demand;  ///< of a head: what waits; none until the manager has said it
    std::optional<Timestamp> workload_lost_at;  ///< since when the workload manager does not see it
    bool mount_ready = false;
    std::int64_t mount_pending_writes = 0;
    std::string boot_id;  ///< changes with every boot
    std::string program_version;
    std::optional<Error> failure;
    bool operator==(const NodeSeen&) const = default;
};

/// The right of one machine to become one node. The token itself is only in the machine's user
/// data; here is its SHA-256. Repeatable by the machine that used it first, until its first
/// authenticated report is stored.
struct Enrolment {
    std::string token_hash;  ///< hex
    std::optional<Timestamp> expires_at;
    std::string machine_id;  ///< bound on first use, when the cloud's id was not known before
    std::string certificate_serial;
    std::optional<Timestamp> certificate_expires_at;
    bool closed = false;  ///< first authenticated report was stored
    bool operator==(const Enrolment&) const = default;
};

struct Node {
    NodeId id;  ///< also the machine's and the host's name
    ClusterId cluster;
    bool is_head = false;
    GroupKey group;               ///< instance type and disk; for the head too
    int ordinal = 0;              ///< 0 = head; workers from 1; stable over a re-creation
    std::int64_t generation = 1;  ///< rises when the machine is made anew

    NodeWanted wanted = NodeWanted::running;
    NodePhase phase = NodePhase::planned;
    Timestamp phase_since;
    std::optional<Error> problem;
    std::optional<Timestamp> drain_deadline;  ///< set while a removal waits for running work
    bool drain_wanted = false;                ///< somebody drains it, until it is resumed
    bool autoscaled = false;    ///< the autoscaler made or adopted it, and may take it
    bool is_outdated = false;   ///< its group's type, disk or price was changed since
    bool is_protected = false;  ///< a person wants it to stay: the autoscaler never takes it
    /// Counts the drains that were taken back: what was said of an earlier one tells nothing of
    /// this one.
    std::int64_t drain_number = 0;
    bool restart_wanted = false;          ///< of it alone; a worker waits until it is drained
    std::int64_t restart_generation = 0;  ///< the last restart it went through
    /// The boot that a stop or a restart ends: what it still reports no longer counts.
    std::string left_boot_id;
    std::int64_t failed_attempts = 0;
    std::optional<Timestamp> try_again_at;

    std::string machine_id;  ///< the cloud's id of the machine, once known
    std::string private_ip;
    int vcpus = 0;  ///< of its type, for the workload manager
    std::int64_t memory_mb = 0;
    int gpus = 0;
    /// Of a spot machine, and of no other: the most that is paid for it, in US dollars an hour; -1:
    /// up to the price on demand. Settled before the first request, which says the same each time.
    std::optional<double> max_spot_price;

    Enrolment enrolment;
    NodeSeen seen;
    std::int64_t init_script_exit = -1;  ///< -1 = has not run
    Timestamp created_at;
    std::optional<Timestamp> ready_at;

    std::int64_t version = 0;
    /// The cloud may take it back. One of a spot group that fell back is none.
    bool is_spot() const { return max_spot_price.has_value(); }
    bool operator==(const Node&) const = default;
};

}  // namespace hopyard::model
