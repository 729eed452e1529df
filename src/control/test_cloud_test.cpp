#include "control/test_cloud.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/phase.h"

namespace hopyard::control {
namespace {

using cloud::Accepted;
using cloud::Power;
using cloud::Provisioning;
using cloud::ResourceKind;
using cloud::ResourceName;
using cloud::Seen;

Error refusal(ErrorKind kind, const char* code) {
    return {.kind = kind, .code = code, .message = code, .owner = Owner::cloud};
}

std::string id_of(const ResourceName& name) {
    return fmt::format("/{}/{}/{}", to_string(name.kind), name.resource_group, name.name);
}

bool bears(const Seen& seen, const InstallationId& installation) {
    return std::any_of(seen.tags.begin(), seen.tags.end(), [&](const model::Tag& tag) {
        return tag.name == cloud::tag::installation && tag.value == installation.value;
    });
}

}  // namespace

int TestCloud::count(const std::string& beginning) const {
    return static_cast<int>(std::count_if(
        log.begin(), log.end(), [&](const auto& line) { return line.starts_with(beginning); }));
}

const TestThing* TestCloud::find(const std::string& name) const {
    for (const auto& [key, thing] : things_)
        if (key.name == name) return &thing;
    return nullptr;
}

template <class T, class Work>
Result<T> TestCloud::guarded(const std::string& verb, const std::string& name, Work work) {
    settle();
    if (before_call) before_call();
    log.push_back(verb + " " + name);
    if (unreachable) return pass(refusal(ErrorKind::unavailable, "no_route"));
    if (clock_.now() < throttled_until_) {
        Error error = refusal(ErrorKind::rate_limited, "too_many_requests");
        error.retry_after = throttled_until_ - clock_.now();
        return pass(std::move(error));
    }
    auto& faults = faults_[verb];
    if (faults.empty()) {
        auto done = work();
        if (after_call) after_call();
        return done;
    }
    const Fault fault = faults.front();
    faults.pop_front();
    if (fault.after_work) (void)work();
    return pass(fault.error);
}

Accepted TestCloud::begin(TestThing& thing, const std::string& verb, Milliseconds span) {
    const std::string url = fmt::format("op:{}", next_id_++);
    Operation& operation = operations_[url];
    operation = {.name = thing.seen.name, .verb = verb, .ends_at = clock_.now() + span};
    Accepted accepted{.request_id = fmt::format("r-{}", next_id_)};
    if (span.count() == 0) {
        end(operation);
        if (const auto left = things_.find(operation.name); left != things_.end())
            accepted.seen = left->second.seen;
        return accepted;
    }
    thing.operation = url;
    accepted.operation = cloud::Operation{url, look_after};
    accepted.seen = thing.seen;
    return accepted;
}

void TestCloud::settle() {
    for (auto& [url, operation] : operations_)
        if (!operation.ended && operation.ends_at <= clock_.now()) end(operation);
}

std::optional<Timestamp> TestCloud::next_end() const {
    std::optional<Timestamp> next;
    for (const auto& [url, operation] : operations_)
        if (!operation.ended) next = std::min(next.value_or(operation.ends_at), operation.ends_at);
    return next;
}

/// With its disk; what it held is free.
void TestCloud::drop(const ResourceName& name) {
    const std::string id = id_of(name);
    std::erase_if(things_, [&](const auto& entry) {
        return entry.first.kind == ResourceKind::disk && entry.second.seen.attached_to == id;
    });
    for (auto& [key, other] : things_)
        if (other.seen.attached_to == id) other.seen.attached_to.clear();
    things_.erase(name);
}

void TestCloud::end(Operation& operation) {
    operation.ended = true;
    const auto found = things_.find(operation.name);
    if (found == things_.end()) return;
    TestThing& thing = found->second;
    thing.operation.clear();
    const bool is_machine = operation.name.kind == ResourceKind::machine;
    if (operation.verb == "remove") {
        drop(operation.name);
        return;
    }
    if (operation.verb == "put" && is_machine && !creation_failures_.empty()) {
        operation.failure = creation_failures_.front();
        creation_failures_.pop_front();
        thing.seen.provisioning = Provisioning::failed;
        return;
    }
    thing.seen.provisioning = Provisioning::succeeded;
    if (!is_machine || operation.verb == "resize") return;
    thing.seen.power = operation.verb == "deallocate" ? Power::deallocated : Power::running;
    if (thing.seen.power != Power::running) return;
    thing.on_since = operation.ends_at;
    ++thing.boots;
}

std::optional<Error> TestCloud::lacks(const cloud::Wanted& wanted) const {
    const auto* interface = std::get_if<cloud::WantedInterface>(&wanted);
    const auto* machine = std::get_if<cloud::WantedMachine>(&wanted);
    const auto is_there = [&](ResourceKind kind, const std::string& name) {
        const auto found = std::find_if(things_.begin(), things_.end(), [&](const auto& entry) {
            return entry.first.kind == kind && entry.first.name == name;
        });
        return found != things_.end() && found->second.seen.provisioning == Provisioning::succeeded;
    };
    bool fine = true;
    if (interface != nullptr) {
        fine = is_there(ResourceKind::virtual_network, interface->subnet.parent);
        if (interface->security_group)
            fine = fine && is_there(ResourceKind::security_group, interface->security_group->name);
        if (interface->public_address)
            fine = fine && is_there(ResourceKind::public_address, interface->public_address->name);
    }
    if (machine != nullptr)
        fine = is_there(ResourceKind::network_interface, machine->interface.name);
    if (fine) return std::nullopt;
    return refusal(ErrorKind::invalid_argument, "reference_not_found");
}

Result<Accepted> TestCloud::put(const cloud::PutRequest& request) {
    const std::string kind(to_string(request.name.kind));
    return guarded<Accepted>("put " + kind, request.name.name, [&]() -> Result<Accepted> {
        if (const auto missing = lacks(request.wanted)) return pass(*missing);
        const bool is_machine = request.name.kind == ResourceKind::machine;
        const bool is_new = !things_.contains(request.name);
        TestThing& thing = things_[request.name];
        if (!is_new && !thing.operation.empty())
            return pass(refusal(ErrorKind::conflict, "another_operation"));
        thing.wanted = request.wanted;
        thing.seen.name = request.name;
        thing.seen.tags = request.tags;
        if (!is_new) return Accepted{.seen = thing.seen};
        thing.seen.created_at = clock_.now();
        thing.seen.provisioning = Provisioning::creating;
        if (request.name.kind == ResourceKind::network_interface)
            thing.seen.private_ip = fmt::format("10.0.0.{}", next_id_ + 3);
        if (request.name.kind == ResourceKind::public_address)
            thing.seen.public_ip = fmt::format("192.0.2.{}", next_id_);
        if (!is_machine) return begin(thing, "put", network_time);
        const auto& wanted = std::get<cloud::WantedMachine>(request.wanted);
        thing.seen.machine_id = fmt::format("vm-{}", next_id_);
        thing.seen.size = wanted.size;
        thing.seen.disk = request.name.name + "-disk";
        thing.seen.power = Power::starting;
        Seen disk{.name = {ResourceKind::disk, request.name.resource_group, "", thing.seen.disk},
                  .tags = request.tags,
                  .attached_to = id_of(request.name)};
        things_[disk.name].seen = disk;
        for (auto& [name, other] : things_)
            if (name == wanted.interface) other.seen.attached_to = id_of(request.name);
        return begin(things_[request.name], "put", machine_time);
    });
}

std::optional<Error> TestCloud::in_use(const ResourceName& name) const {
    if (name.kind == ResourceKind::machine) return std::nullopt;
    const auto thing = things_.find(name);
    if (thing != things_.end() && !thing->second.seen.attached_to.empty())
        return refusal(ErrorKind::conflict, "in_use");
    for (const auto& [other, held] : things_) {
        const auto* interface = std::get_if<cloud::WantedInterface>(&held.wanted);
        if (interface == nullptr) continue;
        const bool holds = interface->subnet.parent == name.name ||
                           (interface->security_group && *interface->security_group == name) ||
                           (interface->public_address && *interface->public_address == name);
        if (holds) return refusal(ErrorKind::conflict, "in_use");
    }
    return std::nullopt;
}

Result<Accepted> TestCloud::remove(const ResourceName& name) {
    return guarded<Accepted>("remove", name.name, [&]() -> Result<Accepted> {
        const auto found = things_.find(name);
        if (found == things_.end()) return Accepted{};
        if (const auto held = in_use(name)) return pass(*held);
        TestThing& thing = found->second;
        if (!thing.operation.empty()) operations_.erase(thing.operation);
        thing.seen.provisioning = Provisioning::deleting;
        const bool is_machine = name.kind == ResourceKind::machine;
        return begin(thing, "remove", is_machine ? machine_time : network_time);
    });
}

Result<Accepted> TestCloud::power(const ResourceName& machine, cloud::PowerAction action) {
    const char* verb = action == cloud::PowerAction::start        ? "start"
                       : action == cloud::PowerAction::deallocate ? "deallocate"
                                                                  : "restart";
    return guarded<Accepted>(verb, machine.name, [&]() -> Result<Accepted> {
        const auto found = things_.find(machine);
        if (found == things_.end()) return pass(refusal(ErrorKind::not_found, "no_such_machine"));
        if (!found->second.operation.empty())
            return pass(refusal(ErrorKind::conflict, "another_operation"));
        return begin(found->second, verb, machine_time);
    });
}

Result<Accepted> TestCloud::resize(const ResourceName& machine, const std::string& size) {
    return guarded<Accepted>("resize", machine.name, [&]() -> Result<Accepted> {
        const auto found = things_.find(machine);
        if (found == things_.end()) return pass(refusal(ErrorKind::not_found, "no_such_machine"));
        found->second.seen.size = size;
        return begin(found->second, "resize", machine_time);
    });
}

Result<cloud::OperationState> TestCloud::poll(const std::string& url) {
    return guarded<cloud::OperationState>("poll", url, [&]() -> Result<cloud::OperationState> {
        using Status = cloud::OperationState::Status;
        const auto found = operations_.find(url);
        if (found == operations_.end())
            return pass(refusal(ErrorKind::not_found, "operation_forgotten"));
        cloud::OperationState state{.look_after = look_after, .url = url};
        if (!found->second.ended) return state;
        state.status = found->second.failure ? Status::failed : Status::succeeded;
        state.failure = found->second.failure;
        return state;
    });
}

Result<std::optional<Seen>> TestCloud::read(const ResourceName& name) {
    return guarded<std::optional<Seen>>("read", name.name, [&]() -> Result<std::optional<Seen>> {
        const auto found = things_.find(name);
        if (found == things_.end()) return std::optional<Seen>();
        return found->second.seen;
    });
}

void TestCloud::freeze_list() {
    settle();
    frozen_.emplace();
    for (const auto& [name, thing] : things_) frozen_->push_back(thing.seen);
}

Result<cloud::Listing> TestCloud::list(const InstallationId& installation) {
    return guarded<cloud::Listing>("list", "", [&]() -> Result<cloud::Listing> {
        std::vector<Seen> all;
        for (const auto& [name, thing] : things_) all.push_back(thing.seen);
        if (frozen_) all = *frozen_;
        cloud::Listing listing;
        for (const Seen& seen : all)
            if ((lists_everything || bears(seen, installation)) &&
                !hidden_.contains(seen.name.name))
                listing.resources.push_back(seen);
        return listing;
    });
}

void TestCloud::vanish(const std::string& name) {
    while (const TestThing* thing = find(name)) drop(ResourceName(thing->seen.name));
}

void TestCloud::power_off(const std::string& name) {
    for (auto& [key, thing] : things_)
        if (key.name == name) thing.seen.power = Power::deallocated;
}

// --- containers --------------------------------------------------------------------------------

Result<cloud::ContainerFacts> TestCloud::inspect(const cloud::ContainerName& name) {
    return guarded<cloud::ContainerFacts>("inspect", name.container, [&] {
        const auto found = claims.find(name);
        cloud::ContainerFacts facts{.exists = found != claims.end()};
        if (facts.exists) facts.claimed_by = found->second;
        return Result<cloud::ContainerFacts>(facts);
    });
}

Result<void> TestCloud::create_container(const cloud::ContainerName& name) {
    return guarded<void>("create", name.container, [&] {
        claims.try_emplace(name);
        return Result<void>();
    });
}

Result<void> TestCloud::claim(const cloud::ContainerName& name, const std::string& owner) {
    return guarded<void>("claim", name.container, [&]() -> Result<void> {
        std::string& claimed = claims[name];
        if (!claimed.empty() && claimed != owner)
            return pass(refusal(ErrorKind::already_exists, "container_claimed"));
        claimed = owner;
        return {};
    });
}

Result<cloud::ContainerGrant> TestCloud::grant(const cloud::ContainerName& name,
                                               const std::string& policy,
                                               Timestamp expires_at) {
    return guarded<cloud::ContainerGrant>(
        "grant", name.container, [&]() -> Result<cloud::ContainerGrant> {
            policies.insert(policy);
            return cloud::ContainerGrant{.account = name.account,
                                         .container = name.container,
                                         .sas_url = Secret("https://blob/c?si=" + policy),
                                         .expires_at = expires_at};
        });
}

Result<void> TestCloud::revoke(const cloud::ContainerName& name, const std::string& policy) {
    return guarded<void>("revoke", name.container, [&] {
        policies.erase(policy);
        return Result<void>();
    });
}

}  // namespace hopyard::control
