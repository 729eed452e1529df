#include "apps/control_plane.h"

#include <algorithm>
#include <fstream>
#include <thread>
#include <vector>

#include <unistd.h>

#include "api/orphans.h"
#include "api/service.h"
#include "apps/account_loops.h"
#include "apps/call_pool.h"
#include "apps/connections.h"
#include "apps/installation.h"
#include "apps/ticker.h"
#include "base/log.h"
#include "base/read_file.h"
#include "control/authority.h"
#include "control/commands.h"
#include "control/loops.h"
#include "control/node_sessions.h"
#include "http/server.h"
#include "web/pages.h"

namespace hopyard::apps {
namespace {

constexpr std::size_t calls_max = 32;
constexpr int request_threads = 4;
constexpr Milliseconds tick_period{500};
constexpr Milliseconds mail_period{1'000};
constexpr Milliseconds follow_period = Seconds(10);
/// They step at least as often as the lease is prolonged.
constexpr Seconds loops_stuck_after{60};
constexpr Seconds listener_certificate_validity{825LL * 24 * 3600};
constexpr const char* people_listener = "people";
constexpr const char* node_listener = "nodes";

bool is_loopback(const std::string& address) {
    return address == "localhost" || address == "::1" || address.starts_with("127.");
}

bool is_address(const std::string& host) {
    return !host.empty() &&
           host.find_first_not_of("0123456789.:[]abcdefABCDEF") == std::string::npos;
}

/// "https://169.254.169.254:8443" is reached as "169.254.169.254".
std::string host_of(const std::string& url) {
    const std::size_t from = url.find("://");
    const std::string rest = from == std::string::npos ? url : url.substr(from + 3);
    return rest.substr(0, rest.find_first_of(":/"));
}

Result<std::string> read_file(const std::string& flag, const std::string& path) {
    auto text = hopyard::read_file(path);
    if (!text)
        return refuse(
            flag, "file_unreadable", "cannot read " + path, "Check path and permissions.");
    return std::move(*text);
}

/// A certificate of our own authority for whoever reaches us under that host.
Result<http::TlsOptions> own_certificate(const Installation& installation,
                                         const std::string& host,
                                         Timestamp now) {
    http::CertificateRequest wanted{.common_name = host,
                                    .dns_names = {"localhost"},
                                    .ip_addresses = {"127.0.0.1"},
                                    .now = now,
                                    .validity = listener_certificate_validity};
    (is_address(host) ? wanted.ip_addresses : wanted.dns_names).push_back(host);
    ASSIGN_OR_RETURN(auto made, http::issue(installation.authority, wanted));
    return http::TlsOptions{.certificate_chain_pem = std::move(made.certificate_pem),
                            .private_key_pem = std::move(made.private_key_pem)};
}

Result<http::TlsOptions> people_certificate(const cli::ServeOptions& options,
                                            const std::string& host,
                                            const Installation& installation,
                                            Timestamp now) {
    if (options.tls_certificate_file.empty()) return own_certificate(installation, host, now);
    ASSIGN_OR_RETURN(auto chain, read_file("--tls-certificate", options.tls_certificate_file));
    ASSIGN_OR_RETURN(auto key, read_file("--tls-key", options.tls_key_file));
    return http::TlsOptions{.certificate_chain_pem = std::move(chain),
                            .private_key_pem = Secret(std::move(key))};
}

/// Where another replica leads, the loops of this one step, too: to take over when that one ends.
api::v1::Condition loops_condition(Timestamp stepped_at, Timestamp now) {
    api::v1::Condition condition{.name = "loops"};
    if (now - stepped_at <= loops_stuck_after) return condition;
    condition.problem =
        Error{.kind = ErrorKind::internal,
              .code = "loops_stuck",
              .message = "the loops have not stepped for " + to_human(now - stepped_at) +
                         "; nothing is planned",
              .owner = Owner::administrator,
              .next_action = "Look into the log, and start the control plane again."};
    condition.since = stepped_at;
    return condition;
}

/// "cloud" is the installation's own.
std::string condition_name(const model::CloudAccountKey& account) {
    return account == model::CloudAccountKey() ? "cloud" : "cloud " + account.name;
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "hopyard";
}

/// Whoever listens everywhere is reached by name.
std::string host_for_people(const std::string& address) {
    return address == "0.0.0.0" || address == "::" ? host_name() : address;
}

std::string in_url(const std::string& host) {
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

/// The members are in the order in which they need each other, and end in the reverse.
struct ControlPlane::State {
    State(const cli::ServeOptions& given,
          azure::Config config,
          std::optional<MailSettings> mail,
          Installation known,
          store::Store& the_store,
          const Clock& the_clock,
          Random& the_random)
        : options(given),
          installation(std::move(known)),
          store(the_store),
          clock(the_clock),
          random(the_random),
          connections(config,
                      store,
                      clock,
                      random,
                      [this](std::function<void()> call) { calls->run(std::move(call)); }),
          authority(installation.authority),
          calls(std::make_unique<CallPool>(calls_max)),
          loops(store,
                connections,
                *calls,
                clock,
                random,
                {.installation = installation.id,
                 .account = {},
                 .holder = host_name() + "/" + random_uuid(random),
                 .node_url = options.node_url,
                 .node_ca_pem = installation.authority.certificate_pem,
                 .on_event = [this](control::LoopEvent what,
                                    std::string_view outcome) { count(what, outcome); }}),
          orphans(store, connections.own().connection.cloud(), installation.id),
          commands(store,
                   connections,
                   loops,
                   clock,
                   random,
                   {.installation = installation.id,
                    .run_all =
                        [this](std::vector<std::function<void()>> reads) {
                            calls->run_all(std::move(reads));
                        }}),
          sessions(
              store,
              authority,
              loops,
              clock,
              random,
              {.blob_ca_pem = config.kind == azure::Config::Kind::local ? config.blob_client.ca_pem
                                                                        : std::string()}),
          smtp(mail ? std::make_unique<http::SmtpClient>(mail->server) : nullptr),
          ticker(tick_period),
          service(
              {.store = store,
               .commands = commands,
               .sessions = sessions,
               .clouds = connections,
               .clock = clock,
               .random = random},
              {.version = HOPYARD_VERSION,
               .conditions = [this] { return conditions(); },
               .gauges = [this] { return gauges(); },
               .want_tick = [this] { ticker.poke(); },
               .orphans = &orphans,
               .import_prices =
                   [this](std::string_view pages) {
                       return connections.own().catalog.import_prices(pages);
                   },
               .mail = {.transport = smtp.get(), .page_url = mail ? mail->page_url : std::string()},
               .otherwise = web::serve_pages(web::embedded_pages())}),
          server(http::ServerOptions{}) {
        loops.on_change([this] { ticker.poke(); });
        connections.on_change([this] { loops.follow_accounts(); });
    }

    std::vector<api::v1::Condition> conditions() const {
        std::vector<api::v1::Condition> all;
        const Timestamp now = clock.now();
        Timestamp stepped_at = now;
        for (const AccountLoops::Status& status : loops.status()) {
            all.push_back({.name = condition_name(status.account),
                           .problem = status.loops.cloud_problem,
                           .since = status.loops.cloud_problem_since});
            stepped_at = std::min(stepped_at, status.loops.stepped_at);
        }
        all.push_back(loops_condition(stepped_at, now));
        return all;
    }

    std::vector<api::Gauge> gauges() const {
        std::size_t calls_under_way = 0;
        bool holds_lease = false;
        const Timestamp now = clock.now();
        Timestamp stepped_at = now;
        for (const AccountLoops::Status& status : loops.status()) {
            calls_under_way += status.loops.calls_under_way;
            stepped_at = std::min(stepped_at, status.loops.stepped_at);
            if (status.account == model::CloudAccountKey()) holds_lease = status.loops.holds_lease;
        }
        const std::chrono::duration<double> age = now - stepped_at;
        return {{.name = "hopyard_loops_lease_held",
                 .help = "1 while this replica holds the loops, 0 while it is in reserve",
                 .value = holds_lease ? 1.0 : 0.0},
                {.name = "hopyard_loops_step_age_seconds",
                 .help = "Time since the loops began their last step; of several, of those that "
                         "waited longest",
                 .value = age.count()},
                {.name = "hopyard_cloud_calls_under_way",
                 .help = "Calls to the cloud that have not been answered yet",
                 .value = static_cast<double>(calls_under_way)}};
    }

    void count(control::LoopEvent what, std::string_view outcome) {
        api::Metrics& metrics = service.metrics();
        switch (what) {
            case control::LoopEvent::step:
                return metrics.count("loop_steps",
                                     "Steps of the loops, by whether this replica leads",
                                     {{"as", std::string(outcome)}});
            case control::LoopEvent::plan:
                return metrics.count("loop_plans",
                                     "Plans of clusters, by what became of them",
                                     {{"outcome", std::string(outcome)}});
            case control::LoopEvent::call:
                return metrics.count("cloud_calls",
                                     "Calls of the loops to the cloud, by what came back",
                                     {{"outcome", std::string(outcome)}});
        }
    }

    Result<void> listen() {
        const Timestamp now = clock.now();
        http::ListenerOptions people{
            .name = people_listener, .address = options.address, .port = options.port};
        const bool plain = is_loopback(options.address);
        const std::string host = host_for_people(options.address);
        if (!plain) {
            ASSIGN_OR_RETURN(people.tls, people_certificate(options, host, installation, now));
        }
        ASSIGN_OR_RETURN(const std::uint16_t port, server.listen(people, service.people()));
        url = (plain ? "http://" : "https://") + in_url(host) + ":" + std::to_string(port);
        if (!plain && options.tls_certificate_file.empty()) ca_file = options.state + "/ca.pem";

        ASSIGN_OR_RETURN(auto tls, own_certificate(installation, host_of(options.node_url), now));
        tls.client_certificates = http::ClientCertificates::optional;
        tls.client_ca_pem = installation.authority.certificate_pem;
        ASSIGN_OR_RETURN([[maybe_unused]] const std::uint16_t node_port,
                         server.listen({.name = node_listener,
                                        .address = options.node_address,
                                        .port = options.node_port,
                                        .tls = std::move(tls)},
                                       service.nodes()));
        return {};
    }

    void tick() {
        // A wall clock may be set back.
        const auto now = std::chrono::steady_clock::now();
        // Other replicas' accounts are found that late.
        if (now >= follow_at) {
            follow_at = now + follow_period;
            loops.follow_accounts();
        }
        sessions.write_old_rows();
        sessions.orders_may_have_changed();
        // Every node is looked at: not more often than somebody can have fallen silent.
        if (now >= silence_at) silence_at = now + (sessions.notice_silence() - clock.now());
        service.tick(clock.now());
    }

    const cli::ServeOptions options;
    const Installation installation;
    store::Store& store;
    const Clock& clock;
    Random& random;
    Connections connections;
    control::InstallationAuthority authority;
    std::unique_ptr<CallPool> calls;
    AccountLoops loops;
    api::TaggedOrphans orphans;
    control::Commands commands;
    control::NodeSessions sessions;
    std::unique_ptr<http::SmtpClient> smtp;  ///< null: no mail
    Ticker ticker;
    Ticker mail_ticker{mail_period};
    api::Service service;
    http::Server server;
    std::chrono::steady_clock::time_point follow_at;   ///< when accounts are looked at again
    std::chrono::steady_clock::time_point silence_at;  ///< when somebody may be silent
    std::string url;
    std::string ca_file;
    std::vector<std::jthread> serving;
    std::jthread ticking;
    std::jthread mailing;
};

ControlPlane::ControlPlane(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<ControlPlane>> ControlPlane::open(const cli::ServeOptions& options,
                                                         azure::Config cloud,
                                                         std::optional<MailSettings> mail,
                                                         store::Store& store,
                                                         const Clock& clock,
                                                         Random& random) {
    ASSIGN_OR_RETURN(Installation installation, load_installation(store, clock, random));
    std::ofstream(options.state + "/ca.pem") << installation.authority.certificate_pem;
    auto state = std::make_unique<State>(
        options, std::move(cloud), std::move(mail), std::move(installation), store, clock, random);
    RETURN_IF_ERROR(state->listen());
    return std::unique_ptr<ControlPlane>(new ControlPlane(std::move(state)));
}

ControlPlane::~ControlPlane() = default;

void ControlPlane::start() {
    State* state = state_.get();
    state->serving.emplace_back([state] { state->server.run_io(); });
    for (int i = 0; i < request_threads; ++i)
        state->serving.emplace_back([state] { state->server.run_worker(); });
    state->loops.start();
    state->ticking = std::jthread(
        [state](std::stop_token stop) { state->ticker.run([state] { state->tick(); }, stop); });
    if (!state->smtp) return;
    state->mailing = std::jthread([state](const std::stop_token& stop) {
        state->mail_ticker.run([state, &stop] { state->service.send_mail(stop); }, stop);
    });
}

void ControlPlane::stop() {
    state_->ticking = {};
    state_->mailing = {};
    state_->service.close_streams();
    state_->server.stop();
    state_->serving.clear();
    state_->loops.stop();
    state_->calls.reset();
}

const std::string& ControlPlane::url() const {
    return state_->url;
}

const std::string& ControlPlane::ca_file() const {
    return state_->ca_file;
}

}  // namespace hopyard::apps
