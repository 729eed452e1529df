// The instance metadata service tells whoever asks what the machine was made with and, where it has
// an identity, hands out that identity's tokens. On a machine of a cluster that is for root alone.
// On the local cloud the host's rules see to it; elsewhere rules of this machine do. Either way it
// is tried out before it is believed.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "node/system/processes.h"

namespace hopyard::node::access {

/// Thread-safe.
class MetadataGuard {
  public:
    /// `url` is "http://ADDRESS" or "http://ADDRESS:PORT".
    MetadataGuard(system::Processes& processes, std::string url)
        : processes_(processes), url_(std::move(url)) {}

    /// Tries, and loads the rules when the service answers somebody who is not root, until it does
    /// no longer. Meant to run beside the program's first steps: where packets are dropped in
    /// silence, trying takes a moment.
    void run(std::stop_token stop);
    /// Waits for the first outcome; the newest one. `permission_denied` while it is open.
    Result<void> outcome(std::stop_token stop);

  private:
    system::Processes& processes_;
    const std::string url_;
    std::mutex mutex_;
    std::condition_variable_any known_;
    std::optional<Result<void>> outcome_;
};

}  // namespace hopyard::node::access
