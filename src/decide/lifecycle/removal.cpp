// Leaving: drained workers go, what is not wanted is deleted in the order the cloud allows, and a
// row goes only when a list and a direct read agree that its resource is gone.
#include <algorithm>

#include <fmt/format.h>

#include "base/words.h"
#include "decide/lifecycle/draft.h"
#include "decide/lifecycle/drain.h"

namespace hopyard::decide {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using model::PendingOperation;
using model::Resource;
using model::ResourceKind;
using model::ResourceName;

bool left_clean(const Node& node) {
    // Who enrolled may have been given work that nobody told us of yet.
    const bool nothing_allocated = is_drained(node) || !has_enrolled(node);
    return nothing_allocated && node.seen.mount_pending_writes == 0;
}

/// The list does not show them, so a direct read has to do.
bool is_listed_kind(ResourceKind kind) {
    return kind != ResourceKind::subnet && kind != ResourceKind::security_rule;
}

/// What must be gone before it: machines before interfaces, those before what they stand on.
int turn_of(ResourceKind kind) {
    switch (kind) {
        case ResourceKind::machine:
        case ResourceKind::security_rule:  // needs nothing to be gone
            return 0;
        case ResourceKind::disk:
        case ResourceKind::network_interface:
            return 1;
        case ResourceKind::public_address:
        case ResourceKind::subnet:
            return 2;
        case ResourceKind::virtual_network:
            return 3;
        case ResourceKind::security_group:
            return 3;
    }
    return 3;
}

bool something_before(Draft& draft, const Resource& row) {
    const int turn = turn_of(row.name.kind);
    return std::any_of(draft.resources.begin(), draft.resources.end(), [&](const auto& entry) {
        const Resource& other = entry.second;
        if (turn_of(other.name.kind) >= turn) return false;
        // An interface waits for its own machine only.
        const bool own = turn > 1 || row.node.empty() || other.node == row.node;
        return own && !removal_ended(other);
    });
}

/// The removal was accepted and has ended: two looks must agree before the row is forgotten.
void confirm(Draft& draft, Resource& row, std::vector<ResourceName>& gone) {
    const Sighting* seen = draft.sighting(row.name);
    const Timestamp since = row.changed_at;
    if (!draft.reached(since + Milliseconds(1))) return;
    const bool listed_kind = is_listed_kind(row.name.kind);
    const bool read = seen != nullptr && seen->read_at && *seen->read_at > since;
    const bool list = !listed_kind || (seen != nullptr && seen->listed_at > since);
    if (list && listed_kind && seen->listed) {
        // A stale list, or the removal came to nothing.
        if (read && seen->read_exists && *seen->read_at >= seen->listed_at) {
            row.operation.reset();
            ++row.failed_attempts;
            row.try_again_at = draft.now + Seconds(1);
            draft.look_at(*row.try_again_at);
            return;
        }
        draft.read(row.name, "the list still shows it after its removal");
        if (draft.reached(seen->listed_at + draft.seen.timing.read_again)) draft.want_list();
        return;
    }
    const bool agreed =
        listed_kind ? seen != nullptr && seen->gone_since(since) : read && !seen->read_exists;
    if (agreed) {
        gone.push_back(row.name);
        return;
    }
    if (!list) draft.want_list();
    if (read && seen->read_exists) {
        row.operation.reset();
        ++row.failed_attempts;
        row.try_again_at = draft.now + Seconds(1);
        draft.look_at(*row.try_again_at);
        return;
    }
    if (!read) draft.read(row.name, "its removal is to be confirmed");
}

void remove(Draft& draft, Resource& row, std::vector<ResourceName>& gone) {
    if (draft.busy(row.name)) return;
    if (removal_ended(row)) return confirm(draft, row, gone);
    if (row.operation && row.operation->verb == PendingOperation::Verb::remove) return;
    if (something_before(draft, row)) return;
    if (row.try_again_at && !draft.reached(*row.try_again_at)) return;
    draft.call(Call::Kind::remove, row.name, "it is not wanted any more");
}

void unwant_what_nodes_had(Draft& draft) {
    for (const auto& [id, node] : draft.nodes) {
        if (node.wanted != NodeWanted::removed || node.phase == NodePhase::draining) continue;
        for (auto& [name, row] : draft.resources)
            if (row.node == id) row.wanted = false;
    }
}

void forget_nodes(Draft& draft) {
    std::vector<NodeId> left;
    for (const auto& [id, node] : draft.nodes) {
        if (node.wanted != NodeWanted::removed || node.phase == NodePhase::draining) continue;
        const bool has_some =
            std::any_of(draft.resources.begin(), draft.resources.end(), [&](const auto& entry) {
                return entry.second.node == id;
            });
        if (!has_some) left.push_back(id);
    }
    for (const NodeId& id : left) {
        draft.remark({.code = "node_removed", .message = id.value + " is gone", .node = id});
        draft.erase(id);
    }
}

/// There is no machine that could still work; one that is being made, or that reports, is.
bool has_no_machine(Draft& draft, const Node& node) {
    const Resource* machine = draft.find(machine_name(draft.cluster, node));
    if (machine == nullptr) return true;
    const bool reports = reports_count(node) && *node.seen.last_report_at > machine->changed_at;
    return !machine->running && !machine->operation && !reports;
}

/// Slurm lost it with nothing on it: there is nobody left to say that it is drained.
bool lost_while_draining(Draft& draft, const Node& node) {
    if (!node.seen.workload_lost_at || node.seen.jobs > 0 || node.seen.allocated.cpus > 0)
        return false;
    const Timestamp since = std::max(*node.seen.workload_lost_at, draft.seen.listening_since);
    return draft.reached(since + draft.seen.timing.workload_loss);
}

}  // namespace

bool has_enrolled(const Node& node) {
    return !node.enrolment.certificate_serial.empty() || node.enrolment.closed ||
           node.seen.last_report_at.has_value();
}

bool removal_ended(const Resource& row) {
    return row.operation && row.operation->verb == PendingOperation::Verb::remove &&
           row.operation->url.empty();
}

void let_drained_go(Draft& draft) {
    for (auto& [id, node] : draft.nodes) {
        if (node.phase != NodePhase::draining || node.wanted != NodeWanted::removed) continue;
        const bool over = node.drain_deadline && draft.reached(*node.drain_deadline);
        const bool empty = node.seen.jobs == 0 && node.seen.mount_pending_writes == 0;
        if (left_clean(node) || has_no_machine(draft, node) || (over && empty) ||
            lost_while_draining(draft, node)) {
            draft.remark({.code = "worker_drained",
                          .message = fmt::format("{} is drained and leaves", id.value),
                          .node = id});
            draft.move(node, NodePhase::removing);
        } else if (over) {
            draft.remark(
                {.severity = model::Severity::warning,
                 .code = "job_cut_off",
                 .message = fmt::format(
                     "{} leaves although {} on it and {} for the container",
                     id.value,
                     counted(node.seen.jobs, "job still runs", "jobs still run"),
                     counted(node.seen.mount_pending_writes, "write waits", "writes wait")),
                 .reason = fmt::format("the drain timeout of {} s is over",
                                       draft.cluster.spec.drain_timeout.seconds),
                 .node = id});
            draft.move(node, NodePhase::removing);
        }
    }
}

void remove_unwanted(Draft& draft) {
    unwant_what_nodes_had(draft);
#ifdef HOPYARD_DEFECT_forget_resource_on_terminate
    if (draft.cluster.wanted == model::Wanted::terminated) draft.erase(draft.shared.public_address);
#endif
    std::vector<ResourceName> gone;
    for (auto& [name, row] : draft.resources)
        if (!row.wanted) remove(draft, row, gone);
    for (const ResourceName& name : gone) draft.erase(name);
    forget_nodes(draft);
    const bool all_gone = draft.resources.empty() && draft.nodes.empty() &&
                          !draft.cluster.storage_policy_set && !draft.seen.storage_busy;
    if (draft.cluster.wanted != model::Wanted::terminated || !all_gone) return;
    draft.remark({.code = "cluster_terminated",
                  .message = draft.cluster.spec.name + " is gone; its container is kept",
                  .reason = "everything that was made for it is deleted"});
    draft.erase_cluster();
}

}  // namespace hopyard::decide
