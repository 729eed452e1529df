// Recorded exchanges, and a transport that answers with them. Include from tests only.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "azure/connection.h"
#include "http/transport.h"

namespace hopyard::recordings {

using Json = nlohmann::json;

struct Exchange {
    std::string method;
    std::string url;
    std::string request_body;
    http::Response reply;
};

inline std::filesystem::path folder() {
    const char* shared = std::getenv("HOPYARD_SHARED");
    const std::filesystem::path root =
        shared ? std::filesystem::path(shared)
               : std::filesystem::path(HOPYARD_SOURCE_DIR).parent_path() / "shared";
    return root / "reference" / "recordings";
}

inline std::string text_of(const Json& body) {
    if (body.is_null()) return {};
    return body.is_string() ? body.get<std::string>() : body.dump();
}

inline std::vector<Exchange> load(const std::string& file) {
    std::ifstream in(folder() / file);
    const Json document = Json::parse(in);
    std::vector<Exchange> exchanges;
    for (const Json& one : document.at("exchanges")) {
        Exchange exchange{.method = one.at("request").at("method"),
                          .url = one.at("request").at("url"),
                          .request_body = text_of(one.at("request").at("body"))};
        exchange.reply.status = one.at("response").at("status");
        for (const auto& [name, value] : one.at("response").at("headers").items())
            exchange.reply.headers.add(name, value.get<std::string>());
        exchange.reply.body = text_of(one.at("response").at("body"));
        exchanges.push_back(std::move(exchange));
    }
    return exchanges;
}

class FixedClock final : public Clock {
  public:
    Timestamp now() const override { return now_; }
    void move(Milliseconds by) { now_ += by; }

  private:
    Timestamp now_ = Timestamp(Milliseconds(1'800'000'000'000));
};

/// Hands out a token, then the replies in their order; the last one again when they are used up.
class Replay final : public http::Transport {
  public:
    explicit Replay(std::vector<http::Response> replies) : replies_(std::move(replies)) {}

    Result<http::Response> send(const http::OutgoingRequest& request) override {
        if (request.url.find("/oauth2/") != std::string::npos)
            return http::json_response(200, R"({"access_token":"t","expires_in":3599})");
        requests.push_back(request);
        if (replies_.empty()) return fail(ErrorKind::unavailable, "no_reply", "no reply is left");
        const std::size_t index = std::min(requests.size() - 1, replies_.size() - 1);
        return replies_[index];
    }

    std::vector<http::OutgoingRequest> requests;

  private:
    std::vector<http::Response> replies_;
};

inline azure::Options options() {
    azure::Options options;
    options.subscription = "00000000-0000-0000-0000-000000000000";
    options.tenant = "tenant";
    options.credentials = {.client_id = "client", .client_secret = Secret("secret")};
    return options;
}

/// One connection whose Resource Manager answers with these replies.
struct Replayed {
    explicit Replayed(std::vector<http::Response> replies) : transport(std::move(replies)) {
        azure::Options given = options();
        given.sleep = [this](Milliseconds pause) { clock.move(pause); };
        connection =
            std::make_unique<azure::Connection>(given, transport, transport, clock, random);
    }
    FixedClock clock;
    SeededRandom random{1};
    Replay transport;
    std::unique_ptr<azure::Connection> connection;
};

/// File -> what our client makes of each exchange.
const std::map<std::string, std::vector<std::string>>& expected_outcomes();
/// File -> why no exchange of it concerns us.
const std::map<std::string, std::string>& unused_files();

}  // namespace hopyard::recordings
