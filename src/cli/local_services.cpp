#include "cli/local_services.h"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <arpa/inet.h>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/programs.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

constexpr Milliseconds cloud_start{60'000};
constexpr Milliseconds control_plane_start{20'000};
constexpr Milliseconds control_plane_end{15'000};
/// What machines call the host: the address of the metadata service forwards this port to us.
constexpr std::uint16_t machines_port = 8443;
constexpr const char* machines_host = "169.254.169.254";

struct Ports {
    std::uint16_t people = 8080;
    std::uint16_t nodes = 8443;
};

/// The wanted port of loopback when nobody has it, else any free one.
std::uint16_t free_port(std::uint16_t wanted) {
    for (const std::uint16_t port : {wanted, std::uint16_t{0}}) {
        const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        const bool bound = ::bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                           ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
        ::close(probe);
        if (bound) return ntohs(address.sin_port);
    }
    return wanted;
}

/// Chosen once and kept with the state, so that links and machines stay right.
Result<Ports> ports_of(const std::string& state) {
    const std::string path = state + "/ports.json";
    std::ifstream in(path);
    const json known = json::parse(in, nullptr, false);
    if (known.is_object() && known.contains("people") && known.contains("nodes"))
        return Ports{.people = known.value("people", std::uint16_t{0}),
                     .nodes = known.value("nodes", std::uint16_t{0})};
    const Ports ports{.people = free_port(8080), .nodes = free_port(8443)};
    std::ofstream out(path);
    out << json{{"people", ports.people}, {"nodes", ports.nodes}}.dump() << "\n";
    if (!out.flush())
        return refuse("--state",
                      "state_unwritable",
                      "cannot write into " + state,
                      "Name a directory of yours with --state, or run it as root.");
    return ports;
}

Result<void> ensure_directory(const std::string& path) {
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    if (!failed) return {};
    return refuse("--state",
                  "state_unwritable",
                  "cannot make the directory " + path,
                  "Name a directory of yours with --state, or run it as root.");
}

std::string own_name() {
    const passwd* entry = ::getpwuid(::geteuid());
    return entry != nullptr ? entry->pw_name : std::to_string(::geteuid());
}

bool has_unit(const std::string& unit) {
    if (!std::filesystem::exists("/run/systemd/system")) return false;
    const auto known = run_program({"systemctl", "cat", unit});
    return known && known->exit_code == 0;
}

bool cloud_answers(const Places& places) {
    const auto status = run_program(
        as_root({program_beside("hopyard-cloud"), "status", "--state", places.cloud_state}));
    return status && status->exit_code == 0;
}

std::vector<std::string> cloud_words(const UpOptions& options, const Ports& ports) {
    std::vector<std::string> words = {
        program_beside("hopyard-cloud"),
        "serve",
        "--state",
        options.places.cloud_state,
        "--image",
        options.image,
        "--node-program",
        options.node_program.empty() ? program_beside("hopyard-node") : options.node_program,
        "--node",
        options.node,
        "--forward",
        std::to_string(machines_port) + "=" + std::to_string(ports.nodes)};
    if (!options.azurite.empty()) words.insert(words.end(), {"--azurite", options.azurite});
    if (options.rehearse_gpus) words.push_back("--rehearse-gpus");
    for (const std::string& size : options.scarce) words.insert(words.end(), {"--scarce", size});
    for (const std::string& size : options.scarce_spot)
        words.insert(words.end(), {"--scarce-spot", size});
    if (::geteuid() != 0) words.insert(words.end(), {"--owner", own_name()});
    return words;
}

std::vector<std::string> serve_words(const UpOptions& options) {
    return {program_beside("hopyard"), "serve", "--state", options.places.state};
}

bool answers(const Endpoint& endpoint) {
    Session session(Target{.url = endpoint.url, .ca_file = endpoint.ca_file});
    return session.call("GET", "/v1/health").has_value();
}

Error did_not_start(Error error, const std::string& log_file) {
    error.message += "; the end of " + log_file + ":\n" + tail_of(log_file, 12);
    error.owner = Owner::administrator;
    if (error.next_action.empty()) error.next_action = "Mend what the log says; 'hopyard doctor'.";
    return error;
}

Result<Secret> make_key(const UpOptions& options) {
    std::vector<std::string> words = serve_words(options);
    words.insert(words.end(), {"--make-key", own_name() + "@hopyard-up"});
    if (!options.user.empty()) words.insert(words.end(), {"--user", options.user});
    ASSIGN_OR_RETURN(const Outcome outcome, run_program(words));
    std::string key = outcome.output;
    while (!key.empty() && key.back() == '\n') key.pop_back();
    if (outcome.exit_code != 0 || key.empty())
        return fail(ErrorKind::internal, "key_not_made", "no API key could be made");
    return Secret(key);
}

}  // namespace

Result<Endpoint> read_endpoint(const std::string& state) {
    std::ifstream in(state + "/endpoint.json");
    const json document = json::parse(in, nullptr, false);
    if (!document.is_object())
        return fail(
            ErrorKind::not_found, "not_running", "no control plane was started in " + state);
    return Endpoint{.url = document.value("url", ""),
                    .ca_file = document.value("caFile", ""),
                    .process = document.value("pid", 0)};
}

Result<Found> ensure_cloud(const UpOptions& options) {
    RETURN_IF_ERROR(ensure_directory(options.places.state));
    if (cloud_answers(options.places)) return Found::running;
    if (has_unit("hopyard-cloud.service") && options.places.cloud_state == Places{}.cloud_state) {
        ASSIGN_OR_RETURN(const int code,
                         run_on_terminal(as_root({"systemctl", "start", "hopyard-cloud"})));
        if (code == 0) return Found::started;
        return fail(ErrorKind::unavailable, "unit_failed", "hopyard-cloud.service did not start");
    }
    ASSIGN_OR_RETURN(const Ports ports, ports_of(options.places.state));
    // Asks for the password now: what is started below has no terminal.
    if (::geteuid() != 0) {
        ASSIGN_OR_RETURN(const int allowed, run_on_terminal({"sudo", "-v"}));
        if (allowed != 0)
            return fail(ErrorKind::permission_denied,
                        "root_needed",
                        "the local cloud needs root, and sudo refused");
    }
    const std::string log_file = options.places.state + "/hopyard-cloud.log";
    ASSIGN_OR_RETURN(const pid_t process,
                     start_detached(as_root(cloud_words(options, ports)), log_file));
    const auto ready = wait_until([&] { return cloud_answers(options.places); },
                                  [&] { return !is_running(process); },
                                  cloud_start,
                                  "hopyard-cloud");
    if (!ready) return pass(did_not_start(ready.error(), log_file));
    return Found::started;
}

Result<Found> ensure_control_plane(const UpOptions& options) {
    const std::string& state = options.places.state;
    if (const auto endpoint = read_endpoint(state); endpoint && answers(*endpoint))
        return Found::running;
    ASSIGN_OR_RETURN(const Ports ports, ports_of(state));
    std::vector<std::string> words = serve_words(options);
    words.insert(words.end(),
                 {"--cloud",
                  options.places.cloud_state + "/cloud.json",
                  "--listen",
                  "127.0.0.1:" + std::to_string(ports.people),
                  "--node-listen",
                  "127.0.0.1:" + std::to_string(ports.nodes),
                  "--node-url",
                  std::string("https://") + machines_host + ":" + std::to_string(machines_port)});
    if (!options.user.empty()) words.insert(words.end(), {"--user", options.user});
    if (!options.mail_file.empty()) words.insert(words.end(), {"--mail", options.mail_file});
    const std::string log_file = state + "/hopyard.log";
    ASSIGN_OR_RETURN(const pid_t process, start_detached(words, log_file));
    const auto ready = wait_until(
        [&] {
            const auto endpoint = read_endpoint(state);
            return endpoint && endpoint->process == process && answers(*endpoint);
        },
        [&] { return !is_running(process); },
        control_plane_start,
        "hopyard serve");
    if (!ready) return pass(did_not_start(ready.error(), log_file));
    return Found::started;
}

Result<Target> ensure_access(const UpOptions& options) {
    ASSIGN_OR_RETURN(const Endpoint endpoint, read_endpoint(options.places.state));
    const std::string path = configuration_path();
    ASSIGN_OR_RETURN(Target known, read_configuration(path));
    if (known.url == endpoint.url && Session(known).call("GET", "/v1/clusters?limit=1"))
        return known;
    ASSIGN_OR_RETURN(Secret key, make_key(options));
    Target made{.url = endpoint.url, .api_key = std::move(key), .ca_file = endpoint.ca_file};
    RETURN_IF_ERROR(write_configuration(path, made));
    return made;
}

std::string setup_link(Session& session, const std::string& state) {
    const auto reply = session.call("GET", "/v1/sign-in");
    if (!reply) return "";
    const auto document = nlohmann::json::parse(*reply, nullptr, false);
    if (!document.is_object() || document.value("setUp", true)) return "";
    std::ifstream in(state + "/setup-link");
    std::string link;
    std::getline(in, link);
    return link;
}

Result<void> stop_control_plane(const Places& places) {
    const auto endpoint = read_endpoint(places.state);
    if (!endpoint || !answers(*endpoint)) return {};
    ::kill(endpoint->process, SIGTERM);
    return wait_until([&] { return !is_running(endpoint->process); },
                      {},
                      control_plane_end,
                      "the end of hopyard serve");
}

Result<void> stop_cloud(const DownOptions& options) {
    std::vector<std::string> words = {
        program_beside("hopyard-cloud"), "down", "--state", options.places.cloud_state};
    if (options.purge) words.emplace_back("--purge");
    ASSIGN_OR_RETURN(const int code, run_on_terminal(as_root(words)));
    if (code == 0) return {};
    return fail(ErrorKind::internal, "cloud_not_down", "hopyard-cloud could not be taken down");
}

}  // namespace hopyard::cli
