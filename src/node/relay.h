// The head as the way up for its workers: they reach nothing else. It forwards enrolment and
// renewal, keeps the init script, hands each worker its orders out of its own, collects their
// reports and passes on their logs. A worker speaks for itself only: the name in its certificate
// must be the node it speaks for, and a node of this cluster, since other clusters of the
// installation have certificates of the same authority.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"
#include "http/router.h"
#include "http/server.h"
#include "node/board.h"
#include "node/upstream.h"

namespace hopyard::node {

class Relay {
  public:
    Relay(Board& board, UpstreamSlot& upstream, const Clock& clock);

    /// For a listener that asks for client certificates and takes connections without.
    http::Handler handler();
    /// Has that worker send the end of its log, which is passed on when it comes.
    void ask_log(const nodewire::LogRequest& request);
    /// Answers the polls that have something new now, or have waited long enough.
    void answer_polls();
    /// Called when a worker said something new.
    void on_report(std::function<void(const nodewire::Report&)> callback);

  private:
    struct Poll {
        std::string node;
        std::int64_t seen = 0;
        bool takes_logs = false;  ///< it understands wishes for logs
        Timestamp until;
        http::Responder responder;
    };
    void add_routes();
    http::Response forward_certification(const http::Request& request, bool renewal);
    void report(const http::Request& request, http::Responder responder);
    Result<void> take_report(const http::Request& request);
    void wait_for_orders(const http::Request& request, http::Responder responder);
    http::Response log(const http::Request& request);
    std::optional<http::Response> answer_locked(const Poll& poll, Timestamp now);
    http::Response init_script(const http::Request& request);
    /// The caller's own orders, or why it gets none.
    Result<std::string> caller(const http::Request& request) const;

    Board& board_;
    UpstreamSlot& upstream_;
    const Clock& clock_;
    http::Router router_;
    std::function<void(const nodewire::Report&)> on_report_;
    std::mutex mutex_;
    std::vector<Poll> polls_;                             ///< guarded by mutex_
    std::map<std::string, nodewire::LogRequest> wishes_;  ///< by worker; guarded by mutex_
    std::optional<std::string> script_;                   ///< guarded by mutex_
};

}  // namespace hopyard::node
