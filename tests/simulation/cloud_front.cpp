#include "simulation/cloud_front.h"

#include <fmt/format.h>

namespace hopyard::simulation {
namespace {

using Place = CrashPoint::Place;

Error error(ErrorKind kind, std::string code, std::string message) {
    return {.kind = kind, .code = std::move(code), .message = std::move(message)};
}

/// What a dead program has sent arrives so much later at most.
constexpr Milliseconds outlives_sender = Seconds(2);

Error unanswered(Random& random) {
    return chance(random, 0.5) ? error(ErrorKind::timed_out, "timed_out", "no answer came")
                               : error(ErrorKind::unavailable, "bad_gateway", "502");
}

cloud::Listing listed(Ground& ground, const InstallationId& installation) {
    Faults& faults = ground.faults;
    Milliseconds ago{0};
    if (faults.happens(Fault::stale_list)) ago = faults.between(Milliseconds(1), Seconds(60));
    cloud::Listing listing = ground.cloud.list(installation, ago, faults.present(Fault::wide_list));
    if (faults.happens(Fault::empty_list)) listing.resources.clear();
    if (faults.happens(Fault::short_list))
        std::erase_if(listing.resources, [&](const Seen&) { return chance(faults.random(), 0.3); });
    return listing;
}

}  // namespace

CloudFront::Delays CloudFront::draw_delays() {
    Faults& faults = ground_.faults;
    Delays delays{.there = faults.between(Milliseconds(3), Milliseconds(80)),
                  .back = faults.between(Milliseconds(3), Milliseconds(80))};
    if (!faults.happens(Fault::slow_call)) return delays;
    Milliseconds& slow = chance(faults.random(), 0.5) ? delays.there : delays.back;
    slow = faults.between(Seconds(1), Seconds(60));
    return delays;
}

/// What keeps a request from arriving.
std::optional<Error> CloudFront::refused(const Request& request) {
    Faults& faults = ground_.faults;
    const Timestamp now = ground_.clock.now();
    if (faults.happens(Fault::throttled))
        throttled_until_ = now + faults.between(Seconds(1), Seconds(40));
    if (faults.happens(Fault::outage)) out_until_ = now + faults.between(Seconds(5), Seconds(600));
    const bool conflict = faults.happens(Fault::conflict);
    const bool lost = faults.happens(Fault::refused_before);
    if (faults.over()) return std::nullopt;
    if (out_until_ > now) return error(ErrorKind::unavailable, "unreachable", "no connection");
    if (throttled_until_ > now) {
        Error refusal = error(ErrorKind::rate_limited, "too_many_requests", "429");
        refusal.retry_after = throttled_until_ - now;
        return refusal;
    }
    const bool writes = request.verb != "read" && request.verb != "list" && request.verb != "poll";
    if (conflict && writes)
        return error(ErrorKind::conflict, "another_operation", "409, another operation runs");
    if (lost) return unanswered(faults.random());
    return std::nullopt;
}

/// A request that was throttled is not repeated before its time.
void CloudFront::obey(const std::string& key) {
    const auto told = told_to_wait_.find(key);
    if (told == told_to_wait_.end()) return;
    if (told->second > ground_.clock.now())
        ground_.findings.add(fmt::format("{} is repeated before its Retry-After is over", key));
    told_to_wait_.erase(told);
}

template <class T>
Result<T> CloudFront::exchange(Request request, std::function<Result<T>()> effect) {
    request.replica = replica_;
    const std::string key = request.verb + " " + to_string(request.name);
    obey(key);
    watcher_.request_leaves(request);
    auto answer = std::make_shared<std::optional<Result<T>>>();
    const auto arrive =
        [&ground = ground_, watcher = &watcher_, wire = wire_, request, effect, answer] {
            if (wire->cut_at && ground.clock.now() > *wire->cut_at + outlives_sender) return;
            watcher->request_arrives(request);
            *answer = effect();
        };
    const Delays delays = draw_delays();
    if (ground_.dies_at(Place::before_call)) {
        if (chance(ground_.faults.random(), 0.5)) ground_.queue.after(delays.there, arrive);
        throw ProgramDied();
    }
    const auto refusal = refused(request);
    if (!refusal) ground_.queue.after(delays.there, arrive);
    fibers_.sleep(delays.there + delays.back);
    if (ground_.dies_at(Place::after_call)) throw ProgramDied();
    const bool lost = ground_.faults.happens(Fault::reply_lost);
    Result<T> reply = refusal ? Result<T>(pass(*refusal))
                      : lost  ? Result<T>(pass(unanswered(ground_.faults.random())))
                              : std::move(**answer);
    if (!reply && reply.error().retry_after)
        told_to_wait_[key] = ground_.clock.now() + *reply.error().retry_after;
    ground_.trace.note([&] {
        return fmt::format("replica {}: {} -> {}",
                           replica_,
                           key,
                           reply ? "ok" : reply.error().code + ": " + reply.error().message);
    });
    watcher_.reply_received(request, reply ? nullptr : &reply.error());
    return reply;
}

// --- the cloud ---------------------------------------------------------------------------------

namespace {

std::string offer_of(const cloud::PutRequest& request) {
    const auto* machine = std::get_if<cloud::WantedMachine>(&request.wanted);
    if (machine == nullptr) return "";
    return fmt::format("{}{}", machine->size, machine->max_spot_price ? as_spot : "");
}

}  // namespace

Result<Accepted> CloudFront::put(const cloud::PutRequest& request) {
    return exchange<Accepted>({.verb = "put", .name = request.name, .offer = offer_of(request)},
                              [&ground = ground_, request] { return ground.cloud.put(request); });
}

Result<Accepted> CloudFront::remove(const ResourceName& name) {
    return exchange<Accepted>({.verb = "remove", .name = name},
                              [&ground = ground_, name] { return ground.cloud.remove(name); });
}

Result<Accepted> CloudFront::power(const ResourceName& machine, cloud::PowerAction action) {
    const char* verb = action == cloud::PowerAction::start     ? "start"
                       : action == cloud::PowerAction::restart ? "restart"
                                                               : "deallocate";
    return exchange<Accepted>(
        {.verb = verb, .name = machine},
        [&ground = ground_, machine, action] { return ground.cloud.power(machine, action); });
}

Result<Accepted> CloudFront::resize(const ResourceName& machine, const std::string& size) {
    return exchange<Accepted>(
        {.verb = "resize", .name = machine},
        [&ground = ground_, machine, size] { return ground.cloud.resize(machine, size); });
}

Result<cloud::OperationState> CloudFront::poll(const std::string& operation_url) {
    return exchange<cloud::OperationState>(
        {.verb = "poll", .name = {.name = operation_url}},
        [&ground = ground_, operation_url] { return ground.cloud.poll(operation_url); });
}

Result<std::optional<Seen>> CloudFront::read(const ResourceName& name) {
    return exchange<std::optional<Seen>>({.verb = "read", .name = name}, [&ground = ground_, name] {
        Milliseconds ago{0};
        if (ground.faults.happens(Fault::stale_read))
            ago = ground.faults.between(Milliseconds(1), Seconds(10));
        return ground.cloud.read(name, ago);
    });
}

Result<cloud::Listing> CloudFront::list(const InstallationId& installation) {
    return exchange<cloud::Listing>({.verb = "list"}, [&ground = ground_, installation] {
        return Result<cloud::Listing>(listed(ground, installation));
    });
}

// --- the catalog -------------------------------------------------------------------------------

template <class T>
Result<T> CloudFront::ask(std::function<T()> answer) {
    const Delays delays = draw_delays();
    const bool fails = ground_.faults.happens(Fault::catalog_fails);
    fibers_.sleep(delays.there + delays.back);
    if (fails) return pass(unanswered(ground_.faults.random()));
    return answer();
}

Result<std::vector<cloud::Location>> CloudFront::locations() {
    return ask<std::vector<cloud::Location>>([] {
        return std::vector<cloud::Location>{{location, "Here"}};
    });
}

Result<std::vector<cloud::ResourceGroup>> CloudFront::groups() {
    return ask<std::vector<cloud::ResourceGroup>>([] {
        return std::vector<cloud::ResourceGroup>{{resource_group, location}};
    });
}

Result<std::vector<cloud::Size>> CloudFront::sizes(const std::string&) {
    return ask<std::vector<cloud::Size>>([this] {
        std::vector<cloud::Size> sizes;
        for (const char* name : {"Small", "Medium", "Large"})
            sizes.push_back({.name = name,
                             .family = "general",
                             .vcpus = ground_.cloud.vcpus(name),
                             .memory_mb = 4096 * ground_.cloud.vcpus(name)});
        return sizes;
    });
}

Result<std::vector<cloud::Usage>> CloudFront::usages(const std::string&) {
    return ask<std::vector<cloud::Usage>>([this] {
        return std::vector<cloud::Usage>{{.name = "cores",
                                          .display_name = "Cores",
                                          .used = ground_.cloud.cores_in_use(),
                                          .limit = 1000}};
    });
}

Result<std::vector<cloud::SshKey>> CloudFront::ssh_keys(const std::string&) {
    return ask<std::vector<cloud::SshKey>>([] {
        return std::vector<cloud::SshKey>{{"ops", "ssh-ed25519 AAAA ops"}};
    });
}

Result<std::vector<cloud::Identity>> CloudFront::identities(const std::string&) {
    return ask<std::vector<cloud::Identity>>([] {
        return std::vector<cloud::Identity>{{"nodes", "/identities/nodes", "principal-1"}};
    });
}

Result<std::vector<cloud::StorageAccount>> CloudFront::accounts() {
    return ask<std::vector<cloud::StorageAccount>>([] {
        return std::vector<cloud::StorageAccount>{
            {"store", resource_group, location, "/accounts/store", "https://blobs.example"}};
    });
}

Result<std::vector<cloud::Network>> CloudFront::networks() {
    return ask<std::vector<cloud::Network>>([this] {
        std::vector<cloud::Network> networks{{.name = users_network,
                                              .resource_group = resource_group,
                                              .location = location,
                                              .cidrs = {"10.200.0.0/16"},
                                              .subnets = {{users_subnet, "10.200.0.0/24", ""}}}};
        for (const auto& [name, thing] : ground_.cloud.things()) {
            const auto* wanted = std::get_if<cloud::WantedNetwork>(&thing.request.wanted);
            if (name.kind != ResourceKind::virtual_network || thing.foreign || wanted == nullptr)
                continue;
            networks.push_back({.name = name.name,
                                .resource_group = resource_group,
                                .location = location,
                                .cidrs = {wanted->cidr}});
        }
        return networks;
    });
}

Result<std::vector<cloud::SecurityGroup>> CloudFront::security_groups(const std::string&) {
    return ask<std::vector<cloud::SecurityGroup>>([] {
        return std::vector<cloud::SecurityGroup>{
            {.name = users_security_group,
             .resource_group = resource_group,
             .location = location,
             .rules = {{.name = "allow-web", .priority = 200, .ports = {"443"}}}}};
    });
}

Result<std::vector<cloud::Permission>> CloudFront::own_permissions(const std::string&) {
    return ask<std::vector<cloud::Permission>>(
        [] { return std::vector<cloud::Permission>{{.actions = {"*"}}}; });
}

Result<std::vector<cloud::Permission>> CloudFront::permissions_of(const std::string&,
                                                                  const std::string&) {
    return ask<std::vector<cloud::Permission>>(
        [] { return std::vector<cloud::Permission>{{.actions = {"*"}, .data_actions = {"*"}}}; });
}

// --- storage -----------------------------------------------------------------------------------

template <class T>
Result<T> CloudFront::store_exchange(const char* verb,
                                     const cloud::ContainerName& name,
                                     std::function<Result<T>()> effect) {
    if (ground_.faults.happens(Fault::storage_fails)) {
        // It may have been done all the same.
        const bool done = chance(ground_.faults.random(), 0.5);
        fibers_.sleep(Milliseconds(20));
        if (done) effect();
        ground_.trace.note([&] {
            return fmt::format("replica {}: {} {} -> no answer{}",
                               replica_,
                               verb,
                               name.container,
                               done ? ", done" : "");
        });
        return pass(unanswered(ground_.faults.random()));
    }
    return exchange<T>({.verb = verb, .name = {.name = name.container}}, std::move(effect));
}

Result<cloud::ContainerFacts> CloudFront::inspect(const cloud::ContainerName& name) {
    return ask<cloud::ContainerFacts>(
        [&ground = ground_, name] { return *ground.storage.inspect(name); });
}

Result<void> CloudFront::create_container(const cloud::ContainerName& name) {
    return store_exchange<void>("create container", name, [&ground = ground_, name] {
        return ground.storage.create(name);
    });
}

Result<void> CloudFront::claim(const cloud::ContainerName& name, const std::string& owner) {
    return store_exchange<void>("claim container", name, [&ground = ground_, name, owner] {
        return ground.storage.claim(name, owner);
    });
}

Result<cloud::ContainerGrant> CloudFront::grant(const cloud::ContainerName& name,
                                                const std::string& policy,
                                                Timestamp expires_at) {
    return store_exchange<cloud::ContainerGrant>(
        "grant on container", name, [&ground = ground_, name, policy, expires_at] {
            return ground.storage.grant(name, policy, expires_at);
        });
}

Result<void> CloudFront::revoke(const cloud::ContainerName& name, const std::string& policy) {
    return store_exchange<void>("revoke on container", name, [&ground = ground_, name, policy] {
        return ground.storage.revoke(name, policy);
    });
}

}  // namespace hopyard::simulation
