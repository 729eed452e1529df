// What survives the end of the program and of the host, and what is left after everything is
// purged.
#include <algorithm>
#include <atomic>
#include <csignal>

#include <gtest/gtest.h>
#include <sys/mount.h>

#include "localcloud/compute/purge.h"
#include "localcloud/network/namespaces.h"
#include "localcloud/network/netlink.h"
#include "rig.h"

namespace hopyard::tests {
namespace {

using namespace localcloud;

#define ASSERT_OK(expression)                            \
    do {                                                 \
        const auto outcome = (expression);               \
        ASSERT_TRUE(outcome) << outcome.error().message; \
    } while (false)

MachineHost::Wanted wanted(const Rig& rig, const std::vector<std::string>& numbers) {
    MachineHost::Wanted result{.networks = {rig.network("a")}};
    for (const auto& number : numbers) {
        result.ports.push_back(rig.port("p" + number, "a", 3 + std::stoi(number)));
        result.machines.push_back(rig.machine("m" + number, "p" + number));
        result.running.push_back("m" + number);
    }
    return result;
}

TEST(Recovery, FromNothingMakesAndStartsEverything) {
    Rig rig;
    ASSERT_OK(rig.host().recover(wanted(rig, {"1", "2"})));
    for (const auto* id : {"m1", "m2"})
        EXPECT_EQ(rig.host().machine_status(id).state, MachineState::running);
}

TEST(Recovery, AKilledProgramFindsItsMachinesRunning) {
    Rig rig;
    ASSERT_OK(rig.host().recover(wanted(rig, {"1", "2", "3"})));
    const auto init = rig.init_of("p1");
    const auto down = rig.init_of("p2");
    rig.restart_program();
    kill(down, SIGKILL);
    ASSERT_TRUE(eventually([&] { return rig.init_of("p2") == 0; }));
    auto now = wanted(rig, {"1", "2"});
    ASSERT_OK(rig.host().recover(now));
    EXPECT_EQ(rig.init_of("p1"), init);
    EXPECT_NE(rig.init_of("p2"), 0);
    EXPECT_EQ(rig.init_of("p3"), 0);
    EXPECT_EQ(rig.host().machine_status("m3").state, MachineState::absent);
    const auto traces = traces_of(rig.instance());
    for (const auto& trace : traces)
        EXPECT_EQ(trace.find(rig.names().machine("m3")), std::string::npos) << trace;

    // Once more changes nothing.
    const auto second = rig.init_of("p2");
    ASSERT_OK(rig.host().recover(now));
    EXPECT_EQ(rig.init_of("p1"), init);
    EXPECT_EQ(rig.init_of("p2"), second);
    ASSERT_OK(rig.host().stop_machine("m1", Milliseconds{2000}));
    EXPECT_EQ(rig.init_of("p1"), 0);
}

TEST(Recovery, AnAdoptedMachineIsWatchedAndCanBeStopped) {
    Rig rig;
    ASSERT_OK(rig.host().recover(wanted(rig, {"1"})));
    rig.restart_program();
    std::atomic<int> told = 0;
    rig.host().on_change([&](const std::string&) { ++told; });
    ASSERT_OK(rig.host().recover(wanted(rig, {"1"})));
    kill(rig.init_of("p1"), SIGKILL);
    EXPECT_TRUE(eventually([&] { return told == 1; }, Milliseconds{1000}));
    ASSERT_OK(rig.host().start_machine("m1"));
    EXPECT_EQ(rig.host().machine_status("m1").state, MachineState::running);
    rig.host().on_change({});
}

TEST(Recovery, AfterARebootMachinesComeBackWithTheirDisks) {
    Rig rig;
    ASSERT_OK(rig.host().recover(wanted(rig, {"1", "2"})));
    rig.in_machine("p1", {"/bin/sh", "-c", "echo kept >/root/note"});
    // A reboot ends processes, mounts, namespaces and interfaces, and keeps files.
    ASSERT_OK(compute::purge(rig.instance()));
    ASSERT_TRUE(traces_of(rig.instance()).empty());
    rig.restart_program();
    auto now = wanted(rig, {"1", "2"});
    now.running = {"m1"};
    ASSERT_OK(rig.host().recover(now));
    EXPECT_EQ(rig.in_machine("p1", {"/bin/cat", "/root/note"}), "kept");
    EXPECT_EQ(rig.host().machine_status("m2").state, MachineState::stopped);
}

TEST(Recovery, AMachineWhoseMonitorDiedMeanwhileIsStartedOnceMore) {
    Rig rig;
    ASSERT_OK(rig.host().recover(wanted(rig, {"1"})));
    const auto number = network::namespace_number(rig.names().port("p1"));
    const auto found =
        compute::find_container(compute::inhabitants_of(number), rig.names().machine("m1"));
    ASSERT_TRUE(found);
    rig.restart_program();
    found->monitor.signal(SIGKILL);
    ASSERT_TRUE(found->monitor.wait(Milliseconds{2000}));
    ASSERT_OK(rig.host().recover(wanted(rig, {"1"})));
    EXPECT_EQ(rig.host().machine_status("m1").state, MachineState::running);
    EXPECT_NE(rig.init_of("p1"), 0);
}

TEST(Recovery, HalfMadeThingsAreCompleted) {
    Rig rig;
    ASSERT_OK(rig.host().recover(wanted(rig, {"1"})));
    ASSERT_OK(rig.host().stop_machine("m1", Milliseconds{0}));
    const auto names = rig.names();
    // The label is the last step of making a link; without it the link was interrupted half-way.
    for (const auto& [name, link] : {std::pair{names.network("a"), std::string("pp1")},
                                     std::pair{names.network("a"), std::string("up0")}})
        ASSERT_OK(network::in_namespace(name, [&]() -> Result<void> {
            ASSIGN_OR_RETURN(const auto netlink, network::Netlink::open());
            return netlink.set_alias(link, "");
        }));
    ASSERT_OK(network::Netlink::open()->remove_link(names.host_link()));
    rig.restart_program();
    auto now = wanted(rig, {"1"});
    now.ports[0].public_address = rig.public_address(9);
    ASSERT_OK(rig.host().recover(now));
    const auto listener = listen_in(names.port("p1"), "0.0.0.0", 80);
    EXPECT_TRUE(
        caller_seen({.to = rig.public_address(9), .port = 80}, listener).starts_with("198.19."));
}

TEST(Recovery, OfOneMachineDoesNotFailTheOthers) {
    Rig rig;
    auto now = wanted(rig, {"1", "2"});
    now.machines[0].port = "nowhere";
    EXPECT_EQ(rig.host().recover(now).error().code, "no_such_port");
    EXPECT_EQ(rig.host().machine_status("m1").state, MachineState::failed);
    EXPECT_EQ(rig.host().machine_status("m2").state, MachineState::running);
}

TEST(Purge, LeavesNothingOfItsInstanceAndTouchesNoOther) {
    Rig one, other;
    ASSERT_OK(one.host().recover(wanted(one, {"1", "2"})));
    ASSERT_OK(other.host().recover(wanted(other, {"1"})));
    const auto init = other.init_of("p1");
    const auto traces = traces_of(other.instance());
    ASSERT_OK(compute::purge(one.instance()));
    EXPECT_EQ(traces_of(one.instance()), std::vector<std::string>{});
    ASSERT_OK(compute::purge(one.instance()));
    EXPECT_EQ(other.init_of("p1"), init);
    EXPECT_EQ(traces_of(other.instance()), traces);
}

TEST(Purge, TwoInstancesCannotHaveOnePublicRange) {
    Rig one, other;
    ASSERT_OK(one.host().ensure_network(one.network("a")));
    auto options = other.options();
    options.public_range = one.public_range();
    auto host = compute::LxcMachineHost::create(options);
    ASSERT_TRUE(host);
    const auto refused = (*host)->ensure_network(other.network("a"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "public_range_in_use");
    EXPECT_EQ(refused.error().owner, Owner::administrator);
}

}  // namespace
}  // namespace hopyard::tests
