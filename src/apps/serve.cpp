#include "apps/serve.h"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <malloc.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/keys.h"
#include "api/people/entrance.h"
#include "api/people/password_reset.h"
#include "apps/control_plane.h"
#include "apps/privileges.h"
#include "azure/config.h"
#include "base/log.h"
#include "base/random.h"
#include "cli/session.h"
#include "store/open.h"

namespace hopyard::apps {
namespace {

/// Threads wait most of their lives: few arenas keep what they left behind small.
constexpr int malloc_arenas = 2;

Failure misused(const std::string& flag, const std::string& rule, const std::string& remedy) {
    return refuse(flag, "option_missing", rule, remedy);
}

/// One control plane for each state directory: the lock ends with the process.
Result<void> lock_state(const std::string& state) {
    const int file = ::open((state + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0 && ::flock(file, LOCK_EX | LOCK_NB) == 0) return {};
    if (file >= 0) ::close(file);
    Error error{.kind = ErrorKind::conflict,
                .code = "state_in_use",
                .message = "another hopyard serve uses " + state,
                .owner = Owner::administrator,
                .next_action = "Stop it, or name another directory with --state."};
    return Failure(std::move(error));
}

Result<std::unique_ptr<store::Store>> open_store(const cli::ServeOptions& options, Random& random) {
    ASSIGN_OR_RETURN(Secret key, store::open_sealing_key(options.state + "/sealing.key", random));
    const std::string address =
        options.database.empty() ? "sqlite:" + options.state + "/hopyard.db" : options.database;
    return store::open(address, std::move(key));
}

Result<void> write_endpoint(const std::string& state, const ControlPlane& control_plane) {
    const std::string path = state + "/endpoint.json";
    std::ofstream out(path + ".partial");
    out << nlohmann::json{{"url", control_plane.url()},
                          {"caFile", control_plane.ca_file()},
                          {"pid", ::getpid()}}
               .dump()
        << "\n";
    out.close();
    if (!out || ::rename((path + ".partial").c_str(), path.c_str()) != 0)
        return fail(ErrorKind::unavailable, "state_unwritable", "cannot write " + path);
    return {};
}

/// The first owner's link, while nobody exists: shown to whoever sits at the terminal, and kept for
/// our own user in the state directory. Never where others read: not in the log.
Result<void> offer_setup(const std::string& state,
                         store::Store& store,
                         Random& random,
                         const std::string& url) {
    const std::string path = state + "/setup-link";
    std::filesystem::remove(path);
    ASSIGN_OR_RETURN(const auto token, api::people::make_setup_token(store, random));
    if (!token) return {};
    const std::string link = url + "/setup#token=" + token->reveal();
    std::ofstream out(path);
    out << link << "\n";
    out.close();
    if (!out) return fail(ErrorKind::unavailable, "state_unwritable", "cannot write " + path);
    if (::isatty(STDOUT_FILENO) != 0)
        std::printf("The first owner comes in with this link, once: %s\n", link.c_str());
    log::info("nobody signs in yet", {{"link_of_the_first_owner_in", path}});
    return {};
}

sigset_t block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    return signals;
}

void set_log_level(const std::string& word) {
    if (word == "debug") log::set_level(log::Level::debug);
    if (word == "warning") log::set_level(log::Level::warning);
    if (word == "error") log::set_level(log::Level::error);
}

/// Whoever had a key of that name before is locked out: it is made anew because it was lost.
Result<void> revoke_named(store::Store& store, const std::string& name) {
    return store.write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(auto keys, t.api_keys(api::default_organisation()));
        for (model::ApiKey& key : keys) {
            if (key.name != name || key.revoked) continue;
            key.revoked = true;
            RETURN_IF_ERROR(t.put(key));
        }
        return {};
    });
}

Result<void> make_key(const cli::ServeOptions& options) {
    SystemClock clock;
    SystemRandom random;
    RETURN_IF_ERROR(leave_root(options.state, options.user));
    ASSIGN_OR_RETURN(const auto store, open_store(options, random));
    RETURN_IF_ERROR(revoke_named(*store, options.make_key));
    ASSIGN_OR_RETURN(const auto made,
                     api::make_key(*store,
                                   random,
                                   {.organisation = api::default_organisation(),
                                    .name = options.make_key,
                                    .scope = model::Scope::administer},
                                   clock.now()));
    std::printf("%s\n", made.key.reveal().c_str());
    return {};
}

/// Where the page is, as far as is known: a link may be opened under any name that leads there.
std::string page_of(const cli::ServeOptions& options) {
    std::ifstream in(options.state + "/endpoint.json");
    const auto endpoint = nlohmann::json::parse(in, nullptr, false);
    if (endpoint.is_object()) return endpoint.value("url", "");
    return "http://" + options.address + ":" + std::to_string(options.port);
}

Result<void> make_reset_link(const cli::ServeOptions& options) {
    SystemClock clock;
    SystemRandom random;
    RETURN_IF_ERROR(leave_root(options.state, options.user));
    ASSIGN_OR_RETURN(const auto store, open_store(options, random));
    ASSIGN_OR_RETURN(
        const Secret token,
        api::people::make_reset_token_for(*store, random, options.reset_password, clock.now()));
    std::printf("%s\n", api::people::reset_link(page_of(options), token).c_str());
    return {};
}

/// Each head is a connection: as many files may be open as the system lets us.
void allow_open_files() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

Result<void> run(cli::ServeOptions options) {
    const sigset_t signals = block_signals();
    allow_open_files();
    set_log_level(options.log_level);
    if (options.cloud_file.empty())
        return misused("--cloud",
                       "no cloud is named",
                       "Name its file: --cloud /var/lib/hopyard-cloud/cloud.json");
    if (options.node_url.empty())
        return misused("--node-url",
                       "it is not known how machines reach this control plane",
                       "Give its address as machines see it: --node-url https://HOST:PORT");
    // Read by whoever starts us: the local cloud's file may be root's alone.
    ASSIGN_OR_RETURN(auto cloud, azure::load_config(options.cloud_file));
    std::optional<MailSettings> mail;
    if (!options.mail_file.empty()) {
        ASSIGN_OR_RETURN(mail, load_mail_settings(options.mail_file));
    }
    options.state = std::filesystem::absolute(options.state).lexically_normal().string();
    RETURN_IF_ERROR(leave_root(options.state, options.user));
    ::umask(0077);
    RETURN_IF_ERROR(lock_state(options.state));
    SystemClock clock;
    SystemRandom random;
    ASSIGN_OR_RETURN(const auto store, open_store(options, random));
    ASSIGN_OR_RETURN(
        const auto control_plane,
        ControlPlane::open(options, std::move(cloud), std::move(mail), *store, clock, random));
    control_plane->start();
    RETURN_IF_ERROR(offer_setup(options.state, *store, random, control_plane->url()));
    RETURN_IF_ERROR(write_endpoint(options.state, *control_plane));
    log::info("ready", {{"url", control_plane->url()}});
    int number = 0;
    ::sigwait(&signals, &number);
    log::info("ending", {{"signal", number}});
    control_plane->stop();
    std::filesystem::remove(options.state + "/endpoint.json");
    return {};
}

}  // namespace

int serve(const cli::ServeOptions& options) {
    ::mallopt(M_ARENA_MAX, malloc_arenas);
    const auto outcome = !options.make_key.empty()         ? make_key(options)
                         : !options.reset_password.empty() ? make_reset_link(options)
                                                           : run(options);
    return outcome ? cli::exit_ok : cli::report(outcome.error());
}

}  // namespace hopyard::apps
