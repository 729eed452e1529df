#include "localcloud/network/tables.h"

#include <gtest/gtest.h>

namespace hopyard::localcloud::network {
namespace {

TEST(Tables, ANetworkTranslatesItsPublicAddressesBothWays) {
    const auto text = translation_script({.prefixes = {{0x0a000000, 0x0a00ffff}},
                                          .uplink = 0xc6130003,
                                          .public_addresses = {{0xc612000a, 0x0a000004}}});
    EXPECT_NE(text.find("map pub2priv {\n    type ipv4_addr : ipv4_addr\n"
                        "    elements = { 198.18.0.10 : 10.0.0.4 }"),
              std::string::npos);
    EXPECT_NE(text.find("elements = { 10.0.0.4 : 198.18.0.10 }"), std::string::npos);
    EXPECT_NE(text.find("oifname \"up0\" ip saddr { 10.0.0.0-10.0.255.255 } snat to 198.19.0.3"),
              std::string::npos);
}

TEST(Tables, AnEmptyMapHasNoElements) {
    const auto text = translation_script({.prefixes = {{1, 1}}, .uplink = 1});
    EXPECT_EQ(text.find("elements"), std::string::npos);
    EXPECT_NE(text.find("{ 0.0.0.1 }"), std::string::npos);
}

TEST(Tables, APortsFilterNamesItsOwnAddressesOnly) {
    const auto text =
        port_filter_script({.id = "x1", .address = "10.0.0.4", .mac = "02:00:0a:00:00:04"});
    EXPECT_NE(text.find("device \"px1\" priority 0; policy drop;"), std::string::npos);
    EXPECT_NE(text.find("ether type ip ip saddr 10.0.0.4 accept"), std::string::npos);
    EXPECT_NE(text.find("arp saddr ether 02:00:0a:00:00:04 arp saddr ip 10.0.0.4 accept"),
              std::string::npos);
}

TEST(Tables, TheHubLetsNobodyCallTheHostUnlessTheWayOutIsOpen) {
    const Prefix range{0xc6120000, 24};
    const auto closed = hub_script({.outbound = false, .public_range = range});
    EXPECT_NE(closed.find("oifname \"host0\" ct state new counter drop"), std::string::npos);
    EXPECT_EQ(closed.find("masquerade"), std::string::npos);
    const auto open = hub_script({.outbound = true, .public_range = range});
    EXPECT_NE(open.find("169.254.0.0/16"), std::string::npos);
    EXPECT_NE(open.find("masquerade"), std::string::npos);
    EXPECT_NE(host_script("hy_a", "hy-a-h").find("iifname \"hy-a-h\" ct state new counter drop"),
              std::string::npos);
}

}  // namespace
}  // namespace hopyard::localcloud::network
