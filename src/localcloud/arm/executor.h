// Does what operations promise, on threads that the program lends (run_worker), and lets whoever
// polls an operation wait for its end without holding a thread (run_waiting).
//
// Operations on one resource run one after another in the order they came; an operation on a group
// waits for all that touch the group, and they for it. An operation is a row: after a restart the
// same work is done again from the start, so `act` is idempotent. `settle` writes down what became
// of it, in the same transaction as the operation's end.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>

#include "base/time.h"
#include "localcloud/arm/ledger.h"

namespace hopyard::localcloud {

struct Work {
    /// Blocks; holds no guard.
    std::function<Result<void>(const Operation&)> act;
    /// Under the ledger's guard: adds what changes to the batch.
    std::function<void(const Operation&, const Result<void>& outcome, Batch&)> settle;
};

class Executor {
  public:
    Executor(Ledger& ledger, const Clock& clock) : ledger_(ledger), clock_(clock) {}

    void define(const std::string& kind, Work work) { works_[kind] = std::move(work); }
    /// The operation must have been committed.
    void submit(const Operation& operation);
    /// Calls `then` once: when the operation ends, or after `longest`.
    void when_ended(const std::string& operation_id,
                    Milliseconds longest,
                    std::function<void()> then);

    void run_worker();
    void run_waiting();
    void stop();

  private:
    using Deadline = std::chrono::steady_clock::time_point;
    struct Waiting {
        std::string operation;
        Deadline deadline;
        std::function<void()> then;
    };
    struct Queued {
        Operation operation;
        bool running = false;
    };

    std::list<Queued>::iterator next_ready();
    void perform(const Operation& operation);

    Ledger& ledger_;
    const Clock& clock_;
    std::map<std::string, Work> works_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::list<Queued> queue_;
    std::list<Waiting> waiting_;
    bool stopped_ = false;
};

}  // namespace hopyard::localcloud
