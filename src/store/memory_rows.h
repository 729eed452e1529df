// The maps that a store in memory consists of, and finding and copying their rows. Private to this
// module.
#pragma once

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/store.h"

namespace hopyard::store {

struct Tables {
    std::map<ClusterId, model::Cluster> clusters;
    std::map<ClusterId, StampedCluster> stamps;
    std::int64_t last_stamp = 0;  ///< stays when a write is taken back
    std::map<NodeId, model::Node> nodes;
    std::map<model::ResourceName, model::Resource> resources;
    std::map<std::tuple<ClusterId, std::string, Timestamp>, model::MachineRun> runs;
    std::vector<model::Activity> activity;
    std::map<std::pair<ClusterId, std::int64_t>, model::DecisionRecord> decisions;
    std::map<ApiKeyId, model::ApiKey> api_keys;
    std::map<OrganisationId, model::Organisation> organisations;
    std::map<PersonId, model::Person> persons;
    std::map<SessionId, model::Session> sessions;
    std::map<InvitationId, model::Invitation> invitations;
    std::map<MailId, model::OutgoingMail> mail;
    std::map<std::pair<OrganisationId, std::string>, model::CloudAccount> cloud_accounts;
    std::map<std::string, Secret> secrets;
    std::map<std::string, std::string> settings;
    std::map<std::pair<OrganisationId, std::string>, RememberedReply> replies;
    std::map<std::string, Lease> leases;
};

/// In the order of their stamps.
inline std::vector<StampedCluster> written_since(
    const Tables& tables, std::int64_t stamp, const std::optional<OrganisationId>& organisation) {
    std::vector<StampedCluster> found;
    for (const auto& [id, cluster] : tables.stamps)
        if (cluster.stamp > stamp && (stamp > 0 || !cluster.is_gone) &&
            (!organisation || cluster.organisation == *organisation))
            found.push_back(cluster);
    std::sort(
        found.begin(), found.end(), [](const auto& a, const auto& b) { return a.stamp < b.stamp; });
    return found;
}

inline std::optional<StampedCluster> stamped(const Tables& tables, const ClusterId& id) {
    const auto row = tables.stamps.find(id);
    if (row == tables.stamps.end() || row->second.is_gone) return std::nullopt;
    return row->second;
}

/// At most `limit` of those that come after that place.
inline std::vector<model::Cluster> page_of(std::vector<model::Cluster> all,
                                           const std::optional<ClusterPlace>& after,
                                           int limit) {
    if (after)
        std::erase_if(all, [&](const model::Cluster& row) {
            return std::tie(row.created_at, row.id) <= std::tie(after->created_at, after->id);
        });
    if (all.size() > static_cast<std::size_t>(limit)) all.resize(static_cast<std::size_t>(limit));
    return all;
}

/// The number of the cluster's next decision.
inline std::int64_t next_decision(const Tables& tables, const ClusterId& cluster) {
    const auto after =
        tables.decisions.upper_bound({cluster, std::numeric_limits<std::int64_t>::max()});
    if (after == tables.decisions.begin()) return 1;
    const auto& last = std::prev(after)->first;
    return last.first == cluster ? last.second + 1 : 1;
}

/// Newest first.
inline std::vector<model::DecisionRecord> decisions(const Tables& tables,
                                                    const ClusterId& cluster,
                                                    std::optional<std::int64_t> before,
                                                    int limit) {
    std::vector<model::DecisionRecord> found;
    constexpr auto end = std::numeric_limits<std::int64_t>::max();
    auto at = tables.decisions.lower_bound({cluster, before.value_or(end)});
    while (at != tables.decisions.begin() && found.size() < static_cast<std::size_t>(limit)) {
        --at;
        if (at->first.first != cluster) break;
        found.push_back(at->second);
    }
    return found;
}

template <class Map, class Key>
Result<std::optional<typename Map::mapped_type>> find_row(const Map& map, const Key& key) {
    // Made where it is returned: rows are large.
    Result<std::optional<typename Map::mapped_type>> row;
    if (const auto found = map.find(key); found != map.end()) row->emplace(found->second);
    return row;
}

/// Copies are made last, of what is wanted, in the order in which it is wanted.
template <class Map, class Keep>
auto rows_where(const Map& map, Keep keep) {
    std::vector<const typename Map::mapped_type*> found;
    for (const auto& [key, row] : map)
        if (keep(row)) found.push_back(&row);
    return found;
}

template <class Row>
std::vector<Row> copies(const std::vector<const Row*>& found) {
    std::vector<Row> rows;
    rows.reserve(found.size());
    for (const Row* row : found) rows.push_back(*row);
    return rows;
}

/// The rows by that time, and by id where it is the same.
template <class Row>
std::vector<Row> in_order(std::vector<const Row*> found, Timestamp Row::*at) {
    std::sort(found.begin(), found.end(), [&](const Row* a, const Row* b) {
        return std::tie(a->*at, a->id) < std::tie(b->*at, b->id);
    });
    return copies(found);
}

template <class Map, class Wanted>
Result<std::optional<typename Map::mapped_type>> first_where(const Map& map, Wanted wanted) {
    Result<std::optional<typename Map::mapped_type>> row;
    for (const auto& [key, each] : map)
        if (wanted(each)) {
            row->emplace(each);
            break;
        }
    return row;
}

}  // namespace hopyard::store
