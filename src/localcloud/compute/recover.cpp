// The part of LxcMachineHost that brings what lies on this machine in line with what should be.
#include <set>

#include "base/log.h"
#include "base/read_file.h"
#include "localcloud/compute/lxc_machine_host.h"
#include "localcloud/compute/machine_config.h"
#include "localcloud/network/namespaces.h"

namespace hopyard::localcloud::compute {
/// Machines that are not wanted go before ports and networks do: their processes live in them.
void LxcMachineHost::remove_unwanted_machines(const Wanted& wanted) {
    std::set<std::string> keep;
    for (const auto& machine : wanted.machines) keep.insert(name_of(machine.id));
    std::set<std::string> keep_ports;
    for (const auto& machine : wanted.machines) keep_ports.insert(names_.port(machine.port));

    for (const auto& port : network::list_namespaces(names_.port("")))
        if (!keep_ports.contains(port))
            kill_processes(inhabitants_of(network::namespace_number(port)));
    std::vector<std::string> leftover;
    std::error_code ignored;
    for (const auto& entry :
         std::filesystem::directory_iterator(options_.state / "machines", ignored)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(names_.machine("")) && !keep.contains(name)) leftover.push_back(name);
    }
    for (const auto& name : leftover) {
        kill_processes(control_group_processes(name));
        remove_control_groups(name);
        const auto id = name.substr(names_.machine("").size());
        log::info("A machine that nobody wants is removed", {{"machine", id}});
        if (const auto removed = remove_machine(id); !removed)
            log::error("A leftover machine could not be removed",
                       {{"machine", id}, {"cause", removed.error().message}});
    }
}

/// Takes over a machine that an earlier run of this program started, or finds that it is down.
Result<void> LxcMachineHost::adopt(const MachineSpec& spec,
                                   std::map<std::uint64_t, std::vector<pid_t>>& processes) {
    const Disk disk(directory_of(spec.id));
    const bool is_known = machine_of(spec.id).has_value();
    if (!disk.exists())
        log::warning("A machine's disk is missing; it gets a new, empty one",
                     {{"machine", spec.id}});
    if (!is_known) {
        const auto number = network::namespace_number(names_.port(spec.port));
        auto container =
            number == 0 ? std::nullopt : find_container(processes[number], name_of(spec.id));
        // A disk that is not ours any more cannot be the one that process writes to.
        if (container && !disk.exists()) {
            RETURN_IF_ERROR(end_container(*container, Milliseconds{0}));
            container.reset();
        }
        const auto guard = locks_.hold(spec.id);
        const std::lock_guard lock(mutex_);
        auto& machine = machines_[spec.id];
        machine.spec = spec;
        machine.layer = program_layer_of(read_file(directory_of(spec.id) / "config").value_or(""));
        machine.state = container ? MachineState::running : MachineState::stopped;
        machine.container = std::move(container);
    }
    return ensure_machine(spec);
}

Result<void> LxcMachineHost::recover(const Wanted& wanted) {
    Result<void> first;
    const auto note = [&](Result<void> outcome, const std::string& machine) {
        if (outcome) return;
        log::error("A machine could not be recovered",
                   {{"machine", machine}, {"cause", outcome.error().message}});
        if (first) first = std::move(outcome);
    };
    remove_unwanted_machines(wanted);
    if (auto networks = networks_.recover(wanted.networks, wanted.ports); !networks)
        first = std::move(networks);
    auto processes = inhabitants();
    for (const auto& machine : wanted.machines) note(adopt(machine, processes), machine.id);
    for (const auto& id : wanted.running) note(start_machine(id), id);
    wake();
    drop_unused_layers();
    return first;
}

}  // namespace hopyard::localcloud::compute
