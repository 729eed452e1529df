// The way up: a head's to the control plane, a worker's to its head. One set of calls, pinned to
// the installation's authority; with a certificate of our own as soon as there is one.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "http/transport.h"
#include "node/state.h"
#include "nodewire/wire.h"

namespace hopyard::node {

/// The calls of nodewire/wire.h over any transport. Thread-safe as far as the transport is.
class Upstream {
  public:
    Upstream(std::shared_ptr<http::Transport> transport, std::string url)
        : transport_(std::move(transport)), url_(std::move(url)) {}

    Result<nodewire::EnrolReply> enrol(const nodewire::EnrolRequest& request);
    Result<nodewire::EnrolReply> renew(const nodewire::EnrolRequest& request);
    /// Reports, and waits for orders above that revision, up to nodewire::report_period; an empty
    /// reply when there is nothing newer.
    Result<nodewire::PollReply> report_and_wait(const nodewire::Report& report, std::int64_t seen);
    Result<void> report(const nodewire::Report& report);
    Result<void> log(const nodewire::LogReply& reply);
    /// Nothing when there is no script.
    Result<std::optional<std::string>> init_script();

  private:
    Result<http::Response> post(const std::string& path,
                                std::string body,
                                std::string_view what,
                                Milliseconds timeout);
    Result<nodewire::EnrolReply> certify(const char* path, const nodewire::EnrolRequest& request);
    std::shared_ptr<http::Transport> transport_;
    std::string url_;
};

/// Holds the Upstream of the newest certificate; whoever has the older one finishes with it.
class UpstreamSlot {
  public:
    std::shared_ptr<Upstream> get() const;
    void set(std::shared_ptr<Upstream> upstream);

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<Upstream> upstream_;
};

/// Over the network, with what this node has.
std::shared_ptr<Upstream> connect_upstream(const Identity& identity,
                                           const std::optional<Credentials>& credentials,
                                           std::stop_token stop);

/// The error that a reply of the other side stands for.
Error refusal(int status, const std::string& body, std::string_view call);

}  // namespace hopyard::node
