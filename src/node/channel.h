// The lasting conversation with whoever is upstream: orders come down a long poll, reports go up at
// once when something changed, and every five seconds when nothing did. A poll may also bring the
// wish for a log. Either may fail for as long
// as it likes; the node goes on with the orders it has.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>

#include "base/random.h"
#include "base/time.h"
#include "node/board.h"
#include "node/enrolment.h"
#include "node/state.h"
#include "node/upstream.h"

namespace hopyard::node {

class Channel {
  public:
    struct Parts {
        Board& board;
        const StateDirectory& state;
        UpstreamSlot& upstream;
        const Clock& clock;
        Random& random;
    };
    Channel(Parts parts, Enrolled enrolled);

    /// Called, from the thread of run_orders, when a renewed certificate is there.
    void on_renewal(std::function<void(const Credentials&)> callback);
    /// Called, from the thread of run_orders, for each log that somebody wants to see.
    void on_log_request(std::function<void(const nodewire::LogRequest&)> callback);
    /// Polls for orders, and renews the certificate in time.
    void run_orders(std::stop_token stop);
    void run_reports(std::stop_token stop);

  private:
    void renew_in_time(std::stop_token stop);
    void take(nodewire::Orders orders);

    Parts parts_;
    Enrolled enrolled_;
    std::function<void(const Credentials&)> on_renewal_;
    std::function<void(const nodewire::LogRequest&)> on_log_request_;
    Timestamp next_renewal_;
};

}  // namespace hopyard::node
