// The part of the simulated cloud that knows machines, and what may be deleted when.
#include <fmt/format.h>

#include "simulation/cloud_model.h"

namespace hopyard::simulation {

using cloud::Power;
using cloud::Provisioning;

namespace {

Error error(ErrorKind kind, std::string code, std::string message) {
    return {.kind = kind, .code = std::move(code), .message = std::move(message)};
}

const cloud::WantedMachine& wanted_machine(const Thing& machine) {
    return std::get<cloud::WantedMachine>(machine.request.wanted);
}

bool has_power(Power power) {
    return power == Power::running || power == Power::starting;
}

/// What a second put of a machine may not change.
bool same_machine(const cloud::PutRequest& a, const cloud::PutRequest& b) {
    const auto& one = std::get<cloud::WantedMachine>(a.wanted);
    const auto& other = std::get<cloud::WantedMachine>(b.wanted);
    return one.user_data == other.user_data && one.disk_gb == other.disk_gb &&
           one.interface == other.interface && one.admin_user == other.admin_user &&
           one.ssh_public_key == other.ssh_public_key && one.identity == other.identity &&
           one.max_spot_price == other.max_spot_price;
}

}  // namespace

std::optional<Error> CloudModel::lacks_capacity(const std::string& size) {
    if (faults_.happens(Fault::capacity))
        no_capacity_until_[size] = queue_.now() + faults_.between(Seconds(30), Seconds(900));
    if (faults_.over() || no_capacity_until_[size] <= queue_.now()) return std::nullopt;
    return error(ErrorKind::capacity_unavailable, "no_capacity", "no " + size + " to be had here");
}

std::optional<Error> CloudModel::lacks_spot_capacity(const cloud::WantedMachine& wanted) {
    if (!wanted.max_spot_price) return std::nullopt;
    Timestamp& until = no_spot_capacity_until_[wanted.size];
    if (faults_.happens(Fault::spot_capacity)) until = queue_.now() + Seconds(600);
    if (faults_.over() || until <= queue_.now()) return std::nullopt;
    return error(ErrorKind::capacity_unavailable,
                 "no_spot_capacity",
                 "no " + wanted.size + " to be had here as a spot machine");
}

std::optional<Error> CloudModel::exceeds_quota(const std::string& size) {
    if (faults_.happens(Fault::quota))
        quota_full_until_ = queue_.now() + faults_.between(Seconds(60), Seconds(1200));
    if (faults_.over() || quota_full_until_ <= queue_.now()) return std::nullopt;
    return error(ErrorKind::quota_exceeded,
                 "quota_exceeded",
                 fmt::format("no cores left in the quota for another {}", size));
}

std::optional<Error> CloudModel::refuses_machine(const cloud::PutRequest& request) {
    const auto& wanted = std::get<cloud::WantedMachine>(request.wanted);
    const Thing* interface = find(wanted.interface);
    if (interface == nullptr)
        return error(ErrorKind::invalid_argument,
                     "reference_not_found",
                     to_string(wanted.interface) + " does not exist");
    if (interface->held_by != ResourceName() && interface->held_by != request.name)
        return error(ErrorKind::conflict,
                     "interface_in_use",
                     to_string(wanted.interface) + " belongs to " + interface->held_by.name);
    if (auto refusal = lacks_spot_capacity(wanted)) return refusal;
    if (auto refusal = exceeds_quota(wanted.size)) return refusal;
    // Half of these are told at once, the others when the operation ends.
    if (chance(random_, 0.5)) return lacks_capacity(wanted.size);
    return std::nullopt;
}

Result<Accepted> CloudModel::put_machine(const cloud::PutRequest& request) {
    if (const auto found = things_.find(request.name); found != things_.end()) {
        Thing& machine = found->second;
        if (machine.seen.provisioning == Provisioning::deleting)
            return fail(ErrorKind::conflict, "being_deleted", "the machine is being deleted");
        if (!same_machine(machine.request, request)) {
            findings_.add("a second put of " + request.name.name + " says something else");
            return fail(ErrorKind::invalid_argument,
                        "property_change_not_allowed",
                        "a machine's content cannot be changed");
        }
        if (!machine.operation.empty())
            return Accepted{.operation = cloud::Operation{.url = machine.operation},
                            .seen = machine.seen};
        if (machine.seen.provisioning == Provisioning::failed) return begin_creation(machine);
        return Accepted{.seen = machine.seen};
    }
    if (auto refusal = refuses_machine(request)) return pass(*refusal);
    const auto& wanted = std::get<cloud::WantedMachine>(request.wanted);
    Thing& machine = things_[request.name];
    machine.request = request;
    machine.seen = {.name = request.name, .location = request.location, .tags = request.tags};
    machine.seen.machine_id = fmt::format("vm-{}-{:08x}", next_id_++, random_.next() >> 32);
    machine.seen.size = wanted.size;
    machine.seen.created_at = queue_.now();
    machines_ever_[machine.seen.machine_id] = request.name;
    Thing& interface = things_.at(wanted.interface);
    interface.held_by = request.name;
    interface.seen.attached_to = native_id(request.name);
    remember(wanted.interface);
    add_disk(machine);
    return begin_creation(machine);
}

void CloudModel::add_disk(Thing& machine) {
    const ResourceName name{
        ResourceKind::disk,
        machine.seen.name.resource_group,
        "",
        fmt::format("{}_disk_{:06x}", machine.seen.name.name, random_.next() & 0xffffff)};
    Thing& disk = things_[name];
    disk.request = {name, location, machine.request.tags, {}};
    disk.seen = {.name = name, .location = location, .tags = machine.request.tags};
    disk.seen.attached_to = native_id(machine.seen.name);
    disk.seen.created_at = queue_.now();
    disk.held_by = machine.seen.name;
    machine.seen.disk = name.name;
    remember(name);
}

Result<Accepted> CloudModel::begin_creation(Thing& machine) {
    machine.seen.provisioning = Provisioning::creating;
    machine.seen.failure.reset();
    if (machine.seen.power != Power::running) machine.seen.power = Power::starting;
    Accepted accepted = operate(machine, Milliseconds(500), Seconds(8), [this](Thing& now) {
        return finish_creation(now);
    });
    // A machine may run before the cloud says that it is made.
    if (chance(random_, 0.3) && !faults_.happens(Fault::half_made)) {
        const std::string url = machine.operation;
        queue_.after(Milliseconds(400), [this, name = machine.seen.name, url] {
            const auto found = things_.find(name);
            if (found == things_.end() || found->second.operation != url) return;
            if (found->second.seen.power == Power::starting)
                set_power(found->second, Power::running);
        });
    }
    return accepted;
}

std::optional<Error> CloudModel::finish_creation(Thing& machine) {
    std::optional<Error> failure;
    if (machine.seen.power != Power::running) {
        failure = lacks_capacity(machine.seen.size);
        if (!failure) failure = lacks_spot_capacity(wanted_machine(machine));
    }
    if (!failure && faults_.happens(Fault::half_made)) {
        const bool transient = chance(random_, 0.5);
        failure = error(transient ? ErrorKind::timed_out : ErrorKind::internal,
                        "provisioning_failed",
                        "the machine could not be made");
        // Some of them run all the same.
        if (chance(random_, 0.3)) set_power(machine, Power::running);
    }
    if (failure) {
        machine.seen.provisioning = Provisioning::failed;
        machine.seen.failure = failure;
        if (machine.seen.power == Power::starting) set_power(machine, Power::stopped);
        return failure;
    }
    machine.seen.provisioning = Provisioning::succeeded;
    set_power(machine, Power::running);
    return std::nullopt;
}

void CloudModel::set_power(Thing& machine, Power power) {
    const bool before = machine.seen.power == Power::running;
    machine.seen.power = power;
    remember(machine.seen.name);
    if (watcher_ == nullptr) return;
    if (!before && power == Power::running) watcher_->machine_on(machine);
    if (before && power != Power::running) watcher_->machine_off(machine);
}

// --- power -------------------------------------------------------------------------------------

Result<Accepted> CloudModel::power(const ResourceName& name, cloud::PowerAction action) {
    if (!ours(name, "power")) return fail(ErrorKind::conflict, "taken", "taken");
    const auto found = things_.find(name);
    if (found == things_.end())
        return fail(ErrorKind::not_found, "no_such_machine", name.name + " does not exist");
    Thing& machine = found->second;
    if (!machine.operation.empty())
        return fail(ErrorKind::conflict, "operation_in_progress", "the machine is being changed");
    machine.seen.provisioning = Provisioning::updating;
    const auto done = [](Thing& now) {
        now.seen.provisioning = Provisioning::succeeded;
        now.seen.failure.reset();
        return std::optional<Error>();
    };
    switch (action) {
        case cloud::PowerAction::deallocate:
            if (machine.seen.power != Power::deallocated) set_power(machine, Power::deallocating);
            return operate(machine, Milliseconds(500), Seconds(6), [this, done](Thing& now) {
                set_power(now, Power::deallocated);
                return done(now);
            });
        case cloud::PowerAction::restart:
            if (!has_power(machine.seen.power)) {
                done(machine);
                return fail(ErrorKind::conflict, "not_running", "the machine has no power");
            }
            set_power(machine, Power::starting);
            set_power(machine, Power::running);
            return operate(machine, Milliseconds(500), Seconds(4), done);
        case cloud::PowerAction::start:
            break;
    }
    if (machine.seen.power != Power::running) set_power(machine, Power::starting);
    return operate(machine, Milliseconds(500), Seconds(6), [this, done](Thing& now) {
        if (now.seen.power != Power::running)
            if (auto failure = lacks_capacity(now.seen.size)) {
                set_power(now, Power::deallocated);
                done(now);
                return std::optional<Error>(failure);
            }
        set_power(now, Power::running);
        return done(now);
    });
}

Result<Accepted> CloudModel::resize(const ResourceName& name, const std::string& size) {
    if (!ours(name, "resize")) return fail(ErrorKind::conflict, "taken", "taken");
    const auto found = things_.find(name);
    if (found == things_.end())
        return fail(ErrorKind::not_found, "no_such_machine", name.name + " does not exist");
    Thing& machine = found->second;
    if (!machine.operation.empty() || machine.seen.power != Power::deallocated)
        return fail(ErrorKind::conflict, "not_deallocated", "only a deallocated machine changes");
    machine.seen.provisioning = Provisioning::succeeded;
    machine.seen.failure.reset();
    machine.seen.size = size;
    std::get<cloud::WantedMachine>(machine.request.wanted).size = size;
    remember(name);
    return Accepted{.seen = machine.seen};
}

void CloudModel::stop_by_itself(const ResourceName& name, bool deallocated) {
    const auto found = things_.find(name);
    if (found == things_.end() || !found->second.operation.empty()) return;
    if (found->second.seen.power != Power::running) return;
    trace_.note([&] { return "cloud: " + name.name + " stops by itself"; });
    set_power(found->second, deallocated ? Power::deallocated : Power::stopped);
}

void CloudModel::vanish(const ResourceName& name) {
    const auto found = things_.find(name);
    if (found == things_.end() || !found->second.operation.empty()) return;
    trace_.note([&] { return "cloud: " + name.name + " vanishes"; });
    set_power(found->second, Power::stopped);
    drop_machine(name);
}

// --- removing ----------------------------------------------------------------------------------

std::optional<Error> CloudModel::in_use(const Thing& thing) const {
    const ResourceName& name = thing.seen.name;
    const auto used_by = [&](const ResourceName& user) {
        return error(ErrorKind::conflict, "in_use", to_string(user) + " uses it");
    };
    if (thing.held_by != ResourceName() && things_.contains(thing.held_by))
        return used_by(thing.held_by);
    for (const auto& [other, each] : things_) {
        if (each.foreign) continue;
        if (other.kind == ResourceKind::network_interface) {
            const auto& wanted = std::get<cloud::WantedInterface>(each.request.wanted);
            if (wanted.security_group == name || wanted.subnet == name) return used_by(other);
            if (name.kind == ResourceKind::virtual_network && wanted.subnet.parent == name.name)
                return used_by(other);
        }
        if (other.kind == ResourceKind::virtual_network &&
            name.kind == ResourceKind::security_group)
            for (const auto& subnet : std::get<cloud::WantedNetwork>(each.request.wanted).subnets)
                if (subnet.security_group == name.name) return used_by(other);
    }
    return std::nullopt;
}

Result<Accepted> CloudModel::remove(const ResourceName& name) {
    if (!ours(name, "removal")) return fail(ErrorKind::conflict, "taken", "taken");
    const auto found = things_.find(name);
    if (found == things_.end()) return Accepted{};
    Thing& thing = found->second;
    if (name.kind == ResourceKind::machine) return remove_machine(thing);
    if (auto refusal = in_use(thing)) return pass(*refusal);
    if (chance(random_, 0.8)) {
        drop(name);
        return Accepted{};
    }
    thing.seen.provisioning = Provisioning::deleting;
    return operate(thing, Milliseconds(100), Seconds(3), [this, name](Thing& now) {
        // Somebody may have begun to use it meanwhile.
        if (auto refusal = in_use(now)) {
            now.seen.provisioning = Provisioning::succeeded;
            return std::optional<Error>(refusal);
        }
        drop(name);
        return std::optional<Error>();
    });
}

Result<Accepted> CloudModel::remove_machine(Thing& machine) {
    if (machine.seen.provisioning == Provisioning::deleting && !machine.operation.empty())
        return Accepted{.operation = cloud::Operation{.url = machine.operation}};
    machine.seen.provisioning = Provisioning::deleting;
    set_power(machine, Power::stopping);
    return operate(machine, Milliseconds(300), Seconds(5), [this](Thing& now) {
        drop_machine(ResourceName(now.seen.name));
        return std::optional<Error>();
    });
}

void CloudModel::drop_machine(const ResourceName& name) {
    const Thing machine = things_.at(name);
    const ResourceName disk{ResourceKind::disk, name.resource_group, "", machine.seen.disk};
    if (const auto found = things_.find(disk); found != things_.end()) {
        if (faults_.happens(Fault::disk_left_behind)) {
            found->second.held_by = {};
            found->second.seen.attached_to.clear();
            remember(disk);
        } else {
            drop(disk);
        }
    }
    const auto& interface = wanted_machine(machine).interface;
    if (const auto found = things_.find(interface);
        found != things_.end() && found->second.held_by == name) {
        found->second.held_by = {};
        found->second.seen.attached_to.clear();
        remember(interface);
    }
    drop(name);
    if (watcher_ != nullptr) watcher_->machine_gone(machine);
}

void CloudModel::drop(const ResourceName& name) {
    const auto found = things_.find(name);
    if (found == things_.end()) return;
    if (name.kind == ResourceKind::network_interface) {
        const auto& wanted = std::get<cloud::WantedInterface>(found->second.request.wanted);
        if (wanted.public_address)
            if (const auto address = things_.find(*wanted.public_address);
                address != things_.end() && address->second.held_by == name) {
                address->second.held_by = {};
                address->second.seen.attached_to.clear();
                remember(*wanted.public_address);
            }
    }
    things_.erase(found);
    remember(name);
}

}  // namespace hopyard::simulation
