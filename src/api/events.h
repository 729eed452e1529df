// Server-sent events (WHATWG HTML section 9.2): the activity as it is written, and a snapshot of a
// cluster whenever it changed. A client holds a socket and no thread; tick() looks at the store
// once for all of them. Only activity has an id, its sequence number, so a client that comes back
// with Last-Event-ID misses nothing; snapshots need none, the newest is all. Only what was written
// since the last look is read, and a client that reads slowly gets its snapshots as it reads.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
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
    struct Client {
        http::Stream stream;
        Principal who;
        std::optional<ClusterId> cluster;
        std::int64_t last = 0;                   ///< sequence number of the newest entry sent
        std::map<ClusterId, std::size_t> shown;  ///< digest of the newest snapshot sent
        std::set<ClusterId> due;                 ///< those that may be others than it was shown
        Timestamp wrote_at;
        bool ended = false;
    };
    struct News;
    /// The clusters of an organisation, as far as the last look went.
    struct Known {
        std::int64_t stamp = 0;
        std::set<ClusterId> clusters;
    };

    Result<int> open(const Call& call,
                     const std::optional<ClusterId>& cluster,
                     http::Responder& responder);
    /// Finds what is new, which is then due for all clients of the organisation. This and all below
    /// need the mutex.
    Result<News> look(const OrganisationId& organisation, Timestamp now);
    void mark_due(const OrganisationId& organisation, const ClusterId& cluster);
    void send_to(Client& client, News& news, Timestamp now);
    bool may_still_listen(const Client& client, const News& news, Timestamp now);
    bool send_activity(Client& client, const News& news);
    /// False when there was nothing to send.
    bool send_snapshots(Client& client, News& news);
    /// The same for one. What can't be read now fails, and stays due.
    Result<bool> send_snapshot(Client& client, const ClusterId& cluster, News& news);

    Parts& parts_;
    ClusterTexts& texts_;
    std::mutex mutex_;
    std::vector<Client> clients_;            ///< guarded by mutex_
    std::map<OrganisationId, Known> known_;  ///< of those that listen; guarded by mutex_
};

}  // namespace hopyard::api
