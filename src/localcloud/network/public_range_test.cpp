#include "localcloud/network/public_range.h"

#include <gtest/gtest.h>

namespace hopyard::localcloud::network {
namespace {

std::vector<Route> routes_to(std::initializer_list<const char*> prefixes) {
    std::vector<Route> routes;
    for (const auto* prefix : prefixes) routes.push_back({.destination = *parse_prefix(prefix)});
    return routes;
}

TEST(PublicRange, OfAnInstanceIsTheSameEachTime) {
    const auto first = pick_public_range(Names{"abc"}, {});
    ASSERT_TRUE(first);
    EXPECT_EQ(first, pick_public_range(Names{"abc"}, routes_to({"0.0.0.0/0"})));
    EXPECT_TRUE(parse_prefix("198.18.0.0/17")->contains(first->first()));
    EXPECT_EQ(first->length, 24);
}

TEST(PublicRange, IsNotOneThatAnotherInstanceHasARouteTo) {
    const Names names{"abc"};
    const auto first = *pick_public_range(names, {});
    const auto second = pick_public_range(names, {{.destination = first}});
    ASSERT_TRUE(second);
    EXPECT_NE(first, *second);
    // A part of it is enough.
    const Prefix part{first.base + 16, 28};
    EXPECT_EQ(pick_public_range(names, {{.destination = part}}), second);
}

TEST(PublicRange, IsNoneWhenAllAreTaken) {
    EXPECT_FALSE(pick_public_range(Names{"abc"}, routes_to({"198.18.0.0/15"})));
}

}  // namespace
}  // namespace hopyard::localcloud::network
