// hopyard-cloud: Azure on your own machine. Reads the command line, wires the local cloud to LXC
// and Azurite, lends it threads, and ends in order.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "http/certificates.h"
#include "localcloud/cloud.h"
#include "localcloud/compute/lxc_machine_host.h"
#include "localcloud/compute/purge.h"
#include "localcloud/installation.h"
#include "localcloud/storage/azurite.h"

namespace {

using namespace hopyard;
using namespace hopyard::localcloud;

constexpr const char* program_version = HOPYARD_VERSION;
constexpr Milliseconds azurite_start{30'000};

struct Arguments {
    std::string state = "/var/lib/hopyard-cloud";
    std::string image = "/var/lib/hopyard-cloud/image";
    std::string node_program = "/usr/bin/hopyard-node";
    std::string azurite;
    std::string azurite_user = "nobody";
    std::string node = "node";
    std::vector<std::string> forwards;
    std::string log_level = "info";
    CloudOptions cloud;
};

/// Says what is wrong and who can mend it; exit code 1.
int refuse_to_run(const Error& error) {
    fmt::print(stderr, "hopyard-cloud: {}\n", error.message);
    if (!error.next_action.empty()) fmt::print(stderr, "  {}\n", error.next_action);
    return 1;
}

/// "8443=18443", or "8443" for the same port on both sides.
Result<Forward> read_forward(const std::string& text) {
    const std::size_t equals = text.find('=');
    const int port = std::atoi(text.c_str());
    const int host_port = equals == std::string::npos ? port : std::atoi(text.c_str() + equals + 1);
    if (port < 1 || port > 65535 || host_port < 1 || host_port > 65535)
        return refuse("/forward",
                      "not_a_forward",
                      "'" + text + "' is not PORT or PORT=HOST_PORT",
                      "give two numbers from 1 to 65535");
    return Forward{static_cast<std::uint16_t>(port), static_cast<std::uint16_t>(host_port)};
}

/// One program for each state directory: the lock ends with the process.
Result<int> lock_state(const std::string& folder) {
    const std::string path = folder + "/lock";
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0) return file;
    if (file >= 0) close(file);
    Error error{.kind = ErrorKind::conflict,
                .code = "state_in_use",
                .message = "another hopyard-cloud uses " + folder,
                .owner = Owner::administrator,
                .next_action = "stop it, or name another directory with --state"};
    return Failure(std::move(error));
}

Result<std::unique_ptr<Azurite>> prepare_azurite(const Arguments& arguments,
                                                 Ledger& ledger,
                                                 const Installation& installation,
                                                 const Clock& clock,
                                                 std::uint16_t port) {
    ASSIGN_OR_RETURN(const std::string program, find_azurite(arguments.azurite));
    ASSIGN_OR_RETURN(
        const auto certificate,
        http::issue(
            installation.authority,
            {.common_name = Azurite::suffix,
             .dns_names = {"localhost", Azurite::suffix, std::string("*.") + Azurite::suffix},
             .ip_addresses = {"127.0.0.1"},
             .now = clock.now(),
             .validity = Seconds(365LL * 24 * 3600)}));
    return Azurite::prepare({.program = program,
                             .node = arguments.node,
                             .folder = arguments.state + "/azurite",
                             .user = arguments.azurite_user,
                             .port = port,
                             .ca_pem = installation.authority.certificate_pem,
                             .certificate = certificate},
                            known_accounts(ledger));
}

/// Blocks until somebody asks the program to end.
void wait_for_end(const sigset_t& signals) {
    int number = 0;
    sigwait(&signals, &number);
    log::info("ending", {{"signal", number}});
}

Result<void> serve(Arguments arguments) {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);

    SystemClock clock;
    SystemRandom random;
    arguments.state = std::filesystem::absolute(arguments.state).lexically_normal().string();
    for (const auto& text : arguments.forwards) {
        ASSIGN_OR_RETURN(const Forward forward, read_forward(text));
        arguments.cloud.forwards.push_back(forward);
    }
    ASSIGN_OR_RETURN(const std::string instance, load_instance(arguments.state, random));
    ASSIGN_OR_RETURN([[maybe_unused]] const int lock, lock_state(arguments.state));
    ASSIGN_OR_RETURN(const auto ledger, Ledger::open(arguments.state + "/state.db"));
    ASSIGN_OR_RETURN(const Installation installation,
                     load_installation(arguments.state, *ledger, clock, random));
    ASSIGN_OR_RETURN(const std::uint16_t blob_port,
                     remember_port(*ledger, "blob", arguments.cloud.blob_port));
    arguments.cloud.blob_port = blob_port;
    // The machines' way to the blobs is the same port on their gateway.
    arguments.cloud.forwards.push_back({blob_port, blob_port});
    if (const char* folder = std::getenv("HOPYARD_CAPTURE"))
        arguments.cloud.capture_folder = folder;

    ASSIGN_OR_RETURN(const auto azurite,
                     prepare_azurite(arguments, *ledger, installation, clock, blob_port));
    ASSIGN_OR_RETURN(
        const auto host,
        compute::LxcMachineHost::create({.state = arguments.state,
                                         .instance = instance,
                                         .image = arguments.image,
                                         .node_program = arguments.node_program,
                                         .public_range = arguments.cloud.public_range}));
    Cloud cloud(arguments.cloud,
                {.ledger = *ledger,
                 .installation = installation,
                 .host = *host,
                 .blobs = *azurite,
                 .clock = clock,
                 .random = random});
    std::vector<std::jthread> threads;
    auto ended = [&](Result<void> outcome) {
        cloud.stop();
        for (auto& thread : threads) thread.request_stop();
        threads.clear();
        return outcome;
    };
    threads.emplace_back([&](std::stop_token stop) { azurite->run(stop); });
    for (auto& loop : cloud.loops()) threads.emplace_back(loop);
    const auto url = cloud.start();
    if (!url) return ended(pass(url.error()));
    threads.emplace_back([&](std::stop_token stop) { host->run(stop); });
    if (auto ready = azurite->wait_until_ready(azurite_start); !ready) return ended(ready);
    fmt::print("hopyard-cloud ready: {} (state {})\n", *url, arguments.state);
    std::fflush(stdout);
    wait_for_end(signals);
    return ended({});
}

/// Ends the running program, if there is one, and waits until it is gone.
Result<void> end_running(const std::string& folder) {
    const auto text = read_state_file(folder + "/endpoint.json");
    if (!text) return {};
    const auto endpoint = nlohmann::json::parse(*text, nullptr, false);
    const pid_t process = endpoint.is_object() ? endpoint.value("pid", 0) : 0;
    // The lock says whether that process is still ours, or its number was given to another.
    if (lock_state(folder)) return {};
    if (process > 0) kill(process, SIGTERM);
    for (int i = 0; i < 300; ++i) {
        if (const auto free = lock_state(folder)) {
            close(*free);
            return {};
        }
        std::this_thread::sleep_for(Milliseconds(100));
    }
    return fail(ErrorKind::timed_out, "does_not_end", "the running hopyard-cloud does not end");
}

Result<void> down(const Arguments& arguments) {
    const auto instance = read_instance(arguments.state);
    if (!instance) {
        if (instance.error().kind != ErrorKind::not_found) return pass(instance.error());
        fmt::print("nothing was ever started in {}\n", arguments.state);
        return {};
    }
    RETURN_IF_ERROR(end_running(arguments.state));
    RETURN_IF_ERROR(compute::purge(*instance));
    fmt::print("hopyard-cloud is down; its data stays in {}\n", arguments.state);
    return {};
}

int status(const Arguments& arguments) {
    const auto text = read_state_file(arguments.state + "/endpoint.json");
    const auto lock = lock_state(arguments.state);
    if (lock) close(*lock);
    if (!text || lock) {
        fmt::print("hopyard-cloud is not running (state {})\n", arguments.state);
        return 3;
    }
    const auto endpoint = nlohmann::json::parse(*text, nullptr, false);
    fmt::print("hopyard-cloud is running: {} (process {})\n",
               endpoint.value("url", std::string("?")),
               endpoint.value("pid", 0));
    return 0;
}

void set_log_level(const std::string& word) {
    if (word == "debug") log::set_level(log::Level::debug);
    if (word == "warning") log::set_level(log::Level::warning);
    if (word == "error") log::set_level(log::Level::error);
}

}  // namespace

int main(int count, char** words) {
    Arguments arguments;
    CLI::App app("Azure on your own machine: the Resource Manager's REST, over system containers");
    app.require_subcommand(1);
    auto add_state = [&](CLI::App* command) {
        command->add_option("--state", arguments.state, "directory of everything that is kept")
            ->capture_default_str();
    };
    CLI::App* serve_command = app.add_subcommand("serve", "run the cloud until it is told to end");
    add_state(serve_command);
    serve_command->add_option(
        "--port", arguments.cloud.port, "of the API on loopback; default: as last time");
    serve_command->add_option("--blob-port", arguments.cloud.blob_port, "of the blob service");
    serve_command->add_option("--image", arguments.image, "base image of machines, a directory")
        ->capture_default_str();
    serve_command->add_option("--node-program", arguments.node_program, "what runs in each machine")
        ->capture_default_str();
    serve_command->add_option("--azurite",
                              arguments.azurite,
                              "directory of the npm package azurite; default: $HOPYARD_AZURITE");
    serve_command->add_option("--azurite-user", arguments.azurite_user, "who runs it")
        ->capture_default_str();
    serve_command->add_option("--node", arguments.node, "Node.js")->capture_default_str();
    serve_command->add_option("--public-range", arguments.cloud.public_range, "of public addresses")
        ->capture_default_str();
    serve_command->add_option(
        "--forward",
        arguments.forwards,
        "PORT=HOST_PORT: a port of every gateway that leads to the host's loopback");
    serve_command->add_option(
        "--owner", arguments.cloud.owner, "user who may read credentials.json");
    serve_command->add_option("--log-level", arguments.log_level, "debug, info, warning or error");
    CLI::App* down_command = app.add_subcommand("down", "end everything; data stays");
    add_state(down_command);
    CLI::App* status_command = app.add_subcommand("status", "say whether it runs");
    add_state(status_command);
    CLI::App* version_command = app.add_subcommand("version", "say which version this is");
    CLI11_PARSE(app, count, words);

    set_log_level(arguments.log_level);
    if (version_command->parsed()) {
        fmt::print("hopyard-cloud {}\n", program_version);
        return 0;
    }
    if (status_command->parsed()) return status(arguments);
    const auto outcome = serve_command->parsed() ? serve(arguments) : down(arguments);
    return outcome ? 0 : refuse_to_run(outcome.error());
}
