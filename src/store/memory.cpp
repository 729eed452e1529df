#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "base/encoding.h"
#include "store/open.h"

namespace hopyard::store {
namespace {

using model::Activity;
using model::ApiKey;
using model::Cluster;
using model::Node;
using model::Resource;
using model::ResourceName;

struct Tables {
    std::map<ClusterId, Cluster> clusters;
    std::map<NodeId, Node> nodes;
    std::map<ResourceName, Resource> resources;
    std::vector<Activity> activity;
    std::map<ApiKeyId, ApiKey> api_keys;
    std::map<std::string, Secret> secrets;
    std::map<std::string, std::string> settings;
    std::map<std::pair<OrganisationId, std::string>, RememberedReply> replies;
    std::map<std::string, Lease> leases;
};

/// Puts a row with the version rule of store.h.
template <class Map, class Key, class Row>
Result<void> put_row(Map& map, const Key& key, Row& row, const char* what) {
    const auto found = map.find(key);
    if (row.version == 0 && found != map.end())
        return fail(ErrorKind::already_exists, "row_exists", std::string(what) + " exists already");
    if (row.version != 0 && (found == map.end() || found->second.version != row.version))
        return fail(ErrorKind::conflict,
                    "changed_meanwhile",
                    std::string(what) + " was changed by somebody else");
    ++row.version;
    map[key] = row;
    return {};
}

template <class Map, class Key>
auto find_row(const Map& map, const Key& key) {
    const auto found = map.find(key);
    using Row = typename Map::mapped_type;
    return found == map.end() ? std::optional<Row>() : std::optional<Row>(found->second);
}

template <class Map, class Keep>
auto rows_where(const Map& map, Keep keep) {
    std::vector<typename Map::mapped_type> rows;
    for (const auto& [key, row] : map)
        if (keep(row)) rows.push_back(row);
    return rows;
}

class MemoryTransaction final : public Transaction {
  public:
    explicit MemoryTransaction(Tables& tables) : t_(tables) {}

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
        return by_age(rows_where(t_.clusters, [](const Cluster&) { return true; }));
    }
    Result<std::vector<Cluster>> clusters_of(const OrganisationId& organisation) override {
        return by_age(rows_where(
            t_.clusters, [&](const Cluster& row) { return row.organisation == organisation; }));
    }
    Result<void> put(Cluster& cluster) override {
        const auto same_name = cluster_named(cluster.organisation, cluster.spec.name);
        if (*same_name && (*same_name)->id != cluster.id)
            return fail(ErrorKind::already_exists,
                        "name_taken",
                        "another cluster is named '" + cluster.spec.name + "'");
        return put_row(t_.clusters, cluster.id, cluster, "the cluster");
    }
    Result<void> erase(const ClusterId& id) override {
        for (const auto& [name, row] : t_.resources)
            if (row.cluster == id && row.made)
                return fail(ErrorKind::conflict,
                            "resources_left",
                            "the cluster still has '" + name.name + "'");
        std::erase_if(t_.resources, [&](const auto& row) { return row.second.cluster == id; });
        std::erase_if(t_.nodes, [&](const auto& row) { return row.second.cluster == id; });
        t_.clusters.erase(id);
        return {};
    }

    Result<std::vector<Node>> nodes(const ClusterId& cluster) override {
        auto rows = rows_where(t_.nodes, [&](const Node& row) { return row.cluster == cluster; });
        std::sort(rows.begin(), rows.end(), [](const Node& a, const Node& b) {
            return std::tie(a.ordinal, a.generation) < std::tie(b.ordinal, b.generation);
        });
        return rows;
    }
    Result<std::optional<Node>> node(const NodeId& id) override { return find_row(t_.nodes, id); }
    Result<void> put(Node& node) override { return put_row(t_.nodes, node.id, node, "the node"); }
    Result<void> erase(const NodeId& id) override {
        t_.nodes.erase(id);
        return {};
    }

    Result<std::vector<Resource>> resources(const ClusterId& cluster) override {
        return rows_where(t_.resources,
                          [&](const Resource& row) { return row.cluster == cluster; });
    }
    Result<std::optional<Resource>> resource(const ResourceName& name) override {
        return find_row(t_.resources, name);
    }
    Result<std::vector<Resource>> due_operations(Timestamp now, int limit) override {
        auto rows = rows_where(t_.resources, [&](const Resource& row) {
            return row.operation && row.operation->look_at <= now;
        });
        std::sort(rows.begin(), rows.end(), [](const Resource& a, const Resource& b) {
            return std::tie(a.operation->look_at, a.name) < std::tie(b.operation->look_at, b.name);
        });
        if (rows.size() > static_cast<std::size_t>(limit))
            rows.resize(static_cast<std::size_t>(limit));
        return rows;
    }
    Result<std::optional<Timestamp>> next_operation_at() override {
        std::optional<Timestamp> soonest;
        for (const auto& [name, row] : t_.resources)
            if (row.operation && (!soonest || row.operation->look_at < *soonest))
                soonest = row.operation->look_at;
        return soonest;
    }
    Result<void> put(Resource& resource) override {
        return put_row(t_.resources, resource.name, resource, "the resource");
    }
    Result<void> erase(const ResourceName& name) override {
        t_.resources.erase(name);
        return {};
    }

    Result<void> append(Activity& activity) override {
        activity.sequence = t_.activity.empty() ? 1 : t_.activity.back().sequence + 1;
        t_.activity.push_back(activity);
        return {};
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
        return rows_where(t_.api_keys,
                          [&](const ApiKey& row) { return row.organisation == organisation; });
    }
    Result<void> put(ApiKey& key) override {
        return put_row(t_.api_keys, key.id, key, "the API key");
    }

    Result<std::optional<Secret>> secret(const std::string& name) override {
        return find_row(t_.secrets, name);
    }
    Result<void> put_secret(const std::string& name, const Secret& value) override {
        t_.secrets[name] = value;
        return {};
    }
    Result<void> erase_secrets(const std::string& prefix) override {
        std::erase_if(t_.secrets, [&](const auto& row) { return row.first.starts_with(prefix); });
        return {};
    }
    Result<std::optional<std::string>> setting(const std::string& name) override {
        return find_row(t_.settings, name);
    }
    Result<void> put_setting(const std::string& name, const std::string& value) override {
        t_.settings[name] = value;
        return {};
    }
    Result<std::optional<RememberedReply>> remembered(const OrganisationId& organisation,
                                                      const std::string& key) override {
        return find_row(t_.replies, std::pair(organisation, key));
    }
    Result<void> remember(const OrganisationId& organisation,
                          const std::string& key,
                          const RememberedReply& reply) override {
        t_.replies[{organisation, key}] = reply;
        return {};
    }
    Result<void> forget_replies_before(Timestamp time) override {
        std::erase_if(t_.replies, [&](const auto& row) { return row.second.at < time; });
        return {};
    }

  private:
    static std::vector<Cluster> by_age(std::vector<Cluster> rows) {
        std::sort(rows.begin(), rows.end(), [](const Cluster& a, const Cluster& b) {
            return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id);
        });
        return rows;
    }

    Tables& t_;
};

/// A transaction works on a copy that replaces the tables when it commits: slow and plainly right.
class MemoryStore final : public Store {
  public:
    explicit MemoryStore(std::function<void()> on_commit) : on_commit_(std::move(on_commit)) {}

    Result<void> read(const Body& body) override {
        Tables copy = snapshot();
        MemoryTransaction transaction(copy);
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
        Lease& lease = tables_.leases[name];
        const bool free = lease.generation == 0 || lease.expires_at <= now;
        if (!free && lease.holder != holder) return std::optional<Lease>();
        if (free || lease.holder != holder) ++lease.generation;
        lease = {.name = name,
                 .holder = holder,
                 .generation = lease.generation,
                 .expires_at = now + validity};
        return lease;
    }
    Result<void> release(const Lease& lease) override {
        const std::lock_guard lock(mutex_);
        Lease& held = tables_.leases[lease.name];
        if (held.generation == lease.generation) held.expires_at = Timestamp();
        return {};
    }

  private:
    Tables snapshot() {
        const std::lock_guard lock(mutex_);
        return tables_;
    }

    Result<void> commit(const Lease* fence, const Body& body) {
        const std::lock_guard lock(mutex_);
        if (fence != nullptr && tables_.leases[fence->name].generation != fence->generation)
            return fail(ErrorKind::conflict, "lease_lost", "another replica holds the loops");
        Tables copy = tables_;
        MemoryTransaction transaction(copy);
        RETURN_IF_ERROR(body(transaction));
        if (on_commit_) on_commit_();
        tables_ = std::move(copy);
        return {};
    }

    std::mutex mutex_;
    Tables tables_;  // guarded by mutex_
    std::function<void()> on_commit_;
};

}  // namespace

std::unique_ptr<Store> open_memory(std::function<void()> on_commit) {
    return std::make_unique<MemoryStore>(std::move(on_commit));
}

}  // namespace hopyard::store
