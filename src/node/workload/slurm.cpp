#include "node/workload/slurm.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/log.h"
#include "base/read_file.h"
#include "node/metadata.h"
#include "node/system/connections.h"
#include "node/system/files.h"
#include "node/system/watch.h"
#include "node/workload/slurm_plan.h"
#include "node/workload/slurm_preload.h"
#include "node/workload/slurm_text.h"

namespace hopyard::node::workload {
namespace {

using nodewire::Orders;
using system::accepting;
using system::Command;
using system::Service;

constexpr const char* munge_socket = "/run/munge/munge.socket.2";
constexpr const char* controller_log = "/var/log/slurm/slurmctld.log";
constexpr const char* log_directory = "/var/log/slurm";
/// Root's alone: what is loaded into the controller, which starts as root.
constexpr const char* preload_file = "/usr/lib/hopyard/slurm_preload.so";
constexpr Milliseconds command_timeout{10'000};
constexpr Milliseconds answer_timeout{300};
constexpr Milliseconds start_timeout{10'000};
constexpr Milliseconds stop_grace{10'000};
constexpr Seconds registration_period{10};
constexpr Backoff probe_backoff{.first = Milliseconds(10), .most = Milliseconds(500)};

Failure not_yet(std::string code, std::string message) {
    return fail(ErrorKind::unavailable, std::move(code), std::move(message));
}

Result<system::AccountIds> account(const std::string& name) {
    const auto ids = system::find_account(name);
    if (!ids) return not_yet("account_missing", "this machine has no account " + name);
    return *ids;
}

Failure controller_not_ready() {
    return not_yet("slurmctld_not_ready",
                   fmt::format("slurmctld does not answer; see {}", controller_log));
}

/// Somebody listens on that TCP port of this machine; nobody is connected to for that.
bool is_listening(int port) {
    const auto wanted = fmt::format(":{:04X} ", port);
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        const auto text = read_file(table).value_or("");
        for (auto at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
            // "local_address rem_address st": the state 0A is LISTEN.
            const auto remote = at + wanted.size();
            const auto state = text.find(' ', remote);
            if (state != std::string::npos && text.compare(state + 1, 2, "0A") == 0) return true;
        }
    }
    return false;
}

ControlGroups control_groups() {
    return access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ? ControlGroups::version2
                                                                  : ControlGroups::none;
}

/// Slurm wants a character device for each GPU; where there is none, a copy of /dev/null stands for
/// it, so that one gres.conf fits every machine.
Result<void> make_gpu_devices() {
    RETURN_IF_ERROR(system::make_directory(gpu_directory, {.mode = 0755}));
    for (int i = 0; i < gpus_max; ++i) {
        const auto path = fmt::format("{}/gpu{}", gpu_directory, i);
        const auto real = fmt::format("/dev/nvidia{}", i);
        struct stat facts {};
        const bool is_there = stat(path.c_str(), &facts) == 0;
        const bool has_gpu = access(real.c_str(), F_OK) == 0;
        if (is_there && !has_gpu) continue;
        unlink(path.c_str());
        const bool made = has_gpu ? symlink(real.c_str(), path.c_str()) == 0
                                  : mknod(path.c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0;
        if (!made) return not_yet("gpu_device_not_made", path + " cannot be made");
    }
    return {};
}

class Slurm final : public WorkloadManager {
  public:
    explicit Slurm(SlurmParts parts) : parts_(parts) {}

    Result<void> become(const Orders& orders, std::stop_token stop) override {
        is_head_ = orders.is_head;
        RETURN_IF_ERROR(prepare_directories());
        if (!started_) log::info("starting the workload manager");
        RETURN_IF_ERROR(start_munge(orders.workload_key, stop));
        return orders.is_head ? become_controller(orders, stop) : become_worker(orders, stop);
    }

    bool is_running() const override {
        return started_ && parts_.processes.state("munged").running &&
               parts_.processes.state(daemon()).running;
    }

    Result<Seen> look() override {
        // Slurm's own commands would try for eighteen seconds.
        if (!is_listening(controller_port)) return controller_not_ready();
        ASSIGN_OR_RETURN(const auto nodes, run({"/usr/bin/sinfo", "--json"}));
        ASSIGN_OR_RETURN(const auto table, run(list_jobs_command(), list_jobs_environment()));
        ASSIGN_OR_RETURN(const auto jobs, parse_jobs(table));
        ASSIGN_OR_RETURN(auto seen, parse_seen(nodes, jobs));
        RETURN_IF_ERROR(ask_for_jobs_in_doubt(jobs));
        seen.demand = demand_of(jobs, jobs_of_one_node_, parts_.clock.now());
        return seen;
    }

    Result<Arranged> arrange(const Orders& orders,
                             const Seen& seen,
                             const std::set<std::string>& alive) override {
        auto next = plan(orders, seen, {.alive = alive, .silent = silent_of(orders, seen)});
        if (partitions_may_be_closed_ && !next.opens_partitions) {
            const auto open = open_partitions();
            next.commands.insert(next.commands.end(), open.begin(), open.end());
        }
        if (!next.commands.empty()) RETURN_IF_ERROR(tell(next.commands));
        return Arranged{.changed = !next.commands.empty(), .attained = next.attained};
    }

    void watch(const std::function<void()>& on_event, std::stop_token stop) override {
        // The controller writes a line for whatever happens to a job or a node.
        const auto made = prepare_directories();
        if (!made) log::warning("Slurm's directories", {{"cause", made.error().message}});
        system::watch_directory(log_directory, on_event, stop);
    }

    void stop() override {
        parts_.processes.stop("slurmd", stop_grace);
        // SIGTERM is what `scontrol shutdown` comes to: all state is saved first.
        parts_.processes.stop("slurmctld", stop_grace);
        parts_.processes.stop("munged", Milliseconds(2'000));
        started_ = false;
    }

  private:
    /// Nodes that lose their work now, and whose daemon cannot be told to end it.
    static std::set<std::string> silent_of(const Orders& orders, const Seen& seen) {
        std::set<std::string> addresses, silent;
        const auto losing = nodes_that_lose_work(orders, seen);
        for (const auto* node : losing) addresses.insert(node->address);
        const auto answering = accepting(addresses, worker_port, answer_timeout);
        for (const auto* node : losing)
            if (!answering.contains(node->address)) silent.insert(node->name);
        return silent;
    }

    std::string daemon() const { return is_head_ ? "slurmctld" : "slurmd"; }

    Result<std::string> run(std::vector<std::string> arguments,
                            std::vector<std::string> environment = {}) {
        return parts_.processes.output_of({.arguments = std::move(arguments),
                                           .environment = std::move(environment),
                                           .output_max = 256u << 20},
                                          command_timeout);
    }

    /// Once for each: what was asked for does not change while it waits.
    Result<void> ask_for_jobs_in_doubt(const std::vector<Job>& jobs) {
        std::set<std::string> in_doubt;
        for (const Job& job : jobs)
            if (job.is_in_doubt()) in_doubt.insert(job.number);
        const bool is_known =
            std::includes(asked_for_.begin(), asked_for_.end(), in_doubt.begin(), in_doubt.end());
        if (!is_known) {
            ASSIGN_OR_RETURN(const auto lines,
                             run({"/usr/bin/scontrol", "--oneliner", "show", "job"}));
            jobs_of_one_node_ = jobs_of_one_node(lines);
        }
        asked_for_ = std::move(in_doubt);
        return {};
    }

    Result<void> prepare_directories() {
        ASSIGN_OR_RETURN(const auto slurm, account("slurm"));
        ASSIGN_OR_RETURN(const auto munge, account("munge"));
        const system::FileOptions of_slurm{.mode = 0755, .owner = slurm.uid, .group = slurm.gid};
        const system::FileOptions of_munge{.mode = 0700, .owner = munge.uid, .group = munge.gid};
        for (const char* path : {"/var/lib/slurm", state_directory, log_directory}) {
            RETURN_IF_ERROR(system::make_directory(path, of_slurm));
        }
        for (const char* path : {"/etc/munge", "/var/lib/munge", "/var/log/munge"}) {
            RETURN_IF_ERROR(system::make_directory(path, of_munge));
        }
        auto readable = of_munge;
        readable.mode = 0755;
        RETURN_IF_ERROR(system::make_directory("/run/munge", readable));
        RETURN_IF_ERROR(system::make_directory("/run/slurm", {.mode = 0755}));
        return system::make_directory("/var/lib/slurm/slurmd", {.mode = 0755});
    }

    Result<void> start_munge(const Secret& key, const std::stop_token& stop) {
        ASSIGN_OR_RETURN(const auto munge, account("munge"));
        RETURN_IF_ERROR(system::write_file("/etc/munge/munge.key",
                                           key.reveal(),
                                           {.mode = 0400, .owner = munge.uid, .group = munge.gid}));
        const Service service{"munged",
                              {.arguments = {"/usr/sbin/munged", "--foreground"},
                               .account = system::Account{munge.uid, munge.gid, {}},
                               .output_file = "/var/log/munge.out"}};
        if (!parts_.processes.state("munged").running) unlink(munge_socket);
        RETURN_IF_ERROR(parts_.processes.start(service));
        if (system::wait_for_path(munge_socket, start_timeout, stop)) return {};
        return not_yet("munge_not_ready", "munged does not open its socket");
    }

    Result<void> become_controller(const Orders& orders, const std::stop_token& stop) {
        char host_name[65] = {};
        gethostname(host_name, sizeof host_name - 1);
        const auto groups = control_groups();
        const auto conf = slurm_conf(orders, {.host_name = host_name, .control_groups = groups});
        const bool changed = read_file("/etc/slurm/slurm.conf") != conf;
        RETURN_IF_ERROR(system::make_directory("/etc/slurm", {.mode = 0755}));
        RETURN_IF_ERROR(system::write_file("/etc/slurm/slurm.conf", conf));
        RETURN_IF_ERROR(system::write_file("/etc/slurm/cgroup.conf", cgroup_conf(groups)));
        RETURN_IF_ERROR(system::write_file("/etc/slurm/gres.conf", gres_conf()));
        RETURN_IF_ERROR(write_prolog());
        if (started_ && is_running()) {
            if (changed) RETURN_IF_ERROR(run({"/usr/bin/scontrol", "reconfigure"}));
            return {};
        }
        RETURN_IF_ERROR(parts_.processes.start(
            {"slurmctld",
             {.arguments = {"/usr/sbin/slurmctld", "-D"},
              .environment = {fmt::format("LD_PRELOAD={}", preload_file)}}}));
        RETURN_IF_ERROR(wait_for_controller(stop));
        started_ = true;
        partitions_may_be_closed_ = true;
        return {};
    }

    /// No job starts before its record is written, and that is done at once.
    Result<void> write_prolog() {
        std::error_code error;
        const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
        if (error) return not_yet("program_not_found", "this program does not find its own file");
        const auto script =
            fmt::format("#!/bin/sh\n'{}' await-saved-job\nexit 0\n", program.string());
        RETURN_IF_ERROR(system::write_file(prolog_file, script, {.mode = 0755}));
        RETURN_IF_ERROR(system::make_directory("/usr/lib/hopyard", {.mode = 0755}));
        return system::write_file(preload_file, slurm_preload(), {.mode = 0644});
    }

    Result<void> wait_for_controller(const std::stop_token& stop) {
        for (int tries = 0; tries < 2'000; ++tries) {
            if (is_listening(controller_port)) return {};
            if (!sleep_for(Milliseconds(5), stop)) break;
        }
        return controller_not_ready();
    }

    Result<void> become_worker(const Orders& orders, const std::stop_token& stop) {
        const auto seen = parts_.processes.state("slurmd");
        const auto conf = node_conf(orders.vcpus, orders.memory_mb, orders.gpus);
        if (started_ && seen.running && seen.unexpected_exits == exits_ && conf == conf_) {
            if (!is_forgotten(orders)) return {};
            // Running jobs go on without it, and are found again.
            log::warning("the workload manager has forgotten this machine: registering again");
            parts_.processes.stop("slurmd", stop_grace);
        }
        RETURN_IF_ERROR(make_gpu_devices());
        // slurmd that finds no controller waits ten seconds: it is started when there is one.
        if (!seen.running) RETURN_IF_ERROR(wait_for_head(orders.head_address, stop));
        RETURN_IF_ERROR(parts_.processes.start(
            {"slurmd",
             {.arguments = {"/usr/sbin/slurmd",
                            "-D",
                            "-b",
                            "-Z",
                            "--conf",
                            conf,
                            "--conf-server",
                            fmt::format("{}:{}", orders.head_address, controller_port),
                            "-N",
                            orders.node}}}));
        log::info("slurmd is started", {{"conf", conf}});
        RETURN_IF_ERROR(wait_for_registration(orders.node, stop));
        log::info("Slurm knows this machine");
        exits_ = parts_.processes.state("slurmd").unexpected_exits;
        conf_ = conf;
        started_ = true;
        return {};
    }

    /// A head whose disk was lost, or that died before Slurm had written its state (up to five
    /// seconds), knows no machine that does not register again, and asks for none.
    bool is_forgotten(const Orders& orders) {
        const auto now = std::chrono::steady_clock::now();
        if (now - registration_seen_ < registration_period) return false;
        registration_seen_ = now;
        const auto line = run({"/usr/bin/scontrol", "--oneliner", "show", "node", orders.node});
        return line && !is_registered(*line);
    }

    Result<void> wait_for_head(const std::string& address, const std::stop_token& stop) {
        for (int attempt = 0; attempt < 40; ++attempt) {
            if (!accepting({address}, controller_port, Milliseconds(500)).empty()) return {};
            if (!sleep_for(wait_before(probe_backoff, attempt, parts_.random), stop)) break;
        }
        return not_yet("head_not_ready",
                       fmt::format("the head's workload manager does not answer at {}", address));
    }

    Result<void> wait_for_registration(const std::string& node, const std::stop_token& stop) {
        // slurmd writes its process number just before it registers.
        if (!system::wait_for_path("/run/slurmd.pid", start_timeout, stop)) {
            return not_yet("slurmd_not_ready", "slurmd does not come up");
        }
        for (int attempt = 0; attempt < 40; ++attempt) {
            const auto line = run({"/usr/bin/scontrol", "--oneliner", "show", "node", node});
            if (line && is_registered(*line)) return {};
            if (!parts_.processes.state("slurmd").running) break;
            if (!sleep_for(wait_before(probe_backoff, attempt, parts_.random), stop)) break;
        }
        return not_yet("not_registered", "the workload manager does not know this machine yet");
    }

    /// All to one scontrol. It goes on after a command that is refused: the next look tells what is
    /// still missing.
    Result<void> tell(const std::vector<std::string>& commands) {
        Command command{.arguments = {"/usr/bin/scontrol"}};
        for (const auto& each : commands) command.input += each + "\n";
        partitions_may_be_closed_ = true;
        ASSIGN_OR_RETURN(const auto done, parts_.processes.finish(command, command_timeout));
        partitions_may_be_closed_ = false;
        for (const auto& each : commands) log::info("told Slurm", {{"command", each}});
        if (!done.errors.empty()) {
            log::warning("Slurm refuses a command", {{"answer", done.errors.substr(0, 400)}});
        }
        return {};
    }

    SlurmParts parts_;
    bool is_head_ = false;
    std::set<std::string> asked_for_, jobs_of_one_node_;  ///< jobs that wait, by number
    std::atomic<bool> started_ = false;
    bool partitions_may_be_closed_ = true;
    int exits_ = 0;
    std::string conf_;
    std::chrono::steady_clock::time_point registration_seen_{};
};

}  // namespace

std::unique_ptr<WorkloadManager> make_slurm(SlurmParts parts) {
    return std::make_unique<Slurm>(parts);
}

}  // namespace hopyard::node::workload
