// From a node's row to a running machine: interface, machine, power, restarts. The requests of all
// nodes go out together; a worker waits for nothing but the head's address.
#include <algorithm>

#include <fmt/format.h>

#include "decide/lifecycle/draft.h"
#include "decide/lifecycle/drain.h"

namespace hopyard::decide {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using model::Resource;
using model::ResourceName;

bool ground_is_ready(Draft& draft, const Node& node) {
    const SharedNames& names = draft.shared;
    return draft.cluster.container_claimed && (!names.makes_network || draft.made(names.network)) &&
           (!names.makes_subnet || draft.made(names.subnet)) &&
           (!names.makes_security_group || draft.made(names.security_group)) &&
           (!node.is_head || !names.makes_public_address || draft.made(names.public_address));
}

bool provide_interface(Draft& draft, Node& node) {
    const ResourceName name = interface_name(draft.cluster, node);
    Resource& row = draft.ensure(name, node.is_head ? NodeId() : node.id);
    if (!row.made) {
        if (ground_is_ready(draft, node) && draft.free(row))
            draft.call(Call::Kind::put, name, node.id.value + " needs a network interface");
        return false;
    }
    if (node.private_ip.empty() && node.is_head)
        node.private_ip = draft.cluster.access.head_private_ip;
    draft.all_well(row);
    if (node.private_ip.empty()) {
        draft.read(name, "its address is not known yet");
        return false;
    }
    return true;
}

/// The head's interface is still held by the head before it.
bool interface_is_held(Draft& draft, const Node& node) {
    if (!node.is_head) return false;
    return std::any_of(draft.nodes.begin(), draft.nodes.end(), [&](const auto& entry) {
        const Node& other = entry.second;
        if (!other.is_head || other.id == node.id) return false;
        const Resource* machine = draft.find(machine_name(draft.cluster, other));
        return machine != nullptr && !removal_ended(*machine);
    });
}

void put_machine(Draft& draft, Node& node, Resource& machine) {
    const bool knows_head = !draft.cluster.access.head_private_ip.empty();
    if (!knows_head || !draft.free(machine) || interface_is_held(draft, node)) return;
    // Its token must outlive the wait for a boot; the text of the request stays the same.
    node.enrolment.expires_at = draft.now + draft.seen.timing.token;
    draft.call(Call::Kind::put,
               machine.name,
               node.id.value + " needs a machine",
               node.group.instance_type);
}

/// It is its turn, and its restart cuts off no more than what was asked for.
bool may_restart(Draft& draft, const Node& node) {
    const bool with_all = node.restart_generation < draft.cluster.restart_generation;
    const bool whole = node.phase == NodePhase::ready || node.phase == NodePhase::joining;
    if (!whole || node.is_head) return whole;
    const Node* head = draft.head();
    const bool turn = head != nullptr && head->phase == NodePhase::ready &&
                      head->restart_generation >= draft.cluster.restart_generation;
#ifdef HOPYARD_DEFECT_restart_busy_worker
    const bool is_empty = true;
#else
    const bool is_empty = is_drained(node);
#endif
    return turn && (with_all || is_empty);
}

void restart_in_place(Draft& draft, Node& node, Resource& machine) {
    if (node.restart_generation < draft.cluster.restart_generation || node.restart_wanted) {
        if (!may_restart(draft, node) || !draft.free(machine)) return;
        node.restart_generation = draft.cluster.restart_generation;
        const bool drained_for_it = std::exchange(node.restart_wanted, false) && !node.drain_wanted;
        if (drained_for_it) end_drain(node);
        node.left_boot_id = node.seen.boot_id;
        draft.move(node, NodePhase::booting);
        draft.call(Call::Kind::restart, machine.name, "a restart was asked for");
        return;
    }
    // The request may have been lost with a crash of ours: the old boot still reports.
    const bool old_boot = !node.left_boot_id.empty() && node.seen.boot_id == node.left_boot_id;
    if (node.phase != NodePhase::booting || !old_boot || !node.seen.last_report_at) return;
    const Milliseconds settle = draft.seen.timing.settle;
    const Timestamp last = *node.seen.last_report_at;
    const bool settled = last >= machine.changed_at + settle && last >= node.phase_since + settle;
    if (!settled && !machine.problem) return;
    if (draft.free(machine))
        draft.call(Call::Kind::restart, machine.name, "the boot before the restart still reports");
}

void power_on(Draft& draft, Node& node, Resource& machine) {
    if (!draft.free(machine)) return;
    if (machine.applied != draft.cluster.spec.head.instance_type && !machine.applied.empty()) {
        if (!machine.deallocated)
            return draft.call(Call::Kind::deallocate,
                              machine.name,
                              "another instance type is wanted, and it went off by itself");
        draft.call(Call::Kind::resize,
                   machine.name,
                   "another instance type is wanted",
                   draft.cluster.spec.head.instance_type);
        return;
    }
    if (node.left_boot_id.empty()) node.left_boot_id = node.seen.boot_id;
    node.restart_wanted = false;
    draft.move(node, NodePhase::booting);
    draft.call(Call::Kind::start, machine.name, node.id.value + " is to run");
}

void provide_node(Draft& draft, Node& node) {
    if (node.problem && node.problem->code == "head_machine_lost") return;
    if (node.try_again_at) {
        if (!draft.reached(*node.try_again_at)) return;
        node.try_again_at.reset();
    }
    if (!provide_interface(draft, node)) {
        draft.move(node, NodePhase::creating);
        return;
    }
    Resource& machine = draft.ensure(machine_name(draft.cluster, node), node.id);
    if (retire_if_broken(draft, node, machine)) return;
    const bool reports = reports_count(node) && *node.seen.last_report_at > machine.changed_at;
    if (!machine.made && node.enrolment.closed && (reports || !machine.operation)) {
        // It reported, so it was made, whatever became of the reply. Its token is spent: a second
        // request would say something else, and the cloud would refuse a machine that works.
        machine.made = machine.running = true;
        machine.deallocated = false;
        machine.applied = node.group.instance_type;
        machine.problem.reset();
        machine.changed_at = draft.now;
    }
    if (!machine.made) {
        draft.move(node, NodePhase::creating);
        put_machine(draft, node, machine);
    } else if (!machine.running) {
        if (node.is_head) power_on(draft, node, machine);
    } else {
        if (node.phase == NodePhase::ready && !node.seen.silent_since) draft.all_well(machine);
        restart_in_place(draft, node, machine);
    }
}

}  // namespace

bool retire_if_broken(Draft& draft, Node& node, Resource& machine) {
    if (machine.made || machine.operation || !machine.problem || draft.busy(machine.name))
        return false;
    const bool used_up = machine.problem->code == machine_vanished;
    if (!used_up && !retires_machine(machine.problem->kind)) return false;
    const Error problem = *machine.problem;
    // What is left of it goes at once: the wait was for another attempt.
    draft.all_well(machine);
    retire(draft, node, problem.message, problem);
    return true;
}

void provide_nodes(Draft& draft) {
    std::vector<NodeId> ids;
    for (const auto& [id, node] : draft.nodes)
        if (node.wanted == NodeWanted::running) ids.push_back(id);
    // The head comes first: its address goes into the workers' requests.
    std::stable_partition(
        ids.begin(), ids.end(), [&](const NodeId& id) { return draft.nodes.at(id).is_head; });
    for (const NodeId& id : ids) provide_node(draft, draft.nodes.at(id));
}

void intend_stopped(Draft& draft) {
    bool workers_left = false;
    for (auto& [id, node] : draft.nodes) {
        if (node.is_head) continue;
        workers_left = true;
        if (node.wanted == NodeWanted::removed && node.phase != NodePhase::draining) continue;
        node.wanted = NodeWanted::removed;
        draft.move(node, NodePhase::removing);
    }
    Node* head = draft.head();
    if (head == nullptr) return;
    head->wanted = NodeWanted::stopped;
    Resource* machine = draft.find(machine_name(draft.cluster, *head));
    if (machine == nullptr || !machine->made) {
        // Nothing of use was made; what may be there goes, and a start makes a new one.
        head->wanted = NodeWanted::removed;
        draft.move(*head, NodePhase::removing);
        return;
    }
    const bool given_back = !machine->running && machine->deallocated;
    if (given_back && !machine->operation && !draft.busy(machine->name)) {
        draft.all_well(*machine);
        draft.move(*head, NodePhase::stopping);
        draft.move(*head, NodePhase::stopped);
        return;
    }
    draft.move(*head, NodePhase::stopping);
    const Timestamp patience = draft.cluster.phase_since + draft.seen.timing.stop_workers_first;
    if (workers_left && !draft.reached(patience)) return;
    if (!draft.free(*machine)) return;
    head->left_boot_id = head->seen.boot_id;
    draft.call(Call::Kind::deallocate, machine->name, "the cluster is to be stopped");
}

void intend_terminated(Draft& draft) {
    for (auto& [id, node] : draft.nodes) {
        node.wanted = NodeWanted::removed;
        draft.move(node, NodePhase::removing);
    }
    for (auto& [name, row] : draft.resources) row.wanted = false;
    // Ended before a lost request for it arrives, the right would outlive the cluster.
    const bool sure =
        !draft.cluster.storage_unsure_until || draft.reached(*draft.cluster.storage_unsure_until);
    if (draft.cluster.storage_policy_set && sure && storage_free(draft))
        draft.call(Call::Kind::revoke_storage,
                   ResourceName(),
                   "the machines' right on the container ends with the cluster");
    for (const ResourceName& disk : draft.seen.stray_disks)
        draft.ensure(disk, NodeId()).wanted = false;
}

}  // namespace hopyard::decide
