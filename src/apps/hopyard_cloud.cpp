// hopyard-cloud: Azure on your own machine. Reads the command line, wires the local cloud to LXC
// and Azurite, lends it threads, and ends in order. Ending the program leaves machines running:
// `down` ends them.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "http/certificates.h"
#include "localcloud/cloud.h"
#include "localcloud/compute/lxc_machine_host.h"
#include "localcloud/compute/purge.h"
#include "localcloud/installation.h"
#include "localcloud/metadata/metadata.h"
#include "localcloud/network/descriptor.h"
#include "localcloud/network/public_range.h"
#include "localcloud/storage/azurite.h"

namespace {

using namespace hopyard;
using namespace hopyard::localcloud;
namespace fs = std::filesystem;

constexpr const char* program_version = HOPYARD_VERSION;
constexpr Milliseconds azurite_start{30'000};
/// A killed program's sockets and child go in their own time.
constexpr Milliseconds port_patience{5'000};
constexpr Milliseconds end_patience{30'000};
constexpr Milliseconds look_again{20};

struct Arguments {
    std::string state = "/var/lib/hopyard-cloud";
    std::string image = "/var/lib/hopyard-cloud/image";
    std::string node_program = "/usr/bin/hopyard-node";
    std::string azurite;
    std::string azurite_user = "nobody";
    std::string node;
    std::vector<std::string> forwards;
    std::string log_level = "info";
    std::int64_t disk_floor_gb = 5;
    bool purge = false;
    CloudOptions cloud;
};

/// Says what is wrong and who can mend it; exit code 1.
int refuse_to_run(const Error& error) {
    fmt::print(stderr, "hopyard-cloud: {}\n", error.message);
    if (!error.field.empty()) fmt::print(stderr, "  option: --{}\n", error.field.substr(1));
    if (!error.next_action.empty()) fmt::print(stderr, "  {}\n", error.next_action);
    return 1;
}

fs::path own_folder() {
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error).parent_path();
}

/// "8443=18443", or "8443" for the same port on both sides.
Result<Forward> read_forward(const std::string& text) {
    const std::size_t equals = text.find('=');
    const std::string port = text.substr(0, equals);
    const std::string host_port = equals == std::string::npos ? port : text.substr(equals + 1);
    const auto number = [](const std::string& word) {
        const bool digits = !word.empty() && word.size() <= 5 &&
                            word.find_first_not_of("0123456789") == std::string::npos;
        return digits ? std::atoi(word.c_str()) : 0;
    };
    if (number(port) < 1 || number(port) > 65535 || number(host_port) < 1 ||
        number(host_port) > 65535)
        return refuse("/forward",
                      "not_a_forward",
                      "'" + text + "' is not PORT or PORT=HOST_PORT",
                      "give two numbers from 1 to 65535");
    return Forward{static_cast<std::uint16_t>(number(port)),
                   static_cast<std::uint16_t>(number(host_port))};
}

Failure state_in_use(const std::string& folder) {
    return Failure(Error{.kind = ErrorKind::conflict,
                         .code = "state_in_use",
                         .message = "another hopyard-cloud uses " + folder,
                         .field = "/state",
                         .owner = Owner::administrator,
                         .next_action = "stop it, or name another directory with --state"});
}

/// One program for each state directory: the lock ends with the process.
Result<int> lock_state(const std::string& folder) {
    const std::string path = folder + "/lock";
    network::Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.is_open())
        return fail(ErrorKind::permission_denied,
                    "state_not_writable",
                    fmt::format("{}: {}", path, std::strerror(errno)));
    if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) return state_in_use(folder);
    return file.release();
}

bool is_port_free(std::uint16_t port) {
    const network::Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Only listening shows that somebody else listens: binding beside them is allowed.
    return bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
           listen(probe.get(), 1) == 0;
}

/// The port of last time, or the wanted one. Looked at before anything is made.
Result<std::uint16_t> settle_port(Ledger& ledger,
                                  const std::string& name,
                                  const std::string& option,
                                  std::uint16_t wanted) {
    ASSIGN_OR_RETURN(const std::uint16_t port, choose_port(ledger, name, wanted));
    // Where it was ours, what is left of a killed program may still hold it.
    const bool was_ours = choose_port(ledger, name, 0) == port;
    const auto end =
        std::chrono::steady_clock::now() + (was_ours ? port_patience : Milliseconds{0});
    while (!is_port_free(port)) {
        if (std::chrono::steady_clock::now() > end)
            return Failure(Error{
                .kind = ErrorKind::conflict,
                .code = "port_in_use",
                .message = fmt::format("another program listens on port {} of 127.0.0.1", port),
                .field = "/" + option,
                .owner = Owner::administrator,
                .next_action =
                    fmt::format("end it (\"ss -ltnp 'sport = :{}'\" names it), or choose "
                                "another port with --{}",
                                port,
                                option)});
        std::this_thread::sleep_for(look_again);
    }
    RETURN_IF_ERROR(remember_port(ledger, name, port));
    return port;
}

/// The range of last time, or the wanted one, or a free one.
Result<std::string> settle_public_range(Ledger& ledger,
                                        const std::string& instance,
                                        const std::string& wanted) {
    if (!wanted.empty()) return wanted;
    if (auto kept = ledger.note("public_range")) return *kept;
    return network::free_public_range(network::Names{instance});
}

Result<std::unique_ptr<Azurite>> prepare_azurite(const Arguments& arguments,
                                                 Ledger& ledger,
                                                 const Installation& installation,
                                                 const Clock& clock) {
    ASSIGN_OR_RETURN(const std::string program, find_azurite(arguments.azurite, own_folder()));
    ASSIGN_OR_RETURN(const std::string node, find_node(arguments.node, own_folder()));
    ASSIGN_OR_RETURN(
        const auto certificate,
        http::issue(
            installation.authority,
            {.common_name = Azurite::suffix,
             .dns_names = {"localhost", Azurite::suffix, std::string("*.") + Azurite::suffix},
             .ip_addresses = {"127.0.0.1", Metadata::address},
             .now = clock.now(),
             .validity = Seconds(365LL * 24 * 3600)}));
    return Azurite::prepare({.program = program,
                             .node = node,
                             .folder = arguments.state + "/azurite",
                             .user = arguments.azurite_user,
                             .port = arguments.cloud.blob_port,
                             .ca_pem = installation.authority.certificate_pem,
                             .certificate = certificate},
                            known_accounts(ledger));
}

/// Tells a service manager that waits for it (sd_notify(3)).
void tell_ready() {
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (!path || std::strlen(path) >= sizeof address.sun_path) return;
    std::strcpy(address.sun_path, path);
    if (path[0] == '@') address.sun_path[0] = '\0';
    const network::Descriptor handle(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const std::string text = "READY=1";
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
    sendto(handle.get(),
           text.data(),
           text.size(),
           MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address),
           size);
}

/// Runs until a signal of that set comes.
Result<void> run(const Arguments& arguments,
                 const CloudParts& parts,
                 Azurite& azurite,
                 compute::LxcMachineHost& host,
                 const sigset_t& signals) {
    Cloud cloud(arguments.cloud, parts);
    std::vector<std::jthread> threads;
    auto ended = [&](Result<void> outcome) {
        cloud.stop();
        for (auto& thread : threads) thread.request_stop();
        threads.clear();
        return outcome;
    };
    threads.emplace_back([&](std::stop_token stop) { azurite.run(stop); });
    for (auto& loop : cloud.loops()) threads.emplace_back(loop);
    const auto url = cloud.start();
    if (!url) return ended(pass(url.error()));
    threads.emplace_back([&](std::stop_token stop) { host.run(stop); });
    if (auto ready = azurite.wait_until_ready(azurite_start); !ready) return ended(ready);
    fmt::print("hopyard-cloud ready: {} (state {})\n", *url, arguments.state);
    std::fflush(stdout);
    tell_ready();
    int number = 0;
    sigwait(&signals, &number);
    log::info("ending", {{"signal", number}});
    return ended({});
}

Result<void> serve(Arguments arguments) {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);

    SystemClock clock;
    SystemRandom random;
    CloudOptions& cloud = arguments.cloud;
    arguments.state = fs::absolute(arguments.state).lexically_normal().string();
    for (const auto& text : arguments.forwards) {
        ASSIGN_OR_RETURN(const Forward forward, read_forward(text));
        cloud.forwards.push_back(forward);
    }
    ASSIGN_OR_RETURN(const std::string instance, load_instance(arguments.state, random));
    ASSIGN_OR_RETURN([[maybe_unused]] const int lock, lock_state(arguments.state));
    ASSIGN_OR_RETURN(const auto ledger, Ledger::open(arguments.state + "/state.db"));
    ASSIGN_OR_RETURN(const Installation installation,
                     load_installation(arguments.state, *ledger, clock, random));
    ASSIGN_OR_RETURN(cloud.port, settle_port(*ledger, "api", "port", cloud.port));
    ASSIGN_OR_RETURN(cloud.blob_port, settle_port(*ledger, "blob", "blob-port", cloud.blob_port));
    cloud.forwards.push_back({cloud.blob_port, cloud.blob_port});
    RETURN_IF_ERROR(check_forwards(cloud.forwards));
    ASSIGN_OR_RETURN(cloud.public_range,
                     settle_public_range(*ledger, instance, cloud.public_range));
    if (const char* folder = std::getenv("HOPYARD_CAPTURE")) cloud.capture_folder = folder;

    ASSIGN_OR_RETURN(const auto azurite, prepare_azurite(arguments, *ledger, installation, clock));
    ASSIGN_OR_RETURN(const auto host,
                     compute::LxcMachineHost::create({.state = arguments.state,
                                                      .instance = instance,
                                                      .image = arguments.image,
                                                      .node_program = arguments.node_program,
                                                      .public_range = cloud.public_range,
                                                      .disk_floor_gb = arguments.disk_floor_gb}));
    return run(arguments,
               {.ledger = *ledger,
                .installation = installation,
                .host = *host,
                .blobs = *azurite,
                .clock = clock,
                .random = random},
               *azurite,
               *host,
               signals);
}

struct Running {
    std::string url;
    pid_t process = 0;
};
Running read_endpoint(const std::string& folder) {
    const auto text = read_state_file(folder + "/endpoint.json");
    const auto endpoint = nlohmann::json::parse(text.value_or(""), nullptr, false);
    if (!endpoint.is_object()) return {};
    return {endpoint.value("url", ""), endpoint.value("pid", 0)};
}

/// Ends the running program, if there is one, and holds the state until this process ends.
Result<void> take_over(const std::string& folder) {
    const auto end = std::chrono::steady_clock::now() + end_patience;
    // The lock says whether that process is still ours, or its number was given to another.
    auto lock = lock_state(folder);
    if (!lock && lock.error().code == "state_in_use")
        if (const Running running = read_endpoint(folder); running.process > 0)
            kill(running.process, SIGTERM);
    while (!lock) {
        if (lock.error().code != "state_in_use") return pass(lock.error());
        if (std::chrono::steady_clock::now() > end)
            return fail(
                ErrorKind::timed_out, "does_not_end", "the running hopyard-cloud does not end");
        std::this_thread::sleep_for(look_again);
        lock = lock_state(folder);
    }
    return {};
}

/// The blob service of a killed program writes its data down before it ends.
void wait_for_blob_service(const std::string& folder) {
    const auto end = std::chrono::steady_clock::now() + port_patience;
    const network::Descriptor lock(open((folder + "/azurite/lock").c_str(), O_RDWR | O_CLOEXEC));
    while (lock.is_open() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0 &&
           std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(look_again);
}

/// What `serve` made in the state directory; the image, or anything else there, is not ours.
Result<void> delete_state(const fs::path& folder) {
    std::error_code error;
    for (const char* name : {"machines",
                             "layers",
                             "azurite",
                             "state.db",
                             "state.db-wal",
                             "state.db-shm",
                             "ca.pem",
                             "ca.key",
                             "cloud.json",
                             "endpoint.json",
                             "lock",
                             "instance"}) {
        fs::remove_all(folder / name, error);
        if (error)
            return fail(ErrorKind::unavailable,
                        "state_not_deleted",
                        fmt::format("{}: {}", (folder / name).string(), error.message()));
    }
    fs::remove(folder, error);  // when nothing else lies there
    return {};
}

Result<void> down(const Arguments& arguments) {
    const auto instance = read_instance(arguments.state);
    if (!instance) {
        if (instance.error().kind != ErrorKind::not_found) return pass(instance.error());
        fmt::print("nothing was ever started in {}\n", arguments.state);
        return {};
    }
    RETURN_IF_ERROR(take_over(arguments.state));
    wait_for_blob_service(arguments.state);
    RETURN_IF_ERROR(compute::purge(*instance));
    if (!arguments.purge) {
        fmt::print("hopyard-cloud is down; its data stays in {}\n", arguments.state);
        return {};
    }
    RETURN_IF_ERROR(delete_state(arguments.state));
    fmt::print("hopyard-cloud is down, and its data is deleted\n");
    return {};
}

/// By the lock, or, for a user who may not touch it, by the name of the process.
bool is_running(const std::string& folder, pid_t process) {
    const auto lock = lock_state(folder);
    if (lock) close(*lock);
    if (lock || lock.error().code == "state_in_use") return !lock;
    std::string name;
    std::getline(std::ifstream(fmt::format("/proc/{}/comm", process)), name);
    return name == "hopyard-cloud";
}

/// Exit code 0: it runs; 3: it does not, as with service scripts.
int status(const Arguments& arguments) {
    const Running running = read_endpoint(arguments.state);
    if (running.process == 0 || !is_running(arguments.state, running.process)) {
        fmt::print("hopyard-cloud is not running (state {})\n", arguments.state);
        return 3;
    }
    fmt::print("hopyard-cloud is running: {} (process {})\n", running.url, running.process);
    return 0;
}

void set_log_level(const std::string& word) {
    if (word == "debug") log::set_level(log::Level::debug);
    if (word == "warning") log::set_level(log::Level::warning);
    if (word == "error") log::set_level(log::Level::error);
}

void add_state(CLI::App* command, Arguments& arguments) {
    command->add_option("--state", arguments.state, "directory of everything that is kept")
        ->capture_default_str();
}

CLI::App* add_serve(CLI::App& app, Arguments& arguments) {
    CLI::App* serve = app.add_subcommand("serve", "run the cloud until it is told to end");
    add_state(serve, arguments);
    CloudOptions& cloud = arguments.cloud;
    serve->add_option("--port", cloud.port, "of the API on loopback; default: as last time");
    serve->add_option("--blob-port", cloud.blob_port, "of the blob service; default: as last time");
    serve->add_option("--image", arguments.image, "base image of machines, a directory")
        ->capture_default_str();
    serve->add_option("--node-program", arguments.node_program, "what runs in each machine")
        ->capture_default_str();
    serve->add_option("--azurite",
                      arguments.azurite,
                      "directory of the npm package azurite; default: $HOPYARD_AZURITE, else where "
                      "tools/fetch-azurite puts it");
    serve->add_option("--azurite-user", arguments.azurite_user, "who runs it")
        ->capture_default_str();
    serve->add_option("--node", arguments.node, "Node.js; default: the one in PATH");
    serve->add_option("--public-range",
                      cloud.public_range,
                      "of public addresses; default: as last time, else a free one");
    serve->add_option("--forward",
                      arguments.forwards,
                      "PORT=HOST_PORT: a port that machines reach at 169.254.169.254, and what it "
                      "leads to on the host's loopback");
    serve->add_option("--owner", cloud.owner, "user who may read cloud.json");
    serve
        ->add_option("--disk-floor-gb",
                     arguments.disk_floor_gb,
                     "no machine is made with less free space than that")
        ->capture_default_str();
    serve->add_flag("--rehearse-gpus",
                    cloud.rehearsal.gpus,
                    "give machines of sizes with GPUs, without a card behind");
    serve->add_option("--scarce",
                      cloud.rehearsal.scarce_sizes,
                      "SIZE: offered, and refused for want of capacity when one is asked for");
    serve->add_option("--scarce-spot",
                      cloud.rehearsal.scarce_spot_sizes,
                      "SIZE: the same, but only when a spot machine is asked for");
    serve->add_option("--log-level", arguments.log_level, "debug, info, warning or error");
    return serve;
}

}  // namespace

int main(int count, char** words) {
    Arguments arguments;
    CLI::App app("Azure on your own machine: the Resource Manager's REST, over system containers");
    app.require_subcommand(1);
    CLI::App* serve_command = add_serve(app, arguments);
    CLI::App* down_command = app.add_subcommand("down", "end everything; data stays");
    add_state(down_command, arguments);
    down_command->add_flag("--purge", arguments.purge, "delete the data too");
    CLI::App* status_command = app.add_subcommand("status", "say whether it runs");
    add_state(status_command, arguments);
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
