#include "lab.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <vector>

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/read_file.h"
#include "node/system/files.h"

namespace hopyard::test {
namespace {

constexpr const char* marker = "HOPYARD_NODE_LAB";

}  // namespace

std::string base_image() {
    const char* given = std::getenv("HOPYARD_IMAGE");
    return std::string(given != nullptr ? given : HOPYARD_SOURCE_DIR "/.cache/image") + "/rootfs";
}

std::string isolated_directory() {
    const char* value = std::getenv(marker);
    return value == nullptr ? "" : value;
}

int run_isolated(char** arguments) {
    if (geteuid() != 0 || !std::filesystem::exists(base_image())) {
        std::cerr << "needs root, and the base image at " << base_image()
                  << " (tools/build-image; HOPYARD_IMAGE names another place)\n";
        return 1;
    }
    char directory[] = "/tmp/hopyard-node-lab-XXXXXX";
    if (mkdtemp(directory) == nullptr) return 1;
    std::vector<std::string> words = {"unshare",
                                      "--mount",
                                      "--net",
                                      "--pid",
                                      "--fork",
                                      "--kill-child",
                                      "--mount-proc",
                                      std::filesystem::read_symlink("/proc/self/exe")};
    for (char** each = arguments + 1; *each != nullptr; ++each) words.emplace_back(*each);
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        setenv(marker, directory, 1);
        execvp(pointers[0], pointers.data());
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    std::filesystem::remove_all(directory);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

Lab::Lab(std::string directory, std::string image)
    : directory_(std::move(directory)),
      image_(std::move(image)),
      processes_(clock_),
      thread_([this](std::stop_token stop) { processes_.run(stop); }) {
    std::filesystem::create_directories(directory_);
    host(
        fmt::format("mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up && "
                    "ip link add br0 address 02:00:00:00:00:01 type bridge && "
                    "ip addr add {}/24 dev br0 && "
                    "ip addr add 169.254.169.254/32 dev br0 && ip link set br0 up",
                    gateway));
}

Lab::~Lab() {
    for (const auto& [name, ignored] : has_network_) {
        kill_machine(name);
        host("ip link del v-" + name + "; ip netns del " + name);
    }
    host("ip link del br0; umount -l /run");
}

void Lab::kill_machine(const std::string& name) {
    if (const int pid = pid_of(name); pid != 0) kill(pid, SIGKILL);
    processes_.stop(name, Milliseconds(2'000));
}

void Lab::host(const std::string& command) {
    const auto done =
        processes_.output_of({.arguments = {"/bin/sh", "-ec", command}}, Milliseconds(20'000));
    if (!done) {
        std::cerr << command << ": " << done.error().message << "\n";
        std::abort();
    }
}

void Lab::start(const std::string& name, const std::string& address) {
    if (!has_network_[name]) {
        host(
            fmt::format("ip netns add {0} && ip -n {0} link set lo up && "
                        "ip link add v-{0} type veth peer name eth0 netns {0} && "
                        "ip link set v-{0} master br0 up && ip -n {0} addr add {1}/24 dev eth0 && "
                        "ip -n {0} link set eth0 up && ip -n {0} route add default via {2}",
                        name,
                        address,
                        gateway));
        has_network_[name] = true;
    }
    node::system::Service machine{name,
                                  {.arguments = {"/usr/bin/nsenter",
                                                 "--net=/run/netns/" + name,
                                                 "/usr/bin/unshare",
                                                 "--mount",
                                                 "--uts",
                                                 "--ipc",
                                                 "--pid",
                                                 "--fork",
                                                 "--kill-child",
                                                 "/bin/sh",
                                                 HOPYARD_SOURCE_DIR "/tests/node/machine.sh",
                                                 name,
                                                 directory_ + "/" + name,
                                                 image_,
                                                 HOPYARD_NODE_PROGRAM}}};
    machine.command.output_file = directory_ + "/" + name + ".out";
    const auto started = processes_.start(machine);
    if (!started) std::abort();
}

int Lab::pid_of(const std::string& name) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const auto id = entry.path().filename().string();
        if (id.find_first_not_of("0123456789") != std::string::npos) continue;
        const auto status = read_file("/proc/" + id + "/status").value_or("");
        if (status.find("Name:\thopyard-node") == std::string::npos) continue;
        // The machine's first process, and not one it is just about to start.
        const auto ids = status.find("NSpid:");
        const auto last = status.find('\n', ids);
        if (ids == std::string::npos || !status.substr(ids, last - ids).ends_with("\t1")) continue;
        if (read_file("/proc/" + id + "/root/etc/hostname") == name + "\n") {
            return std::stoi(id);
        }
    }
    return 0;
}

int Lab::wait_for_pid(const std::string& name) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    int pid = pid_of(name);
    while (pid == 0 && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(Milliseconds(5));
        pid = pid_of(name);
    }
    return pid;
}

bool Lab::stop(const std::string& name, Milliseconds patience) {
    const int pid = pid_of(name);
    if (pid == 0) return false;
    kill(pid, SIGTERM);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
        if (kill(pid, 0) != 0) {
            processes_.stop(name, Milliseconds(2'000));
            return true;
        }
        std::this_thread::sleep_for(Milliseconds(10));
    }
    return false;
}

std::string Lab::run(const std::string& name, const std::string& user, const std::string& command) {
    const auto pid = std::to_string(wait_for_pid(name));
    const auto done = processes_.finish({.arguments = {"/usr/bin/nsenter",
                                                       "-t",
                                                       pid,
                                                       "-m",
                                                       "-u",
                                                       "-i",
                                                       "-n",
                                                       "-p",
                                                       "/usr/sbin/runuser",
                                                       "-u",
                                                       user,
                                                       "--",
                                                       "/bin/sh",
                                                       "-c",
                                                       "cd /tmp; " + command}},
                                        Milliseconds(20'000));
    if (!done) return "failed: " + done.error().message;
    if (done->exit_code != 0) return "failed: " + done->output + done->errors;
    return done->output;
}

std::string Lab::file(const std::string& name, const std::string& path) {
    return read_file(directory_ + "/" + name + "/up" + path).value_or("");
}

}  // namespace hopyard::test
