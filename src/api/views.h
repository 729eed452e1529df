// What clients see of our entities: views name what is shown, so that a new field of a row never
// becomes public by accident. No secret is in any of them, nor our own tags.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "decide/preflight/preflight.h"
#include "http/message.h"
#include "model/access.h"
#include "model/activity.h"
#include "model/cluster.h"
#include "store/store.h"

namespace hopyard::api {

/// One cluster with its nodes, read in one transaction; nodes by ordinal, the head first.
struct ClusterRows {
    model::Cluster cluster;
    std::vector<model::Node> nodes;
};
/// `not_found` ("no_such_cluster") also for a cluster of another organisation.
Result<ClusterRows> read_cluster(store::Store& store,
                                 const OrganisationId& organisation,
                                 const ClusterId& id);
struct ClusterPage {
    std::optional<store::ClusterPlace> after;
    int limit = std::numeric_limits<int>::max();
};
/// Oldest first.
Result<std::vector<ClusterRows>> read_clusters(store::Store& store,
                                               const OrganisationId& organisation,
                                               const ClusterPage& page = {});

/// The same of a cluster whose row is known, within a transaction.
Result<ClusterRows> with_nodes(store::Transaction& transaction, model::Cluster cluster);

nlohmann::ordered_json view(const ClusterRows& rows);
nlohmann::ordered_json view(const model::Activity& entry);
nlohmann::ordered_json view(const model::ApiKey& key);
nlohmann::ordered_json price_view(const cloud::Price& price);
nlohmann::ordered_json view(const decide::Preflight& preflight);

/// What If-Match compares: the generation, which rises with every accepted request and not with
/// what the loops write.
std::string etag(const model::Cluster& cluster);

/// Text of a document; bytes that are not UTF-8 are replaced, never refused.
std::string dump(const nlohmann::ordered_json& document);

/// Every list of ours looks like this; `next` is what to pass on for the next page.
http::Response list_response(nlohmann::ordered_json items, nlohmann::ordered_json next);
/// The same of items whose text is there.
http::Response list_response(const std::vector<std::string_view>& items,
                             const nlohmann::ordered_json& next);
/// Of a list that has one page only.
http::Response list_response(nlohmann::ordered_json items);

}  // namespace hopyard::api
