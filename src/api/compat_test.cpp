// The existing wire, call by call; whole lives of its clients are in tests/conformance.
#include "api/compat/wire.h"
#include "api/test_rig.h"

namespace hopyard::api {
namespace {

using model::Phase;
using nlohmann::json;

json create_body() {
    return json::parse(R"({"cloudProvider":"AZURE","cluster":{
      "name":"lab01","version":"3.8.0","sshKeyName":"ops-key",
      "clusterConfiguration":{
        "head":{"instanceType":"Standard_D8_v3","diskSize":512,"haEnabled":false},
        "workers":[{"instanceType":"Standard_D4_v3","diskSize":256,"count":2},
                   {"instanceType":"Standard_D4_v3","diskSize":512,"count":1,
                    "spotInfo":{"maxPrice":60,"fallBackOnDemand":true}}]},
      "issueLetsEncrypt":true,"attachPublicIP":true,"backupRetentionPeriod":14,"managedUsers":true,
      "tags":[{"name":"team","value":"ml"}],
      "initScript":"#!/usr/bin/env bash\necho <b> & 'x' 100%\n","runInitScriptFirst":true,
      "os":"centos","deactivateLogReport":true,"collectLogs":false,
      "location":"here","managedIdentity":"lab-identity","resourceGroup":"lab",
      "blobContainerName":"hopsworksai-1700000000000","storageAccount":"labstore",
      "networkResourceGroup":"","virtualNetworkName":"","subnetName":"","securityGroupName":"",
      "aksClusterName":"","acrRegistryName":"labacr","searchDomain":"internal.cloudapp.net",
      "containerConfiguration":{"encryption":{"mode":"None"}}}})");
}

std::string create(TestApi& api, const json& body = create_body()) {
    const auto made = api.post("/api/clusters", body.dump());
    EXPECT_EQ(made->status, 200) << made->body;
    const json reply = made->json();
    EXPECT_EQ(reply["code"], 200);
    EXPECT_EQ(reply["status"], "ok");
    EXPECT_EQ(reply["apiVersion"], "v1");
    return reply.contains("payload") ? reply["payload"].value("id", "") : "";
}

json shown(TestApi& api, const std::string& id) {
    return api.get("/api/clusters/" + id)->json()["payload"]["cluster"];
}

void set_phase(TestApi& api, const std::string& id, Phase phase) {
    api.edit(id, [&](model::Cluster& cluster) { cluster.phase = phase; });
}

TEST(Wire, what_was_asked_is_echoed_field_by_field) {
    TestApi api;
    const std::string id = create(api);
    const json asked = create_body()["cluster"], got = shown(api, id);
    EXPECT_EQ(got["id"], id);
    for (const char* name : {"name",
                             "version",
                             "sshKeyName",
                             "tags",
                             "initScript",
                             "runInitScriptFirst",
                             "os",
                             "deactivateLogReport",
                             "collectLogs",
                             "managedUsers",
                             "backupRetentionPeriod"})
        EXPECT_EQ(got[name], asked[name]) << name;
    for (const char* name : {"location",
                             "managedIdentity",
                             "resourceGroup",
                             "blobContainerName",
                             "storageAccount",
                             "aksClusterName",
                             "acrRegistryName",
                             "searchDomain",
                             "containerConfiguration"})
        EXPECT_EQ(got["azure"][name], asked[name]) << name;
    EXPECT_EQ(got["letsEncryptIssued"], true);
    EXPECT_EQ(got["publicIPAttached"], true);
    EXPECT_EQ(got["provider"], "AZURE");
    EXPECT_EQ(got["azure"]["networkResourceGroup"], "lab");
    EXPECT_NE(got["azure"]["virtualNetworkName"], "");
    const json& configuration = got["clusterConfiguration"];
    EXPECT_EQ(configuration["head"]["diskSize"], 512);
    EXPECT_EQ(configuration["workers"][1]["spotInfo"],
              asked["clusterConfiguration"]["workers"][1]["spotInfo"]);
    for (const char* name : {"ronDB",
                             "autoscale",
                             "upgradeInProgress",
                             "clusterDomainPrefix",
                             "customHostedZone",
                             "errorMessage"})
        EXPECT_FALSE(got.contains(name)) << name;
}

TEST(Wire, a_list_holds_the_very_same_entries) {
    TestApi api;
    const std::string id = create(api);
    const json list = api.get("/api/clusters?cloud=AZURE")->json()["payload"]["clusters"];
    ASSERT_EQ(list.size(), 1u);
    EXPECT_EQ(list[0], shown(api, id));
    EXPECT_EQ(api.get("/api/clusters?cloud=AWS")->json()["payload"]["clusters"], json::array());
    EXPECT_EQ(api.get("/api/clusters?cloud=MOON")->json()["code"], 400);
}

TEST(Wire, states_and_activation_fit_each_phase) {
    TestApi api;
    const std::string id = create(api);
    using model::Wanted;
    struct Case {
        Wanted wanted;
        Phase phase;
        const char* state;
        const char* activation;
    };
    const Case cases[] = {{Wanted::running, Phase::pending, "pending", "stoppable"},
                          {Wanted::running, Phase::creating, "initializing", "stoppable"},
                          {Wanted::running, Phase::starting, "starting", "stoppable"},
                          {Wanted::running, Phase::running, "running", "stoppable"},
                          {Wanted::running, Phase::updating, "updating", "stoppable"},
                          {Wanted::running, Phase::failed, "error", "stoppable"},
                          {Wanted::stopped, Phase::stopping, "stopping", "terminable"},
                          {Wanted::stopped, Phase::stopped, "stopped", "startable"},
                          {Wanted::stopped, Phase::failed, "error", "startable"},
                          {Wanted::terminated, Phase::terminating, "shutting-down", "terminable"},
                          {Wanted::terminated, Phase::failed, "error", "terminable"}};
    for (const Case& each : cases) {
        api.edit(id, [&](model::Cluster& cluster) {
            cluster.wanted = each.wanted;
            cluster.phase = each.phase;
        });
        EXPECT_EQ(shown(api, id)["state"], each.state);
        EXPECT_EQ(shown(api, id)["activationState"], each.activation) << each.state;
    }
}

/// What is shown is what the commands accept.
TEST(Wire, activation_is_no_promise_that_a_command_breaks) {
    for (const Phase phase : {Phase::pending, Phase::creating, Phase::running, Phase::failed}) {
        TestApi api;
        const std::string id = create(api);
        set_phase(api, id, phase);
        ASSERT_EQ(shown(api, id)["activationState"], "stoppable");
        EXPECT_EQ(api.ask({.method = "PUT", .target = "/api/clusters/" + id + "/stop"})->status,
                  200);
        set_phase(api, id, phase == Phase::failed ? Phase::failed : Phase::stopped);
        ASSERT_EQ(shown(api, id)["activationState"], "startable");
        EXPECT_EQ(api.ask({.method = "PUT", .target = "/api/clusters/" + id + "/start"})->status,
                  200);
    }
}

TEST(Wire, a_failure_shows_its_cause) {
    TestApi api;
    const std::string id = create(api);
    api.edit(id, [](model::Cluster& cluster) {
        cluster.phase = Phase::failed;
        cluster.problem =
            Error{.code = "quota", .message = "90% of it used", .next_action = "Raise it."};
    });
    EXPECT_EQ(shown(api, id)["errorMessage"], "90% of it used. Raise it.");
}

TEST(Wire, power_changes_the_state_before_it_answers) {
    TestApi api;
    const std::string id = create(api), one = "/api/clusters/" + id;
    const auto done = [&](const std::string& method, const std::string& path) {
        const auto reply = api.ask({.method = method, .target = one + path});
        EXPECT_EQ(reply->json(), json({{"apiVersion", "v1"}, {"status", "ok"}, {"code", 200}}));
        return shown(api, id)["state"];
    };
    set_phase(api, id, Phase::running);
    EXPECT_EQ(done("PUT", "/stop"), "stopping");
    set_phase(api, id, Phase::stopped);
    EXPECT_EQ(done("PUT", "/start"), "starting");
    EXPECT_EQ(done("DELETE", ""), "shutting-down");
}

TEST(Wire, only_a_missing_cluster_is_404) {
    TestApi api;
    const json missing = api.get("/api/clusters/c-none")->json();
    EXPECT_EQ(missing["code"], 404);
    EXPECT_EQ(missing["status"], "error");
    EXPECT_EQ(api.remove("/api/clusters/c-none")->json()["code"], 404);
    for (const char* path : {"/api/nothing", "/api/clusters/", "/api/backups/", "/api"})
        EXPECT_EQ(api.get(path)->json()["code"], 400) << path;
    json body = create_body();
    body["cluster"]["resourceGroup"] = "nowhere";
    EXPECT_EQ(api.post("/api/clusters", body.dump())->json()["code"], 400);
    EXPECT_EQ(api.ask({.method = "PATCH", .target = "/api/clusters"})->json()["code"], 405);
}

TEST(Wire, a_bad_key_is_403_in_both_places) {
    TestApi api;
    for (const char* key : {"", "nonsense"}) {
        const auto refused = api.ask({.target = "/api/clusters", .headers = {{"x-api-key", key}}});
        EXPECT_EQ(refused->status, 403);
        EXPECT_EQ(refused->json()["code"], 403);
    }
}

TEST(Wire, messages_hold_no_percent_sign) {
    TestApi api;
    json body = create_body();
    body["cluster"]["name"] = "100%s";
    const auto refused = api.post("/api/clusters", body.dump());
    EXPECT_EQ(refused->json()["code"], 400);
    EXPECT_EQ(refused->body.find('%'), std::string::npos);
    EXPECT_NE(refused->json()["message"].get<std::string>().find("/name"), std::string::npos);
}

TEST(Wire, a_base_that_ends_in_a_slash_works) {
    TestApi api;
    EXPECT_EQ(api.get("//api/clusters")->json()["code"], 200);
}

TEST(Wire, an_autoscaler_is_set_shown_as_it_was_asked_and_cleared) {
    TestApi api;
    const json policy = json::parse(R"({"nonGpu":{"instanceType":"Standard_D4_v3","diskSize":512,
        "minWorkers":0,"maxWorkers":10,"standbyWorkers":0.5,"downscaleWaitTime":300}})");
    json body = create_body();
    body["cluster"]["clusterConfiguration"]["workers"] = json::array();
    body["cluster"]["autoscale"] = policy;
    const std::string id = create(api, body);
    EXPECT_EQ(shown(api, id)["autoscale"], policy);
    const std::string path = "/api/clusters/" + id + "/autoscale";
    json other = policy;
    other["nonGpu"]["maxWorkers"] = 4;
    EXPECT_EQ(api.post(path, json{{"autoscale", other}}.dump())->json()["code"], 200);
    EXPECT_EQ(shown(api, id)["autoscale"], other);
    EXPECT_EQ(api.post(path, "{}")->json()["code"], 400);
    EXPECT_EQ(api.ask({.method = "DELETE", .target = path})->json()["code"], 200);
    EXPECT_FALSE(shown(api, id).contains("autoscale"));
    EXPECT_EQ(shown(api, id)["clusterConfiguration"]["workers"], json::array());
}

TEST(Wire, later_features_are_refused_and_never_look_like_success) {
    TestApi api;
    const std::string one = "/api/clusters/" + create(api);
    const std::pair<const char*, std::string> calls[] = {{"POST", "/api/backups"},
                                                         {"GET", "/api/backups"},
                                                         {"GET", "/api/backups/b-1"},
                                                         {"DELETE", "/api/backups/b-1"},
                                                         {"POST", "/api/clusters/restore/b-1"},
                                                         {"POST", one + "/upgrade"},
                                                         {"PUT", one + "/upgrade/rollback"}};
    for (const auto& [method, path] : calls) {
        const auto refused = api.ask({.method = method, .target = path, .body = "{}"});
        EXPECT_EQ(refused->json()["code"], 501) << path;
        EXPECT_NE(refused->json()["message"], "") << path;
    }
}

struct Spoilt {
    const char* pointer;
    json value;
    int code;
};

TEST(Wire, what_would_not_be_made_is_refused) {
    const Spoilt spoilt[] = {
        {"/cloudProvider", "AWS", 400},
        {"/cluster/autoscale", json::parse(R"({"gpu":{"instanceType":"a"}})"), 400},
        {"/cluster/autoscale", json::parse(R"({"nonGpu":{"instanceType":"a"}})"), 400},
        {"/cluster/aksClusterName", "aks", 400},
        {"/cluster/version", "9.9.9", 400},
        {"/cluster/os", "plan9", 400},
        {"/cluster/clusterConfiguration/head/haEnabled", true, 400},
        {"/cluster/containerConfiguration/encryption/mode", "SSE", 400},
        {"/cluster/ronDB", json::parse(R"({"ndbd":{"instanceType":"a","count":2}})"), 400},
        {"/cluster/initScript", "echo", 400},
        {"/cluster/colour", "red", 400},
        {"/cluster/backupRetentionPeriod", 3, 400},
        {"/cluster/clusterConfiguration/workers", 7, 400}};
    for (const Spoilt& each : spoilt) {
        SCOPED_TRACE(each.pointer);
        TestApi api;
        json body = create_body();
        body[json::json_pointer(each.pointer)] = each.value;
        const auto refused = api.post("/api/clusters", body.dump());
        EXPECT_EQ(refused->json()["code"], each.code) << refused->body;
        EXPECT_EQ(api.get("/v1/clusters")->json()["items"].size(), 0u);
    }
}

TEST(Wire, a_single_database_node_is_echoed_and_warned_of) {
    TestApi api;
    json body = create_body();
    // As releases 1.0.0 to 1.3.1 spell it: without allInOne.
    body["cluster"]["ronDB"] = json::parse(R"({
      "configuration":{"ndbdDefault":{"replicationFactor":1},
                       "general":{"benchmark":{"grantUserPrivileges":false}}},
      "mgmd":{"instanceType":"","diskSize":30,"count":1},
      "ndbd":{"instanceType":"Standard_D8_v3","diskSize":512,"count":1},
      "mysqld":{"instanceType":"","diskSize":128,"count":1},
      "api":{"instanceType":"","diskSize":0,"count":0}})");
    const auto made = api.post("/api/clusters", body.dump());
    ASSERT_EQ(made->json()["code"], 200) << made->body;
    EXPECT_NE(made->json()["message"].get<std::string>().find("RonDB"), std::string::npos);
    const std::string id = made->json()["payload"]["id"];
    json expected = body["cluster"]["ronDB"];
    expected["allInOne"] = true;
    EXPECT_EQ(shown(api, id)["ronDB"], expected);
    EXPECT_NE(api.get("/v1/clusters/" + id + "/activity")->body.find("RonDB"), std::string::npos);
}

TEST(Wire, types_of_the_head_and_the_database_change_while_it_is_stopped) {
    TestApi api;
    json body = create_body();
    body["cluster"]["ronDB"] = json::parse(
        R"({"allInOne":true,"ndbd":{"instanceType":"Standard_D4_v3","diskSize":512,"count":1}})");
    const std::string id = create(api, body), one = "/api/clusters/" + id;
    const auto change = [&](const char* node, const char* type) {
        return api
            .put(one + "/nodes/modify-instance-type",
                 json{{"nodeInfo", {{"nodeType", node}, {"instanceType", type}}}}.dump())
            ->json()["code"];
    };
    set_phase(api, id, Phase::running);
    EXPECT_EQ(change("head", "Standard_D4_v3"), 409);
    EXPECT_EQ(api.ask({.method = "PUT", .target = one + "/stop"})->json()["code"], 200);
    set_phase(api, id, Phase::stopped);
    EXPECT_EQ(change("head", "Standard_D4_v3"), 200);
    EXPECT_EQ(change("rondb_aio", "Standard_D2_v3"), 200);
    EXPECT_EQ(shown(api, id)["clusterConfiguration"]["head"]["instanceType"], "Standard_D4_v3");
    EXPECT_EQ(shown(api, id)["ronDB"]["ndbd"]["instanceType"], "Standard_D2_v3");
    EXPECT_EQ(change("worker", "Standard_D2_v3"), 400);
    EXPECT_EQ(change("rondb_mysql", "Standard_D2_v3"), 400);
    EXPECT_EQ(change("head", "Nothing"), 400);
}

TEST(Wire, supported_types_are_what_the_cloud_offers) {
    TestApi api;
    const json types =
        api.get("/api/clusters/nodes/supported-types?cloud=AZURE&region=here")->json()["payload"];
    EXPECT_EQ(types["azure"]["head"].size(), 3u);
    EXPECT_EQ(types["azure"]["worker"][0],
              json::parse(R"({"id":"Standard_D2_v3","cpus":2,"memory":8.0,"gpus":0,
                              "withNVMe":false})"));
    EXPECT_EQ(types["azure"]["ronDB"]["mysqld"].size(), 3u);
    EXPECT_EQ(api.get("/api/clusters/nodes/supported-types?cloud=AZURE")->json()["payload"], types);
    EXPECT_EQ(api.get("/api/clusters/nodes/supported-types?cloud=GCP")->json()["code"], 501);
}

TEST(Wire, versions_ascend_and_each_release_finds_its_default) {
    TestApi api;
    const json all =
        api.get("/api/clusters/hopsworks/versions/AZURE")->json()["payload"]["versions"];
    std::vector<std::string> names;
    for (const json& each : all) names.push_back(each["version"]);
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
    for (const char* version : {"2.2.0",
                                "2.4.0",
                                "2.5.0",
                                "3.0.0",
                                "3.1.0",
                                "3.2.0",
                                "3.3.0",
                                "3.4.1",
                                "3.5.0",
                                "3.7.0",
                                "3.7.1",
                                "3.8.0"})
        EXPECT_NE(std::find(names.begin(), names.end(), version), names.end()) << version;
    EXPECT_EQ(all.back()["default"], true);
    EXPECT_EQ(api.get("/api/clusters/hopsworks/versions/AWS")->json()["payload"]["versions"],
              json::array());
}

TEST(Wire, ports_are_replaced_whole_in_every_resting_state) {
    TestApi api;
    const std::string id = create(api), one = "/api/clusters/" + id;
    const std::string body =
        R"({"ports":{"featureStore":true,"onlineFeatureStore":false,"kafka":false,"ssh":true}})";
    for (const Phase phase : {Phase::running, Phase::stopped}) {
        api.edit(id, [&](model::Cluster& cluster) {
            cluster.phase = phase;
            cluster.wanted =
                phase == Phase::running ? model::Wanted::running : model::Wanted::stopped;
            cluster.spec.ports = {};
        });
        EXPECT_EQ(api.post(one + "/ports", body)->json()["code"], 200);
        EXPECT_EQ(shown(api, id)["ports"], json::parse(body)["ports"]);
    }
    EXPECT_EQ(api.post(one + "/ports", R"({"ports":{"ssh":true}})")->json()["code"], 400);
    EXPECT_EQ(api.post(one + "/ports", "{}")->json()["code"], 400);
}

model::WorkerGroupSpec group(const char* type, std::int64_t disk, int count, int price = 0) {
    model::WorkerGroupSpec made{.key = {.instance_type = type, .disk_gb = disk}, .count = count};
    if (price > 0) made.key.spot = model::SpotSpec{.max_price_percent = price};
    return made;
}

TEST(WorkerGroups, an_entry_without_spot_means_the_on_demand_group_or_the_only_spot_group) {
    using compat::meant_groups;
    const auto asked = group("a", 30, 1);
    const auto spot = group("a", 30, 2, 60), other_spot = group("a", 30, 2, 90);
    const auto plain = group("a", 30, 5), other_disk = group("a", 64, 2, 60);
    const auto key_of = [&](const std::vector<model::WorkerGroupSpec>& there) {
        return meant_groups({asked}, there).front().key;
    };
    EXPECT_EQ(key_of({}), asked.key);
    EXPECT_EQ(key_of({spot}), spot.key);
    EXPECT_EQ(key_of({spot, plain}), plain.key);
    EXPECT_EQ(key_of({spot, other_spot}), asked.key);
    EXPECT_EQ(key_of({other_disk}), asked.key);
    EXPECT_EQ(meant_groups({group("a", 30, 1, 90)}, {spot}).front().key.spot->max_price_percent,
              90);
}

TEST(WorkerGroups, increments_and_decrements_end_in_the_counts_that_were_meant) {
    TestApi api;
    const std::string id = create(api), one = "/api/clusters/" + id;
    set_phase(api, id, Phase::running);
    const auto change = [&](const char* method, const char* groups) {
        const auto reply = api.ask({.method = method,
                                    .target = one + "/workers",
                                    .body = std::string("{\"workers\":") + groups + "}"});
        EXPECT_EQ(reply->json()["code"], 200) << reply->body;
        std::vector<int> counts;
        const json cluster = shown(api, id);
        for (const json& each : cluster["clusterConfiguration"]["workers"])
            counts.push_back(each["count"]);
        return counts;
    };
    using Counts = std::vector<int>;
    EXPECT_EQ(change("POST", R"([{"instanceType":"Standard_D4_v3","diskSize":256,"count":1},
                           {"instanceType":"Standard_D4_v3","diskSize":512,"count":2}])"),
              (Counts{3, 3}));
    EXPECT_EQ(change("DELETE", R"([{"instanceType":"Standard_D4_v3","diskSize":512,"count":1},
                             {"instanceType":"Unknown","diskSize":1,"count":0}])"),
              (Counts{3, 2}));
    EXPECT_EQ(change("DELETE", R"([{"instanceType":"Standard_D4_v3","diskSize":512,"count":2,
                              "spotInfo":{"maxPrice":60,"fallBackOnDemand":true}}])"),
              (Counts{3}));
    EXPECT_EQ(change("DELETE", R"([{"instanceType":"Unknown","diskSize":512,"count":4}])"),
              (Counts{3}));
}

}  // namespace
}  // namespace hopyard::api
