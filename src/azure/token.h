// The bearer token with which we call the Resource Manager: got by client secret, by a federated
// assertion (workload identity) or from the machine's own identity; kept until shortly before it
// ends. Thread-safe: whoever comes while one is being fetched waits for that one.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "azure/connection.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "http/transport.h"

namespace hopyard::azure {

class TokenSource {
  public:
    TokenSource(const Options& options, http::Transport& transport, const Clock& clock)
        : options_(options), transport_(transport), clock_(clock) {}

    /// A token that is good for some minutes more. Errors: `unauthenticated` with what the token
    /// server said, or transient ones.
    Result<Secret> token();
    /// The cloud refused that token: the next call fetches another. A token that was replaced in
    /// the meantime stays.
    void refused(const Secret& token);

  private:
    Result<void> fetch();
    Result<http::OutgoingRequest> request() const;
    Result<void> keep(const http::Response& reply);

    const Options& options_;
    http::Transport& transport_;
    const Clock& clock_;
    std::mutex mutex_;
    std::optional<Secret> token_;
    Timestamp refresh_at_{};
    Timestamp expires_at_{};
};

}  // namespace hopyard::azure
