// hopyard-node: runs on every machine of a cluster and makes it what its orders say. As a machine's
// first process (a local machine) it also mounts what is missing and ends what is left; otherwise
// it is a service of that machine.
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "node/log_tail.h"
#include "node/machine.h"
#include "node/program.h"
#include "node/workload/saved_jobs.h"

namespace {

using namespace hopyard;
using namespace hopyard::node;

constexpr Milliseconds last_grace{1'000};

class Thread final : public Loop {
  public:
    explicit Thread(LoopBody body) : thread_(std::move(body)) {}
    void stop() override {
        thread_.request_stop();
        if (thread_.joinable()) thread_.join();
    }

  private:
    std::jthread thread_;
};

/// Blocks until somebody asks the program to end.
int wait_for_end(const sigset_t& signals) {
    int number = 0;
    sigwait(&signals, &number);
    return number;
}

int run(const ProgramOptions& options) {
    // Blocked before any thread is there, so that sigwait alone gets them.
    sigset_t signals;
    sigemptyset(&signals);
    for (const int number : {SIGTERM, SIGINT, SIGPWR}) sigaddset(&signals, number);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);
    if (options.is_init) prepare_machine();
    log::to_file(program_log);
    SystemClock clock;
    SystemRandom random;
    const ProgramParts parts{
        .clock = clock, .random = random, .start_loop = [](LoopBody body) -> std::unique_ptr<Loop> {
            return std::make_unique<Thread>(std::move(body));
        }};
    log::info("starting", {{"version", options.version}});
    Result<void> outcome;
    std::jthread program([&](std::stop_token stop) {
        outcome = run_program(options, parts, stop);
        if (!outcome) kill(getpid(), SIGTERM);
    });
    wait_for_end(signals);
    program.request_stop();
    program.join();
    if (!outcome) log::error("cannot run", {{"cause", outcome.error().message}});
    if (options.is_init) end_machine(last_grace);
    return outcome ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    ProgramOptions options{.version = HOPYARD_VERSION, .is_init = getpid() == 1};
    CLI::App app("Makes this machine a node of its cluster, and keeps it one");
    app.require_subcommand(0, 1);
    app.add_option("--state", options.state_directory, "directory of what the node keeps")
        ->capture_default_str();
    app.add_option("--metadata", options.metadata_url, "the cloud's instance metadata service")
        ->capture_default_str();
    app.add_subcommand("run", "run until told to stop; also without any word");
    CLI::App* version = app.add_subcommand("version", "say which version this is");
    CLI::App* prolog = app.add_subcommand(
        "await-saved-job", "wait until Slurm has written the job that it is about to start");
    CLI11_PARSE(app, count, words);
    if (prolog->parsed()) return workload::run_prolog();
    if (version->parsed()) {
        fmt::print("hopyard-node {}\n", options.version);
        return 0;
    }
    return run(options);
}
