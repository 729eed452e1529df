// For tests: a whole local cloud on loopback over TLS, with a fake host and fake blobs, and a
// client of its REST that asks for tokens as a real one does.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/transport.h"
#include "localcloud/arm/fake_parts.h"
#include "localcloud/arm/json.h"
#include "localcloud/cloud.h"

namespace hopyard::localcloud::testing {

struct Answer {
    int status = 0;
    Document body;
    http::Headers headers;

    const Json& json() const { return *body; }
    std::string code() const { return text_at(json(), "/error/code"); }
    std::string message() const { return text_at(json(), "/error/message"); }
    std::string text(const std::string& pointer) const { return text_at(json(), pointer); }
};

class TestCloud {
  public:
    explicit TestCloud(Rehearsal rehearsal = {});
    ~TestCloud();

    /// Ends the program as if it were killed, and starts it again on the same state.
    void restart();

    /// `path` below the subscription ("/resourceGroups/g"), or an absolute URL. The version of the
    /// provider is added.
    Answer call(const std::string& method, const std::string& path, const Json& body);
    Answer get(const std::string& path);
    Answer put(const std::string& path, const Json& body);
    Answer post(const std::string& path);
    Answer remove(const std::string& path);
    /// Follows the operation of an answer to its end; the last answer of the status URL.
    Answer follow(const Answer& first);
    http::Response raw(http::OutgoingRequest request);
    std::string subscription() const { return installation_->subscription; }
    std::string id(const std::string& path) const {
        return "/subscriptions/" + subscription() + path;
    }
    const std::string& url() const { return url_; }
    Secret token(const std::string& scope);

    /// Group g, network n with subnet s (10.0.0.0/24), and interface NAME in it.
    void make_network();
    std::string make_interface(const std::string& name);
    Json machine_body(const std::string& interface, const std::string& size = "Standard_B1s");
    /// A machine that runs.
    std::string make_machine(const std::string& name);

    FakeMachineHost host;
    FakeBlobs blobs;
    SystemClock clock;
    SystemRandom random;
    std::string extra_header;  ///< "Name: value" for the next calls

  private:
    void begin();
    void end();

    Rehearsal rehearsal_;
    std::string folder_;
    std::unique_ptr<Ledger> ledger_;
    std::unique_ptr<Installation> installation_;
    std::unique_ptr<Cloud> cloud_;
    std::vector<std::jthread> threads_;
    std::unique_ptr<http::Client> client_;
    std::string url_;
    Secret token_;
};

}  // namespace hopyard::localcloud::testing
