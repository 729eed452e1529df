#include "localcloud/network/addresses.h"

#include <gtest/gtest.h>

namespace hopyard::localcloud::network {
namespace {

TEST(Addresses, AreReadAndWritten) {
    EXPECT_EQ(parse_address("10.0.0.4"), 0x0a000004U);
    EXPECT_EQ(parse_address("255.255.255.255"), 0xffffffffU);
    for (const auto* text : {"", "10.0.0", "10.0.0.256", "10.0.0.4 ", "a", "10.0.0.4.5", "::1"})
        EXPECT_FALSE(parse_address(text)) << text;
    EXPECT_EQ(to_string(Address{0xc6130001}), "198.19.0.1");
}

TEST(Prefixes, AreReadAndWritten) {
    EXPECT_EQ(parse_prefix("10.0.0.0/16"), (Prefix{0x0a000000, 16}));
    EXPECT_EQ(parse_prefix("10.0.0.4"), (Prefix{0x0a000004, 32}));
    EXPECT_EQ(parse_prefix("0.0.0.0/0"), (Prefix{0, 0}));
    for (const auto* text :
         {"10.0.0.4/24", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "/8", ""})
        EXPECT_FALSE(parse_prefix(text)) << text;
    EXPECT_EQ(to_string(Prefix{0x0a000000, 16}), "10.0.0.0/16");
}

TEST(Prefixes, KnowTheirFirstAndLastAddress) {
    const Prefix subnet{0x0a000100, 24};
    EXPECT_EQ(subnet.last(), 0x0a0001ffU);
    EXPECT_EQ(gateway_of(subnet), 0x0a000101U);
    EXPECT_TRUE(subnet.contains(0x0a000180));
    EXPECT_FALSE(subnet.contains(0x0a000200));
    EXPECT_EQ((Prefix{0, 0}.last()), 0xffffffffU);
    EXPECT_EQ((Prefix{7, 32}.last()), 7U);
}

/// Every list of up to three ranges of the numbers 0 to 4.
std::vector<Ranges> small_lists() {
    Ranges all;
    for (std::uint32_t low = 0; low < 5; ++low)
        for (std::uint32_t high = low; high < 5; ++high) all.push_back({low, high});
    std::vector<Ranges> lists{{}};
    for (const auto& a : all) {
        lists.push_back({a});
        for (const auto& b : all) {
            lists.push_back({a, b});
            for (const auto& c : all) lists.push_back({a, b, c});
        }
    }
    return lists;
}

TEST(Ranges, MergedOnesHoldTheSameNumbersInOrderAndApart) {
    for (const auto& list : small_lists()) {
        const auto result = merged(list);
        for (std::uint32_t number = 0; number < 6; ++number)
            ASSERT_EQ(contains(result, number), contains(list, number));
        for (std::size_t index = 1; index < result.size(); ++index)
            ASSERT_GT(result[index].low, result[index - 1].high + 1);
    }
}

TEST(Ranges, TheComplementHoldsAllOthersUpToTheTop) {
    for (const auto& list : small_lists()) {
        const auto result = complement(merged(list), 5);
        for (std::uint32_t number = 0; number < 6; ++number)
            ASSERT_NE(contains(result, number), contains(list, number));
        ASSERT_FALSE(contains(result, 6));
    }
}

TEST(Ranges, TheHighestNumberDoesNotOverflow) {
    const std::uint32_t top = 0xffffffffU;
    EXPECT_EQ(merged({{5, top}, {0, 4}}), (Ranges{{0, top}}));
    EXPECT_TRUE(complement({{0, top}}, top).empty());
    EXPECT_EQ(complement({}, top), (Ranges{{0, top}}));
    EXPECT_EQ(complement({{1, top}}, top), (Ranges{{0, 0}}));
}

}  // namespace
}  // namespace hopyard::localcloud::network
