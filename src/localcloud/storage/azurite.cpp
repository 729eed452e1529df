#include "localcloud/storage/azurite.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/log.h"
#include "base/random.h"
#include "localcloud/network/command.h"
#include "localcloud/storage/child.h"
#include "localcloud/storage/shared_key.h"

namespace hopyard::localcloud {

namespace fs = std::filesystem;

namespace {

constexpr Milliseconds account_wait{20'000};
constexpr Milliseconds look_again{20};
constexpr int oldest_node = 20;
/// Where the child finds what it needs; see storage/view.h.
constexpr const char* shown_modules = "/azurite/node_modules";
constexpr const char* shown_node = "/node";
constexpr const char* shown_data = "/data";
/// Without any account Azurite would fall back to one whose key everybody knows.
constexpr const char* placeholder = "hopyardplaceholder";

constexpr const char* launcher = R"js('use strict';
// Starts Azurite's blob service with the accounts of a file, and reads the file again on SIGHUP.
// What it knows of its blobs it holds in memory and writes down every five seconds, which is too
// seldom: here it is a fifth of a second, and on SIGTERM whatever still uses a connection.
const fs = require('fs');
const path = require('path');
const [program, accounts] = process.argv.splice(2, 2);
const Store = require(path.join(program, 'dist/src/common/AccountDataStore.js')).default;
const stores = new Set();
const init = Store.prototype.init;
Store.prototype.init = function () { stores.add(this); return init.call(this); };
function read() {
  process.env.AZURITE_ACCOUNTS = fs.readFileSync(accounts, 'utf8').trim();
  for (const store of stores) store.refresh();
}
const Loki = require(require.resolve('lokijs', { paths: [program] }));
const databases = new Set();
const enable = Loki.prototype.autosaveEnable;
Loki.prototype.autosaveEnable = function (...given) {
  databases.add(this);
  this.autosaveInterval = 200;
  return enable.apply(this, given);
};
// The signal comes once for each thread of the program that dies; a second one without a handler
// would end this process at once.
let ending = false;
process.on('SIGTERM', () => {
  if (ending) return;
  ending = true;
  const save = (one) => new Promise((done) => one.saveDatabase(done));
  const leave = () => Promise.all([...databases].map(save)).finally(() => process.exit(0));
  setTimeout(leave, 1000).unref();
});
process.on('SIGHUP', read);
read();
require(path.join(program, 'dist/src/blob/main.js'));
)js";

Result<void> write_file(const std::string& path, const std::string& text, const UserIds& owner) {
    const std::string fresh = path + ".new";
    const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = file >= 0;
    good = good && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    good = good && (owner.user == 0 || fchown(file, owner.user, owner.group) == 0);
    if (file >= 0) close(file);
    good = good && rename(fresh.c_str(), path.c_str()) == 0;
    if (good) return {};
    return fail(ErrorKind::unavailable,
                "file_not_written",
                fmt::format("{}: {}", path, std::strerror(errno)));
}

Failure refused(std::string code, std::string field, std::string message, std::string action) {
    return Failure(Error{.kind = ErrorKind::invalid_argument,
                         .code = std::move(code),
                         .message = std::move(message),
                         .field = std::move(field),
                         .owner = Owner::administrator,
                         .next_action = std::move(action)});
}

std::string find_in_path(const std::string& program) {
    if (program.empty() || program.find('/') != std::string::npos) return program;
    const char* path = std::getenv("PATH");
    std::string rest = path ? path : "/usr/bin:/bin";
    while (!rest.empty()) {
        const std::size_t colon = std::min(rest.find(':'), rest.size());
        const std::string full = rest.substr(0, colon) + "/" + program;
        if (access(full.c_str(), X_OK) == 0) return full;
        rest = colon < rest.size() ? rest.substr(colon + 1) : "";
    }
    return "";
}

/// The text of each `<tag>…</tag>`: the service's lists are flat enough for that.
std::vector<std::string> elements(const std::string& xml, const std::string& tag) {
    std::vector<std::string> found;
    const std::string open = "<" + tag + ">", close = "</" + tag + ">";
    for (std::size_t at = 0; (at = xml.find(open, at)) != std::string::npos;) {
        at += open.size();
        const std::size_t end = xml.find(close, at);
        if (end == std::string::npos) break;
        found.push_back(xml.substr(at, end - at));
        at = end;
    }
    return found;
}

std::string first(const std::vector<std::string>& texts) {
    return texts.empty() ? "" : texts.front();
}

}  // namespace

struct Azurite::State {
    AzuriteOptions options;
    UserIds user;  ///< 0: as we are
    View view;
    /// As the child sees them.
    std::string node, program, data;
    http::Client client;
    SystemClock clock;
    SystemRandom random;

    std::mutex mutex;
    std::condition_variable_any wake;
    std::map<std::string, BlobAccount> accounts;
    pid_t child = 0;

    explicit State(AzuriteOptions given)
        : options(std::move(given)), client(http::ClientOptions{.ca_pem = options.ca_pem}) {}

    std::string file(const char* name) const { return options.folder + "/" + name; }
    void set_places(bool with_view);
};

/// What the program needs besides itself lies beside it, in the directory that npm filled.
void Azurite::State::set_places(bool with_view) {
    node = options.node;
    program = options.program;
    data = options.folder;
    if (!with_view) return;
    const fs::path package(options.program);
    std::vector<Place> places;
    for (const char* system : {"/usr", "/lib", "/lib64", "/etc", "/dev", "/proc"})
        places.push_back({.source = system, .target = system});
    places.push_back({.source = package.parent_path(), .target = shown_modules});
    places.push_back({.source = options.node, .target = shown_node});
    places.push_back({.source = options.folder, .target = shown_data, .writable = true});
    view = View(file("view"), std::move(places));
    node = shown_node;
    program = shown_modules + ("/" + package.filename().string());
    data = shown_data;
}

Result<std::string> find_azurite(const std::string& named, const std::string& own_folder) {
    std::string where = named;
    if (where.empty())
        if (const char* set = std::getenv("HOPYARD_AZURITE")) where = set;
    std::vector<std::string> candidates = {
        where, where + "/azurite", where + "/node_modules/azurite"};
    if (where.empty())
        candidates = {own_folder + "/../lib/hopyard/azurite/node_modules/azurite",
                      own_folder + "/../../tools/azurite/node_modules/azurite"};
    for (const std::string& candidate : candidates) {
        std::error_code error;
        const fs::path full = fs::weakly_canonical(candidate, error);
        if (!error && fs::exists(full / "dist/src/blob/main.js", error)) return full.string();
    }
    return refused("azurite_missing",
                   "/azurite",
                   where.empty()
                       ? "Azurite, which stores the blobs, is not on this machine"
                       : fmt::format("Azurite, which stores the blobs, is not in {}", where),
                   "run tools/fetch-azurite, or run 'npm install azurite@3.35.0' in a directory of "
                   "its own and name that directory with --azurite or HOPYARD_AZURITE");
}

Result<std::string> find_node(const std::string& named, const std::string& own_folder) {
    std::vector<std::string> candidates = {find_in_path(named.empty() ? "node" : named)};
    if (named.empty() || named == "node") {
        candidates.push_back(own_folder + "/../lib/hopyard/node/bin/node");
        candidates.push_back(own_folder + "/../../tools/node/node_modules/node/bin/node");
    }
    std::string seen;
    for (const std::string& candidate : candidates) {
        std::error_code error;
        const fs::path full = candidate.empty() ? fs::path() : fs::canonical(candidate, error);
        if (error || full.empty()) continue;
        const auto version = network::run_command({.arguments = {full.string(), "--version"}});
        if (!version || !version->starts_with("v")) continue;
        if (std::atoi(version->c_str() + 1) >= oldest_node) return full.string();
        seen = fmt::format("; {} is {}", full.string(), version->substr(0, version->find('\n')));
    }
    return refused("node_missing",
                   "/node",
                   fmt::format("Node.js of at least version {}, which runs Azurite, is not on this "
                               "machine{}",
                               oldest_node,
                               seen),
                   "run tools/fetch-node, install nodejs, or name one with --node");
}

Azurite::Azurite(std::unique_ptr<State> state) : state_(std::move(state)) {}
Azurite::~Azurite() = default;

Result<std::unique_ptr<Azurite>> Azurite::prepare(AzuriteOptions options,
                                                  const std::vector<BlobAccount>& accounts) {
    auto state = std::make_unique<State>(std::move(options));
    const AzuriteOptions& given = state->options;
    const bool with_view = geteuid() == 0;
    if (with_view) {
        ASSIGN_OR_RETURN(state->user, find_user(given.user));
    }
    std::error_code error;
    fs::create_directories(state->file("data"), error);
    if (!error) fs::create_directories(state->file("view"), error);
    if (error)
        return fail(ErrorKind::unavailable,
                    "folder_not_made",
                    fmt::format("{}: {}", state->file("data"), error.message()));
    chmod(given.folder.c_str(), 0700);
    if (state->user.user != 0)
        for (const std::string& path : {given.folder, state->file("data")})
            if (chown(path.c_str(), state->user.user, state->user.group) != 0)
                return fail(ErrorKind::unavailable,
                            "folder_not_given",
                            fmt::format("{}: {}", path, std::strerror(errno)));
    RETURN_IF_ERROR(write_file(state->file("launcher.js"), launcher, state->user));
    RETURN_IF_ERROR(
        write_file(state->file("server.pem"), given.certificate.certificate_pem, state->user));
    RETURN_IF_ERROR(write_file(
        state->file("server.key"), given.certificate.private_key_pem.reveal(), state->user));
    for (const auto& account : accounts) state->accounts[account.name] = account;
    state->set_places(with_view);
    std::unique_ptr<Azurite> azurite(new Azurite(std::move(state)));
    RETURN_IF_ERROR(azurite->write_accounts());
    return azurite;
}

Result<void> Azurite::write_accounts() {
    const std::lock_guard lock(state_->mutex);
    std::string text =
        fmt::format("{}:{}", placeholder, to_base64(random_bytes(state_->random, 64)));
    for (const auto& [name, account] : state_->accounts)
        text += fmt::format(";{}:{}:{}", name, account.key1.reveal(), account.key2.reveal());
    RETURN_IF_ERROR(write_file(state_->file("accounts"), text + "\n", state_->user));
    if (state_->child > 0) kill(state_->child, SIGHUP);
    return {};
}

void Azurite::run(std::stop_token stop) {
    State& state = *state_;
    const ChildOptions child_options{
        .arguments = {state.node,
                      state.data + "/launcher.js",
                      state.program,
                      state.data + "/accounts",
                      "--blobHost",
                      "127.0.0.1",
                      "--blobPort",
                      std::to_string(state.options.port),
                      "--location",
                      state.data + "/data",
                      "--silent",
                      "--disableTelemetry",
                      "--skipApiVersionCheck",
                      "--oauth",
                      "basic",
                      "--cert",
                      state.data + "/server.pem",
                      "--key",
                      state.data + "/server.key"},
        .environment = {"PATH=/usr/bin:/bin", "HOME=" + state.data, "NODE_ENV=production"},
        .folder = state.data,
        .log_file = state.file("azurite.log"),
        .lock_file = state.file("lock"),
        .view = state.view,
        .user = state.user.user,
        .group = state.user.group};
    Milliseconds pause{200};
    while (!stop.stop_requested()) {
        const auto child = start_child(child_options);
        if (!child) {
            log::error("Azurite did not start", {{"cause", child.error().message}});
        } else {
            {
                const std::lock_guard lock(state.mutex);
                state.child = *child;
            }
            const std::stop_callback ending(stop, [pid = *child] { kill(pid, SIGTERM); });
            int status = 0;
            while (waitpid(*child, &status, 0) < 0 && errno == EINTR) {
            }
            const std::lock_guard lock(state.mutex);
            state.child = 0;
            if (stop.stop_requested()) return;
            log::error("Azurite ended and is started again",
                       {{"status", status}, {"log", child_options.log_file}});
        }
        std::unique_lock lock(state.mutex);
        state.wake.wait_for(lock, stop, pause, [] { return false; });
        pause = std::min(pause * 2, Milliseconds(10'000));
    }
}

Result<void> Azurite::wait_for(const std::string& account, Milliseconds longest) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (true) {
        const auto response = send("GET", account, "", "comp=list&maxresults=1");
        if (response && response->status == 200) return {};
        if (std::chrono::steady_clock::now() >= end)
            return fail(ErrorKind::unavailable,
                        "blob_service_silent",
                        fmt::format("the blob service does not answer for {}: {}",
                                    account,
                                    response ? "status " + std::to_string(response->status)
                                             : response.error().message));
        std::this_thread::sleep_for(look_again);
    }
}

Result<void> Azurite::wait_until_ready(Milliseconds longest) {
    const auto end = std::chrono::steady_clock::now() + longest;
    http::OutgoingRequest request{.url =
                                      fmt::format("https://127.0.0.1:{}/", state_->options.port)};
    while (!state_->client.send(request)) {
        if (std::chrono::steady_clock::now() >= end)
            return fail(ErrorKind::unavailable,
                        "blob_service_silent",
                        fmt::format("Azurite does not answer on port {}; see {}",
                                    state_->options.port,
                                    state_->file("azurite.log")));
        std::this_thread::sleep_for(look_again);
    }
    return {};
}

std::string Azurite::endpoint(const std::string& account) const {
    return fmt::format("https://{}.{}:{}/", account, suffix, state_->options.port);
}

Result<http::Response> Azurite::send(const std::string& method,
                                     const std::string& account,
                                     const std::string& path,
                                     const std::string& query) {
    Secret key;
    {
        const std::lock_guard lock(state_->mutex);
        const auto found = state_->accounts.find(account);
        if (found == state_->accounts.end())
            return fail(ErrorKind::not_found, "no_such_account", "there is no account " + account);
        key = found->second.key1;
    }
    http::OutgoingRequest request{
        .method = method,
        .url = fmt::format(
            "https://127.0.0.1:{}/{}{}?{}", state_->options.port, account, path, query)};
    sign_with_shared_key(request, account, key, state_->clock.now());
    return state_->client.send(request);
}

Result<void> Azurite::ensure(const BlobAccount& account) {
    {
        const std::lock_guard lock(state_->mutex);
        state_->accounts[account.name] = account;
    }
    RETURN_IF_ERROR(write_accounts());
    return wait_for(account.name, account_wait);
}

Result<void> Azurite::remove(const std::string& account) {
    {
        const std::lock_guard lock(state_->mutex);
        if (!state_->accounts.contains(account)) return {};
    }
    ASSIGN_OR_RETURN(const auto containers, list_containers(account));
    for (const auto& container : containers)
        RETURN_IF_ERROR(delete_container(account, container.name));
    {
        const std::lock_guard lock(state_->mutex);
        state_->accounts.erase(account);
    }
    return write_accounts();
}

namespace {

Failure unexpected_status(const http::Response& response) {
    return fail(ErrorKind::unavailable,
                "blob_service_refused",
                fmt::format("the blob service answered {} {}",
                            response.status,
                            response.headers.get("x-ms-error-code")));
}

}  // namespace

Result<bool> Azurite::create_container(const std::string& account, const std::string& container) {
    ASSIGN_OR_RETURN(const auto response,
                     send("PUT", account, "/" + container, "restype=container"));
    if (response.status == 201) return true;
    if (response.status == 409) return false;
    return unexpected_status(response);
}

Result<std::optional<Container>> Azurite::find_container(const std::string& account,
                                                         const std::string& container) {
    ASSIGN_OR_RETURN(const auto response,
                     send("GET", account, "/" + percent_encode(container), "restype=container"));
    if (response.status == 404) return std::optional<Container>();
    if (response.status != 200) return unexpected_status(response);
    return std::optional(Container{.name = container,
                                   .etag = response.headers.get("etag"),
                                   .last_modified = response.headers.get("last-modified")});
}

Result<bool> Azurite::delete_container(const std::string& account, const std::string& container) {
    ASSIGN_OR_RETURN(const auto response,
                     send("DELETE", account, "/" + percent_encode(container), "restype=container"));
    if (response.status == 202) return true;
    if (response.status == 404) return false;
    return unexpected_status(response);
}

Result<std::vector<Container>> Azurite::list_containers(const std::string& account) {
    std::vector<Container> found;
    std::string marker;
    do {
        const std::string query =
            "comp=list" + (marker.empty() ? "" : "&marker=" + percent_encode(marker));
        ASSIGN_OR_RETURN(const auto response, send("GET", account, "", query));
        if (response.status != 200) return unexpected_status(response);
        for (const auto& entry : elements(response.body, "Container"))
            found.push_back({.name = first(elements(entry, "Name")),
                             .etag = first(elements(entry, "Etag")),
                             .last_modified = first(elements(entry, "Last-Modified"))});
        marker = first(elements(response.body, "NextMarker"));
    } while (!marker.empty());
    return found;
}

}  // namespace hopyard::localcloud
