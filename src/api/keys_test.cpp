// Who may do what: keys that are missing, unknown, revoked, expired or too small.
#include "api/test_rig.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

Ask with_key(Ask ask, const Secret& key) {
    ask.headers.emplace_back("Authorization", "Bearer " + key.reveal());
    return ask;
}

TEST(Keys, the_first_one_administers_and_is_made_once) {
    TestApi api;
    EXPECT_EQ(api.get("/v1/api-keys")->status, 200);
    const auto again = make_first_key(*api.store, api.random, api.clock.now());
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->has_value());
}

TEST(Keys, a_missing_and_an_unknown_key_are_told_apart_and_refused) {
    TestApi api;
    for (const auto& [header, code] :
         {std::pair("", "key_missing"), std::pair("Bearer nonsense", "key_unknown")}) {
        const auto refused =
            api.ask({.target = "/v1/clusters", .headers = {{"Authorization", header}}});
        EXPECT_EQ(refused->status, 401);
        EXPECT_EQ(refused->json()["code"], code);
        EXPECT_EQ(refused->headers.get("Content-Type"), "application/problem+json");
        EXPECT_NE(refused->headers.get("WWW-Authenticate"), "");
    }
}

TEST(Keys, both_headers_carry_a_key) {
    TestApi api;
    const auto read =
        api.ask({.target = "/v1/clusters", .headers = {{"x-api-key", api.administrator.reveal()}}});
    EXPECT_EQ(read->status, 200);
    const auto lower =
        api.ask({.target = "/v1/clusters",
                 .headers = {{"Authorization", "bearer  " + api.administrator.reveal()}}});
    EXPECT_EQ(lower->status, 200);
}

TEST(Keys, a_revoked_key_is_refused_at_once) {
    TestApi api;
    const auto made = api.post("/v1/api-keys", R"({"name":"ci","scope":"operate"})");
    ASSERT_EQ(made->status, 201) << made->body;
    const Secret key(made->json()["key"].get<std::string>());
    EXPECT_EQ(api.ask(with_key({.target = "/v1/clusters"}, key))->status, 200);
    EXPECT_EQ(api.remove("/v1/api-keys/" + made->json()["id"].get<std::string>())->status, 204);
    const auto refused = api.ask(with_key({.target = "/v1/clusters"}, key));
    EXPECT_EQ(refused->status, 401);
    EXPECT_EQ(refused->json()["code"], "key_revoked");
}

TEST(Keys, an_expired_key_is_refused) {
    TestApi api;
    const std::string soon = to_rfc3339(api.clock.now() + Seconds(60));
    const auto made = api.post(
        "/v1/api-keys", json{{"name", "short"}, {"scope", "read"}, {"expiresAt", soon}}.dump());
    ASSERT_EQ(made->status, 201) << made->body;
    const Secret key(made->json()["key"].get<std::string>());
    EXPECT_EQ(api.ask(with_key({.target = "/v1/clusters"}, key))->status, 200);
    api.clock.advance(Seconds(61));
    EXPECT_EQ(api.ask(with_key({.target = "/v1/clusters"}, key))->json()["code"], "key_expired");
}

TEST(Keys, each_scope_includes_the_ones_before_it_and_no_more) {
    TestApi api;
    const std::string id = api.create();
    const auto status = [&](model::Scope scope, const Ask& ask) {
        return api.ask(with_key(ask, api.key(scope)))->status;
    };
    const Ask look{.target = "/v1/clusters/" + id};
    const Ask change{.method = "POST", .target = "/v1/clusters/" + id + "/stop"};
    const Ask secret{.target = "/v1/clusters/" + id + "/first-administrator"};
    EXPECT_EQ(status(model::Scope::read, look), 200);
    EXPECT_EQ(status(model::Scope::read, change), 403);
    EXPECT_EQ(status(model::Scope::read, secret), 403);
    EXPECT_EQ(status(model::Scope::operate, change), 202);
    EXPECT_EQ(status(model::Scope::operate, secret), 403);
    EXPECT_EQ(status(model::Scope::administer, secret), 200);
    const auto refused = api.ask(with_key(secret, api.key(model::Scope::read)));
    EXPECT_EQ(refused->json()["code"], "scope_too_small");
    EXPECT_NE(refused->json()["nextAction"], "");
}

TEST(Keys, every_route_but_the_open_ones_needs_a_key) {
    TestApi api;
    for (const Endpoint& endpoint : api.service.endpoints()) {
        std::string target = endpoint.pattern;
        for (std::size_t at; (at = target.find('{')) != std::string::npos;)
            target.replace(at, target.find('}') - at + 1, "x");
        const auto reply = api.ask(
            {.method = endpoint.method, .target = target, .headers = {{"Authorization", ""}}});
        const int refused = target.starts_with("/api") ? 403 : 401;
        if (endpoint.access == Access::open) {
            EXPECT_EQ(reply->status, endpoint.method == "GET" ? 200 : 400) << endpoint.pattern;
        } else {
            EXPECT_EQ(reply->status, refused) << endpoint.method << " " << endpoint.pattern;
        }
    }
}

TEST(Keys, are_stored_as_digests_and_shown_once) {
    TestApi api;
    const auto made = api.post("/v1/api-keys", R"({"name":"ci","scope":"read"})");
    const std::string key = made->json()["key"];
    EXPECT_EQ(api.get("/v1/api-keys")->body.find(key), std::string::npos);
    (void)api.store->read([&](store::Transaction& t) -> Result<void> {
        const auto keys = *t.api_keys(default_organisation());
        for (const auto& row : keys) {
            EXPECT_EQ(row.key_hash.size(), 64u);
            EXPECT_EQ(row.key_hash.find(key), std::string::npos);
        }
        return {};
    });
}

TEST(Keys, the_last_administrator_key_cannot_be_revoked) {
    TestApi api;
    const std::string first = api.get("/v1/api-keys")->json()["items"][0]["id"];
    const auto refused = api.remove("/v1/api-keys/" + first);
    EXPECT_EQ(refused->status, 409);
    EXPECT_EQ(refused->json()["code"], "last_administrator_key");
    EXPECT_EQ(api.post("/v1/api-keys", R"({"name":"two","scope":"administer"})")->status, 201);
    EXPECT_EQ(api.remove("/v1/api-keys/" + first)->status, 204);
}

TEST(Keys, faults_of_a_new_key_name_the_field) {
    TestApi api;
    const std::pair<const char*, const char*> bodies[] = {
        {R"({"scope":"read"})", "/name"},
        {R"({"name":"a"})", "/scope"},
        {R"({"name":"a","scope":"all"})", "/scope"},
        {R"({"name":"a","scope":"read","expiresAt":"2001-01-01T00:00:00Z"})", "/expiresAt"},
        {R"({"name":"a","scope":"read","expires":"x"})", "/expires"},
        {R"({"name":7,"scope":"read"})", "/name"}};
    for (const auto& [body, field] : bodies) {
        const auto refused = api.post("/v1/api-keys", body);
        EXPECT_EQ(refused->status, 400) << body;
        EXPECT_EQ(refused->json()["field"], field) << body;
    }
    EXPECT_EQ(api.post("/v1/api-keys", R"({"name":"a","scope":"read"})")->status, 201);
    EXPECT_EQ(api.post("/v1/api-keys", R"({"name":"a","scope":"read"})")->json()["code"],
              "key_name_taken");
    EXPECT_EQ(api.remove("/v1/api-keys/k-none")->status, 404);
}

}  // namespace
}  // namespace hopyard::api
