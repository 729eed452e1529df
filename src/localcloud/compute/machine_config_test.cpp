#include "localcloud/compute/machine_config.h"

#include <gtest/gtest.h>

namespace hopyard::localcloud::compute {
namespace {

MachineConfig example() {
    return {.hostname = "w1",
            .program_layer = "/s/layers/ab",
            .base_image = "/image/rootfs",
            .upper = "/s/machines/m/disk/delta0",
            .network_namespace = "/run/netns/hy-a-p-x",
            .console_log = "/s/machines/m/console.log",
            .vcpus = 2,
            .host_cores = 8,
            .memory_mb = 1024};
}

bool has(const std::string& text, const std::string& line) {
    return text.find(line + "\n") != std::string::npos;
}

TEST(MachineConfig, StacksTheProgramOverTheImageUnderWhatTheMachineWrites) {
    const auto text = render(example());
    EXPECT_TRUE(has(
        text, "lxc.rootfs.path = overlay:/s/layers/ab:/image/rootfs:/s/machines/m/disk/delta0"));
    EXPECT_TRUE(has(text, "lxc.namespace.share.net = /run/netns/hy-a-p-x"));
    EXPECT_TRUE(has(text, "lxc.init.cmd = /usr/lib/hopyard/hopyard-node"));
    EXPECT_TRUE(has(text, "lxc.environment = HOPYARD_PID1=1"));
    EXPECT_EQ(text.find("lxc.net."), std::string::npos);
}

TEST(MachineConfig, LimitsBothVersionsOfControlGroups) {
    const auto text = render(example());
    EXPECT_TRUE(has(text, "lxc.cgroup.memory.limit_in_bytes = 1073741824"));
    EXPECT_TRUE(has(text, "lxc.cgroup2.memory.max = 1073741824"));
    EXPECT_TRUE(has(text, "lxc.cgroup.cpu.shares = 2048"));
    EXPECT_TRUE(has(text, "lxc.cgroup.cpu.cfs_quota_us = 200000"));
    EXPECT_TRUE(has(text, "lxc.cgroup2.cpu.max = 200000 100000"));
}

TEST(MachineConfig, OfAsManyCoresAsTheHostHasNoQuota) {
    auto config = example();
    config.vcpus = 8;
    EXPECT_EQ(render(config).find("cfs_quota"), std::string::npos);
    config.vcpus = 64;
    EXPECT_EQ(render(config).find("cpu.max"), std::string::npos);
}

TEST(MachineConfig, ShowsControlGroupsOnlyWhereTheyAreOfVersionTwo) {
    auto config = example();
    EXPECT_EQ(render(config).find("cgroup:rw"), std::string::npos);
    config.has_cgroup2_only = true;
    EXPECT_TRUE(has(render(config), "lxc.mount.auto = cgroup:rw:force"));
}

TEST(MachineConfig, TellsItsProgramLayer) {
    EXPECT_EQ(program_layer_of(render(example())), "/s/layers/ab");
    EXPECT_EQ(program_layer_of(""), "");
    EXPECT_EQ(program_layer_of("lxc.rootfs.path = overlay:"), "");
}

}  // namespace
}  // namespace hopyard::localcloud::compute
