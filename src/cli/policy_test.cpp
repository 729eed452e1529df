// A group's policy from flags, and back into words.
#include "cli/policy.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/policy_words.h"
#include "cli/test_server.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

json policy_of(const AutoscaleOptions& options, json before = {}) {
    const auto applied = apply_flags(before, options);
    EXPECT_TRUE(applied) << (applied ? "" : applied.error().message);
    return before;
}

TEST(Policy, every_part_of_a_group_can_be_said_in_flags) {
    AutoscaleOptions options;
    options.general = {.instance_type = "D4",
                       .spot = "80",
                       .standby_shape = "cpus=4,memoryMb=16384,gpus=1,count=2",
                       .spot_fallback = false,
                       .schedule = {"mon-fri 08:00-18:00 min=2", "22:00-06:00 min=0"}};
    const json wanted = json::parse(R"({"general": {"instanceType": "D4",
        "spot": {"maxPricePercent": 80, "fallBackOnDemand": false},
        "standbyShape": {"cpus": 4, "memoryMb": 16384, "gpus": 1, "count": 2},
        "schedule": [{"days": ["mon", "tue", "wed", "thu", "fri"],
                      "from": "08:00", "to": "18:00", "minWorkers": 2},
                     {"from": "22:00", "to": "06:00", "minWorkers": 0}]}})");
    EXPECT_EQ(policy_of(options), wanted);
    AutoscaleOptions nothing;
    EXPECT_EQ(policy_of(nothing, wanted), wanted) << "what is not named stays";
    nothing.general = {
        .fallback_types = {"off"}, .spot = "off", .standby_shape = "off", .schedule = {"off"}};
    EXPECT_EQ(policy_of(nothing, wanted), json::parse(R"({"general": {"instanceType": "D4"}})"));
}

TEST(Policy, a_spot_price_and_its_fallback_change_apart) {
    AutoscaleOptions options;
    options.gpu.spot = "55";
    const auto with = [](int percent, bool fallback) {
        return json{
            {"gpu", {{"spot", {{"maxPricePercent", percent}, {"fallBackOnDemand", fallback}}}}}};
    };
    EXPECT_EQ(policy_of(options, with(80, false)), with(55, false));
    AutoscaleOptions fallback;
    fallback.gpu.spot_fallback = true;
    EXPECT_EQ(policy_of(fallback, with(80, false)), with(80, true));
}

TEST(Policy, what_cannot_be_sent_is_refused_with_the_flag_the_rule_and_the_remedy) {
    const auto refused = [](const AutoscaleGroupOptions& group, const std::string& flag) {
        AutoscaleOptions options;
        options.gpu = group;
        json policy;
        const auto applied = apply_flags(policy, options);
        ASSERT_FALSE(applied) << policy;
        EXPECT_EQ(applied.error().field, flag);
        EXPECT_FALSE(applied.error().message.empty());
        EXPECT_FALSE(applied.error().next_action.empty());
        EXPECT_TRUE(policy.is_null());
    };
    for (const char* text : {"cheap", "80%", "8.5"}) refused({.spot = text}, "--gpu-spot");
    refused({.spot_fallback = true}, "--gpu-spot-fallback");
    refused({.spot = "off", .spot_fallback = true}, "--gpu-spot-fallback");
    for (const char* text : {"4", "cpus", "cpus=four", "cores=4", "cpus=4,cpus=5", "cpus=4;gpus=1"})
        refused({.standby_shape = text}, "--gpu-standby-shape");
    for (const char* text : {"mon",
                             "08:00-18:00",
                             "min=2",
                             "8:00-18:00 min=2",
                             "08:00 18:00 min=2",
                             "monday 08:00-18:00 min=2",
                             "mon-xyz 08:00-18:00 min=2",
                             "mon 08:00-18:00 min=two",
                             "mon 08:00-18:00 min=2 max=3"})
        refused({.schedule = {text}}, "--gpu-schedule");
    refused({.schedule = {"off", "mon 08:00-18:00 min=2"}}, "--gpu-schedule");
}

TEST(Policy, words_are_read_back_as_they_are_written) {
    for (const char* text : {"mon-fri 08:00-18:00 min=2",
                             "mon,tue 00:00-24:00 min=0",
                             "mon-wed,fri-sun 22:00-06:00 min=9",
                             "sun,mon 08:30-09:15 min=1",
                             "08:00-18:00 min=3"}) {
        AutoscaleOptions options;
        options.general.schedule = {text};
        EXPECT_EQ(entry_in_words(policy_of(options)["general"]["schedule"][0]), text);
    }
    AutoscaleOptions over_the_week;
    over_the_week.general.schedule = {"fri-mon 08:00-18:00 min=1"};
    EXPECT_EQ(policy_of(over_the_week)["general"]["schedule"][0]["days"],
              json::parse(R"(["fri", "sat", "sun", "mon"])"));
    for (const char* text : {"cpus=4,memoryMb=512,count=3", "gpus=1,count=1"}) {
        AutoscaleOptions options;
        options.general.standby_shape = text;
        EXPECT_EQ(shape_in_words(policy_of(options)["general"]["standbyShape"]), text);
    }
}

TEST(Policy, is_shown_in_the_words_of_its_flags) {
    ScriptedServer server;
    server.reply("GET /v1/clusters",
                 200,
                 R"({"items": [{"id": "c1", "name": "demo", "spec": {"name": "demo"}}]})");
    server.reply("GET /v1/clusters/c1", 200, R"({"id": "c1", "name": "demo"})");
    server.reply("GET /v1/clusters/c1/autoscale", 200, R"({"workers": 0, "autoscale": {
        "mode": "standard", "general": {"instanceType": "D4", "fallbackTypes": ["D8"],
        "spot": {"maxPricePercent": 80, "fallBackOnDemand": false},
        "standbyShape": {"cpus": 4, "memoryMb": 16384, "gpus": 0, "count": 2},
        "schedule": [{"days": ["mon", "tue", "wed", "thu", "fri"],
                      "from": "08:00", "to": "18:00", "minWorkers": 2}]}}})");
    Session session = server.session();
    testing::internal::CaptureStdout();
    EXPECT_EQ(autoscale_show(session, {}, "demo"), exit_ok);
    const std::string shown = testing::internal::GetCapturedStdout();
    for (const char* line : {" fallback D8\n",
                             " spot 80\n",
                             " spot-fallback no\n",
                             " standby-shape cpus=4,memoryMb=16384,count=2\n",
                             " schedule mon-fri 08:00-18:00 min=2\n"})
        EXPECT_NE(shown.find(line), std::string::npos) << line << shown;
}

}  // namespace
}  // namespace hopyard::cli
