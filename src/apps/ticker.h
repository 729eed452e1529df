// A thread's worth of rhythm: does something when it is poked, and every now and then. It rests as
// long as it worked, so that many pokes cost half a processor at most.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>

#include "base/time.h"

namespace hopyard::apps {

class Ticker {
  public:
    explicit Ticker(Milliseconds period) : period_(period) {}
    /// Any thread; several pokes before the next round are one.
    void poke();
    /// Does `work` until stopped.
    void run(const std::function<void()>& work, std::stop_token stop);

  private:
    const Milliseconds period_;
    std::mutex mutex_;
    std::condition_variable_any signal_;
    bool poked_ = false;  ///< guarded by mutex_
};

}  // namespace hopyard::apps
