#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <set>

#include "base/encoding.h"
#include "store/memory_changes.h"
#include "store/memory_rows.h"
#include "store/metering.h"
#include "store/open.h"
#include "store/row_rules.h"

namespace hopyard::store {
namespace {

using model::Activity;
using model::ApiKey;
using model::CloudAccount;
using model::Cluster;
using model::DecisionRecord;
using model::Invitation;
using model::MachineRun;
using model::Node;
using model::Organisation;
using model::OutgoingMail;
using model::Person;
using model::Resource;
using model::ResourceName;
using model::Session;

/// Works on the tables themselves.
class MemoryTransaction final : public Transaction, private RowChanges {
  public:
    MemoryTransaction(Tables& tables, bool writes) : RowChanges(writes), t_(tables) {}
    using RowChanges::keep;

    Result<std::optional<Cluster>> cluster(const ClusterId& id) override {
        return find_row(t_.clusters, id);
    }
    Result<std::optional<Cluster>> cluster_named(const OrganisationId& organisation,
                                                 const std::string& name) override {
        for (const auto& [id, row] : t_.clusters)
            if (row.organisation == organisation && row.spec.name == name) return row;
        return std::optional<Cluster>();
    }
    Result<std::vector<Cluster>> clusters() override {
        return in_order(rows_where(t_.clusters, [](const Cluster&) { return true; }),
                        &Cluster::created_at);
    }
    Result<std::vector<Cluster>> clusters_of(const OrganisationId& organisation) override {
        return in_order(
            rows_where(t_.clusters,
                       [&](const Cluster& row) { return row.organisation == organisation; }),
            &Cluster::created_at);
    }
    Result<std::vector<Cluster>> clusters_of(const OrganisationId& organisation,
                                             const std::optional<ClusterPlace>& after,
                                             int limit) override {
        ASSIGN_OR_RETURN(auto all, clusters_of(organisation));
        return page_of(std::move(all), after, limit);
    }
    Result<std::vector<StampedCluster>> written_since(
        std::int64_t stamp, const std::optional<OrganisationId>& organisation) override {
        return store::written_since(t_, stamp, organisation);
    }
    Result<std::optional<StampedCluster>> stamped(const ClusterId& id) override {
        return store::stamped(t_, id);
    }
    Result<std::vector<StampedCluster>> stamped_of(const OrganisationId& organisation,
                                                   const std::optional<ClusterPlace>& after,
                                                   int limit) override {
        ASSIGN_OR_RETURN(const auto rows, clusters_of(organisation, after, limit));
        std::vector<StampedCluster> found;
        for (const Cluster& row : rows) found.push_back(t_.stamps.at(row.id));
        return found;
    }
    Result<void> put(Cluster& cluster) override {
        for (const auto& [id, row] : t_.clusters)
            if (row.organisation == cluster.organisation && row.spec.name == cluster.spec.name &&
                id != cluster.id)
                return name_taken(cluster.spec.name);
        RETURN_IF_ERROR(put_row(t_.clusters, cluster.id, cluster, "the cluster"));
        return stamp(cluster, false);
    }
    Result<void> erase(const ClusterId& id) override {
        if (!may_write()) return write_in_read();
        for (const auto& [name, row] : t_.resources)
            if (row.cluster == id && row.made) return resources_left(name.name);
        for (const auto& [name, row] : t_.resources)
            if (row.cluster == id) RETURN_IF_ERROR(meter_erasure(*this, row));
        erase_where(t_.resources, [&](const auto& row) { return row.second.cluster == id; });
        erase_where(t_.nodes, [&](const auto& row) { return row.second.cluster == id; });
        erase_where(t_.decisions, [&](const auto& row) { return row.second.cluster == id; });
        if (const auto row = t_.clusters.find(id); row != t_.clusters.end())
            RETURN_IF_ERROR(stamp(row->second, true));
        return erase_row(t_.clusters, id);
    }

    Result<std::vector<Node>> nodes(const ClusterId& cluster) override {
        auto found = rows_where(t_.nodes, [&](const Node& row) { return row.cluster == cluster; });
        std::sort(found.begin(), found.end(), [](const Node* a, const Node* b) {
            return std::tie(a->ordinal, a->generation, a->id) <
                   std::tie(b->ordinal, b->generation, b->id);
        });
        return copies(found);
    }
    Result<std::optional<Node>> node(const NodeId& id) override { return find_row(t_.nodes, id); }
    Result<void> put(Node& node) override {
        if (!t_.clusters.contains(node.cluster)) return cluster_gone();
        RETURN_IF_ERROR(put_row(t_.nodes, node.id, node, "the node"));
        return stamp(t_.clusters.at(node.cluster), false);
    }
    Result<void> erase(const NodeId& id) override {
        if (const auto row = t_.nodes.find(id); row != t_.nodes.end())
            RETURN_IF_ERROR(stamp(t_.clusters.at(row->second.cluster), false));
        return erase_row(t_.nodes, id);
    }

    Result<std::vector<Resource>> resources(const ClusterId& cluster) override {
        return copies(
            rows_where(t_.resources, [&](const Resource& row) { return row.cluster == cluster; }));
    }
    Result<std::optional<Resource>> resource(const ResourceName& name) override {
        return find_row(t_.resources, name);
    }
    Result<std::vector<Resource>> due_operations(Timestamp now, int limit) override {
        auto found = rows_where(t_.resources, [&](const Resource& row) {
            return row.operation && row.operation->look_at <= now;
        });
        std::sort(found.begin(), found.end(), [](const Resource* a, const Resource* b) {
            return std::tie(a->operation->look_at, a->name) <
                   std::tie(b->operation->look_at, b->name);
        });
        if (found.size() > static_cast<std::size_t>(limit))
            found.resize(static_cast<std::size_t>(limit));
        return copies(found);
    }
    Result<std::optional<Timestamp>> next_operation_at() override {
        std::optional<Timestamp> soonest;
        for (const auto& [name, row] : t_.resources)
            if (row.operation && (!soonest || row.operation->look_at < *soonest))
                soonest = row.operation->look_at;
        return soonest;
    }
    Result<void> put(Resource& resource) override {
        if (!t_.clusters.contains(resource.cluster)) return cluster_gone();
        RETURN_IF_ERROR(put_row(t_.resources, resource.name, resource, "the resource"));
        return meter(*this, resource);
    }
    Result<void> erase(const ResourceName& name) override {
        if (const auto row = t_.resources.find(name); row != t_.resources.end())
            RETURN_IF_ERROR(meter_erasure(*this, row->second));
        return erase_row(t_.resources, name);
    }

    Result<std::optional<MachineRun>> last_run(const ClusterId& cluster,
                                               const std::string& machine) override {
        const auto after = t_.runs.upper_bound({cluster, machine, Timestamp::max()});
        Result<std::optional<MachineRun>> run;
        if (after == t_.runs.begin()) return run;
        const MachineRun& last = std::prev(after)->second;
        if (last.cluster == cluster && last.machine == machine) run->emplace(last);
        return run;
    }
    Result<std::vector<MachineRun>> runs(const RunQuery& query) override {
        auto found = rows_where(t_.runs, [&](const MachineRun& run) {
            return run.organisation == query.organisation &&
                   (!query.cluster || run.cluster == *query.cluster) &&
                   (!query.until || run.started_at < *query.until) &&
                   (!query.from || !run.ended_at || *run.ended_at > *query.from) &&
                   (!query.of_present_clusters || t_.clusters.contains(run.cluster));
        });
        std::sort(found.begin(), found.end(), [](const MachineRun* a, const MachineRun* b) {
            return std::tie(a->started_at, a->cluster, a->machine) <
                   std::tie(b->started_at, b->cluster, b->machine);
        });
        return copies(found);
    }
    Result<void> put(const MachineRun& run) override {
        return set(t_.runs, {run.cluster, run.machine, run.started_at}, run);
    }

    Result<void> append(Activity& activity) override {
        if (!may_write()) return write_in_read();
        activity.sequence = t_.activity.empty() ? 1 : t_.activity.back().sequence + 1;
        t_.activity.push_back(activity);
        undo_by([&activity = t_.activity] { activity.pop_back(); });
        return {};
    }
    Result<void> append(DecisionRecord& record) override {
        record.number = next_decision(t_, record.cluster);
        RETURN_IF_ERROR(erase_where(t_.decisions, [&](const auto& row) {
            return row.first.first == record.cluster &&
                   row.first.second <= record.number - model::decision_records_max;
        }));
        return set(t_.decisions, {record.cluster, record.number}, record);
    }
    Result<std::vector<DecisionRecord>> decisions(const ClusterId& cluster,
                                                  std::optional<std::int64_t> before,
                                                  int limit) override {
        return store::decisions(t_, cluster, before, limit);
    }
    Result<ActivityPage> activity(const ActivityQuery& query) override {
        ActivityPage page;
        const auto wanted = [&](const Activity& entry) {
            return entry.organisation == query.organisation &&
                   (!query.cluster || entry.cluster == *query.cluster) &&
                   (!query.before || entry.sequence < *query.before) &&
                   (!query.after || entry.sequence > *query.after);
        };
        const auto limit = static_cast<std::size_t>(query.limit);
        if (query.after) {
            for (const Activity& entry : t_.activity)
                if (wanted(entry) && page.entries.size() < limit) page.entries.push_back(entry);
            return page;
        }
        for (auto entry = t_.activity.rbegin(); entry != t_.activity.rend(); ++entry) {
            if (!wanted(*entry)) continue;
            if (page.entries.size() == limit) {
                page.next_before = page.entries.back().sequence;
                break;
            }
            page.entries.push_back(*entry);
        }
        return page;
    }

    Result<std::optional<ApiKey>> api_key_by_hash(const std::string& key_hash) override {
        for (const auto& [id, row] : t_.api_keys)
            if (equal_in_constant_time(row.key_hash, key_hash)) return row;
        return std::optional<ApiKey>();
    }
    Result<std::vector<ApiKey>> api_keys(const OrganisationId& organisation) override {
        return copies(rows_where(
            t_.api_keys, [&](const ApiKey& row) { return row.organisation == organisation; }));
    }
    Result<void> put(ApiKey& key) override {
        for (const auto& [id, row] : t_.api_keys)
            if (id != key.id && row.key_hash == key.key_hash) return key_taken();
        return put_row(t_.api_keys, key.id, key, "the API key");
    }

    Result<std::optional<Organisation>> organisation(const OrganisationId& id) override {
        return find_row(t_.organisations, id);
    }
    Result<void> put(Organisation& organisation) override {
        return put_row(t_.organisations, organisation.id, organisation, "the organisation");
    }
    Result<std::optional<Person>> person(const PersonId& id) override {
        return find_row(t_.persons, id);
    }
    Result<std::optional<Person>> person_by_email(const std::string& email) override {
        return first_where(t_.persons, [key = model::email_key(email)](const Person& row) {
            return model::email_key(row.email) == key;
        });
    }
    Result<std::vector<Person>> persons(const OrganisationId& organisation) override {
        return in_order(
            rows_where(t_.persons,
                       [&](const Person& row) { return row.organisation == organisation; }),
            &Person::joined_at);
    }
    Result<void> put(Person& person) override {
        for (const auto& [id, row] : t_.persons)
            if (id != person.id && model::email_key(row.email) == model::email_key(person.email))
                return email_taken();
        return put_row(t_.persons, person.id, person, "the person");
    }
    Result<void> erase(const PersonId& id) override {
        RETURN_IF_ERROR(
            erase_where(t_.sessions, [&](const auto& row) { return row.second.person == id; }));
        return erase_row(t_.persons, id);
    }
    Result<std::optional<Session>> session(const SessionId& id) override {
        return find_row(t_.sessions, id);
    }
    Result<std::optional<Session>> session_by_hash(const std::string& hash) override {
        return first_where(t_.sessions, [&](const Session& row) {
            return equal_in_constant_time(row.token_hash, hash);
        });
    }
    Result<std::vector<Session>> sessions(const PersonId& person) override {
        return in_order(
            rows_where(t_.sessions, [&](const Session& row) { return row.person == person; }),
            &Session::created_at);
    }
    Result<void> put(Session& session) override {
        for (const auto& [id, row] : t_.sessions)
            if (id != session.id && row.token_hash == session.token_hash) return token_taken();
        return put_row(t_.sessions, session.id, session, "the session");
    }
    Result<void> erase(const SessionId& id) override { return erase_row(t_.sessions, id); }
    Result<void> forget_sessions(Timestamp seen_before, Timestamp begun_before) override {
        return erase_where(t_.sessions, [&](const auto& row) {
            return row.second.last_seen_at < seen_before || row.second.created_at < begun_before;
        });
    }
    Result<std::optional<Invitation>> invitation_by_hash(const std::string& hash) override {
        return first_where(t_.invitations, [&](const Invitation& row) {
            return equal_in_constant_time(row.token_hash, hash);
        });
    }
    Result<std::vector<Invitation>> invitations(const OrganisationId& organisation) override {
        return in_order(
            rows_where(t_.invitations,
                       [&](const Invitation& row) { return row.organisation == organisation; }),
            &Invitation::created_at);
    }
    Result<void> put(Invitation& invitation) override {
        for (const auto& [id, row] : t_.invitations)
            if (id != invitation.id && row.token_hash == invitation.token_hash)
                return token_taken();
        return put_row(t_.invitations, invitation.id, invitation, "the invitation");
    }
    Result<void> erase(const InvitationId& id) override { return erase_row(t_.invitations, id); }
    Result<void> forget_invitations(Timestamp expired_before) override {
        return erase_where(t_.invitations,
                           [&](const auto& row) { return row.second.expires_at < expired_before; });
    }
    Result<std::vector<OutgoingMail>> due_mail(Timestamp now, int limit) override {
        auto due = in_order(
            rows_where(t_.mail, [&](const OutgoingMail& row) { return row.send_at <= now; }),
            &OutgoingMail::send_at);
        due.resize(std::min(due.size(), static_cast<std::size_t>(limit)));
        return due;
    }
    Result<void> put(OutgoingMail& mail) override {
        return put_row(t_.mail, mail.id, mail, "the mail");
    }
    Result<void> erase(const MailId& id) override { return erase_row(t_.mail, id); }

    Result<std::optional<CloudAccount>> cloud_account(const OrganisationId& organisation,
                                                      const std::string& name) override {
        return find_row(t_.cloud_accounts, std::pair(organisation, name));
    }
    Result<std::vector<CloudAccount>> cloud_accounts(const OrganisationId& organisation) override {
        return copies(rows_where(t_.cloud_accounts, [&](const CloudAccount& row) {
            return row.organisation == organisation;
        }));
    }
    Result<std::vector<CloudAccount>> cloud_accounts() override {
        return copies(rows_where(t_.cloud_accounts, [](const CloudAccount&) { return true; }));
    }
    Result<void> put(CloudAccount& account) override {
        return put_row(t_.cloud_accounts,
                       std::pair(account.organisation, account.name),
                       account,
                       "the cloud account");
    }
    Result<void> erase_cloud_account(const OrganisationId& organisation,
                                     const std::string& name) override {
        return erase_row(t_.cloud_accounts, std::pair(organisation, name));
    }

    Result<std::optional<Secret>> secret(const std::string& name) override {
        return find_row(t_.secrets, name);
    }
    Result<void> put_secret(const std::string& name, const Secret& value) override {
        return set(t_.secrets, name, value);
    }
    Result<void> erase_secrets(const std::string& prefix) override {
        return erase_where(t_.secrets,
                           [&](const auto& row) { return row.first.starts_with(prefix); });
    }
    Result<std::optional<std::string>> setting(const std::string& name) override {
        return find_row(t_.settings, name);
    }
    Result<void> put_setting(const std::string& name, const std::string& value) override {
        return set(t_.settings, name, value);
    }
    Result<std::optional<RememberedReply>> remembered(const OrganisationId& organisation,
                                                      const std::string& key) override {
        return find_row(t_.replies, std::pair(organisation, key));
    }
    Result<void> remember(const OrganisationId& organisation,
                          const std::string& key,
                          const RememberedReply& reply) override {
        return set(t_.replies, std::pair(organisation, key), reply);
    }
    Result<void> forget_replies_before(Timestamp time) override {
        return erase_where(t_.replies, [&](const auto& row) { return row.second.at < time; });
    }

  private:
    /// The cluster's row, or one of its nodes', is written now.
    Result<void> stamp(const Cluster& row, bool is_gone) {
        return set(t_.stamps,
                   row.id,
                   {.organisation = row.organisation,
                    .place = {.created_at = row.created_at, .id = row.id},
                    .version = row.version,
                    .stamp = ++t_.last_stamp,
                    .is_gone = is_gone});
    }
    Tables& t_;
};

/// One transaction at a time.
class MemoryStore final : public Store {
  public:
    explicit MemoryStore(std::function<void()> on_commit) : on_commit_(std::move(on_commit)) {}

    Result<void> read(const Body& body) override {
        const std::lock_guard lock(mutex_);
        MemoryTransaction transaction(tables_, false);
        return body(transaction);
    }
    Result<void> write(const Body& body) override { return commit(nullptr, body); }
    Result<void> write(const Lease& fence, const Body& body) override {
        return commit(&fence, body);
    }

    Result<std::optional<Lease>> acquire(const std::string& name,
                                         const std::string& holder,
                                         Timestamp now,
                                         Milliseconds validity) override {
        const std::lock_guard lock(mutex_);
        const std::optional<Lease> present = *find_row(tables_.leases, name);
        const bool free = !present || present->expires_at <= now;
        if (!free && present->holder != holder) return std::optional<Lease>();
        Lease lease{.name = name,
                    .holder = holder,
                    .generation = (present ? present->generation : 0) + (free ? 1 : 0),
                    .expires_at = now + validity};
        if (on_commit_) on_commit_();
        tables_.leases[name] = lease;
        return lease;
    }
    Result<void> release(const Lease& lease) override {
        const std::lock_guard lock(mutex_);
        const auto held = tables_.leases.find(lease.name);
        if (held == tables_.leases.end() || held->second.generation != lease.generation) return {};
        if (on_commit_) on_commit_();
        held->second.expires_at = Timestamp();
        return {};
    }

  private:
    Result<void> commit(const Lease* fence, const Body& body) {
        const std::lock_guard lock(mutex_);
        if (fence != nullptr) {
            const auto held = tables_.leases.find(fence->name);
            if (held == tables_.leases.end() || held->second.generation != fence->generation)
                return lease_lost();
        }
        MemoryTransaction transaction(tables_, true);
        RETURN_IF_ERROR(body(transaction));
        if (on_commit_) on_commit_();
        transaction.keep();
        return {};
    }

    std::recursive_mutex mutex_;  // a body may read once more
    Tables tables_;               // guarded by mutex_
    std::function<void()> on_commit_;
};

}  // namespace

std::unique_ptr<Store> open_memory(std::function<void()> on_commit) {
    return std::make_unique<MemoryStore>(std::move(on_commit));
}

}  // namespace hopyard::store
