#include "localcloud/cloud.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/log.h"
#include "http/server.h"
#include "localcloud/arm/access.h"
#include "localcloud/arm/catalog.h"
#include "localcloud/arm/fabric.h"
#include "localcloud/arm/machines.h"
#include "localcloud/arm/network.h"
#include "localcloud/arm/resources.h"
#include "localcloud/arm/service.h"
#include "localcloud/identity/token_endpoint.h"
#include "localcloud/metadata/metadata.h"
#include "localcloud/network/forwarder.h"
#include "localcloud/storage/azurite.h"

namespace hopyard::localcloud {

namespace {

constexpr Seconds certificate_validity{365LL * 24 * 3600};
constexpr Seconds operations_kept{24 * 3600};
constexpr Seconds housekeeping_period{3600};
constexpr const char* api_listener = "api";

std::string metadata_listener(const std::string& network) {
    return "metadata:" + network;
}

}  // namespace

struct Cloud::State {
    CloudOptions options;
    CloudParts parts;
    http::Server server;
    Catalog catalog;
    Access access;
    Executor executor;
    Fabric fabric;
    TokenEndpoint tokens;
    Metadata metadata;
    Core core;
    Service service;
    std::mutex mutex;
    std::condition_variable_any wake;
    network::Forwarder forwarder;
    /// Networks whose listeners are open, with the forwarder's numbers for theirs.
    std::map<std::string, std::vector<std::uint64_t>> networks;

    State(CloudOptions given, CloudParts given_parts);
    Result<void> open_metadata(const std::string& network);
    void open_network(const NetworkSpec& network);
    void close_network(const std::string& id);
    void housekeep(std::stop_token stop);
    void note_machines_that_stopped();
    Result<std::uint16_t> listen();
    Result<void> write_files(const std::string& url);
};

Cloud::State::State(CloudOptions given, CloudParts given_parts)
    : options(std::move(given)),
      parts(given_parts),
      server(http::ServerOptions{}),
      catalog(parts.host.capacity(), options.rehearsal),
      access(parts.ledger, parts.installation.subscription),
      executor(parts.ledger, parts.clock),
      fabric(parts.ledger, catalog, parts.host),
      tokens(*parts.installation.issuer, parts.installation.principal, parts.clock),
      metadata(parts.ledger, *parts.installation.issuer, parts.clock),
      core{.subscription = parts.installation.subscription,
           .tenant = parts.installation.principal.tenant,
           .ledger = parts.ledger,
           .executor = executor,
           .fabric = fabric,
           .access = access,
           .catalog = catalog,
           .blobs = parts.blobs,
           .clock = parts.clock,
           .random = parts.random},
      service(ServiceParts{.core = core,
                           .issuer = *parts.installation.issuer,
                           .tokens = tokens,
                           .blob_suffix = fmt::format("{}:{}", Azurite::suffix, options.blob_port),
                           .capture_folder = options.capture_folder}) {
    fabric.on_network_up = [this](const NetworkSpec& network) { open_network(network); };
    fabric.on_network_down = [this](const std::string& id) { close_network(id); };
    define_machine_work(executor, parts.ledger, fabric, parts.clock);
    define_network_work(executor, fabric);
    define_group_work(executor, parts.ledger, fabric, parts.blobs);
    define_storage_work(executor, parts.ledger, parts.blobs);
}

Result<void> Cloud::State::open_metadata(const std::string& network) {
    ASSIGN_OR_RETURN(const int socket,
                     parts.host.open_listener(network, Metadata::address, Metadata::port));
    const auto opened =
        server.listen({.name = metadata_listener(network), .socket = socket},
                      [this, network](const http::Request& request, http::Responder responder) {
                          responder.respond(metadata.answer(request, network));
                      });
    if (opened) return {};
    close(socket);
    return pass(opened.error());
}

void Cloud::State::open_network(const NetworkSpec& network) {
    const std::lock_guard lock(mutex);
    if (networks.contains(network.id)) return;
    const auto note = [&](const std::string& what, const Error& error) {
        log::error("machines of a network lack a way to the host",
                   {{"network", network.id}, {"what", what}, {"cause", error.message}});
    };
    if (auto opened = open_metadata(network.id); !opened) note("metadata", opened.error());
    auto& numbers = networks[network.id];
    for (const auto& forward : options.forwards) {
        const auto socket = parts.host.open_listener(network.id, Metadata::address, forward.port);
        if (socket)
            numbers.push_back(forwarder.add(network::Descriptor(*socket), forward.host_port));
        else
            note("port " + std::to_string(forward.port), socket.error());
    }
}

void Cloud::State::close_network(const std::string& id) {
    const std::lock_guard lock(mutex);
    const auto found = networks.find(id);
    if (found == networks.end()) return;
    server.close_listener(metadata_listener(id));
    for (const std::uint64_t number : found->second) forwarder.remove(number);
    networks.erase(found);
}

void Cloud::State::housekeep(std::stop_token stop) {
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
        parts.ledger.forget_operations(parts.clock.now() - operations_kept);
        wake.wait_for(lock, stop, housekeeping_period, [] { return false; });
    }
}

/// A machine that should run and could not be brought back is shown as stopped, not as running.
void Cloud::State::note_machines_that_stopped() {
    std::set<std::string> busy;
    for (const auto& operation : parts.ledger.running()) busy.insert(key_of(operation.target));
    const auto guard = parts.ledger.guard();
    Batch batch;
    for (auto machine : parts.ledger.list(machine_type)) {
        if (busy.contains(key_of(machine.id))) continue;
        if (text_at(machine.secret(), "/power") != "running") continue;
        const auto status = parts.host.machine_status(Fabric::host_id(machine));
        if (status.state == MachineState::running || status.state == MachineState::starting)
            continue;
        log::warning("a machine did not come back",
                     {{"machine", machine.id}, {"cause", status.detail}});
        Json hidden = machine.secret();
        hidden["power"] = "stopped";
        hidden["transition"] = "";
        machine.hidden = document(std::move(hidden));
        batch.put.push_back(machine);
    }
    if (auto written = parts.ledger.commit(batch); !written)
        log::error("the state of machines was not written", {{"cause", written.error().message}});
}

Result<std::uint16_t> Cloud::State::listen() {
    ASSIGN_OR_RETURN(const std::uint16_t port, choose_port(parts.ledger, "api", options.port));
    RETURN_IF_ERROR(remember_port(parts.ledger, "api", port));
    ASSIGN_OR_RETURN(const auto certificate,
                     http::issue(parts.installation.authority,
                                 {.common_name = "localhost",
                                  .dns_names = {"localhost"},
                                  .ip_addresses = {"127.0.0.1"},
                                  .now = parts.clock.now(),
                                  .validity = certificate_validity}));
    return server.listen({.name = api_listener,
                          .address = "127.0.0.1",
                          .port = port,
                          .tls = http::TlsOptions{.certificate_chain_pem =
                                                      certificate.certificate_pem +
                                                      parts.installation.authority.certificate_pem,
                                                  .private_key_pem = certificate.private_key_pem}},
                         [this](const http::Request& request, http::Responder responder) {
                             service.handle(request, std::move(responder));
                         });
}

Result<void> Cloud::State::write_files(const std::string& url) {
    const Installation& here = parts.installation;
    const Json connection = {
        {"kind", "local"},
        {"resourceManagerUrl", url},
        {"loginUrl", url},
        {"pricesUrl", url},
        {"subscriptionId", here.subscription},
        {"tenantId", here.principal.tenant},
        {"clientId", here.principal.client_id},
        {"clientSecret", here.principal.client_secret.reveal()},
        {"caFile", here.folder + "/ca.pem"},
        {"blobEndpoint",
         fmt::format("https://{{account}}.{}:{}", Azurite::suffix, options.blob_port)},
        {"machineBlobEndpoint",
         fmt::format("https://{}:{}/{{account}}", Metadata::address, options.blob_port)}};
    RETURN_IF_ERROR(write_state_file({.path = here.folder + "/cloud.json",
                                      .text = connection.dump(2) + "\n",
                                      .owner = options.owner}));
    const Json endpoint = {{"url", url}, {"pid", getpid()}};
    return write_state_file(
        {.path = here.folder + "/endpoint.json", .text = endpoint.dump(2) + "\n", .mode = 0644});
}

Cloud::Cloud(CloudOptions options, CloudParts parts)
    : state_(std::make_unique<State>(std::move(options), parts)) {}
Cloud::~Cloud() = default;

std::vector<Cloud::Loop> Cloud::loops() {
    State* state = state_.get();
    std::vector<Loop> all = {[state](std::stop_token) { state->server.run_io(); },
                             [state](std::stop_token) { state->executor.run_waiting(); },
                             [state](std::stop_token stop) { state->housekeep(stop); },
                             [state](std::stop_token stop) { state->forwarder.run(stop); }};
    for (int i = 0; i < state->options.request_workers; ++i)
        all.push_back([state](std::stop_token) { state->server.run_worker(); });
    for (int i = 0; i < state->options.operation_workers; ++i)
        all.push_back([state](std::stop_token) { state->executor.run_worker(); });
    return all;
}

Result<std::string> Cloud::start() {
    State& state = *state_;
    RETURN_IF_ERROR(state.parts.ledger.set_note("public_range", state.options.public_range));
    if (auto recovered = state.parts.host.recover(state.fabric.wanted()); !recovered)
        log::error("not everything could be brought back", {{"cause", recovered.error().message}});
    state.fabric.announce_networks();
    state.note_machines_that_stopped();
    for (const auto& operation : state.parts.ledger.running()) state.executor.submit(operation);
    ASSIGN_OR_RETURN(const std::uint16_t port, state.listen());
    const std::string url = fmt::format("https://localhost:{}", port);
    RETURN_IF_ERROR(state.write_files(url));
    return url;
}

void Cloud::stop() {
    state_->executor.stop();
    state_->server.stop();
}

Result<void> check_forwards(const std::vector<Forward>& forwards) {
    std::set<std::uint16_t> ports = {Metadata::port};
    for (const auto& forward : forwards)
        if (!ports.insert(forward.port).second)
            return refuse("/forward",
                          "forward_port_taken",
                          fmt::format("port {} cannot be forwarded: machines have another service "
                                      "at that port",
                                      forward.port),
                          "choose another PORT; 80 is the metadata service's");
    return {};
}

std::vector<BlobAccount> known_accounts(const Ledger& ledger) {
    std::vector<BlobAccount> accounts;
    for (const auto& account : ledger.list("Microsoft.Storage/storageAccounts"))
        accounts.push_back({.name = text_at(account.shown(), "/name"),
                            .key1 = Secret(text_at(account.secret(), "/key1")),
                            .key2 = Secret(text_at(account.secret(), "/key2"))});
    return accounts;
}

}  // namespace hopyard::localcloud
