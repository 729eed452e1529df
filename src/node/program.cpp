#include "node/program.h"

#include <vector>

#include <dirent.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/read_file.h"
#include "node/access/access.h"
#include "node/board.h"
#include "node/channel.h"
#include "node/enrolment.h"
#include "node/head.h"
#include "node/init_script/init_script.h"
#include "node/log_tail.h"
#include "node/metadata.h"
#include "node/storage/storage.h"
#include "node/system/files.h"
#include "node/system/processes.h"
#include "node/workload/part.h"
#include "node/workload/slurm.h"

namespace hopyard::node {
namespace {

/// Refused user data may be mended from outside; asked for again that often.
constexpr Milliseconds identity_retry{5'000};
constexpr Milliseconds unmount_patience{20'000};
constexpr uid_t first_uid_of_people = 1000;

/// Who this machine is: from its own disk, else by asking and enrolling, for as long as it takes.
std::optional<Enrolled> become_known(const ProgramOptions& options,
                                     const ProgramParts& parts,
                                     const StateDirectory& state,
                                     const std::stop_token& stop) {
    if (auto stored = stored_enrolment(state, parts.clock.now())) return stored;
    http::Client client({.connect_timeout = Milliseconds(1'000), .stop = stop});
    while (!stop.stop_requested()) {
        auto facts = wait_for_metadata(client, options.metadata_url, parts.random, stop);
        if (facts) {
            const auto upstream = connect_upstream(identity_of(*facts), std::nullopt, stop);
            auto enrolled = enrol(state, *facts, *upstream, parts.clock, parts.random, stop);
            if (enrolled) return std::move(*enrolled);
            log::error("enrolment failed", {{"cause", enrolled.error().message}});
        } else {
            log::error("metadata is not usable", {{"cause", facts.error().message}});
        }
        sleep_for(identity_retry, stop);
    }
    return std::nullopt;
}

/// A container shares its host's boot id, so each start of its first process counts as a boot.
std::string boot_id(const ProgramOptions& options, Random& random) {
    auto id = read_file("/proc/sys/kernel/random/boot_id").value_or("");
    while (!id.empty() && id.back() == '\n') id.pop_back();
    return options.is_init || id.empty() ? random_word(random, 20) : id;
}

/// Every process of people on this machine: jobs, whose daemon leaves them running, and logins.
void signal_people(int number) {
    DIR* directory = opendir("/proc");
    if (directory == nullptr) return;
    while (const auto* entry = readdir(directory)) {
        const int pid = std::atoi(entry->d_name);
        struct stat facts {};
        if (pid > 1 && stat(fmt::format("/proc/{}", pid).c_str(), &facts) == 0 &&
            facts.st_uid >= first_uid_of_people && facts.st_uid < 60'000) {
            kill(pid, number);
        }
    }
    closedir(directory);
}

/// All that a known machine consists of. Members are in the order in which they need each other.
class Node {
  public:
    Node(const ProgramOptions& options,
         const ProgramParts& parts,
         const StateDirectory& state,
         system::Processes& processes,
         access::MetadataGuard& guard,
         Enrolled enrolled,
         const std::stop_token& stop)
        : options_(options),
          parts_(parts),
          state_(state),
          processes_(processes),
          enrolled_(std::move(enrolled)),
          board_({.node = enrolled_.identity.node,
                  .machine_id = enrolled_.identity.machine_id,
                  .boot_id = boot_id(options, parts.random),
                  .program_version = options.version,
                  .run = random_word(parts.random, 16)},
                 parts.clock),
          channel_({board_, state, upstream_, parts.clock, parts.random}, enrolled_),
          access_({board_, processes, parts.random, guard}, {.runs_services = options.is_init}),
          storage_({board_, state, processes}),
          init_script_({board_, state, upstream_, processes, parts.random}),
          slurm_(workload::make_slurm({processes, parts.random, parts.clock})),
          workload_(board_, *slurm_, parts.random) {
        upstream_.set(connect_upstream(enrolled_.identity, enrolled_.credentials, stop));
        if (auto kept = state.orders(); kept && kept->node == enrolled_.identity.node) {
            board_.set_orders(std::move(*kept));
        }
    }

    void start() {
        processes_.on_change([this] {
            for (const auto part : {Part::access, Part::storage, Part::workload}) board_.poke(part);
        });
        channel_.on_log_request([this](const auto& wish) { send_log(wish); });
        if (enrolled_.identity.is_head) start_head();
        channel_loops_.push_back(begin([this](auto stop) { channel_.run_waiting(stop); }));
        channel_loops_.push_back(begin([this](auto stop) { channel_.run_changes(stop); }));
        access_loop_ = begin([this](auto stop) { access_.run(stop); });
        storage_loop_ = begin([this](auto stop) { storage_.run(stop); });
        script_loop_ = begin([this](auto stop) { init_script_.run(stop); });
        workload_loops_.push_back(begin([this](auto stop) { workload_.run(stop); }));
    }

    void stop() {
        script_loop_->stop();
        for (auto& loop : workload_loops_) loop->stop();
        slurm_->stop();
        if (options_.is_init) signal_people(SIGTERM);
        storage_loop_->stop();
        if (const auto left = storage_.unmount(unmount_patience); left > 0) {
            log::warning("writes go up after the next start", {{"count", left}});
        }
        access_loop_->stop();
        access_.stop();
        for (auto& loop : channel_loops_) loop->stop();
        if (head_) head_->stop();
        processes_.on_change({});
    }

  private:
    std::unique_ptr<Loop> begin(LoopBody body) { return parts_.start_loop(std::move(body)); }

    /// Whoever asked hears that this node is out of reach when it cannot be sent.
    void send_log(const nodewire::LogRequest& wish) {
        const auto orders = board_.orders();
        if (wish.node != enrolled_.identity.node) {
            if (head_ && orders && orders->workers.contains(wish.node)) head_->ask_log(wish);
            return;
        }
        const auto reply = read_log(wish, orders ? *orders : nodewire::Orders(), {});
        const auto sent = upstream_.get()->log(reply);
        if (!sent) log::warning("the log is not sent", {{"cause", sent.error().message}});
    }

    void start_head() {
        head_ = std::make_unique<Head>(Head::Parts{.board = board_,
                                                   .upstream = upstream_,
                                                   .processes = processes_,
                                                   .storage = storage_,
                                                   .state = state_,
                                                   .clock = parts_.clock,
                                                   .random = parts_.random,
                                                   .start_loop = parts_.start_loop,
                                                   .ca_pem = enrolled_.identity.ca_pem});
        channel_.on_renewal([this](const Credentials& fresh) { head_->renew(fresh); });
        const auto started = head_->start(enrolled_.credentials);
        if (!started) log::error("workers have no way up", {{"cause", started.error().message}});
        workload_loops_.push_back(begin(
            [this](auto stop) { slurm_->watch([this] { board_.poke(Part::workload); }, stop); }));
    }

    const ProgramOptions& options_;
    const ProgramParts& parts_;
    const StateDirectory& state_;
    system::Processes& processes_;
    const Enrolled enrolled_;
    Board board_;
    UpstreamSlot upstream_;
    Channel channel_;
    std::unique_ptr<Head> head_;
    access::Access access_;
    Storage storage_;
    InitScript init_script_;
    std::unique_ptr<workload::WorkloadManager> slurm_;
    workload::WorkloadPart workload_;
    std::unique_ptr<Loop> access_loop_, storage_loop_, script_loop_;
    std::vector<std::unique_ptr<Loop>> channel_loops_, workload_loops_;
};

}  // namespace

Result<void> run_program(const ProgramOptions& options,
                         const ProgramParts& parts,
                         std::stop_token stop) {
    ASSIGN_OR_RETURN(const auto state, StateDirectory::open(options.state_directory));
    system::Processes processes(parts.clock);
    const auto burying = parts.start_loop([&](std::stop_token end) { processes.run(end); });
    access::MetadataGuard guard(processes, options.metadata_url);
    const auto guarding = parts.start_loop([&](std::stop_token end) { guard.run(end); });
    if (auto enrolled = become_known(options, parts, state, stop)) {
        log::info("this machine is known", {{"node", enrolled->identity.node}});
        Node node(options, parts, state, processes, guard, std::move(*enrolled), stop);
        node.start();
        while (!stop.stop_requested()) sleep_for(Seconds(3'600), stop);
        log::info("stopping");
        node.stop();
    }
    guarding->stop();
    burying->stop();
    return {};
}

}  // namespace hopyard::node
