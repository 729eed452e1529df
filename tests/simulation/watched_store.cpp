#include "simulation/watched_store.h"

namespace hopyard::simulation {
namespace {

using store::Transaction;

/// Passes everything on and writes down what changed.
class WatchedTransaction final : public Transaction {
  public:
    WatchedTransaction(Transaction& inner, Changes& changes) : t_(inner), changes_(changes) {}

    Result<std::optional<model::Cluster>> cluster(const ClusterId& id) override {
        return t_.cluster(id);
    }
    Result<std::optional<model::Cluster>> cluster_named(const OrganisationId& organisation,
                                                        const std::string& name) override {
        return t_.cluster_named(organisation, name);
    }
    Result<std::vector<model::Cluster>> clusters() override { return t_.clusters(); }
    Result<std::vector<model::Cluster>> clusters_of(const OrganisationId& organisation) override {
        return t_.clusters_of(organisation);
    }
    Result<std::vector<model::Cluster>> clusters_of(const OrganisationId& organisation,
                                                    const std::optional<store::ClusterPlace>& after,
                                                    int limit) override {
        return t_.clusters_of(organisation, after, limit);
    }
    Result<std::vector<store::StampedCluster>> written_since(
        std::int64_t stamp, const std::optional<OrganisationId>& organisation) override {
        return t_.written_since(stamp, organisation);
    }
    Result<std::optional<store::StampedCluster>> stamped(const ClusterId& id) override {
        return t_.stamped(id);
    }
    Result<std::vector<store::StampedCluster>> stamped_of(
        const OrganisationId& organisation,
        const std::optional<store::ClusterPlace>& after,
        int limit) override {
        return t_.stamped_of(organisation, after, limit);
    }
    Result<void> put(model::Cluster& cluster) override {
        ASSIGN_OR_RETURN(const auto before, t_.cluster(cluster.id));
        RETURN_IF_ERROR(t_.put(cluster));
        changes_.clusters.push_back({.id = cluster.id, .to = cluster.phase});
        if (before) changes_.clusters.back().from = before->phase;
        return {};
    }
    Result<void> erase(const ClusterId& id) override {
        RETURN_IF_ERROR(t_.erase(id));
        changes_.clusters.push_back({.id = id, .gone = true});
        return {};
    }

    Result<std::vector<model::Node>> nodes(const ClusterId& cluster) override {
        return t_.nodes(cluster);
    }
    Result<std::optional<model::Node>> node(const NodeId& id) override { return t_.node(id); }
    Result<void> put(model::Node& node) override {
        ASSIGN_OR_RETURN(const auto before, t_.node(node.id));
        RETURN_IF_ERROR(t_.put(node));
        changes_.nodes.push_back({.id = node.id,
                                  .cluster = node.cluster,
                                  .to = node.phase,
                                  .wanted = node.wanted,
                                  .is_head = node.is_head,
                                  .autoscaled = node.autoscaled});
        if (!before) return {};
        NodeChange& change = changes_.nodes.back();
        change.from = before->phase;
        change.restarts_with_all = before->restart_generation < node.restart_generation;
        change.restarts_alone = before->restart_wanted && !node.restart_wanted &&
                                node.phase == model::NodePhase::booting && !node.is_head &&
                                !change.restarts_with_all;
        return {};
    }
    Result<void> erase(const NodeId& id) override {
        RETURN_IF_ERROR(t_.erase(id));
        changes_.nodes.push_back({.id = id, .gone = true});
        return {};
    }

    Result<std::vector<model::Resource>> resources(const ClusterId& cluster) override {
        return t_.resources(cluster);
    }
    Result<std::optional<model::Resource>> resource(const ResourceName& name) override {
        return t_.resource(name);
    }
    Result<std::vector<model::Resource>> due_operations(Timestamp now, int limit) override {
        return t_.due_operations(now, limit);
    }
    Result<std::optional<Timestamp>> next_operation_at() override { return t_.next_operation_at(); }
    Result<void> put(model::Resource& resource) override {
        RETURN_IF_ERROR(t_.put(resource));
        changes_.resources.push_back(
            {.name = resource.name, .is_new = resource.version == 1, .made = resource.made});
        return {};
    }
    Result<void> erase(const ResourceName& name) override {
        RETURN_IF_ERROR(t_.erase(name));
        changes_.resources.push_back({.name = name, .gone = true});
        return {};
    }

    Result<std::optional<model::MachineRun>> last_run(const ClusterId& cluster,
                                                      const std::string& machine) override {
        return t_.last_run(cluster, machine);
    }
    Result<void> append(model::DecisionRecord& record) override { return t_.append(record); }
    Result<std::vector<model::DecisionRecord>> decisions(const ClusterId& cluster,
                                                         std::optional<std::int64_t> before,
                                                         int limit) override {
        return t_.decisions(cluster, before, limit);
    }
    Result<std::vector<model::MachineRun>> runs(const store::RunQuery& query) override {
        return t_.runs(query);
    }
    Result<void> put(const model::MachineRun& run) override { return t_.put(run); }

    Result<void> append(model::Activity& activity) override {
        RETURN_IF_ERROR(t_.append(activity));
        changes_.activity.push_back(activity);
        return {};
    }
    Result<store::ActivityPage> activity(const store::ActivityQuery& query) override {
        return t_.activity(query);
    }

    Result<std::optional<model::ApiKey>> api_key_by_hash(const std::string& key_hash) override {
        return t_.api_key_by_hash(key_hash);
    }
    Result<std::vector<model::ApiKey>> api_keys(const OrganisationId& organisation) override {
        return t_.api_keys(organisation);
    }
    Result<void> put(model::ApiKey& key) override { return t_.put(key); }

    Result<std::optional<model::Organisation>> organisation(const OrganisationId& id) override {
        return t_.organisation(id);
    }
    Result<void> put(model::Organisation& organisation) override { return t_.put(organisation); }
    Result<std::optional<model::Person>> person(const PersonId& id) override {
        return t_.person(id);
    }
    Result<std::optional<model::Person>> person_by_email(const std::string& email) override {
        return t_.person_by_email(email);
    }
    Result<std::vector<model::Person>> persons(const OrganisationId& organisation) override {
        return t_.persons(organisation);
    }
    Result<void> put(model::Person& person) override { return t_.put(person); }
    Result<void> erase(const PersonId& id) override { return t_.erase(id); }
    Result<std::optional<model::Session>> session(const SessionId& id) override {
        return t_.session(id);
    }
    Result<std::optional<model::Session>> session_by_hash(const std::string& hash) override {
        return t_.session_by_hash(hash);
    }
    Result<std::vector<model::Session>> sessions(const PersonId& person) override {
        return t_.sessions(person);
    }
    Result<void> put(model::Session& session) override { return t_.put(session); }
    Result<void> erase(const SessionId& id) override { return t_.erase(id); }
    Result<void> forget_sessions(Timestamp seen_before, Timestamp begun_before) override {
        return t_.forget_sessions(seen_before, begun_before);
    }
    Result<std::optional<model::Invitation>> invitation_by_hash(const std::string& hash) override {
        return t_.invitation_by_hash(hash);
    }
    Result<std::vector<model::Invitation>> invitations(
        const OrganisationId& organisation) override {
        return t_.invitations(organisation);
    }
    Result<void> put(model::Invitation& invitation) override { return t_.put(invitation); }
    Result<void> erase(const InvitationId& id) override { return t_.erase(id); }
    Result<void> forget_invitations(Timestamp expired_before) override {
        return t_.forget_invitations(expired_before);
    }
    Result<std::vector<model::OutgoingMail>> due_mail(Timestamp now, int limit) override {
        return t_.due_mail(now, limit);
    }
    Result<void> put(model::OutgoingMail& mail) override { return t_.put(mail); }
    Result<void> erase(const MailId& id) override { return t_.erase(id); }

    Result<std::optional<model::CloudAccount>> cloud_account(const OrganisationId& organisation,
                                                             const std::string& name) override {
        return t_.cloud_account(organisation, name);
    }
    Result<std::vector<model::CloudAccount>> cloud_accounts(
        const OrganisationId& organisation) override {
        return t_.cloud_accounts(organisation);
    }
    Result<std::vector<model::CloudAccount>> cloud_accounts() override {
        return t_.cloud_accounts();
    }
    Result<void> put(model::CloudAccount& account) override { return t_.put(account); }
    Result<void> erase_cloud_account(const OrganisationId& organisation,
                                     const std::string& name) override {
        return t_.erase_cloud_account(organisation, name);
    }
    Result<std::optional<Secret>> secret(const std::string& name) override {
        return t_.secret(name);
    }
    Result<void> put_secret(const std::string& name, const Secret& value) override {
        return t_.put_secret(name, value);
    }
    Result<void> erase_secrets(const std::string& prefix) override {
        return t_.erase_secrets(prefix);
    }
    Result<std::optional<std::string>> setting(const std::string& name) override {
        return t_.setting(name);
    }
    Result<void> put_setting(const std::string& name, const std::string& value) override {
        return t_.put_setting(name, value);
    }

    Result<std::optional<store::RememberedReply>> remembered(const OrganisationId& organisation,
                                                             const std::string& key) override {
        return t_.remembered(organisation, key);
    }
    Result<void> remember(const OrganisationId& organisation,
                          const std::string& key,
                          const store::RememberedReply& reply) override {
        return t_.remember(organisation, key, reply);
    }
    Result<void> forget_replies_before(Timestamp time) override {
        return t_.forget_replies_before(time);
    }

  private:
    Transaction& t_;
    Changes& changes_;
};

}  // namespace

Result<void> WatchedStore::watched(const Body& body,
                                   const std::function<Result<void>(const Body&)>& write) {
    Changes changes;
    RETURN_IF_ERROR(write([&](Transaction& inner) -> Result<void> {
        changes = {};
        WatchedTransaction transaction(inner, changes);
        return body(transaction);
    }));
    watcher_.committed(writer_, changes);
    if (ground_.dies_at(CrashPoint::Place::after_commit)) throw ProgramDied();
    return {};
}

Result<std::optional<store::Lease>> WatchedStore::acquire(const std::string& name,
                                                          const std::string& holder,
                                                          Timestamp now,
                                                          Milliseconds validity) {
    ASSIGN_OR_RETURN(auto lease, inner_.acquire(name, holder, now, validity));
    if (lease) watcher_.lease_taken(writer_.replica, lease->generation);
    return lease;
}

Result<void> WatchedStore::write(const Body& body) {
    return watched(body, [&](const Body& inner) { return inner_.write(inner); });
}

Result<void> WatchedStore::write(const store::Lease& fence, const Body& body) {
    return watched(body, [&](const Body& inner) { return inner_.write(fence, inner); });
}

}  // namespace hopyard::simulation
