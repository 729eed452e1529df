// The lasting conversation with whoever is upstream: a report goes up, and its answer waits for
// orders, or the wish for a log, or the time of the next report. What changes meanwhile goes up at
// once, beside it. Either may fail for as long as it likes; the node goes on with the orders it
// has.
#pragma once

#include <atomic>
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

    /// Called, from the thread of run_waiting, when a renewed certificate is there.
    void on_renewal(std::function<void(const Credentials&)> callback);
    /// Called, from the thread of run_waiting, for each log that somebody wants to see.
    void on_log_request(std::function<void(const nodewire::LogRequest&)> callback);
    /// Reports and waits for orders, and renews the certificate in time.
    void run_waiting(std::stop_token stop);
    /// Reports what the waiting report did not say yet.
    void run_changes(std::stop_token stop);

  private:
    void renew_in_time(std::stop_token stop);
    void take(nodewire::Orders orders);

    Parts parts_;
    Enrolled enrolled_;
    std::function<void(const Credentials&)> on_renewal_;
    std::function<void(const nodewire::LogRequest&)> on_log_request_;
    Timestamp next_renewal_;
    /// The last change of the board that a report has, or a waiting one takes along; 0: none.
    std::atomic<std::uint64_t> reported_{0};
};

}  // namespace hopyard::node
