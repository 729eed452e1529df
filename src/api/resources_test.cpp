// What a cluster is made of in the cloud, as it is shown.
#include "api/test_rig.h"
#include "control/durations.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

model::Resource machine(const std::string& cluster, const std::string& name) {
    return {.name = {.resource_group = "lab", .parent = "", .name = name},
            .cluster = ClusterId(cluster),
            .node = NodeId(name)};
}

void put(TestApi& api, model::Resource row) {
    const auto written = api.store->write([&](store::Transaction& t) { return t.put(row); });
    ASSERT_TRUE(written) << written.error().message;
}

json shown(TestApi& api, const std::string& cluster, const std::string& name) {
    const json all = api.get("/v1/clusters/" + cluster + "/resources")->json();
    for (const json& item : all["items"])
        if (item["name"] == name) return item;
    return nullptr;
}

TEST(Resources, say_where_each_stands_and_what_the_clouds_support_asks_for) {
    TestApi api;
    const std::string id = api.create();
    model::Resource making = machine(id, "demo-h");
    making.operation = model::PendingOperation{
        .url = "status:https://arm.example/subscriptions/1/operations/op-17?api-version=2024-03-01",
        .started_at = api.clock.now(),
        .look_at = api.clock.now()};
    put(api, making);
    model::Resource made = machine(id, "demo-w1"), failed = machine(id, "demo-w2"),
                    leaving = machine(id, "demo-w3"), planned = machine(id, "demo-w4");
    made.made = leaving.made = true;
    leaving.wanted = false;
    failed.problem = Error{.kind = ErrorKind::quota_exceeded, .code = "quota", .message = "full"};
    failed.failed_attempts = 2;
    for (const auto& row : {made, failed, leaving, planned}) put(api, row);
    for (const char* request : {"old", "new"})
        api.write({.at = api.clock.now(),
                   .organisation = default_organisation(),
                   .cluster = ClusterId(id),
                   .code = "resource_requested",
                   .message = "machine demo-h",
                   .cloud_request_id = request});
    const json head = shown(api, id, "demo-h");
    EXPECT_EQ(head["state"], "creating");
    EXPECT_EQ(head["kind"], "machine");
    EXPECT_EQ(head["node"], "demo-h");
    EXPECT_EQ(head["operation"]["id"], "op-17");
    EXPECT_EQ(head["operation"]["verb"], "put");
    EXPECT_EQ(head["cloudRequestId"], "new");
    EXPECT_EQ(shown(api, id, "demo-w1")["state"], "ready");
    EXPECT_EQ(shown(api, id, "demo-w1")["cloudRequestId"], nullptr);
    EXPECT_EQ(shown(api, id, "demo-w2")["state"], "failed");
    EXPECT_EQ(shown(api, id, "demo-w2")["problem"]["message"], "full");
    EXPECT_EQ(shown(api, id, "demo-w3")["state"], "removing");
    EXPECT_EQ(shown(api, id, "demo-w4")["state"], "planned");
}

TEST(Resources, say_what_the_cloud_usually_takes_while_it_makes_them) {
    TestApi api;
    const std::string id = api.create();
    api.add_node(id, [] {
        model::Node node{.id = NodeId("demo-h"), .is_head = true};
        node.group.instance_type = "Small";
        return node;
    }());
    put(api, machine(id, "demo-h"));
    EXPECT_EQ(shown(api, id, "demo-h")["usualMs"], nullptr) << "nothing was made yet";
    const auto cluster = api.get("/v1/clusters/" + id)->json();
    const std::string location = cluster["spec"]["location"];
    for (const char* size : {"Small", "Large"})
        ASSERT_TRUE(api.store->write([&](store::Transaction& t) {
            return control::note_making(
                t, location, model::ResourceKind::machine, size, Seconds(size[0] == 'S' ? 40 : 90));
        }));
    EXPECT_EQ(shown(api, id, "demo-h")["usualMs"], 40'000);
    model::Resource made = machine(id, "demo-w1");
    made.made = true;
    put(api, made);
    EXPECT_EQ(shown(api, id, "demo-w1")["usualMs"], nullptr) << "it is there";
}

TEST(Resources, of_no_cluster_are_not_found) {
    TestApi api;
    EXPECT_EQ(api.get("/v1/clusters/c-none/resources")->json()["code"], "no_such_cluster");
}

}  // namespace
}  // namespace hopyard::api
