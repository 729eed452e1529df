// A control plane that signs whoever has the token, hands out the orders a test sets, and keeps the
// reports that come. With it answers the metadata service of the test's machines.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "http/certificates.h"
#include "http/router.h"
#include "http/server.h"
#include "nodewire/wire.h"

namespace hopyard::test {

class ControlPlane {
  public:
    explicit ControlPlane(std::string address);
    ~ControlPlane();

    /// What the metadata service says to that address from now on.
    void add_machine(const std::string& address, const std::string& node, const std::string& url);
    void set_head_token(std::string token) { token_ = std::move(token); }
    void set_init_script(std::string script);
    /// Answers nobody from now on, metadata included, until told otherwise.
    void set_silent(bool silent) { silent_ = silent; }
    /// The revision is set here and rises.
    void set_orders(nodewire::Orders orders);
    std::optional<nodewire::Report> report() const;
    /// Waits until the newest report of the head fits.
    bool wait_for(const std::function<bool(const nodewire::Report&)>& fits, Milliseconds timeout);
    /// Asks the head for the end of that node's log; nothing when none came in time.
    std::optional<nodewire::LogReply> log_of(const std::string& node, Milliseconds timeout);
    const http::KeyAndCertificate& authority() const { return authority_; }
    http::KeyAndCertificate issue(const std::string& name, const std::string& ip) const;
    int enrolments() const;

  private:
    struct Poll {
        std::int64_t seen;
        Timestamp until;
        http::Responder responder;
    };
    void add_node_routes();
    void add_metadata_routes();
    http::Response certify(const http::Request& request, bool with_token);
    void take_locked(nodewire::Report report);
    void answer_polls_locked();

    const std::string address_;
    const SystemClock clock_;
    std::atomic<bool> silent_ = false;
    std::string token_;
    http::KeyAndCertificate authority_;
    http::Router nodes_, metadata_;
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::map<std::string, std::map<std::string, std::string>> machines_;
    std::optional<nodewire::Orders> orders_;
    std::optional<nodewire::Report> report_;
    std::string script_;
    int enrolments_ = 0;
    std::vector<Poll> polls_;
    std::vector<nodewire::LogRequest> log_wishes_;
    std::map<std::string, nodewire::LogReply> logs_;
    http::Server server_;
    std::vector<std::jthread> threads_;
};

}  // namespace hopyard::test
