// Clusters as clients are shown them, as text, so that a list costs what changed in it and not what
// it shows. Making a text takes a hundred times longer than reading how often its rows were
// written; it is kept, and given out again only when the database says, in the request's own
// transaction, that the rows are the same. So no reply is older than a write that was acknowledged
// before the request came, whichever replica wrote.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/views.h"

namespace hopyard::api {

struct ClusterText {
    store::ClusterPlace place;
    std::string json;        ///< the view of the cluster and its nodes
    std::string etag;        ///< see etag()
    std::size_t digest = 0;  ///< of all but when a node reported last: that alone is no news
};

/// Thread-safe. Those that were asked for last are kept, so many that their texts take no more than
/// `bytes_max`.
class ClusterTexts {
  public:
    using Text = std::shared_ptr<const ClusterText>;

    explicit ClusterTexts(store::Store& store, std::size_t bytes_max = std::size_t{16} << 20)
        : store_(store), bytes_max_(bytes_max) {}

    /// `not_found` ("no_such_cluster") also for a cluster of another organisation.
    Result<Text> of(const OrganisationId& organisation, const ClusterId& id);
    /// Oldest first.
    Result<std::vector<Text>> page(const OrganisationId& organisation, const ClusterPage& page);

    /// How many texts were made so far.
    std::size_t made() const;

  private:
    struct Kept {
        std::int64_t stamp = 0;  ///< of the cluster when the text was made
        Text text;
        std::list<ClusterId>::iterator use;
    };

    Result<Text> text_of(store::Transaction& transaction, const store::StampedCluster& cluster);
    Text find(const store::StampedCluster& cluster);
    void keep(const store::StampedCluster& cluster, Text text);
    void forget(std::map<ClusterId, Kept>::iterator kept);

    store::Store& store_;
    const std::size_t bytes_max_;
    mutable std::mutex mutex_;
    std::map<ClusterId, Kept> kept_;  // guarded by mutex_
    std::list<ClusterId> uses_;       // the latest first; guarded by mutex_
    std::size_t bytes_ = 0;           // of the texts kept; guarded by mutex_
    std::size_t made_ = 0;            // guarded by mutex_
};

}  // namespace hopyard::api
