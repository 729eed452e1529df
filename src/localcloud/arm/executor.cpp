#include "localcloud/arm/executor.h"

#include "base/log.h"
#include "localcloud/arm/fault.h"
#include "localcloud/arm/resource_id.h"

namespace hopyard::localcloud {

namespace {

/// An id that contains the other's is a group and what lies in it, or the same resource.
bool touch(const Operation& a, const Operation& b) {
    return within(a.target, b.target) || within(b.target, a.target);
}

}  // namespace

void Executor::submit(const Operation& operation) {
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back({operation, false});
    }
    changed_.notify_all();
}

std::list<Executor::Queued>::iterator Executor::next_ready() {
    for (auto candidate = queue_.begin(); candidate != queue_.end(); ++candidate) {
        if (candidate->running) continue;
        bool free = true;
        for (auto earlier = queue_.begin(); free && earlier != candidate; ++earlier)
            free = !touch(earlier->operation, candidate->operation);
        if (free) return candidate;
    }
    return queue_.end();
}

void Executor::run_worker() {
    std::unique_lock lock(mutex_);
    while (true) {
        std::list<Queued>::iterator ready;
        changed_.wait(lock, [&] { return stopped_ || (ready = next_ready()) != queue_.end(); });
        if (stopped_) return;
        ready->running = true;
        lock.unlock();
        perform(ready->operation);
        lock.lock();
        for (auto& waiting : waiting_)
            if (waiting.operation == ready->operation.id) waiting.deadline = Deadline::min();
        queue_.erase(ready);
        changed_.notify_all();
    }
}

void Executor::perform(const Operation& operation) {
    const auto work = works_.find(operation.kind);
    Result<void> outcome;
    if (work == works_.end())
        outcome = fail(ErrorKind::internal, "unknown_operation", "no such work: " + operation.kind);
    else if (work->second.act)
        outcome = work->second.act(operation);

    Batch batch;
    const auto guard = ledger_.guard();
    Operation ended = operation;
    ended.ended = clock_.now();
    ended.status = outcome ? Operation::Status::succeeded : Operation::Status::failed;
    if (!outcome) {
        const Fault fault = from_error(outcome.error());
        ended.error_code = fault.code;
        ended.error_message = fault.message;
        log::warning("operation failed",
                     {{"kind", operation.kind},
                      {"target", operation.target},
                      {"code", outcome.error().code},
                      {"cause", outcome.error().message}});
    } else {
        log::info("operation done",
                  {{"kind", operation.kind},
                   {"target", operation.target},
                   {"took", to_human(ended.ended - operation.started)}});
    }
    if (work != works_.end() && work->second.settle) work->second.settle(operation, outcome, batch);
    batch.operations.push_back(ended);
    if (auto written = ledger_.commit(batch); !written)
        log::error("the end of an operation was not written; it is done again at the next start",
                   {{"operation", operation.id}, {"cause", written.error().message}});
}

void Executor::when_ended(const std::string& operation_id,
                          Milliseconds longest,
                          std::function<void()> then) {
    {
        const std::lock_guard lock(mutex_);
        const auto deadline = std::chrono::steady_clock::now() + longest;
        waiting_.push_back({operation_id, deadline, std::move(then)});
    }
    // The end may have come between the caller's look and now: then nobody would tell us. The
    // ledger is asked without our lock, because whoever holds the ledger's may be in submit().
    const auto seen = ledger_.operation(operation_id);
    if (!seen || seen->status != Operation::Status::running) {
        const std::lock_guard lock(mutex_);
        for (auto& waiting : waiting_)
            if (waiting.operation == operation_id) waiting.deadline = Deadline::min();
    }
    changed_.notify_all();
}

void Executor::run_waiting() {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
        const auto now = std::chrono::steady_clock::now();
        auto due = waiting_.end();
        Deadline next = Deadline::max();
        for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
            if (it->deadline <= now) due = it;
            next = std::min(next, it->deadline);
        }
        if (due != waiting_.end()) {
            const auto then = std::move(due->then);
            waiting_.erase(due);
            lock.unlock();
            then();
            lock.lock();
        } else if (next == Deadline::max()) {
            changed_.wait(lock);
        } else {
            changed_.wait_until(lock, next);
        }
    }
}

void Executor::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    changed_.notify_all();
}

}  // namespace hopyard::localcloud
