// Machines as real containers, with a small shell script in the node program's place.
#include <chrono>
#include <csignal>
#include <fstream>
#include <future>
#include <mutex>

#include <gtest/gtest.h>

#include "localcloud/network/namespaces.h"
#include "rig.h"

namespace hopyard::tests {
namespace {

using namespace localcloud;

#define ASSERT_OK(expression)                            \
    do {                                                 \
        const auto outcome = (expression);               \
        ASSERT_TRUE(outcome) << outcome.error().message; \
    } while (false)

constexpr Milliseconds grace{5000};

/// Network "a" and that many ports "p1" ... with machines "m1" ... not started.
void build(Rig& rig, int count) {
    ASSERT_OK(rig.host().ensure_network(rig.network("a")));
    for (int index = 1; index <= count; ++index) {
        const auto number = std::to_string(index);
        ASSERT_OK(rig.host().ensure_port(rig.port("p" + number, "a", 3 + index)));
        ASSERT_OK(rig.host().ensure_machine(rig.machine("m" + number, "p" + number)));
    }
}

bool is_running(Rig& rig, const std::string& id) {
    return rig.host().machine_status(id).state == MachineState::running;
}

std::vector<std::string> layers(const Rig& rig) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(rig.state() / "layers"))
        found.push_back(entry.path().filename());
    return found;
}

TEST(Machines, AMachineHasNameAddressDiskAndMemoryAsAskedFor) {
    Rig rig;
    build(rig, 1);
    EXPECT_EQ(rig.host().machine_status("m1").state, MachineState::stopped);
    ASSERT_OK(rig.host().start_machine("m1"));
    EXPECT_TRUE(is_running(rig, "m1"));
    EXPECT_EQ(rig.in_machine("p1", {"/usr/bin/hostname"}), "name-m1");
    EXPECT_EQ(rig.in_machine("p1", {"/usr/bin/df", "--output=size", "-BG", "/"}),
              "1G-blocks\n      30G");
    EXPECT_NE(rig.in_machine("p1", {"/usr/sbin/ip", "-4", "-br", "addr"}).find("10.0.0.4/24"),
              std::string::npos);
    EXPECT_TRUE(eventually(
        [&] { return rig.host().console_tail("m1").find("init 1") != std::string::npos; }));
    std::ifstream limit("/sys/fs/cgroup/memory/lxc.payload." + rig.names().machine("m1") +
                        "/memory.limit_in_bytes");
    if (!limit)
        limit.open("/sys/fs/cgroup/lxc.payload." + rig.names().machine("m1") + "/memory.max");
    std::int64_t bytes = 0;
    limit >> bytes;
    EXPECT_EQ(bytes, 256 << 20);
}

TEST(Machines, RootOfAMachineCannotChangeItsNetworkOrReadTheHostsDisks) {
    Rig rig;
    build(rig, 1);
    ASSERT_OK(rig.host().start_machine("m1"));
    // nsenter keeps the capabilities of the host's root; setpriv takes what a machine's root has.
    const auto as_root = [&](const std::string& script) {
        return rig.in_machine("p1",
                              {"/usr/bin/setpriv",
                               "--bounding-set=-net_admin",
                               "--inh-caps=-net_admin",
                               "/bin/sh",
                               "-c",
                               script});
    };
    EXPECT_NE(as_root("ip link set eth0 down; echo done").find("not permitted"), std::string::npos);
    EXPECT_NE(as_root("echo 1 >/proc/sys/kernel/panic").find("Read-only"), std::string::npos);
    std::ifstream status("/proc/" + std::to_string(rig.init_of("p1")) + "/status");
    std::string line;
    while (std::getline(status, line) && !line.starts_with("CapBnd:")) {
    }
    const auto capabilities = std::stoull(line.substr(line.find('\t') + 1), nullptr, 16);
    EXPECT_EQ(capabilities & 1ULL << 12, 0U) << "net_admin";
    EXPECT_EQ(capabilities & 1ULL << 16, 0U) << "sys_module";
    EXPECT_NE(capabilities & 1ULL << 21, 0U) << "sys_admin, which fuse needs";
}

TEST(Machines, StopKeepsTheDiskAndRemoveDeletesIt) {
    Rig rig;
    build(rig, 1);
    for (int round = 0; round < 2; ++round) {
        ASSERT_OK(rig.host().start_machine("m1"));
        ASSERT_OK(rig.host().start_machine("m1"));
        if (round == 0) rig.in_machine("p1", {"/bin/sh", "-c", "echo kept >/root/note"});
        EXPECT_EQ(rig.in_machine("p1", {"/bin/cat", "/root/note"}), "kept");
        ASSERT_OK(rig.host().stop_machine("m1", grace));
        ASSERT_OK(rig.host().stop_machine("m1", grace));
        EXPECT_EQ(rig.host().machine_status("m1").state, MachineState::stopped);
        EXPECT_EQ(rig.init_of("p1"), 0);
    }
    ASSERT_OK(rig.host().start_machine("m1"));
    ASSERT_OK(rig.host().remove_machine("m1"));
    ASSERT_OK(rig.host().remove_machine("m1"));
    EXPECT_EQ(rig.host().machine_status("m1").state, MachineState::absent);
    EXPECT_TRUE(std::filesystem::is_empty(rig.state() / "machines"));
    EXPECT_EQ(rig.host().start_machine("m1").error().kind, ErrorKind::not_found);
}

TEST(Machines, StoppingOneLeavesNoneOfItsDiskWithTheOthers) {
    Rig rig;
    build(rig, 2);
    ASSERT_OK(rig.host().start_machine("m1"));
    ASSERT_OK(rig.host().start_machine("m2"));
    ASSERT_OK(rig.host().stop_machine("m1", grace));
    const auto traces = traces_of(rig.instance());
    for (const auto& trace : traces)
        EXPECT_EQ(trace.find(rig.names().machine("m1")), std::string::npos) << trace;
    EXPECT_TRUE(is_running(rig, "m2"));
}

TEST(Machines, AnInitThatDoesNotHearIsKilledAfterItsGrace) {
    Rig rig;
    rig.set_program("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 3600; done\n");
    build(rig, 1);
    ASSERT_OK(rig.host().start_machine("m1"));
    const auto before = std::chrono::steady_clock::now();
    ASSERT_OK(rig.host().stop_machine("m1", Milliseconds{200}));
    const auto took = std::chrono::steady_clock::now() - before;
    EXPECT_GE(took, Milliseconds{200});
    EXPECT_LT(took, Milliseconds{3000});
}

TEST(Machines, OneThatEndsByItselfIsNoticedWithinASecond) {
    Rig rig;
    build(rig, 2);
    std::mutex mutex;
    std::vector<std::string> told;
    rig.host().on_change([&](const std::string& id) {
        const std::lock_guard lock(mutex);
        told.push_back(id);
    });
    ASSERT_OK(rig.host().start_machine("m1"));
    ASSERT_OK(rig.host().start_machine("m2"));
    kill(rig.init_of("p1"), SIGKILL);
    EXPECT_TRUE(eventually(
        [&] {
            const std::lock_guard lock(mutex);
            return told == std::vector<std::string>{"m1"};
        },
        Milliseconds{1000}));
    EXPECT_EQ(rig.host().machine_status("m1").state, MachineState::stopped);
    EXPECT_FALSE(rig.host().machine_status("m1").detail.empty());
    ASSERT_OK(rig.host().start_machine("m1"));
    ASSERT_OK(rig.host().stop_machine("m1", grace));
    const std::lock_guard lock(mutex);
    EXPECT_EQ(told.size(), 1U) << "a stop that was asked for is no news";
    rig.host().on_change({});
}

TEST(Machines, OneWhoseMonitorWasKilledCanBeStartedAgain) {
    Rig rig;
    build(rig, 1);
    ASSERT_OK(rig.host().start_machine("m1"));
    const auto number = network::namespace_number(rig.names().port("p1"));
    const auto found =
        compute::find_container(compute::inhabitants_of(number), rig.names().machine("m1"));
    ASSERT_TRUE(found && found->monitor.is_alive());
    found->monitor.signal(SIGKILL);
    ASSERT_TRUE(found->monitor.wait(Milliseconds{2000}));
    ASSERT_OK(rig.host().stop_machine("m1", grace));
    ASSERT_OK(rig.host().start_machine("m1"));
    EXPECT_TRUE(is_running(rig, "m1"));
    EXPECT_NE(rig.init_of("p1"), found->init.pid());
}

TEST(Machines, AnInitThatCannotRunIsAFailureWithItsCause) {
    Rig rig;
    rig.set_program("#!/no/such/interpreter\n");
    build(rig, 1);
    const auto started = rig.host().start_machine("m1");
    ASSERT_FALSE(started);
    const auto status = rig.host().machine_status("m1");
    EXPECT_EQ(status.state, MachineState::failed);
    EXPECT_EQ(status.detail, started.error().message);
    rig.set_program("#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 3600 & wait $!; done\n");
    ASSERT_OK(rig.host().start_machine("m1"));
}

TEST(Machines, ANewProgramIsTakenAtTheNextStartAndTheOldOneGoesWhenNobodyUsesIt) {
    Rig rig;
    build(rig, 2);
    ASSERT_OK(rig.host().start_machine("m1"));
    ASSERT_OK(rig.host().start_machine("m2"));
    EXPECT_EQ(layers(rig).size(), 1U);
    rig.set_program(
        "#!/bin/sh\n# new\ntrap 'exit 0' TERM\nwhile :; do sleep 3600 & wait $!; done\n");
    ASSERT_OK(rig.host().stop_machine("m1", grace));
    ASSERT_OK(rig.host().start_machine("m1"));
    EXPECT_EQ(layers(rig).size(), 2U);
    const std::vector<std::string> read{"/bin/cat", "/usr/lib/hopyard/hopyard-node"};
    EXPECT_NE(rig.in_machine("p1", read).find("# new"), std::string::npos);
    EXPECT_EQ(rig.in_machine("p2", read).find("# new"), std::string::npos);
    ASSERT_OK(rig.host().remove_machine("m2"));
    EXPECT_EQ(layers(rig).size(), 1U);
}

TEST(Machines, ADiskGrowsWhileItsMachineIsStopped) {
    Rig rig;
    build(rig, 1);
    auto larger = rig.machine("m1", "p1");
    larger.disk_gb = 64;
    ASSERT_OK(rig.host().start_machine("m1"));
    EXPECT_EQ(rig.host().ensure_machine(larger).error().code, "disk_in_use");
    ASSERT_OK(rig.host().stop_machine("m1", grace));
    ASSERT_OK(rig.host().ensure_machine(larger));
    ASSERT_OK(rig.host().start_machine("m1"));
    EXPECT_EQ(rig.in_machine("p1", {"/usr/bin/df", "--output=size", "-BG", "/"}),
              "1G-blocks\n      63G");
}

TEST(Machines, NoDiskIsMadeBelowTheFloorOfFreeSpace) {
    Rig rig;
    auto options = rig.options();
    options.disk_floor_gb = 1 << 20;
    auto host = compute::LxcMachineHost::create(options);
    ASSERT_TRUE(host);
    const auto made = (*host)->ensure_machine(rig.machine("m1", "p1"));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, ErrorKind::capacity_unavailable);
    EXPECT_EQ((*host)->capacity().disk_free_gb, 0);
}

TEST(Machines, AMissingOrDamagedImageIsRefusedWithTheRemedy) {
    Rig rig;
    auto options = rig.options();
    options.image = rig.state() / "image";
    const auto missing = compute::LxcMachineHost::create(options);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, "image_missing");
    std::filesystem::create_directories(options.image / "rootfs/etc");
    const auto damaged = compute::LxcMachineHost::create(options);
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().code, "image_damaged");
    EXPECT_NE(damaged.error().next_action.find("build-image"), std::string::npos);
}

Milliseconds time_of(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - start);
}

TEST(Machines, TenStartAtOnce) {
    Rig rig;
    std::vector<std::pair<std::string, Milliseconds>> times;
    const auto measure = [&](const std::string& what, const std::function<void()>& work) {
        times.emplace_back(what, time_of(work));
    };
    measure("hub and first network",
            [&] { ASSERT_OK(rig.host().ensure_network(rig.network("a"))); });
    measure("second network", [&] { ASSERT_OK(rig.host().ensure_network(rig.network("b"))); });
    measure("one port", [&] { ASSERT_OK(rig.host().ensure_port(rig.port("p0", "a", 200))); });
    measure("one disk", [&] { ASSERT_OK(rig.host().ensure_machine(rig.machine("m0", "p0"))); });
    measure("one start", [&] { ASSERT_OK(rig.host().start_machine("m0")); });
    measure("one stop", [&] { ASSERT_OK(rig.host().stop_machine("m0", grace)); });
    measure("one removal", [&] { ASSERT_OK(rig.host().remove_machine("m0")); });
    const auto in_parallel = [&](const std::function<Result<void>(const std::string&, int)>& work) {
        std::vector<std::future<Result<void>>> running;
        for (int index = 1; index <= 10; ++index)
            running.push_back(std::async(std::launch::async, work, std::to_string(index), index));
        for (auto& one : running) {
            const auto outcome = one.get();
            EXPECT_TRUE(outcome) << outcome.error().message;
        }
    };
    measure("ten ports", [&] {
        in_parallel([&](const std::string& number, int index) {
            return rig.host().ensure_port(rig.port("p" + number, "a", 10 + index));
        });
    });
    measure("ten disks and starts", [&] {
        in_parallel([&](const std::string& number, int) -> Result<void> {
            RETURN_IF_ERROR(rig.host().ensure_machine(rig.machine("m" + number, "p" + number)));
            return rig.host().start_machine("m" + number);
        });
    });
    measure("ten stops", [&] {
        in_parallel([&](const std::string& number, int) {
            return rig.host().stop_machine("m" + number, grace);
        });
    });
    measure("ten removals", [&] {
        in_parallel([&](const std::string& number, int) {
            return rig.host().remove_machine("m" + number);
        });
    });
    for (const auto& [what, took] : times)
        std::printf("    %-24s %5lld ms\n", what.c_str(), static_cast<long long>(took.count()));
}

}  // namespace
}  // namespace hopyard::tests
