#include "decide/scale/record.h"

#include <gtest/gtest.h>

#include "decide/scale/experience.h"
#include "decide/scale/test_situation.h"

namespace hopyard::decide::scale::test {
namespace {

Situation rich_situation() {
    Situation s = with_gpu_group(situation(1, 10, 0.5), 0, 4, 0.25);
    s.mode = model::AutoscaleMode::adaptive;
    s.general.policy.fallback_types = {"other"};
    s.general.policy.spot = model::SpotSpec{.max_price_percent = 80};
    s.general.policy.standby_shape = model::StandbyShape{.each = {.cpus = 3}, .count = 2};
    s.general.policy.schedule = {
        {.days = {0, 6}, .from_minute = 480, .to_minute = 1440, .min_workers = 1}};
    s.general.kinds[0].rests_until = at_second(5);
    s.general.experience = learn(learn_boot({}, Seconds(200)), 3, at_second(-50));
    s.general.experience = learn(*s.general.experience, 1, at_second(-20));
    s.workers = {used("w1"), gpu_worker(idle("g1", 600)), coming("w2"), leaving("w3")};
    s.workers[0].busy_until = at_second(40);
    s.workers[1].is_protected = true;
    s.requests = {job("1", 2), job("2", 4, 2), job("3", 99)};
    s.requests[0].machines = {"w9"};
    s.requests[1].features = {"cmp"};
    return s;
}

TEST(Record, a_situation_comes_back_equal) {
    const Situation s = rich_situation();
    const auto read = situation_from_json(to_json(s));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, s);
}

TEST(Record, a_decision_comes_back_equal_and_is_made_again_from_its_situation) {
    const Situation s = rich_situation();
    const Decision made = decide(s);
    ASSERT_FALSE(made.steps.empty());
    const auto read = decision_from_json(to_json(made));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, made);
    EXPECT_EQ(decide(*situation_from_json(to_json(s))), made);
}

TEST(Record, what_is_malformed_is_named) {
    EXPECT_EQ(situation_from_json("[]").error().code, "record_malformed");
    const auto fault = situation_from_json(R"({"workers": [{"state": "asleep"}]})");
    ASSERT_FALSE(fault);
    EXPECT_NE(fault.error().message.find("workers"), std::string::npos);
    EXPECT_FALSE(situation_from_json(R"({"policy": {"mode": "wild"}})"));
    EXPECT_FALSE(situation_from_json(R"({"generalExperience": {"hours": [1, 2]}})"));
    EXPECT_FALSE(situation_from_json(R"({"generalExperience": {"runs": {"ended": "many"}}})"));
    EXPECT_FALSE(decision_from_json(R"({"steps": 3})"));
}

}  // namespace
}  // namespace hopyard::decide::scale::test
