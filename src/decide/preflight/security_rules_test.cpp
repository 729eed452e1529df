#include "decide/preflight/security_rules.h"

#include <gtest/gtest.h>

namespace hopyard::decide {
namespace {

using cloud::SecurityRule;
using Peer = Traffic::Peer;

const std::optional<model::Cidr> subnet = model::parse_cidr("10.0.1.0/24");
const Traffic page{.inbound = true, .peer = Peer::internet, .port = 443};
const Traffic inside{.inbound = true, .peer = Peer::subnet, .port = 6817};
const Traffic storage{.inbound = false, .peer = Peer::internet, .port = 443};

struct Case {
    const char* what;
    std::vector<SecurityRule> rules;
    Traffic traffic;
    Verdict verdict;
};

TEST(SecurityRules, the_smallest_priority_that_covers_the_traffic_decides) {
    const SecurityRule allow{.priority = 200};
    const SecurityRule deny{.priority = 100, .allow = false};
    const SecurityRule late{.priority = 300, .allow = false};
    EXPECT_EQ(verdict({}, page, subnet), Verdict::unmentioned);
    EXPECT_EQ(verdict({allow}, page, subnet), Verdict::allowed);
    EXPECT_EQ(verdict({late, allow}, page, subnet), Verdict::allowed);
    EXPECT_EQ(verdict({allow, deny}, page, subnet), Verdict::denied);
}

TEST(SecurityRules, what_a_rule_does_not_cover_it_does_not_decide) {
    const Case cases[] = {
        {"another port", {{.ports = {"80", "444-500"}}}, page, Verdict::unmentioned},
        {"a range with the port", {{.ports = {"80", "400-443"}}}, page, Verdict::allowed},
        {"another protocol", {{.protocol = "Udp"}}, page, Verdict::unmentioned},
        {"any protocol", {{.protocol = "*"}}, page, Verdict::allowed},
        {"the other direction", {{.inbound = false}}, page, Verdict::unmentioned},
        {"other machines", {{.destinations = {"10.0.2.0/24"}}}, page, Verdict::unmentioned},
        {"some of the machines", {{.destinations = {"10.0.1.4/32"}}}, page, Verdict::allowed},
        {"the network only", {{.sources = {"VirtualNetwork"}}}, page, Verdict::unmentioned},
        {"the balancer only", {{.sources = {"AzureLoadBalancer"}}}, page, Verdict::unmentioned},
        {"an office lets in", {{.sources = {"203.0.113.0/24"}}}, page, Verdict::allowed},
        {"an office kept out",
         {{.allow = false, .sources = {"203.0.113.0/24"}}},
         page,
         Verdict::unmentioned},
        {"the internet inside",
         {{.allow = false, .sources = {"Internet"}}},
         inside,
         Verdict::unmentioned},
        {"the subnet kept out",
         {{.allow = false, .sources = {"10.0.0.0/16"}}},
         inside,
         Verdict::denied},
        {"the network kept out",
         {{.allow = false, .sources = {"virtualnetwork"}}},
         inside,
         Verdict::denied},
        {"no way out", {{.inbound = false, .allow = false}}, storage, Verdict::denied},
        {"no way to storage",
         {{.inbound = false, .allow = false, .destinations = {"Storage.WestEurope"}}},
         storage,
         Verdict::denied},
        {"no way to another service",
         {{.inbound = false, .allow = false, .destinations = {"Sql"}}},
         storage,
         Verdict::unmentioned},
        {"a way to another service before the end",
         {{.priority = 100, .inbound = false, .destinations = {"Sql"}},
          {.priority = 200, .inbound = false, .allow = false}},
         storage,
         Verdict::denied},
        {"a way to storage before the end",
         {{.priority = 100, .inbound = false, .destinations = {"Storage"}},
          {.priority = 200, .inbound = false, .allow = false}},
         storage,
         Verdict::allowed},
    };
    for (const Case& each : cases)
        EXPECT_EQ(verdict(each.rules, each.traffic, subnet), each.verdict) << each.what;
}

TEST(SecurityRules, without_a_subnet_only_whole_networks_count) {
    const SecurityRule part{.allow = false, .sources = {"10.0.0.0/16"}};
    const SecurityRule whole{.allow = false, .sources = {"VirtualNetwork"}};
    EXPECT_EQ(verdict({part}, inside, std::nullopt), Verdict::unmentioned);
    EXPECT_EQ(verdict({whole}, inside, std::nullopt), Verdict::denied);
}

}  // namespace
}  // namespace hopyard::decide
