#include "apps/ticker.h"

namespace hopyard::apps {

void Ticker::poke() {
    {
        const std::lock_guard lock(mutex_);
        poked_ = true;
    }
    signal_.notify_one();
}

void Ticker::run(const std::function<void()>& work, std::stop_token stop) {
    while (!stop.stop_requested()) {
        {
            std::unique_lock lock(mutex_);
            signal_.wait_for(lock, stop, period_, [&] { return poked_; });
            poked_ = false;
        }
        if (!stop.stop_requested()) work();
    }
}

}  // namespace hopyard::apps
