// What must survive. One interface, three implementations: SQLite (one server), PostgreSQL (several
// replicas), memory (simulation and unit tests). Every write happens in a transaction that either
// commits whole or not at all; what was acknowledged is on disk.
//
// Rows carry a version. `put` of a row whose version is not the stored one fails with `conflict`,
// and the caller reads again: there is no lock that a crash could leave behind. A put with version
// 0 creates and fails with `already_exists` when the row is there. A put raises the version in the
// caller's value too; after a write that failed, the caller's rows are stale: read again.
//
// One writer at a time: a body's reads see everything that was written before it.
//
// The loops write under a lease with a fencing generation: a transaction opened with `fence` fails
// with `conflict` ("lease_lost") when another replica holds a newer one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/access.h"
#include "model/activity.h"
#include "model/cloud_account.h"
#include "model/cluster.h"
#include "model/decision_record.h"
#include "model/machine_run.h"
#include "model/outgoing_mail.h"
#include "model/resource.h"

namespace hopyard::store {

struct ActivityPage {
    std::vector<model::Activity> entries;  ///< newest first
    std::optional<std::int64_t>
        next_before;  ///< pass as `before` for the next page; nothing at the end
};

struct ActivityQuery {
    OrganisationId organisation;
    std::optional<ClusterId> cluster;
    std::optional<std::int64_t> before;  ///< only sequence numbers below
    std::optional<std::int64_t> after;   ///< only above; then oldest first and no next_before
    int limit = 50;
};

/// Runs that touch the time from `from` on and before `until`.
struct RunQuery {
    OrganisationId organisation;
    std::optional<ClusterId> cluster;
    std::optional<Timestamp> from, until;
    bool of_present_clusters = false;  ///< not of those that are gone
};

/// A place in the list of clusters: after the cluster with this time and id.
struct ClusterPlace {
    Timestamp created_at;
    ClusterId id;
    bool operator==(const ClusterPlace&) const = default;
};

/// A cluster without its document: whose it is, where it stands in the list and when it was
/// written.
struct StampedCluster {
    OrganisationId organisation;
    ClusterPlace place;
    std::int64_t version = 0;  ///< of the cluster's row
    /// Which of all writes was the last one of the cluster's row or one of its nodes'; every write
    /// has a higher number than those before it. While the stamp is the same, so are the rows.
    std::int64_t stamp = 0;
    bool is_gone = false;
    bool operator==(const StampedCluster&) const = default;
};

/// The reply that was given to a request with that Idempotency-Key.
struct RememberedReply {
    std::string request_hash;  ///< of method, path and body
    int status = 0;
    std::string body;
    Timestamp at;
};

class Transaction {
  public:
    virtual ~Transaction() = default;

    virtual Result<std::optional<model::Cluster>> cluster(const ClusterId& id) = 0;
    virtual Result<std::optional<model::Cluster>> cluster_named(const OrganisationId& organisation,
                                                                const std::string& name) = 0;
    /// Oldest first. Terminated clusters are gone.
    virtual Result<std::vector<model::Cluster>> clusters() = 0;
    virtual Result<std::vector<model::Cluster>> clusters_of(const OrganisationId& organisation) = 0;
    /// The same, a part of it: at most `limit` of those that come after that place.
    virtual Result<std::vector<model::Cluster>> clusters_of(
        const OrganisationId& organisation,
        const std::optional<ClusterPlace>& after,
        int limit) = 0;
    /// Those with a higher stamp, in the order of their stamps; of all, or of one organisation.
    /// Whoever begins with 0 and goes on from the last stamp has seen every change, also of those
    /// that are gone since; its cost grows with the changes. From 0 only those are told that are.
    virtual Result<std::vector<StampedCluster>> written_since(
        std::int64_t stamp, const std::optional<OrganisationId>& organisation) = 0;
    /// One that is there. Cheap, as no document is read.
    virtual Result<std::optional<StampedCluster>> stamped(const ClusterId& id) = 0;
    /// Those that clusters_of() has, in its order.
    virtual Result<std::vector<StampedCluster>> stamped_of(const OrganisationId& organisation,
                                                           const std::optional<ClusterPlace>& after,
                                                           int limit) = 0;
    /// `already_exists` also when another cluster of the organisation has the name.
    virtual Result<void> put(model::Cluster& cluster) = 0;
    /// With its nodes and resources, of which there must be none left that are `made`.
    virtual Result<void> erase(const ClusterId& id) = 0;

    virtual Result<std::vector<model::Node>> nodes(const ClusterId& cluster) = 0;
    virtual Result<std::optional<model::Node>> node(const NodeId& id) = 0;
    /// `conflict` ("cluster_gone") without its cluster; the same for resources.
    virtual Result<void> put(model::Node& node) = 0;
    virtual Result<void> erase(const NodeId& id) = 0;

    virtual Result<std::vector<model::Resource>> resources(const ClusterId& cluster) = 0;
    virtual Result<std::optional<model::Resource>> resource(const model::ResourceName& name) = 0;
    /// With an operation whose look_at has come, soonest first.
    virtual Result<std::vector<model::Resource>> due_operations(Timestamp now, int limit) = 0;
    /// The soonest look_at of all; nothing when no operation is pending.
    virtual Result<std::optional<Timestamp>> next_operation_at() = 0;
    virtual Result<void> put(model::Resource& resource) = 0;
    virtual Result<void> erase(const model::ResourceName& name) = 0;

    /// Runs begin and end with the puts of their machines' rows. The last one of that machine,
    /// under way or over.
    virtual Result<std::optional<model::MachineRun>> last_run(const ClusterId& cluster,
                                                              const std::string& machine) = 0;
    /// In the order in which they began.
    virtual Result<std::vector<model::MachineRun>> runs(const RunQuery& query) = 0;
    /// In place of the one of that machine that began at the same time.
    virtual Result<void> put(const model::MachineRun& run) = 0;

    /// Gives it its sequence number.
    virtual Result<void> append(model::Activity& activity) = 0;
    virtual Result<ActivityPage> activity(const ActivityQuery& query) = 0;

    /// Gives it its number; only the newest model::decision_records_max of its cluster are kept.
    virtual Result<void> append(model::DecisionRecord& record) = 0;
    /// Newest first: those with a number below `before`, or all.
    virtual Result<std::vector<model::DecisionRecord>> decisions(const ClusterId& cluster,
                                                                 std::optional<std::int64_t> before,
                                                                 int limit) = 0;

    virtual Result<std::optional<model::ApiKey>> api_key_by_hash(const std::string& key_hash) = 0;
    virtual Result<std::vector<model::ApiKey>> api_keys(const OrganisationId& organisation) = 0;
    virtual Result<void> put(model::ApiKey& key) = 0;

    virtual Result<std::optional<model::Organisation>> organisation(const OrganisationId& id) = 0;
    virtual Result<void> put(model::Organisation& organisation) = 0;
    virtual Result<std::optional<model::Person>> person(const PersonId& id) = 0;
    /// Without regard to case.
    virtual Result<std::optional<model::Person>> person_by_email(const std::string& email) = 0;
    /// In the order in which they came.
    virtual Result<std::vector<model::Person>> persons(const OrganisationId& organisation) = 0;
    /// `already_exists` ("email_taken") when another person of the installation has the address.
    virtual Result<void> put(model::Person& person) = 0;
    /// With the person's sessions.
    virtual Result<void> erase(const PersonId& id) = 0;
    virtual Result<std::optional<model::Session>> session(const SessionId& id) = 0;
    virtual Result<std::optional<model::Session>> session_by_hash(const std::string& hash) = 0;
    /// In the order in which they began.
    virtual Result<std::vector<model::Session>> sessions(const PersonId& person) = 0;
    virtual Result<void> put(model::Session& session) = 0;
    virtual Result<void> erase(const SessionId& id) = 0;
    /// Those last used before the first time, and those begun before the second.
    virtual Result<void> forget_sessions(Timestamp seen_before, Timestamp begun_before) = 0;
    virtual Result<std::optional<model::Invitation>> invitation_by_hash(
        const std::string& hash) = 0;
    /// In the order in which they were made, those that have expired too.
    virtual Result<std::vector<model::Invitation>> invitations(
        const OrganisationId& organisation) = 0;
    virtual Result<void> put(model::Invitation& invitation) = 0;
    virtual Result<void> erase(const InvitationId& id) = 0;
    virtual Result<void> forget_invitations(Timestamp expired_before) = 0;
    /// With a send_at that has come, soonest first.
    virtual Result<std::vector<model::OutgoingMail>> due_mail(Timestamp now, int limit) = 0;
    virtual Result<void> put(model::OutgoingMail& mail) = 0;
    virtual Result<void> erase(const MailId& id) = 0;

    virtual Result<std::optional<model::CloudAccount>> cloud_account(
        const OrganisationId& organisation, const std::string& name) = 0;
    /// By name.
    virtual Result<std::vector<model::CloudAccount>> cloud_accounts(
        const OrganisationId& organisation) = 0;
    /// Of the whole installation.
    virtual Result<std::vector<model::CloudAccount>> cloud_accounts() = 0;
    virtual Result<void> put(model::CloudAccount& account) = 0;
    virtual Result<void> erase_cloud_account(const OrganisationId& organisation,
                                             const std::string& name) = 0;

    /// Secrets are sealed before they reach the database (sealed.h). Names are paths:
    /// "cluster/<id>/workload-key". Absent: nothing.
    virtual Result<std::optional<Secret>> secret(const std::string& name) = 0;
    virtual Result<void> put_secret(const std::string& name, const Secret& value) = 0;
    /// Erases every secret whose name begins with that.
    virtual Result<void> erase_secrets(const std::string& prefix) = 0;

    /// Small facts of the installation: "installation-id", "schema-note".
    virtual Result<std::optional<std::string>> setting(const std::string& name) = 0;
    virtual Result<void> put_setting(const std::string& name, const std::string& value) = 0;

    virtual Result<std::optional<RememberedReply>> remembered(const OrganisationId& organisation,
                                                              const std::string& key) = 0;
    virtual Result<void> remember(const OrganisationId& organisation,
                                  const std::string& key,
                                  const RememberedReply& reply) = 0;
    virtual Result<void> forget_replies_before(Timestamp time) = 0;
};

/// A held lease: present its generation with every write.
struct Lease {
    std::string name;
    std::string holder;
    std::int64_t generation = 0;
    Timestamp expires_at;
};

class Store {
  public:
    virtual ~Store() = default;

    using Body = std::function<Result<void>(Transaction&)>;
    /// A consistent view; what the body writes is an error. Bodies do not call the store.
    virtual Result<void> read(const Body& body) = 0;
    /// Commits when the body succeeds, else nothing happened. The body may run again after a
    /// serialization failure, so it has no effects but on the transaction and its own captures.
    virtual Result<void> write(const Body& body) = 0;
    virtual Result<void> write(const Lease& fence, const Body& body) = 0;

    /// Takes a free or expired lease (generation rises), or prolongs one's own. Nothing while
    /// another holds it.
    virtual Result<std::optional<Lease>> acquire(const std::string& name,
                                                 const std::string& holder,
                                                 Timestamp now,
                                                 Milliseconds validity) = 0;
    virtual Result<void> release(const Lease& lease) = 0;
};

}  // namespace hopyard::store
