// Whole lives of clusters as four releases of the public Terraform provider lead them.
#include <gtest/gtest.h>

#include "client.h"

namespace hopyard::conformance {
namespace {

using nlohmann::json;

Group plain(int count, const char* type = "Standard_D4_v3", int disk = 256) {
    return {.type = type, .disk = disk, .count = count};
}

Group spot(int count, int price = 60) {
    return {.type = "Standard_D2_v3",
            .disk = 512,
            .count = count,
            .spot = Spot{.max_price = price, .fall_back = true}};
}

Config config_for(const Release& release) {
    Config config{.workers = {plain(2)}};
    if (release.since(400)) config.workers.push_back(spot(1));
    if (release.since(10000)) config.single_node = "Standard_D4_v3";
    if (release.since(1100)) config.domain_prefix = "lab";
    return config;
}

class Conformance : public testing::TestWithParam<Release> {
  protected:
    void make_running(const Config& config) {
        client.create(config);
        ASSERT_NE(client.id(), "");
        EXPECT_EQ(client.wait(Wait::running), "");
    }
    Ground ground;
    Client client{ground, GetParam()};
};

TEST_P(Conformance, a_new_cluster_shows_everything_from_its_first_look_on) {
    client.create(config_for(GetParam()));
    ASSERT_NE(client.id(), "");
    client.expect_no_drift();
    EXPECT_EQ(client.wait(Wait::running), "");
    client.expect_no_drift();
    const json state = client.read();
    EXPECT_GT(state["createdOn"], 1'700'000'000);
    EXPECT_GE(state["startedOn"], state["createdOn"]);
    if (GetParam().since(900)) {
        EXPECT_NE(state["clusterConfiguration"]["head"]["nodeId"], "");
    }
    if (GetParam().since(10100)) {
        EXPECT_EQ(state["clusterConfiguration"]["workers"][0]["privateIps"].size(), 2u);
    }
}

TEST_P(Conformance, ports_open_after_creation_and_on_a_stopped_cluster) {
    make_running(config_for(GetParam()));
    client.set_ports({.feature_store = true, .ssh = true});
    client.expect_no_drift();
    client.stop();
    client.set_ports({.kafka = true});
    client.expect_no_drift();
    client.start();
    client.expect_no_drift();
}

TEST_P(Conformance, workers_grow_shrink_come_and_go) {
    make_running(config_for(GetParam()));
    const bool spots = GetParam().since(400);
    const auto with_spot = [&](std::vector<Group> groups, int count) {
        if (spots && count > 0) groups.push_back(spot(count));
        return groups;
    };
    const std::vector<std::vector<Group>> steps = {
        with_spot({plain(3)}, 1),                                  // up
        with_spot({plain(1)}, 1),                                  // down
        with_spot({plain(1), plain(2, "Standard_D4_v3", 64)}, 1),  // a new group
        with_spot({plain(1), plain(1, "Standard_D4_v3", 64)}, 3),  // one down, the spot group up
        with_spot({plain(2, "Standard_D4_v3", 64)}, 2),            // one gone, one up, spot down
        with_spot({}, 2),                                          // only spot
        {}};                                                       // none
    for (const auto& groups : steps) {
        client.set_workers(groups);
        client.expect_no_drift();
    }
    client.set_workers(with_spot({plain(1)}, 1));
    client.expect_no_drift();
}

TEST_P(Conformance, a_stopped_cluster_shows_its_workers_and_gets_them_back) {
    make_running(config_for(GetParam()));
    client.stop();
    client.expect_no_drift();
    for (const std::string& left : ground.left_in_cloud())
        EXPECT_FALSE(left.starts_with("machine ") && left.find("head") == std::string::npos)
            << left;
    client.start();
    client.expect_no_drift();
}

TEST_P(Conformance, types_change_while_it_is_stopped_and_are_seen_at_once) {
    if (!GetParam().since(800)) {
        // Such releases replace the cluster instead: nothing to ask of the server.
        EXPECT_FALSE(GetParam().since(800));
        return;
    }
    make_running(config_for(GetParam()));
    client.stop();
    client.change_type("head", "Standard_D4_v3");
    if (client.config().single_node) client.change_type("rondb_aio", "Standard_D2_v3");
    client.expect_no_drift();
    client.start();
    client.expect_no_drift();
}

TEST_P(Conformance, deletion_works_from_every_resting_state_and_leaves_nothing) {
    for (const char* from : {"pending", "running", "stopped"}) {
        SCOPED_TRACE(from);
        Config config = config_for(GetParam());
        config.container = std::string("box-") + from;
        client.create(config);
        ASSERT_NE(client.id(), "");
        if (std::string(from) != "pending") {
            EXPECT_EQ(client.wait(Wait::running), "");
        }
        if (std::string(from) == "stopped") client.stop();
        client.destroy();
        EXPECT_EQ(ground.left_in_cloud(), std::vector<std::string>{});
        EXPECT_EQ(ground.cloud.claims.count({"labstore", config.container}),
                  std::string(from) == "pending" ? 0u : 1u);
    }
    EXPECT_EQ(client.call("DELETE", "/api/clusters/" + client.id()).code(), 404);
}

TEST_P(Conformance, a_creation_that_fails_says_why_and_can_be_deleted) {
    for (int i = 0; i < 20; ++i)
        ground.cloud.fail_next_creation({.kind = ErrorKind::quota_exceeded,
                                         .code = "QuotaExceeded",
                                         .message = "12 of 10 cores",
                                         .owner = Owner::administrator,
                                         .next_action = "Have the quota raised"});
    client.create(config_for(GetParam()));
    ASSERT_NE(client.id(), "");
    const std::string shown = client.wait(Wait::running);
    EXPECT_NE(shown.find("12 of 10 cores"), std::string::npos) << shown;
    client.destroy();
    EXPECT_EQ(ground.left_in_cloud(), std::vector<std::string>{});
}

TEST_P(Conformance, an_empty_cluster_and_one_with_a_group_of_none_stay_as_they_are) {
    Config config = config_for(GetParam());
    config.workers = {};
    config.tags = {};
    config.init_script = "";
    make_running(config);
    client.expect_no_drift();
    client.destroy();
    config.workers = {plain(0), plain(1, "Standard_D2_v3", 64)};
    config.container = "another";
    make_running(config);
    client.expect_no_drift();
}

TEST_P(Conformance, an_autoscaler_comes_and_goes_without_drift) {
    make_running(config_for(GetParam()));
    client.set_workers({});
    const std::string path = "/api/clusters/" + client.id() + "/autoscale";
    const json policy = json::parse(R"({"nonGpu":{"instanceType":"Standard_D4_v3","diskSize":512,
                                        "minWorkers":0,"maxWorkers":10,"standbyWorkers":0.5,
                                        "downscaleWaitTime":300}})");
    EXPECT_TRUE(client.call("POST", path, {{"autoscale", policy}}).passes());
    EXPECT_EQ(client.wait(Wait::running), "");
    const json shown = client.read();
    if (GetParam().since(200)) {
        json group = shown["autoscale"]["nonGpu"];
        group.erase("spotInfo");  // absent: releases that know it read nothing there
        EXPECT_EQ(group, policy["nonGpu"]);
    } else {
        EXPECT_FALSE(shown.contains("autoscale")) << "the first release passes it over";
        client.expect_no_drift();
    }
    // E7 while it is enabled: these workers are static, and stay.
    client.set_workers({plain(1)});
    EXPECT_TRUE(client.call("DELETE", path).passes());
    client.expect_no_drift();
}

TEST_P(Conformance, what_is_not_made_here_is_refused_in_words) {
    make_running(config_for(GetParam()));
    const std::string one = "/api/clusters/" + client.id();
    struct Asked {
        int since;
        const char* method;
        std::string path;
        json body;
    };
    const Asked asked[] = {
        {400,
         "POST",
         "/api/backups",
         {{"backup", {{"clusterId", client.id()}, {"backupName", "nightly"}}}}},
        {400, "GET", "/api/backups", nullptr},
        {400, "POST", "/api/clusters/restore/b-1", {{"cluster", json::object()}}},
        {600, "POST", one + "/upgrade", {{"version", "3.8.0"}}}};
    for (const Asked& each : asked) {
        if (!GetParam().since(each.since)) continue;
        const auto refused = client.call(each.method, each.path, each.body);
        EXPECT_FALSE(refused.passes()) << each.path << refused.body.dump();
        EXPECT_NE(refused.message(), "") << each.path;
    }
    client.expect_no_drift();
}

TEST_P(Conformance, refused_creations_leave_nothing_and_their_message_names_the_field) {
    const auto refused = [&](const Config& config, const std::string& part) {
        Config whole = config;
        if (whole.version.empty()) whole.version = GetParam().default_version;
        const auto reply = client.call("POST", "/api/clusters", create_body(GetParam(), whole));
        EXPECT_FALSE(reply.passes()) << reply.body.dump();
        EXPECT_NE(reply.message().find(part), std::string::npos) << reply.message();
    };
    Config config = config_for(GetParam());
    config.name = "Not A Name";
    refused(config, "/name");
    config = config_for(GetParam());
    config.head_type = "Nothing";
    refused(config, "/head/instanceType");
    config = config_for(GetParam());
    config.version = "0.0.1";
    refused(config, "version");
    EXPECT_EQ(client.call("GET", "/api/clusters").body["payload"]["clusters"], json::array());
    EXPECT_TRUE(ground.cloud.claims.empty());
    make_running(config_for(GetParam()));
    refused(config_for(GetParam()), "/name");
}

TEST_P(Conformance, data_sources_find_what_they_look_for) {
    if (GetParam().since(200)) {
        const std::string query = GetParam().since(10000) ? "&region=here" : "";
        const json types =
            client.call("GET", "/api/clusters/nodes/supported-types?cloud=AZURE" + query)
                .body["payload"]["azure"];
        std::vector<json> lists = {types["head"], types["worker"]};
        for (const char* kind : {"mgmd", "ndbd", "mysqld", "api"})
            lists.push_back(types["ronDB"][kind]);
        for (const json& list : lists) {
            ASSERT_FALSE(list.empty());
            for (const json& type : list) {
                EXPECT_TRUE(type["id"].is_string());
                EXPECT_TRUE(type["cpus"].is_number_integer());
                EXPECT_TRUE(type["memory"].is_number());
                EXPECT_TRUE(type["gpus"].is_number_integer());
                EXPECT_TRUE(type["withNVMe"].is_boolean());
            }
        }
    }
    if (!GetParam().since(600)) return;
    const json versions =
        client.call("GET", "/api/clusters/hopsworks/versions/AZURE").body["payload"]["versions"];
    const auto own = std::find_if(versions.begin(), versions.end(), [&](const json& version) {
        return version["version"] == GetParam().default_version;
    });
    ASSERT_NE(own, versions.end());
    EXPECT_TRUE((*own)["regions"]["ubuntu"].is_array());
    EXPECT_TRUE((*own)["default"].is_boolean());
}

TEST_P(Conformance, a_key_that_is_not_known_is_a_plain_403) {
    http::Client stranger({});
    http::OutgoingRequest request{.url = ground.url() + "/api/clusters"};
    request.headers.set("x-api-key", "");
    const auto reply = stranger.send(request);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 403);
}

INSTANTIATE_TEST_SUITE_P(Releases,
                         Conformance,
                         testing::ValuesIn(releases),
                         [](const testing::TestParamInfo<Release>& release) {
                             std::string name = std::string("r") + release.param.name;
                             std::replace(name.begin(), name.end(), '.', '_');
                             return name;
                         });

}  // namespace
}  // namespace hopyard::conformance
