// Virtual networks, ports, translation and rules, with real packets between real namespaces.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "localcloud/compute/purge.h"
#include "localcloud/network/namespaces.h"
#include "localcloud/network/netlink.h"
#include "rig.h"

namespace hopyard::tests {
namespace {

using namespace localcloud;
using network::Descriptor;

#define ASSERT_OK(expression)                            \
    do {                                                 \
        const auto outcome = (expression);               \
        ASSERT_TRUE(outcome) << outcome.error().message; \
    } while (false)

SecurityRule inbound(const std::string& source, const std::string& port) {
    return {.name = "in-" + port,
            .protocol = "Tcp",
            .sources = {source},
            .source_ports = {"*"},
            .destinations = {"*"},
            .destination_ports = {port}};
}

/// Networks a and b of one range: a1 and b1 with public addresses, a2 without.
void build_pair(Rig& rig) {
    ASSERT_OK(rig.host().ensure_network(rig.network("a")));
    ASSERT_OK(rig.host().ensure_network(rig.network("b")));
    auto a1 = rig.port("a1", "a", 4);
    a1.public_address = rig.public_address(10);
    auto b1 = rig.port("b1", "b", 4);
    b1.public_address = rig.public_address(11);
    ASSERT_OK(rig.host().ensure_port(a1));
    ASSERT_OK(rig.host().ensure_port(b1));
    ASSERT_OK(rig.host().ensure_port(rig.port("a2", "a", 5)));
}

TEST(Networks, TwoOfThemMayHaveOneRangeAndPublicAddressesLeadToTheRightOne) {
    Rig rig;
    build_pair(rig);
    const auto names = rig.names();
    const auto at_a1 = listen_in(names.port("a1"), "0.0.0.0", 80);
    const auto at_b1 = listen_in(names.port("b1"), "0.0.0.0", 80);
    const auto a1 = rig.public_address(10), b1 = rig.public_address(11);

    const auto from_host_a = caller_seen({.to = a1, .port = 80}, at_a1);
    EXPECT_TRUE(from_host_a.starts_with("198.19.")) << from_host_a;
    EXPECT_EQ(caller_seen({.to = b1, .port = 80}, at_b1), from_host_a);
    EXPECT_EQ(caller_seen({.from = names.port("a2"), .to = "10.0.0.4", .port = 80}, at_a1),
              "10.0.0.5");
    EXPECT_EQ(caller_seen({.from = names.port("a1"), .to = b1, .port = 80}, at_b1), a1);
    const auto outbound = caller_seen({.from = names.port("a2"), .to = b1, .port = 80}, at_b1);
    EXPECT_TRUE(outbound.starts_with("198.19.")) << outbound;
    // A call to a public address of one's own network counts as coming from outside.
    EXPECT_EQ(caller_seen({.from = names.port("a2"), .to = a1, .port = 80}, at_a1), outbound);
    EXPECT_EQ(caller_seen({.from = names.port("a1"), .to = a1, .port = 80}, at_a1), a1);
    // Address 10.0.0.5 is only in the other network.
    EXPECT_NE(caller_seen({.from = names.port("b1"), .to = "10.0.0.5", .port = 80}, at_a1),
              "10.0.0.4");
    EXPECT_EQ(caller_seen({.to = rig.public_address(77), .port = 80}, at_a1), "unreachable");
}

TEST(Networks, MachinesReachTheHostOnlyThroughListenersOpenedForThem) {
    Rig rig;
    build_pair(rig);
    const auto names = rig.names();
    const auto at_host = listen_in("", "0.0.0.0", 0);
    sockaddr_in own{};
    socklen_t size = sizeof own;
    getsockname(at_host.get(), reinterpret_cast<sockaddr*>(&own), &size);
    const auto host = network::Netlink::open()->addresses(names.host_link());
    ASSERT_TRUE(host && host->size() == 1);
    const auto address = network::to_string(host->front());
    for (const auto* port : {"a1", "a2"}) {
        const auto seen = caller_seen(
            {.from = names.port(port), .to = address, .port = ntohs(own.sin_port)}, at_host);
        EXPECT_EQ(seen, "timed out") << port;
    }

    auto listener = rig.host().open_listener("a", "10.0.0.1", 8443);
    ASSERT_TRUE(listener) << listener.error().message;
    const Descriptor at_gateway(*listener);
    EXPECT_EQ(caller_seen({.from = names.port("a2"), .to = "10.0.0.1", .port = 8443}, at_gateway),
              "10.0.0.5");
}

TEST(Networks, OnlyRootOfAMachineReachesTheMetadataAddress) {
    Rig rig;
    build_pair(rig);
    auto listener = rig.host().open_listener("a", "169.254.169.254", 80);
    ASSERT_TRUE(listener) << listener.error().message;
    const Descriptor metadata(*listener);
    Attempt attempt{.from = rig.names().port("a2"), .to = "169.254.169.254", .port = 80};
    EXPECT_EQ(caller_seen(attempt, metadata), "10.0.0.5");
    attempt.user = 65534;
    EXPECT_EQ(caller_seen(attempt, metadata), "timed out");
}

TEST(Networks, RulesDecideWhoMayCall) {
    Rig rig;
    build_pair(rig);
    const auto names = rig.names();
    auto a1 = rig.port("a1", "a", 4);
    a1.public_address = rig.public_address(10);
    auto refuse_neighbour = inbound("VirtualNetwork", "9000");
    refuse_neighbour.access = SecurityRule::Access::deny;
    a1.rules = {inbound("Internet", "22"),
                inbound("VirtualNetwork", "8080"),
                refuse_neighbour,
                inbound("*", "9000-9001"),
                open_rules()[1]};
    ASSERT_OK(rig.host().ensure_port(a1));

    const struct {
        std::uint16_t port;
        bool neighbour, outside;
    } table[] = {{22, false, true},
                 {8080, true, false},
                 {9000, false, true},
                 {9001, true, true},
                 {9002, false, false}};
    for (const auto& row : table) {
        const auto listener = listen_in(names.port("a1"), "0.0.0.0", row.port);
        const auto neighbour =
            caller_seen({.from = names.port("a2"), .to = "10.0.0.4", .port = row.port}, listener);
        const auto outside =
            caller_seen({.to = rig.public_address(10), .port = row.port}, listener);
        EXPECT_EQ(neighbour == "10.0.0.5", row.neighbour) << row.port << " " << neighbour;
        EXPECT_EQ(outside.starts_with("198.19."), row.outside) << row.port << " " << outside;
    }
}

TEST(Networks, RulesOfTheWayOutHoldToo) {
    Rig rig;
    build_pair(rig);
    const auto names = rig.names();
    const auto at_a1 = listen_in(names.port("a1"), "0.0.0.0", 80);
    auto a2 = rig.port("a2", "a", 5);
    a2.rules = {open_rules()[0]};
    ASSERT_OK(rig.host().ensure_port(a2));
    const Attempt attempt{.from = names.port("a2"), .to = "10.0.0.4", .port = 80};
    EXPECT_NE(caller_seen(attempt, at_a1), "10.0.0.5");
    a2.rules = open_rules();
    ASSERT_OK(rig.host().ensure_port(a2));
    EXPECT_EQ(caller_seen(attempt, at_a1), "10.0.0.5");
}

TEST(Networks, AMachineCannotSpeakWithAnothersAddress) {
    Rig rig;
    build_pair(rig);
    const auto names = rig.names();
    const auto at_a1 = listen_in(names.port("a1"), "0.0.0.0", 80);
    ASSERT_OK(network::in_namespace(names.port("a2"), []() -> Result<void> {
        ASSIGN_OR_RETURN(const auto netlink, network::Netlink::open());
        return netlink.add_address("eth0", *network::parse_address("10.0.0.99"), 24);
    }));
    Attempt attempt{.from = names.port("a2"), .to = "10.0.0.4", .port = 80};
    for (const auto* address : {"10.0.0.5", "10.0.0.99", "10.0.0.5"}) {
        attempt.own_address = address;
        const std::string expected = attempt.own_address == "10.0.0.5" ? "10.0.0.5" : "timed out";
        EXPECT_EQ(caller_seen(attempt, at_a1), expected);
    }
}

TEST(Networks, APublicAddressMovesAndGoes) {
    Rig rig;
    build_pair(rig);
    const auto names = rig.names();
    const auto at_a1 = listen_in(names.port("a1"), "0.0.0.0", 80);
    const auto at_a2 = listen_in(names.port("a2"), "0.0.0.0", 80);
    const auto address = rig.public_address(10);
    auto a2 = rig.port("a2", "a", 5);
    a2.public_address = address;
    const auto taken = rig.host().ensure_port(a2);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, "public_address_in_use");

    ASSERT_OK(rig.host().ensure_port(rig.port("a1", "a", 4)));
    EXPECT_EQ(caller_seen({.to = address, .port = 80}, at_a1), "unreachable");
    ASSERT_OK(rig.host().ensure_port(a2));
    EXPECT_TRUE(caller_seen({.to = address, .port = 80}, at_a2).starts_with("198.19."));
    ASSERT_OK(rig.host().remove_port("a2"));
    EXPECT_EQ(caller_seen({.to = address, .port = 80}, at_a2), "unreachable");
}

TEST(Networks, SubnetsOfANetworkReachEachOtherAndComeAndGo) {
    Rig rig;
    auto spec = rig.network("a");
    ASSERT_OK(rig.host().ensure_network(spec));
    auto second = rig.port("p2", "a", 4);
    second.address = "10.0.7.4";
    second.subnet_prefix = "10.0.7.0/24";
    EXPECT_EQ(rig.host().ensure_port(second).error().code, "no_such_subnet");
    spec.subnets.push_back({"10.0.7.0/24"});
    ASSERT_OK(rig.host().ensure_network(spec));
    ASSERT_OK(rig.host().ensure_port(second));
    ASSERT_OK(rig.host().ensure_port(rig.port("p1", "a", 4)));
    const auto names = rig.names();
    const auto there = listen_in(names.port("p2"), "0.0.0.0", 80);
    EXPECT_EQ(caller_seen({.from = names.port("p1"), .to = "10.0.7.4", .port = 80}, there),
              "10.0.0.4");
    ASSERT_OK(rig.host().remove_port("p2"));
    ASSERT_OK(rig.host().ensure_network(rig.network("a")));
    EXPECT_EQ(rig.host().ensure_port(second).error().code, "no_such_subnet");
}

TEST(Networks, AreMadeAndRemovedTwiceWithoutComplaint) {
    Rig rig;
    for (int round = 0; round < 2; ++round) {
        build_pair(rig);
        build_pair(rig);
        EXPECT_EQ(rig.host().remove_network("a").error().code, "network_in_use");
        for (const auto* port : {"a1", "a2", "b1", "b1"}) ASSERT_OK(rig.host().remove_port(port));
        for (const auto* id : {"a", "b", "b"}) ASSERT_OK(rig.host().remove_network(id));
        EXPECT_EQ(network::list_namespaces(rig.names().prefix()),
                  std::vector<std::string>{rig.names().hub()});
    }
}

TEST(Networks, AreBroughtInLineAfterTheProgramWasKilled) {
    Rig rig;
    build_pair(rig);
    const auto names = rig.names();
    const auto before = network::namespace_number(names.port("a2"));
    const auto at_a2 = listen_in(names.port("a2"), "0.0.0.0", 80);
    rig.restart_program();
    auto a2 = rig.port("a2", "a", 5);
    a2.public_address = rig.public_address(12);
    ASSERT_OK(rig.host().recover(
        {.networks = {rig.network("a"), rig.network("c")}, .ports = {a2, rig.port("c1", "c", 4)}}));
    EXPECT_EQ(network::namespace_number(names.port("a2")), before);
    EXPECT_EQ(network::list_namespaces(names.prefix()),
              (std::vector<std::string>{names.hub(),
                                        names.network("a"),
                                        names.network("c"),
                                        names.port("a2"),
                                        names.port("c1")}));
    EXPECT_EQ(caller_seen({.to = rig.public_address(10), .port = 80}, at_a2), "unreachable");
    EXPECT_EQ(caller_seen({.to = rig.public_address(11), .port = 80}, at_a2), "unreachable");
    EXPECT_TRUE(
        caller_seen({.to = rig.public_address(12), .port = 80}, at_a2).starts_with("198.19."));
}

TEST(Networks, ABadSpecificationIsRefusedAndLeavesNothing) {
    Rig rig;
    ASSERT_OK(rig.host().ensure_network(rig.network("a")));
    auto bad = rig.port("a1", "a", 4);
    bad.rules.push_back(inbound("nonsense", "22"));
    const auto refused = rig.host().ensure_port(bad);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("nonsense"), std::string::npos);
    bad = rig.port("a1", "a", 1);
    EXPECT_EQ(rig.host().ensure_port(bad).error().code, "address_outside_subnet");
    bad = rig.port("a1", "zz", 4);
    EXPECT_EQ(rig.host().ensure_port(bad).error().code, "no_such_network");
    bad = rig.port("../../x", "a", 4);
    EXPECT_EQ(rig.host().ensure_port(bad).error().code, "malformed_id");
    bad = rig.port("a1", "a", 4);
    bad.mac = "02:00:0a:00:00:04; }";
    EXPECT_EQ(rig.host().ensure_port(bad).error().code, "malformed_mac");
    EXPECT_TRUE(network::list_namespaces(rig.names().port("")).empty());
}

}  // namespace
}  // namespace hopyard::tests
