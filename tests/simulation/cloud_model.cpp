#include "simulation/cloud_model.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "model/phase.h"

namespace hopyard::simulation {

using cloud::Power;
using cloud::Provisioning;

namespace {

Error error(ErrorKind kind, std::string code, std::string message) {
    return {.kind = kind, .code = std::move(code), .message = std::move(message)};
}

}  // namespace

std::string to_string(const ResourceName& name) {
    return fmt::format("{} {}{}{}",
                       model::to_string(name.kind),
                       name.parent,
                       name.parent.empty() ? "" : "/",
                       name.name);
}

std::string native_id(const ResourceName& name) {
    return fmt::format("/{}/{}{}{}/{}",
                       name.resource_group,
                       model::to_string(name.kind),
                       name.parent.empty() ? "" : "/",
                       name.parent,
                       name.name);
}

std::string tag_of(const std::vector<model::Tag>& tags, std::string_view name) {
    for (const model::Tag& tag : tags)
        if (tag.name == name) return tag.value;
    return "";
}

CloudModel::CloudModel(
    Queue& queue, Faults& faults, Random& random, Findings& findings, Trace& trace)
    : queue_(queue), faults_(faults), random_(random), findings_(findings), trace_(trace) {}

void CloudModel::add_foreign_things() {
    const auto add = [&](ResourceName name, std::vector<model::Tag> tags, cloud::Wanted wanted) {
        name.resource_group = resource_group;
        Thing thing;
        thing.request = {name, location, tags, std::move(wanted)};
        thing.seen = {.name = name, .location = location, .tags = std::move(tags)};
        thing.foreign = true;
        if (name.kind == ResourceKind::machine) {
            thing.seen.power = Power::running;
            thing.seen.machine_id = "vm-foreign-" + name.name;
            thing.seen.size = "Small";
        }
        things_[name] = foreign_[name] = thing;
        remember(name);
    };
    const std::vector<model::Tag> theirs = {{cloud::tag::installation, "another-installation"},
                                            {cloud::tag::cluster, "c-aaaaaaaa"},
                                            {cloud::tag::role, "worker"},
                                            {cloud::tag::generation, "1"}};
    add({ResourceKind::virtual_network, "", "", users_network}, {{"team", "data"}}, {});
    add({ResourceKind::subnet, "", users_network, users_subnet}, {}, cloud::WantedSubnet());
    add({ResourceKind::security_group, "", "", users_security_group}, {}, {});
    add({ResourceKind::security_rule, "", users_security_group, "allow-web"}, {}, {});
    add({ResourceKind::machine, "", "", "one-aaaaaaaa-w1"}, theirs, cloud::WantedMachine());
    add({ResourceKind::disk, "", "", "one-aaaaaaaa-w1-disk"}, theirs, {});
    add({ResourceKind::network_interface, "", "", "one-aaaaaaaa-w1-nic"}, theirs, {});
    add({ResourceKind::public_address, "", "", "printer"}, {}, cloud::WantedAddress());
    add({ResourceKind::machine, "", "", "workstation"}, {}, cloud::WantedMachine());
}

const Thing* CloudModel::find(const ResourceName& name) const {
    const auto found = things_.find(name);
    return found == things_.end() ? nullptr : &found->second;
}

std::vector<std::string> CloudModel::disturbed_foreign_things() const {
    std::vector<std::string> out;
    for (const auto& [name, before] : foreign_) {
        const Thing* now = find(name);
        if (now == nullptr || now->change != before.change) out.push_back(to_string(name));
    }
    return out;
}

bool CloudModel::ours(const ResourceName& name, const char* verb) {
    const Thing* thing = find(name);
    if (thing == nullptr || !thing->foreign) return true;
    findings_.add(fmt::format("{} of {}, which is not ours", verb, to_string(name)));
    return false;
}

void CloudModel::remember(const ResourceName& name) {
    auto& past = history_[name];
    const Thing* thing = find(name);
    if (past.size() > 24) past.erase(past.begin(), past.begin() + 12);
    past.emplace_back(queue_.now(), thing ? std::optional(thing->seen) : std::nullopt);
}

std::string CloudModel::next_public_address() {
    ++next_address_;
    return fmt::format("20.0.{}.{}", next_address_ / 250, next_address_ % 250 + 1);
}

std::string CloudModel::free_private_address() const {
    std::set<std::string> taken;
    for (const auto& [name, thing] : things_) taken.insert(thing.seen.private_ip);
    for (int number = 4;; ++number) {
        auto address = fmt::format("10.0.{}.{}", number / 256, number % 256);
        if (!taken.contains(address)) return address;
    }
}

int CloudModel::vcpus(const std::string& size) const {
    return size == "Large" ? 8 : size == "Medium" ? 4 : 2;
}

std::int64_t CloudModel::cores_in_use() const {
    std::int64_t cores = 0;
    for (const auto& [name, thing] : things_)
        if (name.kind == ResourceKind::machine) cores += vcpus(thing.seen.size);
    return cores;
}

// --- operations --------------------------------------------------------------------------------

Accepted CloudModel::operate(Thing& thing, Milliseconds least, Milliseconds most, Step step) {
    if (faults_.happens(Fault::slow_operation)) most *= 20;
    const std::string url = fmt::format("op/{}", next_id_++);
    const Timestamp ends_at = queue_.now() + between(random_, least, most);
    operations_[url] = {.ends_at = ends_at,
                        .forgotten = faults_.happens(Fault::operation_forgotten)};
    // A newer operation of the same thing takes the place of this one.
    if (const auto old = operations_.find(thing.operation); old != operations_.end()) {
        old->second.ended = true;
        old->second.failure =
            error(ErrorKind::cancelled, "superseded", "another operation took its place");
    }
    thing.operation = url;
    queue_.at(ends_at, [this, name = thing.seen.name, url, step = std::move(step)] {
        Operation& operation = operations_.at(url);
        const auto found = things_.find(name);
        if (operation.ended || found == things_.end() || found->second.operation != url) {
            operation.ended = true;
            return;
        }
        found->second.operation.clear();
        operation.failure = step(found->second);
        operation.ended = true;
        if (things_.contains(name)) remember(name);
    });
    remember(thing.seen.name);
    Accepted accepted;
    accepted.operation = cloud::Operation{.url = url};
    if (chance(random_, 0.8)) accepted.operation->look_after = Seconds(1 + below(random_, 4));
    accepted.seen = thing.seen;
    accepted.request_id = "r" + url.substr(3);
    return accepted;
}

Result<cloud::OperationState> CloudModel::poll(const std::string& url) {
    const auto found = operations_.find(url);
    if (found == operations_.end())
        return fail(ErrorKind::not_found, "no_such_operation", "the operation is not known");
    const Operation& operation = found->second;
    cloud::OperationState state;
    state.url = url;
    const bool over = operation.ended || operation.ends_at <= queue_.now();
    if (operation.forgotten && over && !faults_.over())
        return fail(ErrorKind::not_found, "operation_forgotten", "the operation is not known");
    if (!over) {
        if (chance(random_, 0.8)) state.look_after = Seconds(1 + below(random_, 5));
        return state;
    }
    state.status = operation.failure ? cloud::OperationState::Status::failed
                                     : cloud::OperationState::Status::succeeded;
    state.failure = operation.failure;
    return state;
}

// --- looking -----------------------------------------------------------------------------------

Result<std::optional<Seen>> CloudModel::read(const ResourceName& name, Milliseconds ago) {
    const auto past = history_.find(name);
    if (past == history_.end()) return std::optional<Seen>();
    if (ago == Milliseconds(0)) return past->second.back().second;
    const Timestamp then = queue_.now() - ago;
    std::optional<Seen> shown;
    for (const auto& [time, seen] : past->second)
        if (time <= then) shown = seen;
    return shown;
}

cloud::Listing CloudModel::list(const InstallationId& installation,
                                Milliseconds ago,
                                bool others_too) {
    cloud::Listing listing;
    const auto listed = [&](const Seen& seen) {
        return seen.name.kind != ResourceKind::subnet &&
               seen.name.kind != ResourceKind::security_rule &&
               (others_too || tag_of(seen.tags, cloud::tag::installation) == installation.value);
    };
    if (ago == Milliseconds(0)) {
        for (const auto& [name, thing] : things_)
            if (listed(thing.seen)) listing.resources.push_back(thing.seen);
        return listing;
    }
    for (const auto& [name, past] : history_)
        if (const auto seen = read(name, ago); *seen && listed(**seen))
            listing.resources.push_back(**seen);
    return listing;
}

// --- putting -----------------------------------------------------------------------------------

Result<Accepted> CloudModel::put(const cloud::PutRequest& request) {
    if (!ours(request.name, "put")) return pass(error(ErrorKind::conflict, "taken", "taken"));
    if (request.location != location)
        return fail(ErrorKind::invalid_argument, "bad_location", "no such location");
    const bool child = request.name.kind == ResourceKind::subnet ||
                       request.name.kind == ResourceKind::security_rule;
    if (!child && tag_of(request.tags, cloud::tag::installation).empty())
        findings_.add("put without our tag: " + to_string(request.name));
    if (request.name.kind == ResourceKind::machine) return put_machine(request);
    if (child) return put_child(request);
    const auto found = things_.find(request.name);
    return found == things_.end() ? put_new(request) : put_over(found->second, request);
}

std::optional<Error> CloudModel::refuses_interface(const cloud::WantedInterface& wanted) const {
    const auto missing = [&](const ResourceName& name) {
        return error(ErrorKind::invalid_argument,
                     "reference_not_found",
                     to_string(name) + " is referred to and does not exist");
    };
    const ResourceName network{
        ResourceKind::virtual_network, wanted.subnet.resource_group, "", wanted.subnet.parent};
    if (find(network) == nullptr) return missing(network);
    const auto& inline_subnets = find(network)->request.wanted;
    const auto* made = std::get_if<cloud::WantedNetwork>(&inline_subnets);
    const bool within =
        made != nullptr && std::any_of(made->subnets.begin(), made->subnets.end(), [&](auto& each) {
            return each.name == wanted.subnet.name;
        });
    if (!within && find(wanted.subnet) == nullptr) return missing(wanted.subnet);
    if (wanted.security_group && find(*wanted.security_group) == nullptr)
        return missing(*wanted.security_group);
    if (wanted.public_address && find(*wanted.public_address) == nullptr)
        return missing(*wanted.public_address);
    return std::nullopt;
}

Result<Accepted> CloudModel::put_new(const cloud::PutRequest& request) {
    const auto* interface = std::get_if<cloud::WantedInterface>(&request.wanted);
    if (interface != nullptr)
        if (auto refusal = refuses_interface(*interface)) return pass(*refusal);
    Thing& thing = things_[request.name];
    thing.request = request;
    thing.seen = {.name = request.name, .location = request.location, .tags = request.tags};
    thing.seen.created_at = queue_.now();
    if (request.name.kind == ResourceKind::public_address)
        thing.seen.public_ip = next_public_address();
    if (interface != nullptr) {
        thing.seen.private_ip = free_private_address();
        if (interface->public_address) {
            Thing& address = things_.at(*interface->public_address);
            address.held_by = request.name;
            address.seen.attached_to = native_id(request.name);
            remember(*interface->public_address);
        }
    }
    if (chance(random_, 0.8)) {
        remember(request.name);
        return Accepted{.seen = thing.seen, .request_id = fmt::format("r{}", next_id_++)};
    }
    thing.seen.provisioning = Provisioning::updating;
    return operate(thing, Milliseconds(100), Seconds(3), [](Thing& now) {
        now.seen.provisioning = Provisioning::succeeded;
        return std::optional<Error>();
    });
}

Result<Accepted> CloudModel::put_over(Thing& thing, const cloud::PutRequest& request) {
    if (!thing.operation.empty())
        return fail(ErrorKind::conflict, "operation_in_progress", "it is being changed");
    thing.request = request;
    thing.seen.tags = request.tags;
    remember(request.name);
    return Accepted{.seen = thing.seen, .request_id = fmt::format("r{}", next_id_++)};
}

Result<Accepted> CloudModel::put_child(const cloud::PutRequest& request) {
    const ResourceKind parent_kind = request.name.kind == ResourceKind::subnet
                                         ? ResourceKind::virtual_network
                                         : ResourceKind::security_group;
    const ResourceName parent{parent_kind, request.name.resource_group, "", request.name.parent};
    if (find(parent) == nullptr)
        return fail(ErrorKind::not_found, "parent_not_found", to_string(parent) + " is not there");
    const auto found = things_.find(request.name);
    if (found != things_.end()) return put_over(found->second, request);
    return put_new(request);
}

}  // namespace hopyard::simulation
