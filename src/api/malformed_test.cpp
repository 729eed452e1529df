// Bad input of every kind: a clear error with field, rule and remedy, and nothing half made.
#include "api/test_rig.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

void expect_refused(const Caught& reply, const std::string& code, const std::string& field) {
    EXPECT_GE(reply.status, 400);
    EXPECT_LT(reply.status, 500);
    const json problem = reply.json();
    ASSERT_TRUE(problem.is_object()) << reply.body;
    EXPECT_EQ(problem["code"], code) << reply.body;
    EXPECT_EQ(problem.value("field", ""), field) << reply.body;
    EXPECT_NE(problem.value("detail", ""), "") << reply.body;
    EXPECT_NE(problem.value("owner", ""), "") << reply.body;
    EXPECT_NE(problem.value("nextAction", ""), "") << reply.body;
    EXPECT_EQ(problem["status"], reply.status);
}

void expect_nothing_made(TestApi& api) {
    EXPECT_EQ(api.get("/v1/clusters")->json()["items"].size(), 0u);
    EXPECT_EQ(api.get("/v1/activity")->json()["items"].size(), 0u);
    EXPECT_EQ(api.wake.count, 0);
    EXPECT_TRUE(api.cloud.claims.empty());
}

struct Fault {
    const char* name;
    std::function<void(TestApi&, json& spec)> spoil;
    const char* code;
    const char* field;
};

const Fault faults[] = {
    {"name malformed",
     [](TestApi&, json& s) { s["name"] = "Bad_Name"; },
     "name_malformed",
     "/name"},
    {"name missing", [](TestApi&, json& s) { s.erase("name"); }, "name_malformed", "/name"},
    {"unknown size",
     [](TestApi&, json& s) { s["head"]["instanceType"] = "Nothing"; },
     "no_such_size",
     "/head/instanceType"},
    {"size not offered here",
     [](TestApi&, json& s) { s["workers"][0]["instanceType"] = "Gone_v1"; },
     "size_unavailable",
     "/workers/0/instanceType"},
    {"unknown group",
     [](TestApi&, json& s) { s["resourceGroup"] = "nowhere"; },
     "no_such_group",
     "/resourceGroup"},
    {"unknown location",
     [](TestApi&, json& s) { s["location"] = "nowhere"; },
     "no_such_location",
     "/location"},
    {"unknown key", [](TestApi&, json& s) { s["sshKey"] = "other"; }, "no_such_key", "/sshKey"},
    {"unknown identity",
     [](TestApi&, json& s) { s["identity"] = "other"; },
     "no_such_identity",
     "/identity"},
    {"unknown account",
     [](TestApi&, json& s) { s["storage"]["account"] = "other"; },
     "no_such_account",
     "/storage/account"},
    {"container claimed",
     [](TestApi& api, json& s) {
         s["storage"]["container"] = "box";
         api.cloud.claims[{"labstore", "box"}] = "another/c-1";
     },
     "container_claimed",
     "/storage/container"},
    {"container's name malformed",
     [](TestApi&, json& s) { s["storage"]["container"] = "Bad--Name"; },
     "container_name",
     "/storage/container"},
    {"negative count",
     [](TestApi&, json& s) { s["workers"][0]["count"] = -1; },
     "worker_count",
     "/workers/0/count"},
    {"beyond quota",
     [](TestApi&, json& s) { s["workers"][0]["count"] = 900; },
     "quota_exceeded",
     "/workers"},
    {"disk too small",
     [](TestApi&, json& s) { s["head"]["diskGb"] = 1; },
     "disk_size",
     "/head/diskGb"},
    {"subnet outside the network",
     [](TestApi&, json& s) {
         s["network"] = {{"virtualNetworkCidr", "10.1.0.0/16"}, {"subnetCidr", "10.2.0.0/24"}};
     },
     "subnet_outside_network",
     "/network/subnetCidr"},
    {"range of another network",
     [](TestApi& api, json& s) {
         api.catalog.all_networks = {
             {.name = "theirs", .location = "here", .cidrs = {"10.1.0.0/16"}}};
         s["network"] = {{"virtualNetworkCidr", "10.1.128.0/17"}};
     },
     "range_overlaps",
     "/network/virtualNetworkCidr"},
    {"security group that is closed",
     [](TestApi& api, json& s) {
         api.catalog.groups_of_rules = {{.name = "closed", .location = "here", .rules = {}}};
         s["network"] = {{"securityGroup", "closed"}};
     },
     "security_group_closed",
     "/network/securityGroup"},
    {"script without shebang",
     [](TestApi&, json& s) {
         s["initScript"] = {{"text", "echo"}};
     },
     "shebang_missing",
     "/initScript/text"},
    {"wrong type",
     [](TestApi&, json& s) { s["workers"][0]["count"] = "two"; },
     "wrong_type",
     "/workers/0/count"},
    {"fraction",
     [](TestApi&, json& s) { s["head"]["diskGb"] = 64.5; },
     "wrong_type",
     "/head/diskGb"},
    {"unknown field",
     [](TestApi&, json& s) { s["haed"] = json::object(); },
     "unknown_field",
     "/haed"},
    {"tag of ours",
     [](TestApi&, json& s) {
         s["tags"] = {{"hopyard-cluster", "x"}};
     },
     "tag_reserved",
     "/tags/hopyard-cluster"},
    {"LDAP",
     [](TestApi&, json& s) { s["userManagement"] = "ldap"; },
     "feature_unavailable",
     "/userManagement"},
    {"several database nodes",
     [](TestApi&, json& s) {
         s["wire"] = {{"ronDB", {{"ndbd", {{"count", 2}}}}}};
     },
     "feature_unavailable",
     "/wire/ronDB"},
    {"AKS",
     [](TestApi&, json& s) {
         s["wire"] = {{"aksClusterName", "aks"}};
     },
     "feature_unavailable",
     "/wire/aksClusterName"},
    {"unknown field of the other wire",
     [](TestApi&, json& s) {
         s["wire"] = {{"ecrRegistry", "x"}};
     },
     "unknown_field",
     "/wire/ecrRegistry"},
};

TEST(BadInput, ends_in_a_clear_refusal_with_nothing_made) {
    for (const Fault& fault : faults) {
        SCOPED_TRACE(fault.name);
        TestApi api;
        json spec = TestApi::spec();
        fault.spoil(api, spec);
        api.wake.count = 0;
        const auto claims = api.cloud.claims;
        expect_refused(*api.post("/v1/clusters", spec.dump()), fault.code, fault.field);
        api.cloud.claims.clear();
        expect_nothing_made(api);
    }
}

TEST(BadInput, an_identity_without_rights_names_the_remedy) {
    TestApi api;
    api.catalog.rights = {{.actions = {"*"}}};
    cloud::OneCloud clouds(
        api.catalog, api.cloud, {.identity_data = {{"blobs/write", "write blobs"}}});
    control::Commands commands(*api.store, clouds, api.wake, api.clock, api.random, {});
    Service service({.store = *api.store,
                     .commands = commands,
                     .sessions = api.sessions,
                     .clouds = clouds,
                     .clock = api.clock,
                     .random = api.random},
                    {.version = "1"});
    http::Request request{.method = "POST",
                          .target = "/v1/clusters",
                          .headers = {{"x-api-key", api.administrator.reveal()}},
                          .body = TestApi::spec().dump()};
    const auto caught = std::make_shared<Caught>();
    service.people()(request,
                     http::Responder(std::make_shared<http::Exchange>(caught, caught->progress)));
    expect_refused(*caught, "identity_without_rights", "/identity");
    EXPECT_EQ(caught->status, 409);
}

TEST(BadInput, a_taken_name_is_refused) {
    TestApi api;
    api.create();
    expect_refused(*api.post("/v1/clusters", TestApi::spec().dump()), "name_taken", "/name");
    EXPECT_EQ(api.get("/v1/clusters")->json()["items"].size(), 1u);
}

TEST(BadInput, texts_that_are_no_json_are_refused_whatever_they_are) {
    TestApi api;
    const std::string deep(40, '[');
    const std::pair<std::string, const char*> bodies[] = {
        {"", "malformed_json"},
        {"{", "malformed_json"},
        {"nonsense", "malformed_json"},
        {"{\"name\":\"\xff\"}", "malformed_json"},
        {"[]", "wrong_type"},
        {"7", "wrong_type"},
        {R"({"name":"a","name":"b"})", "duplicate_member"},
        {deep, "too_deep"},
        {std::string(100'000, '{'), "too_deep"},
        {"\"" + std::string((1u << 20) + 1, 'x') + "\"", "too_large"}};
    for (const auto& [body, code] : bodies)
        for (const char* target : {"/v1/clusters", "/v1/cloud/prepare", "/v1/api-keys"}) {
            SCOPED_TRACE(body.substr(0, 40));
            expect_refused(*api.post(target, body), code, "");
        }
    expect_nothing_made(api);
}

TEST(BadInput, yaml_is_read_as_strictly_as_json) {
    TestApi api;
    const auto send = [&](const std::string& body) {
        return api.ask({.method = "POST",
                        .target = "/v1/clusters",
                        .body = body,
                        .headers = {{"Content-Type", "application/yaml"}}});
    };
    for (const char* body : {"name: [", "- a\n- b\n", "nmae: demo\n", "&a [*a]"}) {
        const auto refused = send(body);
        EXPECT_EQ(refused->status, 400) << body << refused->body;
        EXPECT_NE(refused->json().value("nextAction", ""), "") << body;
    }
    expect_nothing_made(api);
}

TEST(BadInput, bodies_of_another_type_and_bodies_where_none_belongs) {
    TestApi api;
    const auto form = api.ask({.method = "POST",
                               .target = "/v1/clusters",
                               .body = "name=demo",
                               .headers = {{"Content-Type", "application/x-www-form-urlencoded"}}});
    EXPECT_EQ(form->status, 415);
    expect_refused(*form, "media_type", "");
    const std::string id = api.create();
    expect_refused(
        *api.post("/v1/clusters/" + id + "/stop", R"({"force":true})"), "unexpected_body", "");
    EXPECT_EQ(api.post("/v1/clusters/" + id + "/stop", "{}")->status, 202);
}

TEST(BadInput, an_unreachable_cloud_is_no_fault_of_the_request_and_makes_nothing) {
    TestApi api;
    api.catalog.broken = Error{.kind = ErrorKind::unavailable,
                               .code = "no_route",
                               .message = "the cloud does not answer",
                               .owner = Owner::cloud,
                               .next_action = "Wait."};
    const auto refused = api.post("/v1/clusters", TestApi::spec().dump());
    EXPECT_EQ(refused->status, 503);
    EXPECT_EQ(refused->json()["code"], "fact_unread");
    EXPECT_EQ(api.get("/v1/cloud/groups")->status, 503);
    expect_nothing_made(api);
}

TEST(BadInput, a_refusal_of_the_cloud_never_looks_like_one_of_the_key) {
    TestApi api;
    for (const ErrorKind kind : {ErrorKind::unauthenticated, ErrorKind::permission_denied}) {
        api.catalog.broken = Error{.kind = kind, .code = "AuthorizationFailed", .message = "no"};
        EXPECT_EQ(api.get("/v1/cloud/groups")->status, 502);
    }
    api.catalog.broken = Error{.kind = ErrorKind::rate_limited,
                               .code = "too_many",
                               .message = "slower",
                               .retry_after = Milliseconds(1500)};
    const auto throttled = api.get("/v1/cloud/groups");
    EXPECT_EQ(throttled->status, 429);
    EXPECT_EQ(throttled->headers.get("Retry-After"), "2");
}

TEST(Paths, unknown_ones_and_other_methods_are_told_apart) {
    TestApi api;
    expect_refused(*api.get("/v1/nothing"), "no_such_path", "");
    const auto other = api.ask({.method = "PATCH", .target = "/v1/clusters"});
    EXPECT_EQ(other->status, 405);
    EXPECT_EQ(other->headers.get("Allow"), "GET, POST, HEAD");
    expect_refused(*other, "method_not_allowed", "");
}

TEST(Paths, later_features_are_refused_in_words) {
    TestApi api;
    const std::string id = api.create();
    for (const std::string& target : {std::string("/v1/backups"), "/v1/clusters/" + id + "/ldap"}) {
        const auto refused = api.get(target);
        EXPECT_EQ(refused->status, 501) << target;
        EXPECT_EQ(refused->json()["code"], "feature_unavailable") << target;
    }
}

TEST(Requests, are_told_apart_by_an_id_that_the_client_may_choose) {
    TestApi api;
    const auto given =
        api.ask({.target = "/v1/clusters/c-none", .headers = {{"X-Request-Id", "r-7"}}});
    EXPECT_EQ(given->headers.get("X-Request-Id"), "r-7");
    EXPECT_EQ(given->json()["requestId"], "r-7");
    const auto forged =
        api.ask({.target = "/v1/version", .headers = {{"X-Request-Id", "a\r\nb: c"}}});
    EXPECT_EQ(forged->headers.get("X-Request-Id").size(), 16u);
    EXPECT_NE(api.get("/v1/version")->headers.get("X-Request-Id"),
              api.get("/v1/version")->headers.get("X-Request-Id"));
}

}  // namespace
}  // namespace hopyard::api
