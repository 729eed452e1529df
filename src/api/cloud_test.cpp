// Look-ups, preparation, orphans, health, metrics.
#include "api/test_rig.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

TEST(LookUps, show_what_the_cloud_has_and_filter_it) {
    TestApi api;
    api.catalog.all_networks = {{.name = "net",
                                 .resource_group = "lab",
                                 .location = "here",
                                 .cidrs = {"10.0.0.0/16"},
                                 .subnets = {{"a", "10.0.0.0/24", ""}}}};
    api.catalog.groups_of_rules = {{.name = "open",
                                    .resource_group = "lab",
                                    .location = "here",
                                    .rules = {{.name = "web", .priority = 100, .ports = {"443"}}}}};
    const json open = api.get("/v1/cloud/security-groups?group=lab")->json()["items"][0];
    EXPECT_EQ(open["rules"][0]["ports"][0], "443");
    EXPECT_EQ(open["rules"][0]["direction"], "inbound");
    EXPECT_EQ(api.get("/v1/cloud/locations")->json()["items"][0]["displayName"], "Here");
    EXPECT_EQ(api.get("/v1/cloud/groups?location=there")->json()["items"].size(), 0u);
    EXPECT_EQ(api.get("/v1/cloud/sizes?location=here")->json()["items"][0]["vcpus"], 2);
    EXPECT_EQ(api.get("/v1/cloud/keys?group=lab")->json()["items"][0]["name"], "ops-key");
    EXPECT_EQ(api.get("/v1/cloud/identities?group=lab")->json()["items"][0]["principalId"], "p-1");
    EXPECT_EQ(api.get("/v1/cloud/accounts?group=LAB")->json()["items"].size(), 1u);
    EXPECT_EQ(api.get("/v1/cloud/networks?group=other")->json()["items"].size(), 0u);
    EXPECT_EQ(api.get("/v1/cloud/networks")->json()["items"][0]["subnets"][0]["name"], "a");
    EXPECT_EQ(api.get("/v1/cloud/sizes")->json()["code"], "parameter_missing");
    EXPECT_EQ(api.get("/v1/cloud/keys")->json()["code"], "parameter_missing");
}

TEST(Preparation, says_what_it_made_and_what_was_there) {
    TestApi api;
    const std::string body = json{{"group", "lab"},
                                  {"location", "here"},
                                  {"account", "store"},
                                  {"identity", "node"},
                                  {"sshKey", {{"name", "ops"}, {"publicKey", "ssh-ed25519 AAAA"}}}}
                                 .dump();
    const auto first = api.post("/v1/cloud/prepare", body);
    ASSERT_EQ(first->status, 200) << first->body;
    const json made = first->json(), again = api.post("/v1/cloud/prepare", body)->json();
    ASSERT_EQ(made["items"].size(), 6u);
    ASSERT_EQ(again["items"].size(), 6u);
    for (const json& item : made["items"]) EXPECT_EQ(item["result"], "made");
    for (const json& item : again["items"]) EXPECT_EQ(item["result"], "existed");
    const auto least = api.post("/v1/cloud/prepare", R"({"group":"lab","location":"here"})");
    EXPECT_EQ(least->json()["items"].size(), 2u);
}

TEST(Preparation, that_stops_half_way_says_where_and_what_is_done) {
    TestApi api;
    api.preparation.fails_at = "account";
    const auto failed =
        api.post("/v1/cloud/prepare",
                 R"({"group":"lab","location":"here","account":"store","identity":"node"})");
    EXPECT_EQ(failed->status, 502);
    EXPECT_EQ(failed->json()["code"], "authorization_failed");
    EXPECT_EQ(failed->json()["owner"], "administrator");
    EXPECT_NE(failed->json()["detail"].get<std::string>().find("account 'store'"),
              std::string::npos);
    EXPECT_EQ(failed->json()["done"].size(), 3u);
}

TEST(Preparation, faults_name_the_field) {
    TestApi api;
    const std::pair<const char*, const char*> bodies[] = {
        {R"({"location":"here"})", "/group"},
        {R"({"group":"lab"})", "/location"},
        {R"({"group":"lab","location":"here","sshKey":{"name":"a"}})", "/sshKey/publicKey"},
        {R"({"group":"lab","location":"here","acount":"a"})", "/acount"}};
    for (const auto& [body, field] : bodies)
        EXPECT_EQ(api.post("/v1/cloud/prepare", body)->json()["field"], field) << body;
    EXPECT_TRUE(api.preparation.there.empty());
}

TEST(Orphans, are_shown_and_deleted_on_request) {
    TestApi api;
    using model::ResourceKind;
    api.orphans.found = {
        {.name = {ResourceKind::machine, "lab", "", "old-head"}, .cluster = ClusterId("c-old")},
        {.name = {ResourceKind::disk, "lab", "", "old-disk"},
         .cluster = ClusterId("c-old"),
         .attached = true}};
    const auto shown = api.get("/v1/cloud/orphans");
    EXPECT_EQ(shown->json()["items"][0]["kind"], "machine");
    EXPECT_EQ(shown->json()["items"][1]["attached"], true);
    const auto removed = api.post("/v1/cloud/orphans/delete");
    ASSERT_EQ(removed->status, 200) << removed->body;
    EXPECT_EQ(removed->json()["items"][0]["result"], "removed");
    EXPECT_EQ(removed->json()["items"][1]["result"], "waiting");
    EXPECT_EQ(api.get("/v1/cloud/orphans")->json()["items"].size(), 1u);
}

TEST(Health, is_open_to_everybody_and_explains_itself_to_who_has_a_key) {
    TestApi api;
    EXPECT_EQ(api.get("/v1/health")->json()["status"], "ok");
    api.conditions = {
        {.name = "cloud",
         .problem = Error{.kind = ErrorKind::unavailable, .code = "no_route", .message = "gone"},
         .since = api.clock.now()}};
    const auto known = api.get("/v1/health");
    EXPECT_EQ(known->status, 200);
    EXPECT_EQ(known->json()["status"], "degraded");
    EXPECT_EQ(known->json()["conditions"][1]["problem"]["message"], "gone");
    const auto stranger = api.ask({.target = "/v1/health", .headers = {{"Authorization", ""}}});
    EXPECT_EQ(stranger->status, 200);
    EXPECT_EQ(stranger->json()["conditions"][1]["good"], false);
    EXPECT_EQ(stranger->body.find("gone"), std::string::npos);
}

TEST(Version, and_capabilities_are_told) {
    TestApi api;
    EXPECT_EQ(api.get("/v1/version")->json()["version"], "9.9.9");
    EXPECT_EQ(api.get("/v1/capabilities")->json()["features"]["autoscaling"], true);
}

TEST(Metrics, count_requests_by_route_and_clusters_by_phase) {
    TestApi api;
    const std::string id = api.create();
    api.add_node(id, {.id = NodeId("demo-head"), .is_head = true});
    api.get("/v1/clusters/" + id);
    api.get("/v1/clusters/c-none");
    api.get("/v1/nothing");
    api.service.metrics().count("loop_rounds", "Rounds of the loops", {{"loop", "reconciler"}});
    const auto reply = api.get("/metrics");
    EXPECT_EQ(reply->headers.get("Content-Type"), "text/plain; version=0.0.4");
    for (const char* line :
         {R"(hopyard_http_requests_total{method="GET",route="/v1/clusters/{id}",status="200"} 1)",
          R"(hopyard_http_requests_total{method="GET",route="/v1/clusters/{id}",status="404"} 1)",
          R"(hopyard_http_requests_total{method="GET",route="none",status="404"} 1)",
          R"(hopyard_clusters{phase="pending"} 1)",
          R"(hopyard_clusters{phase="running"} 0)",
          R"(hopyard_nodes{phase="planned"} 1)",
          R"(hopyard_condition_good{condition="store"} 1)",
          R"(hopyard_loop_rounds_total{loop="reconciler"} 1)",
          R"(hopyard_build_info{version="9.9.9"} 1)"})
        EXPECT_NE(reply->body.find(line), std::string::npos) << line << "\n" << reply->body;
}

}  // namespace
}  // namespace hopyard::api
