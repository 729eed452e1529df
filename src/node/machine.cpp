#include "node/machine.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "node/system/files.h"

namespace hopyard::node {
namespace {

using Steady = std::chrono::steady_clock;

constexpr long tmpfs_magic = 0x01021994;
constexpr long devpts_magic = 0x1cd1;
constexpr long proc_magic = 0x9fa0;
constexpr const char* own_group = "/sys/fs/cgroup/hopyard";

struct Mount {
    const char* path;
    const char* type;
    long magic;
    unsigned long flags;
    const char* options;
};

constexpr Mount mounts[] = {
    {"/proc", "proc", proc_magic, MS_NOSUID | MS_NODEV | MS_NOEXEC, ""},
    // What is in it is of the last run: process numbers and sockets of services that are gone.
    {"/run", "tmpfs", tmpfs_magic, MS_NOSUID | MS_NODEV, "mode=755,size=128m"},
    {"/dev/shm", "tmpfs", tmpfs_magic, MS_NOSUID | MS_NODEV, "mode=1777"},
    {"/dev/pts",
     "devpts",
     devpts_magic,
     MS_NOSUID | MS_NOEXEC,
     "newinstance,ptmxmode=0666,mode=0620,gid=5"},
};

void mount_missing(const Mount& wanted) {
    struct statfs facts {};
    if (statfs(wanted.path, &facts) == 0 && facts.f_type == wanted.magic) return;
    mkdir(wanted.path, 0755);
    if (mount(wanted.type, wanted.path, wanted.type, wanted.flags, wanted.options) != 0) {
        log::warning("a mount is missing", {{"path", wanted.path}, {"cause", strerror(errno)}});
    }
}

/// A group with processes in it cannot have groups below it that are controlled.
void leave_root_group() {
    if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) != 0) return;
    mkdir(own_group, 0755);
    const auto moved = system::write_in_place(std::string(own_group) + "/cgroup.procs", "1");
    for (const char* controller : {"+cpu", "+cpuset", "+memory", "+pids"}) {
        const auto on = system::write_in_place("/sys/fs/cgroup/cgroup.subtree_control", controller);
        if (!moved || !on) log::warning("a control group", {{"controller", controller}});
    }
}

void raise_loopback() {
    const int file = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    strcpy(request.ifr_name, "lo");
    if (ioctl(file, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) == 0) {
        request.ifr_flags |= IFF_UP;
        ioctl(file, SIOCSIFFLAGS, &request);
    }
    close(file);
}

}  // namespace

void prepare_machine() {
    umask(022);
    for (const auto& each : mounts) mount_missing(each);
    chmod("/tmp", 01777);
    mkdir("/run/lock", 01777);
    raise_loopback();
    leave_root_group();
}

void end_machine(Milliseconds grace) {
    kill(-1, SIGTERM);
    const auto until = Steady::now() + grace;
    bool any_left = true;
    while (any_left && Steady::now() < until) {
        sigset_t child_ended;
        sigemptyset(&child_ended);
        sigaddset(&child_ended, SIGCHLD);
        const timespec a_while{.tv_sec = 0, .tv_nsec = 20'000'000};
        while (waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        // As the first process we are not among those that -1 means.
        any_left = kill(-1, 0) == 0;
        if (any_left) sigtimedwait(&child_ended, nullptr, &a_while);
    }
    if (any_left) kill(-1, SIGKILL);
    while (waitpid(-1, nullptr, 0) > 0) {
    }
    sync();
}

}  // namespace hopyard::node
