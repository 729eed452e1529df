// For the tests of this module: a Resource Manager made of a function, and what was sent to it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "azure/connection.h"
#include "http/transport.h"

namespace hopyard::azure {

class TestClock final : public Clock {
  public:
    Timestamp now() const override { return now_; }
    void move(Milliseconds by) { now_ += by; }

  private:
    Timestamp now_ = *from_rfc3339("2026-11-24T02:18:30Z");
};

class TestTransport final : public http::Transport {
  public:
    using Answer = std::function<Result<http::Response>(const http::OutgoingRequest&)>;
    Answer answer = [](const http::OutgoingRequest&) { return http::json_response(200, "{}"); };
    /// Of tokens: how long they live, and what the login server says.
    std::string token_reply = R"({"access_token":"token-1","expires_in":3600})";
    int token_status = 200;

    Result<http::Response> send(const http::OutgoingRequest& request) override {
        if (request.url.find("/oauth2/") != std::string::npos) {
            token_requests.push_back(request);
            return http::json_response(token_status, token_reply);
        }
        requests.push_back(request);
        return answer(request);
    }
    const http::OutgoingRequest& last() const { return requests.back(); }

    std::vector<http::OutgoingRequest> requests;
    std::vector<http::OutgoingRequest> token_requests;
};

inline Options test_options() {
    Options options;
    options.subscription = "sub-1";
    options.tenant = "tenant-1";
    options.credentials = {.client_id = "client-1", .client_secret = Secret("secret-canary")};
    return options;
}

/// A connection to a cloud that is a function.
struct TestCloud {
    explicit TestCloud(Options given = test_options()) {
        given.sleep = [this](Milliseconds pause) { clock.move(pause); };
        connection = std::make_unique<Connection>(given, manager, blob, clock, random);
    }
    cloud::Cloud& cloud() { return connection->cloud(); }
    /// Answers every request with these, the last one for ever.
    void answer_with(std::vector<http::Response> replies) {
        const std::size_t before = manager.requests.size();
        manager.answer = [this, before, replies = std::move(replies)](const auto&) {
            const std::size_t index = manager.requests.size() - before - 1;
            return replies[std::min(index, replies.size() - 1)];
        };
    }

    TestClock clock;
    SeededRandom random{7};
    TestTransport manager;
    TestTransport blob;
    std::unique_ptr<Connection> connection;
};

inline http::Response reply(int status, std::string body = "", http::Headers headers = {}) {
    return {.status = status, .headers = std::move(headers), .body = std::move(body)};
}

inline http::Response refusal(int status,
                              const std::string& code,
                              const std::string& message = "",
                              http::Headers headers = {}) {
    return reply(status,
                 R"({"error":{"code":")" + code + R"(","message":")" + message + R"("}})",
                 std::move(headers));
}

inline const cloud::ResourceName machine_n1{model::ResourceKind::machine, "group", "", "n1"};

}  // namespace hopyard::azure
