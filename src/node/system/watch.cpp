#include "node/system/watch.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace hopyard::node::system {
namespace {

using Steady = std::chrono::steady_clock;

/// One directory's changes, and an end to waiting for them.
class Watch {
  public:
    Watch(const std::string& directory, std::uint32_t mask, const std::stop_token& stop)
        : changes_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
          stopped_(eventfd(0, EFD_CLOEXEC)),
          on_stop_(stop, [this] {
              const std::uint64_t one = 1;
              [[maybe_unused]] const auto written = write(stopped_, &one, sizeof one);
          }) {
        inotify_add_watch(changes_, directory.c_str(), mask);
    }
    ~Watch() {
        close(changes_);
        close(stopped_);
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    /// True when there were changes; they are then forgotten.
    bool wait(Milliseconds timeout) {
        pollfd both[2] = {{changes_, POLLIN, 0}, {stopped_, POLLIN, 0}};
        if (poll(both, 2, static_cast<int>(timeout.count())) <= 0) return false;
        char buffer[4096];
        bool any = false;
        while (read(changes_, buffer, sizeof buffer) > 0) any = true;
        return any;
    }

  private:
    int changes_;
    int stopped_;
    std::stop_callback<std::function<void()>> on_stop_;
};

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

bool wait_for_path(const std::string& path, Milliseconds timeout, std::stop_token stop) {
    // Watched before it is looked for, so that nothing is missed in between.
    Watch watch(directory_of(path), IN_CREATE | IN_MOVED_TO, stop);
    const auto deadline = Steady::now() + timeout;
    while (access(path.c_str(), F_OK) != 0) {
        const auto left = std::chrono::ceil<Milliseconds>(deadline - Steady::now());
        if (left.count() <= 0 || stop.stop_requested()) return false;
        watch.wait(left);
    }
    return true;
}

void watch_directory(const std::string& directory,
                     const std::function<void()>& on_change,
                     std::stop_token stop) {
    Watch watch(directory, IN_CREATE | IN_MODIFY | IN_MOVED_TO, stop);
    while (!stop.stop_requested()) {
        if (watch.wait(Milliseconds(60'000)) && !stop.stop_requested()) on_change();
    }
}

}  // namespace hopyard::node::system
