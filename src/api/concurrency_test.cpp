// The service as it runs: a real server, clients at once, a thread that ticks. Also run under the
// thread sanitizer.
#include <thread>

#include "api/test_rig.h"
#include "http/transport.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

class Running {
  public:
    Running() {
        const auto port = server_.listen({.name = "people"}, api.service.people());
        url = "http://127.0.0.1:" + std::to_string(*port);
        threads_.emplace_back([this] { server_.run_io(); });
        for (int i = 0; i < 4; ++i) threads_.emplace_back([this] { server_.run_worker(); });
        ticking_ = std::jthread([this](std::stop_token stop) {
            while (!stop.stop_requested()) {
                api.service.tick(api.clock.now());
                std::this_thread::yield();
            }
        });
    }
    ~Running() {
        ticking_ = {};
        api.service.close_streams();
        server_.stop(Milliseconds(0));
        threads_.clear();
    }
    http::OutgoingRequest request(const std::string& method,
                                  const std::string& path,
                                  const std::string& body = "") const {
        http::OutgoingRequest out{.method = method, .url = url + path, .body = body};
        out.headers.set("Authorization", "Bearer " + api.administrator.reveal());
        if (!body.empty()) out.headers.set("Content-Type", "application/json");
        return out;
    }
    /// Sends that many at once and returns their statuses, sorted.
    std::vector<int> at_once(int clients, const http::OutgoingRequest& request) {
        std::vector<int> statuses(static_cast<std::size_t>(clients));
        std::vector<std::jthread> senders;
        for (int& status : statuses)
            senders.emplace_back([&, this] {
                const auto reply = client.send(request);
                status = reply ? reply->status : 0;
            });
        senders.clear();
        std::sort(statuses.begin(), statuses.end());
        return statuses;
    }

    TestApi api;
    std::string url;
    http::Client client{http::ClientOptions{}};

  private:
    http::Server server_{http::ServerOptions{}};
    std::vector<std::jthread> threads_;
    std::jthread ticking_;
};

TEST(AtOnce, of_many_changes_with_one_etag_exactly_one_is_made) {
    Running it;
    const std::string id = it.api.create();
    it.api.edit(id, [](model::Cluster& cluster) { cluster.phase = model::Phase::creating; });
    auto request = it.request("PUT",
                              "/v1/clusters/" + id + "/ports",
                              R"({"ports":{"featureStore":false,"onlineFeatureStore":false,
                                  "kafka":false,"ssh":true}})");
    request.headers.set("If-Match", "\"1\"");
    EXPECT_EQ(it.at_once(6, request), (std::vector<int>{202, 412, 412, 412, 412, 412}));
}

TEST(AtOnce, of_many_keys_of_one_name_exactly_one_is_made) {
    Running it;
    const auto request = it.request("POST", "/v1/api-keys", R"({"name":"ci","scope":"read"})");
    EXPECT_EQ(it.at_once(5, request), (std::vector<int>{201, 409, 409, 409, 409}));
}

TEST(AtOnce, a_request_repeated_while_it_runs_is_carried_out_once) {
    Running it;
    const std::string id = it.api.create();
    it.api.edit(id, [](model::Cluster& cluster) { cluster.phase = model::Phase::creating; });
    auto request =
        it.request("POST",
                   "/v1/clusters/" + id + "/workers/add",
                   R"({"workers":[{"instanceType":"Standard_D4_v3","diskGb":30,"count":1}]})");
    request.headers.set("Idempotency-Key", "once");
    for (const int status : it.at_once(6, request)) EXPECT_TRUE(status == 202 || status == 409);
    const auto shown = it.client.send(it.request("GET", "/v1/clusters/" + id));
    EXPECT_EQ(json::parse(shown->body)["spec"]["workers"][0]["count"], 3);
    EXPECT_EQ(json::parse(it.client.send(request)->body)["spec"]["workers"][0]["count"], 3);
}

TEST(AtOnce, events_reach_a_client_while_others_change_things) {
    Running it;
    const std::string id = it.api.create();
    std::atomic<bool> done = false;
    std::jthread writer([&] {
        for (int i = 0; !done && i < 100'000; ++i) {
            it.api.write({.at = it.api.clock.now(),
                          .organisation = default_organisation(),
                          .cluster = ClusterId(id),
                          .code = "test",
                          .message = "entry " + std::to_string(i)});
            std::this_thread::yield();
        }
    });
    std::string seen;
    auto request = it.request("GET", "/v1/clusters/" + id + "/events");
    const auto reply = it.client.stream(request, [&](std::string_view chunk) {
        seen += chunk;
        std::size_t entries = 0;
        for (std::size_t at = 0; (at = seen.find("event: activity", at)) != std::string::npos; ++at)
            ++entries;
        return entries < 20;
    });
    done = true;
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_NE(seen.find("event: cluster"), std::string::npos);
    // In the order of their sequence numbers, none twice.
    std::vector<int> ids;
    for (std::size_t at = 0; (at = seen.find("id: ", at)) != std::string::npos; ++at)
        ids.push_back(std::atoi(seen.c_str() + at + 4));
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
    EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

}  // namespace
}  // namespace hopyard::api
