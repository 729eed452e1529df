#include "localcloud/network/names.h"

#include <gtest/gtest.h>

namespace hopyard::localcloud::network {
namespace {

TEST(Names, OfInterfacesHaveAtMostFifteenCharacters) {
    const Names names{"abcdefgh"};
    EXPECT_LE(names.host_link().size(), 15U);
    EXPECT_LE(uplink_in_hub("abcdefgh").size(), 15U);
    EXPECT_LE(port_at_bridge("abcdefgh").size(), 15U);
    EXPECT_EQ(bridge_of({0xac1ffe00, 24}), "bac1ffe00-24");
    EXPECT_LE(bridge_of({0xffffffff, 32}).size(), 15U);
}

TEST(Names, OfOneInstanceAreNeverAnothers) {
    const Names short_one{"a"}, long_one{"ab"};
    EXPECT_FALSE(long_one.hub().starts_with(short_one.prefix()));
    EXPECT_FALSE(Names{"a"}.machine("x").starts_with(Names{"am"}.prefix()));
    EXPECT_NE(short_one.blackhole_metric(), long_one.blackhole_metric());
}

TEST(Names, OfNetworksPortsMachinesAndHubDiffer) {
    const Names names{"a"};
    EXPECT_EQ(names.hub(), "hy-a-hub");
    EXPECT_EQ(names.network("x1"), "hy-a-n-x1");
    EXPECT_EQ(names.port("x1"), "hy-a-p-x1");
    EXPECT_EQ(names.machine("x1"), "hy-a-m-x1");
}

TEST(Names, ABlackholesMetricIsHigherThanAnyRealRoutes) {
    for (const auto* instance : {"a", "demo", "zzzzzzzz", "0"})
        EXPECT_GE(Names{instance}.blackhole_metric(), 0xF0000000U);
}

TEST(ShortIds, AreOneToEightLowerCaseLettersAndDigits) {
    for (const auto* id : {"a", "0", "abcdefgh", "x1y2z3"})
        EXPECT_TRUE(check_short_id("port", id)) << id;
    for (const auto* id : {"", "abcdefghi", "A", "a-b", "a/b", "..", "a b", "\xc3\xa4"}) {
        const auto refused = check_short_id("port", id);
        ASSERT_FALSE(refused) << id;
        EXPECT_EQ(refused.error().code, "malformed_id");
    }
}

}  // namespace
}  // namespace hopyard::localcloud::network
