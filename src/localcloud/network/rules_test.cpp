#include "localcloud/network/rules.h"

#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

namespace hopyard::localcloud::network {
namespace {

using Direction = SecurityRule::Direction;
using Access = SecurityRule::Access;

constexpr int tcp = 6, udp = 17, icmp = 1;

struct Packet {
    bool inbound = true;
    int protocol = tcp;
    std::string source, destination;
    std::uint32_t source_port = 40000, destination_port = 22;
};

bool in(const Ranges& set, std::uint32_t number) {
    return set.empty() || contains(set, number);
}

/// What the table of these filters does with the first packet of a connection.
bool accepts(const std::vector<Filter>& filters, const Packet& packet) {
    for (const auto& filter : filters) {
        const bool protocol_fits =
            filter.protocols.empty() ||
            std::count(filter.protocols.begin(), filter.protocols.end(), packet.protocol) > 0;
        if (filter.inbound == packet.inbound && protocol_fits &&
            contains(filter.sources, *parse_address(packet.source)) &&
            contains(filter.destinations, *parse_address(packet.destination)) &&
            in(filter.source_ports, packet.source_port) &&
            in(filter.destination_ports, packet.destination_port))
            return filter.allow;
    }
    return false;
}

/// The meaning of a rule's words, said once more in another way.
bool word_matches(const std::string& word, const std::string& address) {
    const bool in_network = address.starts_with("10.0.");
    if (word == "*") return true;
    if (word == "VirtualNetwork") return in_network;
    if (word == "Internet") return !in_network;
    if (word == "10.0.1.0/24") return address.starts_with("10.0.1.");
    return word == address;
}

bool rule_matches(const SecurityRule& rule, const Packet& packet) {
    const auto any = [](const std::vector<std::string>& words, const std::string& address) {
        return std::any_of(words.begin(), words.end(), [&](const auto& word) {
            return word_matches(word, address);
        });
    };
    const bool protocol_fits = rule.protocol == "*" ||
                               (rule.protocol == "Tcp" && packet.protocol == tcp) ||
                               (rule.protocol == "Udp" && packet.protocol == udp) ||
                               (rule.protocol == "Icmp" && packet.protocol == icmp);
    const bool port_fits = rule.destination_ports[0] == "*" || packet.protocol == icmp
                               ? rule.destination_ports[0] == "*" || rule.protocol == "Icmp"
                               : packet.destination_port == 22 || packet.destination_port == 25;
    return (rule.direction == Direction::inbound) == packet.inbound && protocol_fits &&
           any(rule.sources, packet.source) && any(rule.destinations, packet.destination) &&
           port_fits;
}

SecurityRule rule(Access access,
                  const std::string& protocol,
                  const std::string& source,
                  const std::string& port) {
    return {.access = access,
            .name = "r",
            .protocol = protocol,
            .sources = {source},
            .source_ports = {"*"},
            .destinations = {"*"},
            .destination_ports = {port}};
}

std::vector<SecurityRule> every_rule() {
    std::vector<SecurityRule> rules;
    for (const auto direction : {Direction::inbound, Direction::outbound})
        for (const auto access : {Access::allow, Access::deny})
            for (const auto* protocol : {"*", "Tcp", "Udp", "Icmp"})
                for (const auto* source :
                     {"*", "VirtualNetwork", "Internet", "10.0.1.0/24", "9.9.9.9"})
                    for (const auto* port : {"*", "22-25"}) {
                        rules.push_back(rule(access, protocol, source, port));
                        rules.back().direction = direction;
                    }
    return rules;
}

std::vector<Packet> every_packet() {
    std::vector<Packet> packets;
    for (const bool inbound : {true, false})
        for (const int protocol : {tcp, udp, icmp})
            for (const auto* source : {"10.0.0.5", "10.0.1.7", "9.9.9.9", "10.1.0.0"})
                for (const std::uint32_t port : {21U, 22U, 25U, 26U})
                    packets.push_back({.inbound = inbound,
                                       .protocol = protocol,
                                       .source = source,
                                       .destination = "10.0.0.4",
                                       .destination_port = port});
    return packets;
}

std::vector<Filter> compiled(const std::vector<SecurityRule>& rules) {
    const auto filters = compile(rules, {"10.0.0.0/16"});
    EXPECT_TRUE(filters) << filters.error().message;
    return filters.value_or(std::vector<Filter>{});
}

TEST(Rules, TheFirstOfTwoThatMatchesDecidesForEveryPair) {
    const auto rules = every_rule();
    const auto packets = every_packet();
    std::vector<std::vector<Filter>> single;
    std::vector<std::vector<bool>> matches;
    for (const auto& one : rules) {
        single.push_back(compiled({one}));
        matches.emplace_back();
        for (const auto& packet : packets) matches.back().push_back(rule_matches(one, packet));
    }
    for (std::size_t a = 0; a < rules.size(); ++a)
        for (std::size_t b = 0; b < rules.size(); ++b) {
            auto both = single[a];
            both.insert(both.end(), single[b].begin(), single[b].end());
            for (std::size_t p = 0; p < packets.size(); p += 1 + (a + b) % 3) {
                const bool expected = matches[a][p]   ? rules[a].access == Access::allow
                                      : matches[b][p] ? rules[b].access == Access::allow
                                                      : false;
                ASSERT_EQ(accepts(both, packets[p]), expected)
                    << a << " " << b << " " << packets[p].source << " " << packets[p].protocol
                    << " " << packets[p].destination_port;
            }
        }
}

TEST(Rules, WithoutAnyNothingPasses) {
    for (const auto& packet : every_packet()) EXPECT_FALSE(accepts(compiled({}), packet));
}

TEST(Rules, ListsAreAnyOfTheirWordsAndMayOverlap) {
    auto one = rule(Access::allow, "Tcp", "10.0.0.0/8", "22");
    one.sources = {"10.0.0.0/8", "10.1.0.0/16", "10.0.0.4-10.0.0.9", "9.9.9.9"};
    one.destination_ports = {"20-30", "25-26", "31", "8080"};
    const auto filters = compiled({one});
    ASSERT_EQ(filters.size(), 1U);
    EXPECT_EQ(filters[0].sources, (Ranges{{0x09090909, 0x09090909}, {0x0a000000, 0x0affffff}}));
    EXPECT_EQ(filters[0].destination_ports, (Ranges{{20, 31}, {8080, 8080}}));
}

TEST(Rules, TheInternetIsAllThatIsNotTheNetwork) {
    const auto filters = compile({rule(Access::allow, "*", "Internet", "*")},
                                 {"10.0.0.0/16", "10.2.0.0/16", "0.0.0.0/8"});
    ASSERT_TRUE(filters);
    EXPECT_EQ(
        (*filters)[0].sources,
        (Ranges{{0x01000000, 0x09ffffff}, {0x0a010000, 0x0a01ffff}, {0x0a030000, 0xffffffff}}));
}

TEST(Rules, OfIpv6AddressesOnlyAreLeftOut) {
    EXPECT_TRUE(compiled({rule(Access::allow, "*", "2001:db8::/32", "*")}).empty());
}

TEST(Rules, WordsNobodyUnderstandsAreNamed) {
    const struct {
        SecurityRule bad;
        const char* word;
    } table[] = {{rule(Access::allow, "Sctp", "*", "*"), "Sctp"},
                 {rule(Access::allow, "Tcp", "10.0.0.1/8", "*"), "10.0.0.1/8"},
                 {rule(Access::allow, "Tcp", "Storage.WestEurope", "*"), "Storage.WestEurope"},
                 {rule(Access::allow, "Tcp", "} ; drop", "*"), "} ; drop"},
                 {rule(Access::allow, "Tcp", "10.0.0.9-10.0.0.1", "*"), "10.0.0.9-10.0.0.1"},
                 {rule(Access::allow, "Tcp", "*", "70000"), "70000"},
                 {rule(Access::allow, "Tcp", "*", "30-20"), "30-20"},
                 {rule(Access::allow, "Tcp", "*", ""), ""},
                 {rule(Access::allow, "Tcp", "*", "22;"), "22;"}};
    for (const auto& row : table) {
        const auto refused = compile({row.bad}, {"10.0.0.0/16"});
        ASSERT_FALSE(refused) << row.word;
        EXPECT_EQ(refused.error().code, "security_rule_not_understood");
        EXPECT_NE(refused.error().message.find(row.word), std::string::npos);
    }
    EXPECT_EQ(compile({}, {"10.0.0.0/40"}).error().code, "malformed_prefix");
}

TEST(RulesAsText, AreOneLineEachInTheirOrder) {
    auto first = rule(Access::allow, "Tcp", "VirtualNetwork", "22");
    auto second = rule(Access::deny, "*", "9.9.9.9", "80-90");
    second.destination_ports.push_back("443");
    auto third = rule(Access::allow, "Icmp", "*", "*");
    auto out = rule(Access::allow, "*", "*", "*");
    out.direction = Direction::outbound;
    EXPECT_EQ(render(compiled({first, out, second, third})),
              "table inet nsg\n"
              "delete table inet nsg\n"
              "table inet nsg {\n"
              "  chain inbound {\n"
              "    type filter hook input priority 0; policy drop;\n"
              "    iif lo accept\n"
              "    ct state established,related accept\n"
              "    ip saddr 10.0.0.0-10.0.255.255 meta l4proto 6 th dport 22 counter accept\n"
              "    ip saddr 9.9.9.9 meta l4proto { 6, 17 } th dport { 80-90, 443 } counter drop\n"
              "    meta l4proto 1 counter accept\n"
              "    counter drop\n"
              "  }\n"
              "  chain outbound {\n"
              "    type filter hook output priority 0; policy drop;\n"
              "    oif lo accept\n"
              "    ct state established,related accept\n"
              "    ip daddr 169.254.169.254 meta skuid 0 counter accept\n"
              "    ip daddr 169.254.169.254 counter drop\n"
              "    counter accept\n"
              "    counter drop\n"
              "  }\n"
              "}\n");
}

}  // namespace
}  // namespace hopyard::localcloud::network
