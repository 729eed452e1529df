#include "apps/ticker.h"

#include <algorithm>
#include <chrono>

namespace hopyard::apps {

void Ticker::poke() {
    {
        const std::lock_guard lock(mutex_);
        poked_ = true;
    }
    signal_.notify_one();
}

void Ticker::run(const std::function<void()>& work, std::stop_token stop) {
    auto rest = std::chrono::steady_clock::duration::zero();
    while (!stop.stop_requested()) {
        {
            std::unique_lock lock(mutex_);
            signal_.wait_for(lock, stop, rest, [] { return false; });
            signal_.wait_for(lock, stop, period_, [&] { return poked_; });
            poked_ = false;
        }
        if (stop.stop_requested()) return;
        const auto began = std::chrono::steady_clock::now();
        work();
        rest = std::min<std::chrono::steady_clock::duration>(
            std::chrono::steady_clock::now() - began, period_);
    }
}

}  // namespace hopyard::apps
