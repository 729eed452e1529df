// Server-sent events (WHATWG HTML section 9.2): the activity as it is written, and a snapshot of a
// cluster whenever it changed. A client holds a socket and no thread; tick() looks at the store
// once for all of them. Only activity has an id, its sequence number, so a client that comes back
// with Last-Event-ID misses nothing; snapshots need none, the newest is all. Only what was written
// since the last look is read, and a client that reads slowly gets its snapshots as it reads.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/cluster_texts.h"
#include "api/gate.h"
#include "http/server.h"

namespace hopyard::api {

class EventStreams {
  public:
    EventStreams(Parts& parts, ClusterTexts& texts) : parts_(parts), texts_(texts) {}
    /// GET /v1/events and GET /v1/clusters/{id}/events.
    std::vector<Endpoint> endpoints();
    /// Sends what is new to everybody who listens; costs nothing when nobody does.
    void tick(Timestamp now);
    /// Ends every stream; clients come back when there is a server again.
    void close();

  private:
    /// Digests of clusters.
    using Shown = std::map<ClusterId, std::size_t>;

    struct Client {
        http::Stream stream;
        Principal who;
        std::optional<ClusterId> cluster;
        std::int64_t last = 0;  ///< sequence number of the newest entry sent
        Shown shown;            ///< digest of the newest snapshot sent
        Timestamp wrote_at;
        bool ended = false;
    };
    struct News;
    struct Known {
        store::ClusterStamp stamp;
        std::size_t digest = 0;
    };

    Result<int> open(const Call& call,
                     const std::optional<ClusterId>& cluster,
                     http::Responder& responder);
    Result<News> look(const OrganisationId& organisation, Timestamp now);
    Shown look_at_clusters(const OrganisationId& organisation,
                           const std::map<ClusterId, store::ClusterStamp>& stamps);
    void send_to(Client& client, const News& news, Timestamp now);
    bool may_still_listen(const Client& client, const News& news, Timestamp now);
    bool send_activity(Client& client, const News& news);
    /// False when there was nothing to send.
    bool send_snapshots(Client& client, const News& news);

    Parts& parts_;
    ClusterTexts& texts_;
    std::mutex mutex_;
    std::vector<Client> clients_;
    std::mutex known_mutex_;
    /// What the last look found, while somebody listens. Guarded by known_mutex_.
    std::map<OrganisationId, std::map<ClusterId, Known>> known_;
};

}  // namespace hopyard::api
