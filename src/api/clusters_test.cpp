// Clusters through /v1: made, shown, paged, changed; and what is refused on the way.
#include "api/test_rig.h"
#include "control/durations.h"

namespace hopyard::api {
namespace {

using model::Phase;
using nlohmann::json;

void make_running(TestApi& api, const std::string& id) {
    api.edit(id, [](model::Cluster& cluster) { cluster.phase = Phase::creating; });
    api.edit(id, [](model::Cluster& cluster) { cluster.phase = Phase::running; });
}

TEST(Clusters, creation_answers_the_id_and_writes_what_is_wanted) {
    TestApi api;
    const auto made = api.post("/v1/clusters", TestApi::spec().dump());
    ASSERT_EQ(made->status, 202) << made->body;
    const std::string id = made->json()["id"];
    EXPECT_EQ(made->headers.get("Location"), "/v1/clusters/" + id);
    EXPECT_EQ(made->json()["phase"], "pending");
    EXPECT_EQ(made->json()["spec"]["location"], "here");
    EXPECT_EQ(made->json()["warnings"][0]["code"], "open_to_everybody");
    EXPECT_EQ(api.get("/v1/clusters/" + id)->json()["name"], "demo");
    EXPECT_EQ(api.wake.count, 1);
}

TEST(Clusters, a_specification_may_be_yaml) {
    TestApi api;
    const auto made = api.ask({.method = "POST",
                               .target = "/v1/clusters",
                               .body = "name: demo\nresourceGroup: lab\nhead: {instanceType: "
                                       "Standard_D8_v3}\nstorage: {account: labstore}\n"
                                       "sshKey: ops-key\nidentity: lab-identity\n",
                               .headers = {{"Content-Type", "application/yaml"}}});
    EXPECT_EQ(made->status, 202) << made->body;
}

TEST(Clusters, a_dry_run_shows_everything_and_changes_nothing) {
    TestApi api;
    json spec = TestApi::spec();
    spec["workers"][0]["count"] = 500;
    const auto shown = api.post("/v1/clusters?dryRun=true", spec.dump());
    ASSERT_EQ(shown->status, 200) << shown->body;
    EXPECT_EQ(shown->json()["refused"], true);
    EXPECT_EQ(shown->json()["findings"][0]["code"], "quota_exceeded");
    EXPECT_GT(shown->json()["resources"].size(), 500u);
    EXPECT_EQ(api.get("/v1/clusters")->json()["items"].size(), 0u);
    EXPECT_EQ(api.wake.count, 0);
    EXPECT_EQ(api.post("/v1/clusters?dryRun=yes", spec.dump())->json()["code"], "query_malformed");
}

TEST(Durations, are_told_and_make_a_dry_run_estimate_the_start) {
    TestApi api;
    const json before = api.post("/v1/clusters?dryRun=true", TestApi::spec().dump())->json();
    EXPECT_EQ(before["estimatedStartMs"], nullptr);
    EXPECT_TRUE(api.get("/v1/durations")->json()["items"].empty());
    const std::string location = before["spec"]["location"];
    const auto start = [&](const std::string& size, std::vector<int> took) {
        const model::NodePhase phases[] = {model::NodePhase::creating,
                                           model::NodePhase::booting,
                                           model::NodePhase::joining,
                                           model::NodePhase::ready};
        for (std::size_t i = 0; i < took.size(); ++i) {
            model::Node from{.id = NodeId("n"), .phase = phases[i]};
            from.group.instance_type = size;
            model::Node to = from;
            to.phase = phases[i + 1];
            to.phase_since = from.phase_since + Milliseconds(took[i]);
            EXPECT_TRUE(api.store->write([&](store::Transaction& t) {
                return control::note_durations(t, location, {from}, {to});
            }));
        }
    };
    start("Standard_D8_v3", {1000, 20'000, 300});
    start("Standard_D4_v3", {2000, 10'000, 400});
    const json after = api.post("/v1/clusters?dryRun=true", TestApi::spec().dump())->json();
    EXPECT_EQ(after["estimatedStartMs"], 22'400);
    const json items = api.get("/v1/durations")->json()["items"];
    ASSERT_EQ(items.size(), 6u);
    EXPECT_EQ(items[1],
              (json{{"location", location},
                    {"instanceType", "Standard_D4_v3"},
                    {"phase", "booting"},
                    {"medianMs", 10'000},
                    {"starts", 1}}));
}

TEST(Clusters, a_missing_one_and_one_of_another_organisation_are_not_found) {
    TestApi api;
    const std::string id = api.create();
    api.edit(id, [](model::Cluster& cluster) { cluster.organisation = OrganisationId("other"); });
    for (const std::string& target : {std::string("/v1/clusters/c-none"), "/v1/clusters/" + id}) {
        EXPECT_EQ(api.get(target)->json()["code"], "no_such_cluster");
        EXPECT_EQ(api.remove(target)->status, 404);
        EXPECT_EQ(api.post(target + "/stop")->status, 404);
        EXPECT_EQ(api.get(target + "/first-administrator")->status, 404);
    }
    EXPECT_EQ(api.get("/v1/clusters")->json()["items"].size(), 0u);
}

TEST(Clusters, pages_hold_every_cluster_once_even_when_some_come_and_go) {
    TestApi api;
    std::vector<std::string> ids;
    for (int i = 0; i < 7; ++i) {
        ids.push_back(api.create(TestApi::spec("demo-" + std::to_string(i))));
        api.clock.advance(Seconds(i % 2));
    }
    std::vector<std::string> seen;
    std::string target = "/v1/clusters?limit=3";
    for (int page = 0; page < 4; ++page) {
        const auto reply = api.get(target);
        ASSERT_EQ(reply->status, 200) << reply->body;
        const json list = reply->json();
        EXPECT_LE(list["items"].size(), 3u);
        for (const json& item : list["items"]) seen.push_back(item["id"]);
        if (list["next"].is_null()) break;
        target = "/v1/clusters?limit=3&after=" + list["next"].get<std::string>();
    }
    std::sort(ids.begin(), ids.end());
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, ids);
}

TEST(Clusters, limits_and_cursors_are_checked) {
    TestApi api;
    for (const char* query :
         {"limit=0", "limit=1001", "limit=x", "limit=5x", "after=x", "after=.a"})
        EXPECT_EQ(api.get(std::string("/v1/clusters?") + query)->json()["code"], "query_malformed")
            << query;
    EXPECT_EQ(api.get("/v1/clusters?colour=red")->json()["code"], "unknown_parameter");
}

TEST(Clusters, commands_change_the_phase_before_they_answer) {
    TestApi api;
    const std::string one = "/v1/clusters/" + api.create();
    make_running(api, one.substr(13));
    const auto phase_after = [&](const std::string& verb) {
        const auto reply = api.post(one + verb);
        EXPECT_EQ(reply->status, 202) << verb << reply->body;
        return reply->json()["phase"];
    };
    EXPECT_EQ(phase_after("/stop"), "stopping");
    api.edit(one.substr(13), [](model::Cluster& cluster) { cluster.phase = Phase::stopped; });
    const auto again = api.post(one + "/stop");
    EXPECT_EQ(again->status, 409);
    EXPECT_NE(again->json()["nextAction"], "");
    EXPECT_EQ(phase_after("/start"), "starting");
    EXPECT_EQ(api.remove(one)->json()["phase"], "terminating");
}

TEST(Clusters, workers_are_added_removed_and_set) {
    TestApi api;
    const std::string id = api.create();
    const std::string one = "/v1/clusters/" + id;
    make_running(api, id);
    const std::string group =
        R"({"workers":[{"instanceType":"Standard_D4_v3","diskGb":30,"count":3}]})";
    EXPECT_EQ(api.post(one + "/workers/add", group)->json()["spec"]["workers"][0]["count"], 5);
    EXPECT_EQ(api.post(one + "/workers/remove", group)->json()["spec"]["workers"][0]["count"], 2);
    EXPECT_EQ(api.put(one + "/workers", group)->json()["spec"]["workers"][0]["count"], 3);
    EXPECT_EQ(api.put(one + "/workers", R"({"workers":[]})")->json()["spec"]["workers"].size(), 0u);
}

TEST(Clusters, faults_in_changes_name_the_field) {
    TestApi api;
    const std::string id = api.create();
    const std::string one = "/v1/clusters/" + id;
    make_running(api, id);
    struct Case {
        std::string path, body, field;
    };
    const Case cases[] = {
        {"/workers/add", "{}", "/workers"},
        {"/workers/add", R"({"workers":3})", "/workers"},
        {"/workers/add", R"({"workers":[{"instanceType":"x","cuont":1}]})", "/workers/0/cuont"},
        {"/workers/add",
         R"({"workers":[{"instanceType":"Standard_D4_v3","count":-1}]})",
         "/workers/0/count"},
        {"/workers/add",
         R"({"workers":[{"instanceType":"Nothing","count":1}]})",
         "/workers/0/instanceType"},
        {"/workers/add",
         R"({"workers":[{"instanceType":"Standard_D4_v3","count":"2"}]})",
         "/workers/0/count"},
        {"/workers/remove", R"({"name":"x","workers":[]})", "/name"}};
    for (const Case& each : cases) {
        const auto refused = api.post(one + each.path, each.body);
        EXPECT_EQ(refused->status, 400) << each.body << refused->body;
        EXPECT_EQ(refused->json()["field"], each.field) << each.body;
    }
    EXPECT_EQ(api.put(one + "/ports", R"({"ports":{"ssh":true}})")->json()["field"],
              "/ports/featureStore");
    EXPECT_EQ(api.put(one + "/head", R"({})")->json()["field"], "/instanceType");
}

TEST(Clusters, ports_keep_their_sources_unless_new_ones_are_named) {
    TestApi api;
    json spec = TestApi::spec();
    spec["portSources"] = {"10.0.0.0/8"};
    const std::string one = "/v1/clusters/" + api.create(spec);
    const std::string all =
        R"("ports":{"featureStore":false,"onlineFeatureStore":false,"kafka":false,"ssh":true})";
    const auto kept = api.put(one + "/ports", "{" + all + "}");
    ASSERT_EQ(kept->status, 202) << kept->body;
    EXPECT_EQ(kept->json()["spec"]["ports"]["ssh"], true);
    EXPECT_EQ(kept->json()["spec"]["portSources"], json({"10.0.0.0/8"}));
    const auto changed = api.put(one + "/ports", "{" + all + R"(,"sources":["192.0.2.0/24"]})");
    EXPECT_EQ(changed->json()["spec"]["portSources"], json({"192.0.2.0/24"}));
}

TEST(Clusters, nodes_are_shown_head_first_and_without_our_secrets) {
    TestApi api;
    const std::string id = api.create();
    model::Node worker{.id = NodeId("demo-w1"), .ordinal = 1};
    worker.enrolment.token_hash = "canary-hash";
    api.add_node(id, worker);
    api.add_node(id, {.id = NodeId("demo-head"), .is_head = true});
    const auto shown = api.get("/v1/clusters/" + id);
    EXPECT_EQ(shown->json()["nodes"][0]["role"], "head");
    EXPECT_EQ(shown->json()["nodes"][1]["id"], "demo-w1");
    EXPECT_EQ(shown->body.find("canary-hash"), std::string::npos);
}

TEST(Clusters, the_first_password_is_handed_over_and_shown_nowhere_else) {
    TestApi api;
    const std::string id = api.create();
    const auto handed = api.get("/v1/clusters/" + id + "/first-administrator");
    ASSERT_EQ(handed->status, 200) << handed->body;
    const std::string password = handed->json()["password"];
    EXPECT_GE(password.size(), 16u);
    for (const std::string& target : {"/v1/clusters/" + id,
                                      "/v1/clusters/" + id + "/activity",
                                      std::string("/v1/activity"),
                                      "/api/clusters/" + id})
        EXPECT_EQ(api.get(target)->body.find(password), std::string::npos) << target;
}

TEST(Etags, a_change_with_an_old_one_is_refused_and_the_present_one_passes) {
    TestApi api;
    const std::string id = api.create();
    const std::string one = "/v1/clusters/" + id;
    make_running(api, id);
    const std::string before = api.get(one)->headers.get("ETag");
    const auto stop_with = [&](const std::string& tag) {
        return api.ask({.method = "POST", .target = one + "/stop", .headers = {{"If-Match", tag}}});
    };
    api.edit(id, [](model::Cluster& cluster) { cluster.stage = "the loops wrote"; });
    EXPECT_EQ(api.get(one)->headers.get("ETag"), before);
    EXPECT_EQ(api.put(one + "/workers", R"({"workers":[]})")->status, 202);
    const auto refused = stop_with(before);
    EXPECT_EQ(refused->status, 412);
    EXPECT_EQ(refused->json()["code"], "precondition_failed");
    EXPECT_EQ(stop_with("7")->json()["code"], "etag_malformed");
    EXPECT_EQ(stop_with("\"x\"")->json()["code"], "etag_malformed");
    EXPECT_EQ(stop_with(api.get(one)->headers.get("ETag"))->status, 202);
}

TEST(Idempotency, a_repeated_request_gets_the_same_reply_and_does_nothing) {
    TestApi api;
    const auto create = [&](const std::string& name) {
        return api.ask({.method = "POST",
                        .target = "/v1/clusters",
                        .body = TestApi::spec(name).dump(),
                        .headers = {{"Idempotency-Key", "a-1"}}});
    };
    const auto first = create("demo");
    ASSERT_EQ(first->status, 202) << first->body;
    const auto second = create("demo");
    EXPECT_EQ(second->status, 202);
    EXPECT_EQ(second->body, first->body);
    EXPECT_EQ(second->headers.get("Idempotency-Replayed"), "true");
    EXPECT_EQ(api.get("/v1/clusters")->json()["items"].size(), 1u);
    EXPECT_EQ(create("other")->status, 422);
    api.clock.advance(Seconds(25 * 3600));
    api.service.tick(api.clock.now());
    EXPECT_EQ(create("demo")->json()["code"], "name_taken");
}

TEST(Idempotency, a_refusal_is_not_kept_and_a_secret_never_is) {
    TestApi api;
    const auto create = [&](const json& spec) {
        return api.ask({.method = "POST",
                        .target = "/v1/clusters",
                        .body = spec.dump(),
                        .headers = {{"Idempotency-Key", "a-1"}}});
    };
    api.catalog.keys.clear();
    EXPECT_EQ(create(TestApi::spec())->json()["code"], "no_such_key");
    api.catalog.keys = {{"ops-key", "ssh-ed25519 AAAA ops"}};
    EXPECT_EQ(create(TestApi::spec())->status, 202);
    const auto key = api.ask({.method = "POST",
                              .target = "/v1/api-keys",
                              .body = R"({"name":"x","scope":"read"})",
                              .headers = {{"Idempotency-Key", "a-2"}}});
    EXPECT_EQ(key->json()["code"], "idempotency_key_refused");
    for (const char* bad : {"", "with space", "\x01"})
        EXPECT_EQ(api.ask({.method = "POST",
                           .target = "/v1/clusters",
                           .body = "{}",
                           .headers = {{"Idempotency-Key", bad}}})
                      ->json()["code"],
                  "idempotency_key_malformed");
}

TEST(Activity, is_paged_into_the_past_and_read_forward) {
    TestApi api;
    const std::string id = api.create();
    for (int i = 0; i < 5; ++i)
        api.write({.at = api.clock.now(),
                   .organisation = default_organisation(),
                   .cluster = ClusterId(id),
                   .code = "test",
                   .message = "entry " + std::to_string(i)});
    const auto first = api.get("/v1/clusters/" + id + "/activity?limit=2");
    ASSERT_EQ(first->status, 200) << first->body;
    EXPECT_EQ(first->json()["items"][0]["message"], "entry 4");
    const auto next = std::to_string(first->json()["next"].get<int>());
    const auto second = api.get("/v1/clusters/" + id + "/activity?limit=2&before=" + next);
    EXPECT_EQ(second->json()["items"][0]["message"], "entry 2");
    const auto newer = std::to_string(second->json()["items"][0]["sequence"].get<int>());
    const auto forward = api.get("/v1/activity?after=" + newer);
    EXPECT_EQ(forward->json()["items"][0]["message"], "entry 3");
    EXPECT_EQ(forward->json()["items"].size(), 2u);
    EXPECT_EQ(api.get("/v1/activity?after=1&before=2")->json()["code"], "query_malformed");
    EXPECT_EQ(api.get("/v1/clusters/c-none/activity")->status, 404);
}

}  // namespace
}  // namespace hopyard::api
