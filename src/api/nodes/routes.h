// /node/v1 (nodewire/wire.h) over control::NodeSessions. Who speaks is the common name of the
// client certificate, verified by the listener; only enrolment comes without one.
//
// A poll for orders that are not there yet holds its Responder, and no thread, until tick() finds
// that newer ones may be there or that its time is up.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "api/parts.h"
#include "http/router.h"

namespace hopyard::api::nodes {

class NodeRoutes {
  public:
    /// `want_tick`: see ServiceOptions. May be empty.
    NodeRoutes(Parts& parts, std::function<void()> want_tick);
    ~NodeRoutes();

    void handle(const http::Request& request, http::Responder responder) {
        router_.handle(request, std::move(responder));
    }
    /// Answers the polls that can be answered. One thread at a time.
    void tick(Timestamp now);

  private:
    struct Poll {
        http::Responder responder;
        NodeId caller;
        std::int64_t seen = 0;
        bool takes_logs = false;  ///< it understands wishes for logs
        Timestamp until;
        std::shared_ptr<std::atomic<bool>> news;  ///< set by the subscription, from any thread
        std::unique_ptr<control::NodeSessions::Subscription> subscription;
    };

    void add_enrolment();
    void add_reports();
    void add_logs();
    void report(const http::Request& request, http::Responder responder);
    void poll(const NodeId& caller, const http::Request& request, http::Responder responder);
    void subscribe(Poll& poll);
    bool answered(Poll& poll, Timestamp now);
    /// Newer orders, else wishes for logs, else nothing yet.
    Result<std::optional<http::Response>> news_for(const Poll& poll);

    Parts& parts_;
    std::function<void()> want_tick_;
    http::Router router_;
    std::mutex mutex_;
    /// One of each node: a node that asks again has given up the poll before. Guarded by mutex_.
    std::map<NodeId, std::unique_ptr<Poll>> polls_;
};

}  // namespace hopyard::api::nodes
