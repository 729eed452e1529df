// Calls to the cloud on threads. Threads are made when there is work for them and then stay; a call
// that waits for its turn costs nothing but its closure.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "control/loops.h"

namespace hopyard::apps {

class CallPool final : public control::CallRunner {
  public:
    explicit CallPool(std::size_t threads_max) : threads_max_(threads_max) {}
    /// Lets the calls under way end; those that wait are dropped: their intent is in the store.
    ~CallPool() override;
    void run(std::function<void()> call) override;
    /// Runs all of them at once and returns when they have ended. Not from a call of this pool,
    /// which could wait for itself.
    void run_all(std::vector<std::function<void()>> calls);

  private:
    void work(std::stop_token stop);

    const std::size_t threads_max_;
    std::mutex mutex_;
    std::condition_variable_any signal_;
    std::deque<std::function<void()>> waiting_;  ///< guarded by mutex_, like the rest
    std::size_t idle_ = 0;
    std::vector<std::jthread> threads_;
};

}  // namespace hopyard::apps
