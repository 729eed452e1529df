#include <gtest/gtest.h>

#include "api/test_people.h"
#include "api/test_rig.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

json by_secret(const std::string& name = "research") {
    return {{"name", name},
            {"subscription", "11111111-2222-3333-4444-555555555555"},
            {"signIn", "client_secret"},
            {"tenant", "22222222-2222-3333-4444-555555555555"},
            {"clientId", "33333333-2222-3333-4444-555555555555"},
            {"clientSecret", "canary-secret"}};
}

std::optional<Secret> stored_secret(TestApi& api) {
    std::optional<Secret> secret;
    EXPECT_TRUE(api.store->read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(secret,
                         t.secret(model::cloud_account_secret(default_organisation(), "research")));
        return {};
    }));
    return secret;
}

TEST(CloudAccounts, the_one_the_installation_was_started_with_is_always_there) {
    TestApi api;
    const json items = api.get("/v1/cloud-accounts")->json()["items"];
    ASSERT_EQ(items.size(), 1u);
    EXPECT_EQ(items[0]["name"], "default");
    EXPECT_EQ(items[0]["builtIn"], true);
    for (const char* method : {"PUT", "DELETE"}) {
        const auto reply =
            api.ask({.method = method,
                     .target = "/v1/cloud-accounts/default",
                     .body = method == std::string("PUT") ? by_secret().dump() : ""});
        EXPECT_EQ(reply->status, 409) << reply->body;
        EXPECT_EQ(reply->json()["code"], "cloud_account_built_in");
    }
}

TEST(CloudAccounts, an_account_is_tried_before_it_is_stored_and_its_secret_is_never_told) {
    TestApi api;
    const auto made = api.post("/v1/cloud-accounts", by_secret().dump());
    ASSERT_EQ(made->status, 201) << made->body;
    EXPECT_EQ(made->json()["check"]["usable"], true);
    EXPECT_EQ(stored_secret(api)->reveal(), "canary-secret");
    for (const char* target : {"/v1/cloud-accounts", "/v1/activity"})
        EXPECT_EQ(api.get(target)->body.find("canary"), std::string::npos);
    EXPECT_EQ(made->body.find("canary"), std::string::npos);
    EXPECT_EQ(api.post("/v1/cloud-accounts", by_secret().dump())->json()["code"], "name_taken");

    api.catalog.broken = Error{.kind = ErrorKind::unauthenticated,
                               .code = "invalid_client",
                               .message = "AADSTS7000215: Invalid client secret provided"};
    const auto refused = api.post("/v1/cloud-accounts", by_secret("other").dump());
    EXPECT_EQ(refused->status, 400);
    EXPECT_EQ(refused->json()["code"], "cloud_account_refused");
    EXPECT_NE(refused->body.find("AADSTS7000215"), std::string::npos);
    api.catalog.broken.reset();
    EXPECT_EQ(api.get("/v1/cloud-accounts")->json()["items"].size(), 2u);
}

TEST(CloudAccounts, another_way_to_sign_in_replaces_the_secret) {
    TestApi api;
    ASSERT_EQ(api.post("/v1/cloud-accounts", by_secret().dump())->status, 201);
    const auto changed = api.put("/v1/cloud-accounts/research", R"({"signIn":"managed_identity"})");
    EXPECT_EQ(changed->status, 200) << changed->body;
    EXPECT_EQ(changed->json()["signIn"], "managed_identity");
    EXPECT_FALSE(stored_secret(api));
}

TEST(CloudAccounts, faults_are_named_by_their_field) {
    TestApi api;
    const auto code_of = [&](const json& patch) {
        json body = by_secret();
        body.merge_patch(patch);
        const auto reply = api.post("/v1/cloud-accounts", body.dump());
        EXPECT_EQ(reply->status, 400) << reply->body;
        return reply->json().value("field", "") + " " + reply->json().value("code", "");
    };
    EXPECT_EQ(code_of({{"name", "Research"}}), "/name name_malformed");
    EXPECT_EQ(code_of({{"subscription", "mine"}}), "/subscription guid_malformed");
    EXPECT_EQ(code_of({{"tenant", nullptr}}), "/tenant guid_malformed");
    EXPECT_EQ(code_of({{"clientId", "x"}}), "/clientId guid_malformed");
    EXPECT_EQ(code_of({{"clientSecret", nullptr}}), "/clientSecret missing");
    EXPECT_EQ(code_of({{"signIn", "workload_identity"}}), "/clientSecret not_used");
    EXPECT_EQ(code_of({{"signIn", "password"}}), "/signIn unknown_value");
    EXPECT_EQ(code_of({{"federatedTokenFile", "/etc/shadow"}}),
              "/federatedTokenFile unknown_field");
}

TEST(CloudAccounts, clusters_hold_their_account) {
    TestApi api;
    json spec = TestApi::spec();
    spec["cloudAccount"] = "research";
    EXPECT_EQ(api.post("/v1/clusters", spec.dump())->json()["code"], "no_such_cloud_account");
    ASSERT_EQ(api.post("/v1/cloud-accounts", by_secret().dump())->status, 201);
    api.clouds.accounts = {{default_organisation(), "research"}};
    api.create(spec);
    const auto kept = api.remove("/v1/cloud-accounts/research");
    EXPECT_EQ(kept->status, 409);
    EXPECT_EQ(kept->json()["code"], "cloud_account_in_use");
    EXPECT_EQ(api.get("/v1/cloud-accounts")->json()["items"][1]["clusters"], 1);
    EXPECT_EQ(api.get("/v1/cloud/groups?cloudAccount=research")->status, 200);
    EXPECT_EQ(api.get("/v1/cloud/groups?cloudAccount=plant")->json()["code"],
              "no_such_cloud_account");
}

TEST(CloudAccounts, an_account_that_went_while_a_cluster_was_weighed_is_missed) {
    TestApi api;
    api.clouds.accounts = {{default_organisation(), "research"}};
    json spec = TestApi::spec();
    spec["cloudAccount"] = "research";
    EXPECT_EQ(api.post("/v1/clusters", spec.dump())->json()["code"], "no_such_cloud_account");
}

TEST(CloudAccounts, a_check_names_each_missing_action_with_its_purpose) {
    TestApi api;
    api.catalog.rights = {{.actions = {"machines/*"}}};
    const json report = api.get("/v1/cloud-accounts/default/check")->json();
    EXPECT_EQ(report["usable"], false);
    EXPECT_EQ(report["groups"][0]["name"], "lab");
    EXPECT_EQ(
        report["groups"][0]["missing"],
        json::array({{{"action", "networks/write"}, {"purpose", "create networks"}},
                     {{"action", "roles/read"}, {"purpose", "check the identity's rights"}}}));
    const json fewer = api.get("/v1/cloud-accounts/default/check?networks=false")->json();
    EXPECT_EQ(fewer["groups"][0]["missing"].size(), 1u);
    EXPECT_EQ(api.get("/v1/cloud-accounts/default/check?networks=no")->json()["code"],
              "parameter_malformed");
}

TEST(CloudAccounts, the_role_holds_what_the_check_asks_for) {
    TestApi api;
    const json role = api.get("/v1/cloud-accounts/default/role?group=lab&networks=false")->json();
    EXPECT_EQ(role["actions"].size(), 2u);
    EXPECT_EQ(role["definition"], "machines/write\nroles/read\n");
    EXPECT_EQ(role["commands"], json::array({"grant Hopyard control plane in lab"}));
    EXPECT_EQ(api.get("/v1/cloud-accounts/default/role")->json()["code"], "parameter_missing");
}

}  // namespace
}  // namespace hopyard::api
