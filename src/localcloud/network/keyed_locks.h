// One lock per key, made when needed and forgotten when nobody holds it: what concerns one machine
// or one port waits for its predecessor, and for nothing else.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace hopyard::localcloud::network {

class KeyedLocks {
  public:
    /// Holds its key until it goes.
    class Guard {
      public:
        Guard(KeyedLocks& locks, std::string key) : locks_(locks), key_(std::move(key)) {
            std::unique_lock lock(locks_.mutex_);
            locks_.changed_.wait(lock, [&] { return !locks_.held_.contains(key_); });
            locks_.held_.insert(key_);
        }
        ~Guard() {
            {
                const std::lock_guard lock(locks_.mutex_);
                locks_.held_.erase(key_);
            }
            locks_.changed_.notify_all();
        }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;

      private:
        KeyedLocks& locks_;
        std::string key_;
    };

    [[nodiscard]] Guard hold(std::string key) { return Guard(*this, std::move(key)); }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::string> held_;
};

}  // namespace hopyard::localcloud::network
