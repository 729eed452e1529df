#include <nlohmann/json.hpp>

#include "base/log.h"
#include "localcloud/arm/fabric.h"
#include "localcloud/arm/machines.h"

namespace hopyard::localcloud {

namespace {

/// How long a machine may take to stop its services before it is killed.
constexpr Milliseconds stop_grace{30'000};

/// The parts that the work of every kind needs.
struct Parts {
    Ledger& ledger;
    Fabric& fabric;
    const Clock& clock;
};

std::string host_id_of(const Parts& parts, const Operation& operation) {
    const auto machine = parts.ledger.find(operation.target);
    return machine ? Fabric::host_id(*machine) : "";
}

Result<void> apply_machine(const Parts& parts, const Operation& operation) {
    const auto machine = parts.ledger.find(operation.target);
    if (!machine) return {};
    MachineHost& host = parts.fabric.host();
    const std::string id = Fabric::host_id(*machine);
    if (flag_at(*operation.arguments, "/restart"))
        RETURN_IF_ERROR(host.stop_machine(id, stop_grace));
    RETURN_IF_ERROR(parts.fabric.ensure_machine(operation.target));
    if (text_at(machine->secret(), "/power") != "running") return {};
    return host.start_machine(id);
}

Result<void> start(const Parts& parts, const Operation& operation) {
    const std::string id = host_id_of(parts, operation);
    if (id.empty()) return {};
    RETURN_IF_ERROR(parts.fabric.ensure_machine(operation.target));
    return parts.fabric.host().start_machine(id);
}

Result<void> stop(const Parts& parts, const Operation& operation) {
    const std::string id = host_id_of(parts, operation);
    if (id.empty()) return {};
    const bool at_once = flag_at(*operation.arguments, "/atOnce");
    return parts.fabric.host().stop_machine(id, at_once ? Milliseconds(0) : stop_grace);
}

Result<void> restart(const Parts& parts, const Operation& operation) {
    RETURN_IF_ERROR(stop(parts, operation));
    return start(parts, operation);
}

Result<void> remove(const Parts& parts, const Operation& operation) {
    const auto machine = parts.ledger.find(operation.target);
    if (!machine) return {};
    RETURN_IF_ERROR(parts.fabric.host().remove_machine(Fabric::host_id(*machine)));
    const auto interface = parts.ledger.find(Fabric::interface_of(*machine));
    if (!interface) return {};
    return parts.fabric.remove_port(text_at(interface->secret(), "/host"));
}

/// The end of everything but a deletion: the states that a GET shows from now on.
void settle(const Parts& parts,
            const Operation& operation,
            const Result<void>& outcome,
            Batch& batch) {
    const auto before = parts.ledger.find(operation.target);
    if (!before || text_at(before->shown(), "/properties/provisioningState") == "Deleting") return;
    Resource after = *before;
    Json hidden = before->secret();
    Json body = before->shown();
    hidden["transition"] = "";
    const bool provisioning = operation.kind == "machine.apply";
    if (outcome) {
        hidden["onHost"] = true;
        hidden["failure"] = nullptr;
        if (provisioning) body["properties"]["provisioningState"] = "Succeeded";
    } else {
        const Fault fault = from_error(outcome.error());
        hidden["failure"] = {{"code", fault.code}, {"message", fault.message}};
        const auto status = parts.fabric.host().machine_status(Fabric::host_id(*before));
        hidden["onHost"] = status.state != MachineState::absent;
        if (status.state != MachineState::running) hidden["power"] = "stopped";
        if (provisioning) body["properties"]["provisioningState"] = "Failed";
    }
    after.body = document(std::move(body));
    after.hidden = document(std::move(hidden));
    after.changed = parts.clock.now();
    batch.put.push_back(after);
}

void settle_removal(const Parts& parts,
                    const Operation& operation,
                    const Result<void>& outcome,
                    Batch& batch) {
    const auto machine = parts.ledger.find(operation.target);
    if (!machine) return;
    if (!outcome) {
        Json body = machine->shown();
        body["properties"]["provisioningState"] = "Failed";
        Resource after = *machine;
        after.body = document(std::move(body));
        batch.put.push_back(after);
        return;
    }
    batch.erase.push_back(machine->id);
    const Json& properties = object_at(machine->shown(), "/properties");
    const Json& disk = object_at(properties, "/storageProfile/osDisk");
    if (const auto kept = parts.ledger.find(text_at(disk, "/managedDisk/id"))) {
        if (text_at(disk, "/deleteOption") == "Delete") {
            batch.erase.push_back(kept->id);
        } else {
            Json body = kept->shown();
            body.erase("managedBy");
            body["properties"]["diskState"] = "Unattached";
            Resource free = *kept;
            free.body = document(std::move(body));
            batch.put.push_back(free);
        }
    }
    for (const Json& used : array_at(properties, "/networkProfile/networkInterfaces")) {
        const auto interface = parts.ledger.find(text_at(used, "/id"));
        if (!interface || text_at(used, "/properties/deleteOption") != "Delete") continue;
        batch.erase.push_back(interface->id);
        for (const Json& one : array_at(interface->shown(), "/properties/ipConfigurations")) {
            const Json& address = object_at(one, "/properties/publicIPAddress");
            if (text_at(address, "/properties/deleteOption") == "Delete")
                batch.erase.push_back(text_at(address, "/id"));
        }
    }
}

/// A machine that stopped by itself is stopped, as one that was shut down from inside is on Azure.
void machine_changed(const Parts& parts, const std::string& host_id) {
    const auto guard = parts.ledger.guard();
    for (const auto& machine : parts.ledger.list(machine_type)) {
        if (Fabric::host_id(machine) != host_id) continue;
        if (!text_at(machine.secret(), "/transition").empty()) return;
        if (text_at(machine.shown(), "/properties/provisioningState") != "Succeeded") return;
        if (text_at(machine.secret(), "/power") != "running") return;
        Json hidden = machine.secret();
        hidden["power"] = "stopped";
        Resource after = machine;
        after.hidden = document(std::move(hidden));
        after.changed = parts.clock.now();
        log::warning("a machine stopped by itself", {{"machine", machine.id}});
        if (auto written = parts.ledger.commit(Batch{.put = {after}}); !written)
            log::error("its state was not written", {{"cause", written.error().message}});
        return;
    }
}

}  // namespace

void define_machine_work(Executor& executor, Ledger& ledger, Fabric& fabric, const Clock& clock) {
    const Parts parts{ledger, fabric, clock};
    using Act = Result<void> (*)(const Parts&, const Operation&);
    using Settle = void (*)(const Parts&, const Operation&, const Result<void>&, Batch&);
    auto define = [&](const char* kind, Act act, Settle after) {
        executor.define(
            kind,
            {.act = [parts, act](const Operation& operation) { return act(parts, operation); },
             .settle = [parts, after](const Operation& operation,
                                      const Result<void>& outcome,
                                      Batch& batch) { after(parts, operation, outcome, batch); }});
    };
    define("machine.apply", apply_machine, settle);
    define("machine.start", start, settle);
    define("machine.stop", stop, settle);
    define("machine.restart", restart, settle);
    define("machine.delete", remove, settle_removal);
    fabric.host().on_change([parts](const std::string& id) {
        // A stop that is under way settles the state itself; who is still up did not stop.
        const auto status = parts.fabric.host().machine_status(id);
        if (status.state == MachineState::running || status.state == MachineState::starting) return;
        machine_changed(parts, id);
    });
}

}  // namespace hopyard::localcloud
