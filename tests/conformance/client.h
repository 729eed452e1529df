// One user with one release of the Terraform provider: its calls, how it decides whether they
// succeeded (control-api.md 1.5), how it waits (3.2, 3.5), and the order of an update (4.6).
#pragma once

#include <string>
#include <vector>

#include "ground.h"
#include "release.h"

namespace hopyard::conformance {

enum class Wait { running, stopped, deleted };

class Client {
  public:
    Client(Ground& ground, const Release& release);

    struct Reply {
        int status = 0;
        nlohmann::json body;
        int code() const { return body.value("code", 0); }
        /// What the client takes for success.
        bool passes() const;
        std::string message() const { return body.value("message", ""); }
    };
    Reply call(const std::string& method,
               const std::string& path,
               const nlohmann::json& body = nullptr);

    // Each fails the test when the client would have shown an error.
    void create(const Config& config);
    void set_workers(const std::vector<Group>& groups);
    void set_ports(const Ports& ports);
    void stop();
    void start();
    void destroy();
    /// E21, on a stopped cluster.
    void change_type(const std::string& node_type, const std::string& type);

    /// GET, decoded; fails the test when a type is wrong.
    nlohmann::json read();
    /// Reads, and fails the test when the next plan would not be empty.
    void expect_no_drift();
    /// "" when it ended well, else what the client shows.
    std::string wait(Wait kind);

    const std::string& id() const { return id_; }
    Config& config() { return config_; }
    const Release& release() const { return release_; }

  private:
    enum class Verdict { go_on, done, failed, unexpected };
    Verdict judge(Wait kind, const std::string& state) const;
    Reply get();
    void expect_done(const Reply& reply, const std::string& what);
    void send_difference(const char* method,
                         const std::vector<Group>& more,
                         const std::vector<Group>& less);

    Ground& ground_;
    const Release release_;
    http::Client transport_;
    std::string base_;
    std::string id_;
    Config config_;
};

}  // namespace hopyard::conformance
