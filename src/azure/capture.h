// Writes down what goes to the Resource Manager and comes back, one file for each exchange, in the
// form that Microsoft's validator of traffic (oav) reads. Secrets are cut out: tokens never get
// there, and what bodies hold of keys and machine data is replaced by a text of the same type. For
// tests.
#pragma once

#include <atomic>
#include <string>

#include "http/transport.h"

namespace hopyard::azure {

class Capture final : public http::Transport {
  public:
    /// Files go to `directory` (made when missing, 0700). Only exchanges below `base_url` whose
    /// path begins with /subscriptions or /providers are written.
    Capture(http::Transport& inner, std::string directory, std::string base_url);
    Result<http::Response> send(const http::OutgoingRequest& request) override;

  private:
    void write(const http::OutgoingRequest& request, const http::Response& reply);

    http::Transport& inner_;
    std::string directory_;
    std::string base_url_;
    std::atomic<int> next_{1};
};

/// The payload as JSON text: `{"liveRequest": …, "liveResponse": …}`.
std::string capture_payload(const http::OutgoingRequest& request, const http::Response& reply);

}  // namespace hopyard::azure
