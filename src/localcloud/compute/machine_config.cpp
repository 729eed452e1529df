#include "localcloud/compute/machine_config.h"

#include <algorithm>

#include <fmt/format.h>

namespace hopyard::localcloud::compute {
namespace {

/// What a machine needs of the host's devices: null, zero, full, random, terminals, fuse.
constexpr const char* devices[] = {"c *:* m",
                                   "b *:* m",
                                   "c 1:3 rwm",
                                   "c 1:5 rwm",
                                   "c 1:7 rwm",
                                   "c 1:8 rwm",
                                   "c 1:9 rwm",
                                   "c 5:0 rwm",
                                   "c 5:1 rwm",
                                   "c 5:2 rwm",
                                   "c 136:* rwm",
                                   "c 10:229 rwm",
                                   "c 195:* rwm"};

std::string render_devices() {
    std::string text = "lxc.cgroup.devices.deny = a\nlxc.cgroup2.devices.deny = a\n";
    for (const auto* device : devices)
        text += fmt::format("lxc.cgroup.devices.allow = {0}\nlxc.cgroup2.devices.allow = {0}\n",
                            device);
    return text;
}

/// Shares always; a quota only where the host has more cores than the machine may use.
std::string render_processor(int vcpus, int host_cores) {
    const int shares = std::clamp(vcpus * 1024, 2, 262144);
    // The kernel's own mapping of shares onto the weights of cgroup v2.
    const int weight = 1 + static_cast<int>((shares - 2) * 9999LL / 262142);
    auto text =
        fmt::format("lxc.cgroup.cpu.shares = {}\nlxc.cgroup2.cpu.weight = {}\n", shares, weight);
    if (vcpus < host_cores)
        text += fmt::format(
            "lxc.cgroup.cpu.cfs_period_us = 100000\n"
            "lxc.cgroup.cpu.cfs_quota_us = {0}\n"
            "lxc.cgroup2.cpu.max = {0} 100000\n",
            vcpus * 100000);
    return text;
}

}  // namespace

std::string render(const MachineConfig& config) {
    const auto memory = config.memory_mb * 1024 * 1024;
    auto text = fmt::format(
        "lxc.uts.name = {}\n"
        "lxc.rootfs.path = overlay:{}:{}:{}\n"
        "lxc.namespace.share.net = {}\n"
        "lxc.init.cmd = {}\n"
        "lxc.environment = PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
        "lxc.environment = HOPYARD_PID1=1\n"
        "lxc.signal.halt = SIGTERM\n",
        config.hostname,
        config.program_layer,
        config.base_image,
        config.upper,
        config.network_namespace,
        init_path);
    text +=
        "lxc.apparmor.profile = unconfined\n"
        "lxc.mount.auto = proc:mixed sys:ro\n"
        "lxc.mount.entry = tmpfs run tmpfs rw,nosuid,nodev,mode=755,size=128m 0 0\n"
        "lxc.mount.entry = tmpfs dev/shm tmpfs rw,nosuid,nodev,create=dir 0 0\n"
        "lxc.mount.entry = /dev/fuse dev/fuse none bind,optional,create=file 0 0\n"
        "lxc.tty.max = 0\n"
        "lxc.pty.max = 1024\n"
        "lxc.cap.drop = net_admin sys_module sys_time sys_boot sys_rawio mac_admin mac_override "
        "syslog sys_nice\n";
    if (config.has_cgroup2_only) text += "lxc.mount.auto = cgroup:rw:force\n";
    text += fmt::format(
        "lxc.console.buffer.size = 64kB\n"
        "lxc.console.size = 1MB\n"
        "lxc.console.logfile = {}\n",
        config.console_log);
    text += fmt::format(
        "lxc.cgroup.memory.limit_in_bytes = {0}\n"
        "lxc.cgroup2.memory.max = {0}\n"
        "lxc.cgroup.pids.max = 16384\n"
        "lxc.cgroup2.pids.max = 16384\n",
        memory);
    return text + render_processor(config.vcpus, config.host_cores) + render_devices();
}

std::string program_layer_of(const std::string& config) {
    static constexpr std::string_view key = "lxc.rootfs.path = overlay:";
    const auto start = config.find(key);
    if (start == std::string::npos) return {};
    const auto from = start + key.size();
    return config.substr(from, config.find_first_of(":\n", from) - from);
}

}  // namespace hopyard::localcloud::compute
