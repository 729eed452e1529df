#include "apps/call_pool.h"

#include <latch>

namespace hopyard::apps {

CallPool::~CallPool() {
    for (auto& thread : threads_) thread.request_stop();
    signal_.notify_all();
    threads_.clear();
}

void CallPool::run(std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(call));
    if (waiting_.size() > idle_ && threads_.size() < threads_max_)
        threads_.emplace_back([this](std::stop_token stop) { work(stop); });
    signal_.notify_one();
}

void CallPool::run_all(std::vector<std::function<void()>> calls) {
    std::latch ended(static_cast<std::ptrdiff_t>(calls.size()));
    for (auto& call : calls)
        run([&ended, call = std::move(call)] {
            call();
            ended.count_down();
        });
    ended.wait();
}

void CallPool::work(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        ++idle_;
        const bool some = signal_.wait(lock, stop, [&] { return !waiting_.empty(); });
        --idle_;
        if (!some || stop.stop_requested()) return;
        const auto call = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        call();
        lock.lock();
    }
}

}  // namespace hopyard::apps
