#include "api/cluster_texts.h"

#include <functional>

#include <nlohmann/json.hpp>

#include "api/errors.h"

namespace hopyard::api {
namespace {

using nlohmann::ordered_json;

std::shared_ptr<const ClusterText> text_from(const ClusterRows& rows) {
    ordered_json document = view(rows);
    auto text = std::make_shared<ClusterText>();
    text->place = {.created_at = rows.cluster.created_at, .id = rows.cluster.id};
    text->json = dump(document);
    text->etag = etag(rows.cluster);
    document["revision"] = nullptr;
    for (ordered_json& node : document["nodes"]) node["lastReportAt"] = nullptr;
    text->digest = std::hash<std::string>{}(dump(document));
    return text;
}

}  // namespace

Result<ClusterTexts::Text> ClusterTexts::of(const OrganisationId& organisation,
                                            const ClusterId& id) {
    Text text;
    RETURN_IF_ERROR(store_.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto cluster, t.stamped(id));
        if (!cluster || cluster->organisation != organisation)
            return pass(no_such_cluster(id.value));
        ASSIGN_OR_RETURN(text, text_of(t, *cluster));
        return {};
    }));
    return text;
}

Result<std::vector<ClusterTexts::Text>> ClusterTexts::page(const OrganisationId& organisation,
                                                           const ClusterPage& page) {
    std::vector<Text> texts;
    RETURN_IF_ERROR(store_.read([&](store::Transaction& t) -> Result<void> {
        texts.clear();
        ASSIGN_OR_RETURN(const auto clusters, t.stamped_of(organisation, page.after, page.limit));
        for (const store::StampedCluster& cluster : clusters) {
            ASSIGN_OR_RETURN(Text text, text_of(t, cluster));
            texts.push_back(std::move(text));
        }
        return {};
    }));
    return texts;
}

std::size_t ClusterTexts::made() const {
    const std::lock_guard lock(mutex_);
    return made_;
}

/// Stamp and rows are of one transaction, so the text is what the stamp says.
Result<ClusterTexts::Text> ClusterTexts::text_of(store::Transaction& t,
                                                 const store::StampedCluster& cluster) {
    if (Text known = find(cluster)) return known;
    const ClusterId& id = cluster.place.id;
    ASSIGN_OR_RETURN(auto row, t.cluster(id));
    if (!row) return pass(no_such_cluster(id.value));
    ASSIGN_OR_RETURN(const auto rows, with_nodes(t, std::move(*row)));
    Text text = text_from(rows);
    keep(cluster, text);
    return text;
}

ClusterTexts::Text ClusterTexts::find(const store::StampedCluster& cluster) {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(cluster.place.id);
    if (found == kept_.end() || found->second.stamp != cluster.stamp) return nullptr;
    uses_.splice(uses_.begin(), uses_, found->second.use);
    return found->second.text;
}

void ClusterTexts::keep(const store::StampedCluster& cluster, Text text) {
    const std::lock_guard lock(mutex_);
    ++made_;
    const ClusterId& id = cluster.place.id;
    if (const auto old = kept_.find(id); old != kept_.end()) forget(old);
    bytes_ += text->json.size();
    uses_.push_front(id);
    kept_[id] = {.stamp = cluster.stamp, .text = std::move(text), .use = uses_.begin()};
    while (bytes_ > bytes_max_) forget(kept_.find(uses_.back()));
}

void ClusterTexts::forget(std::map<ClusterId, Kept>::iterator kept) {
    bytes_ -= kept->second.text->json.size();
    uses_.erase(kept->second.use);
    kept_.erase(kept);
}

}  // namespace hopyard::api
