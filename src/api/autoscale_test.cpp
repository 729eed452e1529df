// The autoscaler over the API: policy, adoption, decisions, protection.
#include <gtest/gtest.h>

#include "api/test_rig.h"
#include "decide/scale/record.h"

namespace hopyard::api {
namespace {

using nlohmann::json;

constexpr const char* policy =
    R"({"general":{"instanceType":"Standard_D4_v3","minWorkers":1,"maxWorkers":5}})";

class AutoscaleApi : public testing::Test {
  protected:
    AutoscaleApi() : id_(api_.create()), path_("/v1/clusters/" + id_ + "/autoscale") {}

    json state() { return api_.get(path_)->json(); }
    json spec() { return api_.get("/v1/clusters/" + id_)->json()["spec"]; }

    TestApi api_;
    const std::string id_;
    const std::string path_;
};

TEST_F(AutoscaleApi, a_policy_is_set_shown_with_its_defaults_and_cleared) {
    EXPECT_EQ(state()["autoscale"], nullptr);
    const auto set = api_.put(path_, policy);
    ASSERT_EQ(set->status, 202) << set->body;
    const json general = state()["autoscale"]["general"];
    EXPECT_EQ(general["minWorkers"], 1);
    EXPECT_EQ(general["standbyWorkers"], 0.5);
    EXPECT_EQ(general["downscaleWaitSeconds"], 300);
    EXPECT_EQ(spec()["autoscale"]["general"], general);
    EXPECT_EQ(api_.ask({.method = "DELETE", .target = path_})->status, 202);
    EXPECT_EQ(state()["autoscale"], nullptr);
    EXPECT_FALSE(spec().contains("autoscale"));
}

TEST_F(AutoscaleApi, bad_policies_are_refused_with_the_field) {
    const std::pair<const char*, const char*> bad[] = {
        {R"({})", "/general"},
        {R"({"general":{"instanceType":"Standard_D4_v3","minWorkers":9,"maxWorkers":5}})",
         "/autoscale/general/maxWorkers"},
        {R"({"general":{"instanceType":"Standard_D4_v3","standbyWorkers":99}})",
         "/autoscale/general/standbyWorkers"},
        {R"({"general":{"instanceType":"Standard_None"}})", "/autoscale/general/instanceType"},
        {R"({"general":{"instanceType":"Standard_D4_v3"},"gpu":{"instanceType":"Standard_D2_v3"}})",
         "/autoscale/gpu/instanceType"},
        {R"({"general":{"instanceType":"Standard_D4_v3"},"colour":1})", "/colour"}};
    for (const auto& [body, field] : bad) {
        const auto refused = api_.put(path_, body);
        EXPECT_EQ(refused->status / 100, 4) << body;
        EXPECT_EQ(refused->json()["field"], field) << refused->body;
    }
    EXPECT_EQ(state()["autoscale"], nullptr);
}

TEST_F(AutoscaleApi, decisions_are_listed_newest_first_and_can_be_made_again) {
    decide::scale::Situation situation{.mode = model::AutoscaleMode::adaptive};
    situation.general.policy = {.instance_type = "a", .min_workers = 2};
    situation.general.kinds = {{.key = {.instance_type = "a"}, .size = {.cpus = 2}}};
    const auto made = decide::scale::decide(situation);
    ASSERT_TRUE(api_.store->write([&](store::Transaction& t) -> Result<void> {
        for (int i = 0; i < 3; ++i) {
            model::DecisionRecord record{.cluster = ClusterId(id_),
                                         .situation_json = decide::scale::to_json(situation),
                                         .decision_json = decide::scale::to_json(made)};
            RETURN_IF_ERROR(t.append(record));
        }
        return {};
    }));
    const json page = api_.get(path_ + "/decisions?limit=2&situation=true")->json();
    ASSERT_EQ(page["items"].size(), 2u);
    EXPECT_EQ(page["items"][0]["number"], 3);
    EXPECT_EQ(page["items"][0]["decision"]["steps"][0]["rule"], "minimum");
    const auto again = decide::scale::situation_from_json(page["items"][0]["situation"].dump());
    ASSERT_TRUE(again);
    EXPECT_EQ(decide::scale::decide(*again), made);
    const json rest = api_.get(path_ + "/decisions?before=" + page["next"].dump())->json();
    EXPECT_EQ(rest["items"].size(), 1u);
    EXPECT_EQ(rest["next"], nullptr);
    EXPECT_FALSE(rest["items"][0].contains("situation"));
}

}  // namespace
}  // namespace hopyard::api
