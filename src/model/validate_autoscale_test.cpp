#include <limits>

#include <gtest/gtest.h>

#include "model/validate.h"

namespace hopyard::model {
namespace {

AutoscaleSpec good_policy() {
    AutoscaleSpec policy;
    policy.general.instance_type = "Standard_D4s_v3";
    policy.gpu.emplace().instance_type = "Standard_NC6s_v3";
    return policy;
}

std::vector<std::string> findings(const AutoscaleSpec& policy) {
    std::vector<std::string> out;
    for (const Error& error : check(policy)) {
        EXPECT_FALSE(error.message.empty());
        EXPECT_FALSE(error.next_action.empty());
        out.push_back(error.field + " " + error.code);
    }
    return out;
}

TEST(CheckAutoscale, a_policy_with_the_defaults_has_no_findings) {
    EXPECT_TRUE(findings(good_policy()).empty());
}

struct Case {
    std::function<void(ScaleSpec&)> spoil;
    const char* finding;
};

TEST(CheckAutoscale, every_rule_names_its_field_in_both_groups) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double infinite = std::numeric_limits<double>::infinity();
    const Case cases[] = {
        {[](ScaleSpec& g) { g.instance_type.clear(); }, "/instanceType missing"},
        {[](ScaleSpec& g) {
             g.fallback_types = {"a", ""};
         },
         "/fallbackTypes/1 missing"},
        {[](ScaleSpec& g) { g.fallback_types = {g.instance_type}; },
         "/fallbackTypes/0 duplicate_type"},
        {[](ScaleSpec& g) {
             g.fallback_types = {"a", "A"};
         },
         "/fallbackTypes/1 duplicate_type"},
        {[](ScaleSpec& g) { g.disk_gb = 29; }, "/diskGb disk_size"},
        {[](ScaleSpec& g) { g.spot = SpotSpec{.max_price_percent = 201}; },
         "/spot/maxPricePercent spot_price"},
        {[](ScaleSpec& g) { g.min_workers = -1; }, "/minWorkers worker_count"},
        {[](ScaleSpec& g) { g.max_workers = 1001; }, "/maxWorkers worker_count"},
        {[](ScaleSpec& g) { g.min_workers = 11; }, "/maxWorkers max_below_min"},
        {[](ScaleSpec& g) { g.standby_workers = -0.1; }, "/standbyWorkers standby_malformed"},
        {[&](ScaleSpec& g) { g.standby_workers = nan; }, "/standbyWorkers standby_malformed"},
        {[&](ScaleSpec& g) { g.standby_workers = infinite; }, "/standbyWorkers standby_malformed"},
        {[](ScaleSpec& g) { g.standby_workers = 10.5; }, "/standbyWorkers standby_above_max"},
        {[](ScaleSpec& g) { g.downscale_wait_s = -1; }, "/downscaleWaitSeconds downscale_wait"},
        {[](ScaleSpec& g) { g.downscale_wait_s = 1LL << 40; },
         "/downscaleWaitSeconds downscale_wait"},
        {[](ScaleSpec& g) { g.standby_shape.emplace(); }, "/standbyShape standby_shape_empty"},
        {[](ScaleSpec& g) { g.standby_shape = StandbyShape{.each = {.cpus = 1}, .count = 0}; },
         "/standbyShape/count standby_shape"},
        {[](ScaleSpec& g) { g.standby_shape = StandbyShape{.each = {.cpus = -1}}; },
         "/standbyShape/cpus standby_shape"},
        {[](ScaleSpec& g) { g.schedule = {{.to_minute = 60, .min_workers = 11}}; },
         "/schedule/0/minWorkers schedule_outside_bounds"},
        {[](ScaleSpec& g) { g.schedule = {{.from_minute = 1440, .to_minute = 60}}; },
         "/schedule/0/from time_malformed"},
        {[](ScaleSpec& g) { g.schedule = {{.to_minute = 1441}}; }, "/schedule/0/to time_malformed"},
        {[](ScaleSpec& g) { g.schedule = {{}}; }, "/schedule/0/to schedule_empty"},
        {[](ScaleSpec& g) {
             g.schedule = {{.days = {1, 1}, .to_minute = 60}};
         },
         "/schedule/0/days duplicate_day"},
    };
    for (const Case& bad : cases) {
        AutoscaleSpec policy = good_policy();
        bad.spoil(policy.general);
        EXPECT_EQ(findings(policy),
                  std::vector<std::string>{std::string("/general") + bad.finding});
        policy = good_policy();
        bad.spoil(*policy.gpu);
        EXPECT_EQ(findings(policy), std::vector<std::string>{std::string("/gpu") + bad.finding});
    }
}

TEST(CheckAutoscale, no_type_is_of_both_groups) {
    AutoscaleSpec policy = good_policy();
    policy.gpu->fallback_types = {"standard_d4S_v3"};
    EXPECT_EQ(findings(policy), std::vector<std::string>{"/gpu/fallbackTypes/0 duplicate_type"});
}

TEST(CheckAutoscale, in_a_specification_fields_begin_at_the_specification) {
    ClusterSpec spec;
    spec.autoscale = good_policy();
    spec.autoscale->general.disk_gb = 1;
    spec.workers = {{.key = {.instance_type = "Standard_D4s_v3"}, .count = 981}};
    std::vector<std::string> found;
    for (const Error& error : check(spec))
        if (error.field.starts_with("/autoscale")) found.push_back(error.field + " " + error.code);
    EXPECT_EQ(found,
              (std::vector<std::string>{"/autoscale/general/diskGb disk_size",
                                        "/autoscale/general/maxWorkers worker_count"}));
}

}  // namespace
}  // namespace hopyard::model
