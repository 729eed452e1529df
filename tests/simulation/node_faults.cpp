// What goes wrong with machines and with the links between them.
#include <fmt/format.h>

#include "simulation/nodes.h"
#include "simulation/nodes_machine.h"

namespace hopyard::simulation {

using control::NodeSessions;

void Nodes::lose_link(const Shared& machine) {
    machine->subscription.reset();
    machine->connected = false;
    if (machine->data.is_head) return;
    if (const Shared head = manager_of(machine->data.cluster); head && head->slurm)
        head->slurm->falls_silent(machine->data.node);
}

void Nodes::regain_link(const Shared& machine) {
    machine->cut_off = false;
    if (!machine->powered || !machine->reporting) return;
    if (machine->data.is_head) {
        fetch_orders(machine);
    } else {
        take_part(machine);
        register_with_head(machine);
    }
    say_something_new(machine);
}

void Nodes::cut_off(const Shared& machine, Milliseconds for_how_long) {
    if (machine->cut_off) return;
    ground_.trace.note([&] {
        return fmt::format("{} is cut off for {}", machine->data.node, to_human(for_how_long));
    });
    machine->cut_off = true;
    const std::uint64_t cut = ++machine->cuts;
    lose_link(machine);
    ground_.queue.after(for_how_long, [this, weak = std::weak_ptr(machine), cut] {
        const Shared again = weak.lock();
        if (again && again->cut_off && again->cuts == cut) regain_link(again);
    });
}

void Nodes::draw_faults() {
    // Rates are per minute, this is called every second.
    const auto happens = [&](Fault fault) {
        return chance(ground_.faults.random(), ground_.faults.rate(fault) / 60);
    };
    const auto present = machines_;
    for (const auto& [id, machine] : present) {
        if (!machine->powered) continue;
        const bool long_cut = chance(ground_.faults.random(), 0.3);
        const Milliseconds span = long_cut ? ground_.faults.between(Seconds(10), Seconds(150))
                                           : ground_.faults.between(Milliseconds(200), Seconds(9));
        if (happens(machine->data.is_head ? Fault::head_cut_off : Fault::worker_cut_off))
            cut_off(machine, span);
        const auto& names = ground_.cloud.machines_ever();
        const auto name = names.find(id);
        if (name == names.end()) continue;
        const Thing* thing = ground_.cloud.find(name->second);
        const auto* wanted =
            thing ? std::get_if<cloud::WantedMachine>(&thing->request.wanted) : nullptr;
        if (wanted != nullptr && wanted->max_spot_price &&
            chance(ground_.of_spot, ground_.faults.rate(Fault::evicted) / 60)) {
            ground_.cloud.vanish(name->second);
            continue;
        }
        // Losing a head's disk loses the queue: rarer than losing a worker.
        const bool spares = machine->data.is_head && chance(ground_.faults.random(), 0.6);
        if (happens(Fault::machine_stops))
            ground_.cloud.stop_by_itself(name->second, chance(ground_.faults.random(), 0.5));
        else if (happens(Fault::machine_vanishes) && !spares)
            ground_.cloud.vanish(name->second);
    }
}

void Nodes::cut_off_head(const ClusterId& cluster, Milliseconds for_how_long) {
    if (const Shared head = head_of(cluster.value)) cut_off(head, for_how_long);
}

void Nodes::heal() {
    healed_ = true;
    const auto present = machines_;
    for (const auto& [id, machine] : present)
        if (machine->cut_off) regain_link(machine);
}

// --- for users and the judge -------------------------------------------------------------------

void Nodes::submit_job(const ClusterId& cluster, SlurmModel::JobShape shape) {
    const Shared head = head_of(cluster.value);
    if (head && head->slurm && head->ready) head->slurm->submit(shape);
}

const SlurmModel* Nodes::slurm(const ClusterId& cluster) const {
    const Shared head = manager_of(cluster.value);
    return head ? head->slurm.get() : nullptr;
}

int Nodes::jobs_on_machine(const std::string& machine_id) const {
    const auto found = machines_.find(machine_id);
    if (found == machines_.end() || !found->second->powered) return 0;
    const SlurmModel* manager = slurm(ClusterId(found->second->data.cluster));
    return manager == nullptr ? 0 : manager->jobs_on(found->second->data.node);
}

std::optional<Nodes::View> Nodes::view(const std::string& machine_id) const {
    const auto found = machines_.find(machine_id);
    if (found == machines_.end()) return std::nullopt;
    const Machine& machine = *found->second;
    return View{.node = machine.data.node,
                .cluster = machine.data.cluster,
                .is_head = machine.data.is_head,
                .enrolled = machine.enrolled,
                .ready = machine.powered && machine.ready,
                .applied_revision = machine.applied,
                .init_script_runs = machine.init_script_runs};
}

bool Nodes::stolen_token_is_refused(NodeSessions& sessions) {
    for (const auto& [id, machine] : machines_) {
        if (!machine->enrolled) continue;
        const auto reply = sessions.enrol({.cluster = machine->data.cluster,
                                           .node = machine->data.node,
                                           .token = machine->data.token,
                                           .machine_id = "vm-thief",
                                           .private_ip = "10.9.9.9",
                                           .signing_request_pem = "request of a thief"});
        if (reply || reply.error().kind != ErrorKind::unauthenticated) return false;
    }
    return true;
}

}  // namespace hopyard::simulation
