#include "localcloud/compute/container.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/read_file.h"
#include "localcloud/network/command.h"

namespace hopyard::localcloud::compute {
namespace {

namespace fs = std::filesystem;

constexpr Milliseconds kill_limit{10000};
constexpr Milliseconds monitor_limit{5000};
constexpr const char* control_groups = "/sys/fs/cgroup";

std::optional<pid_t> process_number(const std::string& text) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (error != std::errc{} || end != text.data() + text.size() || pid <= 0) return std::nullopt;
    return pid;
}

/// One line of /proc/PID/status, without its name.
std::string status_line(pid_t pid, const std::string& name) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(name + ":")) return line.substr(name.size() + 1);
    return {};
}

/// The process's numbers in its nested PID namespaces, outermost first.
std::vector<pid_t> numbers_of(pid_t pid) {
    std::istringstream words(status_line(pid, "NSpid"));
    return {std::istream_iterator<pid_t>(words), {}};
}

pid_t parent_of(pid_t pid) {
    std::istringstream words(status_line(pid, "PPid"));
    pid_t parent = 0;
    words >> parent;
    return parent;
}

std::uint64_t network_namespace_of(const std::string& pid) {
    struct stat info {};
    return stat(("/proc/" + pid + "/ns/net").c_str(), &info) == 0 ? info.st_ino : 0;
}

/// Calls `visit` for the control groups of LXC whose container's name begins with `prefix`.
void each_control_group(const std::string& prefix,
                        const std::function<void(const fs::path&)>& visit) {
    std::vector<fs::path> hierarchies{control_groups};
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(control_groups, ignored))
        if (entry.is_directory(ignored) && !entry.is_symlink(ignored))
            hierarchies.push_back(entry.path());
    for (const auto& hierarchy : hierarchies) {
        std::vector<fs::path> found;
        for (const auto& entry : fs::directory_iterator(hierarchy, ignored)) {
            const auto name = entry.path().filename().string();
            if (name.starts_with("lxc.payload." + prefix) ||
                name.starts_with("lxc.monitor." + prefix))
                found.push_back(entry.path());
        }
        for (const auto& path : found) visit(path);
    }
}

void remove_bottom_up(const fs::path& group) {
    std::error_code ignored;
    std::vector<fs::path> inner;
    for (const auto& entry : fs::directory_iterator(group, ignored))
        if (entry.is_directory(ignored)) inner.push_back(entry.path());
    for (const auto& path : inner) remove_bottom_up(path);
    rmdir(group.c_str());
}

/// The last lines LXC wrote, without its time stamps and places.
std::string cause_in(const fs::path& log) {
    std::istringstream lines(read_file(log).value_or(""));
    std::string cause;
    for (std::string line; std::getline(lines, line);) {
        if (line.find(" ERROR ") == std::string::npos) continue;
        const auto dash = line.find(" - ");
        if (!cause.empty()) cause += "; ";
        cause += dash == std::string::npos ? line : line.substr(dash + 3);
        if (cause.size() > 600) break;
    }
    return cause.empty() ? "LXC gives no cause" : cause;
}

}  // namespace

Process Process::open(pid_t pid) {
    Process process;
    network::Descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!handle.is_open()) return process;
    process.pid_ = pid;
    process.handle_ = std::make_shared<network::Descriptor>(std::move(handle));
    return process;
}

bool Process::wait(Milliseconds limit) const {
    if (!handle_) return true;
    const auto end = std::chrono::steady_clock::now() + limit;
    while (true) {
        const auto left =
            std::chrono::duration_cast<Milliseconds>(end - std::chrono::steady_clock::now());
        pollfd waiting{.fd = handle_->get(), .events = POLLIN, .revents = 0};
        const int ready =
            poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
        if (ready > 0) return true;
        if (ready == 0 || errno != EINTR) return false;
    }
}

bool Process::is_alive() const {
    return handle_ && !wait(Milliseconds{0});
}

void Process::signal(int number) const {
    if (handle_) syscall(SYS_pidfd_send_signal, handle_->get(), number, nullptr, 0);
}

std::map<std::uint64_t, std::vector<pid_t>> inhabitants() {
    std::map<std::uint64_t, std::vector<pid_t>> result;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
        const auto name = entry.path().filename().string();
        const auto pid = process_number(name);
        if (!pid) continue;
        if (const auto number = network_namespace_of(name)) result[number].push_back(*pid);
    }
    return result;
}

std::vector<pid_t> inhabitants_of(std::uint64_t network_namespace) {
    auto all = inhabitants();
    return network_namespace == 0 ? std::vector<pid_t>{} : std::move(all[network_namespace]);
}

std::optional<Container> find_container(const std::vector<pid_t>& processes,
                                        const std::string& name) {
    std::size_t depth = SIZE_MAX;
    Container found;
    for (const pid_t pid : processes) {
        const auto numbers = numbers_of(pid);
        // A job may have made a PID namespace of its own: the outermost init is the machine's.
        if (numbers.size() < 2 || numbers.back() != 1 || numbers.size() >= depth) continue;
        auto init = Process::open(pid);
        if (!init.is_alive()) continue;
        depth = numbers.size();
        found.init = std::move(init);
    }
    if (!found.init.is_alive()) return std::nullopt;
    const pid_t parent = parent_of(found.init.pid());
    if (parent > 1 &&
        read_file("/proc/" + std::to_string(parent) + "/cmdline").value_or("").find(name) !=
            std::string::npos)
        found.monitor = Process::open(parent);
    return found;
}

Result<Container> start_container(const fs::path& directory,
                                  const std::string& name,
                                  std::uint64_t network_namespace) {
    const auto log = directory / name / "lxc.log";
    std::error_code ignored;
    fs::remove(log, ignored);
    const auto started = network::run_command(
        {.arguments =
             {"lxc-start", "-P", directory.string(), "-n", name, "-o", log.string(), "-l", "ERROR"},
         .timeout = Milliseconds{30000}});
    if (!started && started.error().kind == ErrorKind::unavailable) return pass(started.error());
    if (!started)
        return fail(ErrorKind::internal,
                    "machine_start_failed",
                    "The machine's container did not start: " + cause_in(log) + ".");
    auto container = find_container(inhabitants_of(network_namespace), name);
    if (!container)
        return fail(ErrorKind::internal,
                    "machine_ended_at_once",
                    "The machine's init ended as soon as it was started; see " +
                        (directory / name / "console.log").string() + ".");
    return std::move(*container);
}

Result<void> end_container(const Container& container, Milliseconds grace) {
    if (grace.count() > 0) {
        container.init.signal(SIGTERM);
        if (container.init.wait(grace)) return {};
    }
    container.init.signal(SIGKILL);
    if (container.init.wait(kill_limit)) return {};
    return fail(ErrorKind::internal,
                "machine_does_not_end",
                "The machine's init, process " + std::to_string(container.init.pid()) +
                    ", survives being killed.");
}

void settle_container(const Container& container, const std::string& name) {
    if (!container.monitor.wait(monitor_limit)) {
        container.monitor.signal(SIGKILL);
        container.monitor.wait(kill_limit);
    }
    remove_control_groups(name);
}

bool kill_processes(const std::vector<pid_t>& processes) {
    std::vector<Process> victims;
    for (const pid_t pid : processes) victims.push_back(Process::open(pid));
    for (const auto& victim : victims) victim.signal(SIGKILL);
    return std::all_of(victims.begin(), victims.end(), [](const Process& victim) {
        return victim.wait(kill_limit);
    });
}

void remove_control_groups(const std::string& prefix) {
    each_control_group(prefix, remove_bottom_up);
}

std::vector<pid_t> control_group_processes(const std::string& prefix) {
    std::vector<pid_t> found;
    const auto collect = [&](const fs::path& group) {
        std::ifstream file(group / "cgroup.procs");
        for (pid_t pid = 0; file >> pid;)
            if (pid > 0) found.push_back(pid);
    };
    each_control_group(prefix, [&](const fs::path& group) {
        collect(group);
        std::error_code ignored;
        for (const auto& entry : fs::recursive_directory_iterator(group, ignored))
            if (entry.is_directory(ignored)) collect(entry.path());
    });
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

bool has_cgroup2_only() {
    return access((std::string(control_groups) + "/cgroup.controllers").c_str(), F_OK) == 0;
}

}  // namespace hopyard::localcloud::compute
