// What was there and is not any more. Silence is not death (product.md D17): a machine is given up
// when the cloud says twice that it is gone or has no power, when Slurm lost it for long with
// nothing on it, or when it never reported at all. But silence is a reason to look.
#include <algorithm>

#include <fmt/format.h>

#include "decide/lifecycle/draft.h"
#include "decide/lifecycle/spot.h"

namespace hopyard::decide {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using model::Resource;
using model::ResourceKind;

Node* node_of_machine(Draft& draft, const Resource& row) {
    const auto found = draft.nodes.find(row.node);
    return found == draft.nodes.end() ? nullptr : &found->second;
}

std::string what_follows(Draft& draft, const Node& evicted) {
    if (evicted.wanted == NodeWanted::removed) return "it was to leave";
    const char* next = is_autoscaled(draft, evicted) ? "another comes as soon as it is needed"
                                                     : "a new machine takes its place";
    return fmt::format("its jobs wait again, and {}", next);
}

/// The cloud takes a spot machine back when it likes: nobody's fault, and told as what it is.
void tell_eviction(Draft& draft, const Node& node, const char* what) {
    draft.remark(
        {.code = "worker_evicted",
         .message =
             fmt::format("{} was evicted: the cloud took its spot machine back", node.id.value),
         .reason = fmt::format(
             "its machine {}, which nobody here asked for; {}", what, what_follows(draft, node)),
         .node = node.id});
}

void lost(Draft& draft, Resource& row, const char* code, const char* what) {
    row.made = row.made && std::string_view(code) != "resource_gone";
    row.running = false;
    row.changed_at = draft.now;
    const bool is_machine = row.name.kind == ResourceKind::machine;
    if (const Node* node = is_machine ? node_of_machine(draft, row) : nullptr;
        node != nullptr && node->is_spot())
        return tell_eviction(draft, *node, what);
    draft.remark({.severity = model::Severity::warning,
                  .code = code,
                  .message = fmt::format("{} {}", row.name.name, what),
                  .reason = "nobody here asked for that; the cloud's list and a direct read agree",
                  .node = row.node});
}

void machine_lost(Draft& draft, Resource& row, bool gone) {
    Node* node = node_of_machine(draft, row);
    if (node == nullptr || node->wanted == NodeWanted::removed) return;
    if (node->is_spot()) return give_up(draft, *node, std::nullopt);
    if (!node->is_head) {
        retire(
            draft, *node, gone ? "its machine is gone" : "its machine was stopped", std::nullopt);
        return;
    }
    if (!gone) {
        // It is started again on its disk; what the boot that ended said no longer counts.
        node->left_boot_id = node->seen.boot_id;
        draft.move(*node, NodePhase::booting);
        return;
    }
    if (!node->ready_at) {
        retire(draft, *node, "its machine is gone before it was of use", std::nullopt);
        return;
    }
    node->problem = Error{.kind = ErrorKind::internal,
                          .code = "head_machine_lost",
                          .message = "the head's machine is gone, and its disk and queue with it",
                          .owner = Owner::user,
                          .next_action =
                              "Retry to make a new head; the container, users and keys are "
                              "kept. Or terminate the cluster."};
    draft.move(*node, NodePhase::failed);
}

/// It has spoken since its machine was made or started.
bool has_spoken(const Node& node, const Resource& machine) {
    return reports_count(node) && *node.seen.last_report_at > machine.changed_at;
}

/// From when on the cloud's word about a machine's power counts. A machine that has spoken had
/// power then, however short after a change; once it is silent, a look that was begun after that is
/// news.
Timestamp power_settled(const Draft& draft, const Resource& row, const Node* node) {
    const Timestamp settled = row.changed_at + draft.seen.timing.settle;
    if (node == nullptr || !node->seen.silent_since || !has_spoken(*node, row)) return settled;
    return std::min(settled, *node->seen.last_report_at + draft.seen.timing.silence);
}

/// Silence is not death, but it is a reason to look at once, and so is a machine that has not said
/// anything when the cloud's word begins to count.
void look_for_the_silent(Draft& draft, const Resource& row, const Node* node, Timestamp settled) {
    if (node == nullptr || node->wanted != NodeWanted::running || !row.running) return;
    if (!node->seen.silent_since && has_spoken(*node, row)) return;
    if (!draft.reached(settled)) return;
    const Sighting* sighting = draft.sighting(row.name);
    if (sighting == nullptr || sighting->listed_at <= settled) draft.want_list();
}

void look_closer(Draft& draft, Resource& row) {
    if (draft.busy(row.name) || row.operation || !row.made) return;
    const bool is_machine = row.name.kind == ResourceKind::machine;
    const Node* node = is_machine ? node_of_machine(draft, row) : nullptr;
    const Timestamp powered = power_settled(draft, row, node);
    look_for_the_silent(draft, row, node, powered);
    const Sighting* sighting = draft.sighting(row.name);
    if (sighting == nullptr) return;
    const Timestamp settled = row.changed_at + draft.seen.timing.settle;
    if (sighting->gone_since(settled)) {
        lost(draft, row, "resource_gone", "is gone from the cloud");
        if (is_machine) machine_lost(draft, row, true);
        return;
    }
    if (sighting->suspected_gone_since(settled)) draft.read(row.name, "the list does not show it");
    if (!is_machine) return;
    if (row.running && sighting->off_since(powered)) {
        lost(draft, row, "machine_off", "has no power");
        machine_lost(draft, row, false);
    } else if (!row.running && sighting->on_since(settled)) {
        row.running = true;
        row.deallocated = false;
        row.changed_at = draft.now;
        draft.remark({.severity = model::Severity::warning,
                      .code = "machine_on",
                      .message = row.name.name + " runs although nobody here asked for that",
                      .node = row.node});
    } else if ((row.running && sighting->suspected_off_since(powered)) ||
               (!row.running && sighting->suspected_on_since(settled))) {
        draft.read(row.name, "the list shows another power state");
    }
}

/// The last machine that never became ready was lost this often in a row: time to call somebody.
Error never_came(const Node& node, int attempts) {
    return {.kind = attempts >= 3 ? ErrorKind::internal : ErrorKind::timed_out,
            .code = "machine_never_reported",
            .message = fmt::format("{} was made but never reported", node.id.value),
            .owner = Owner::administrator,
            .next_action =
                "Check that machines reach the control plane's node address, and the "
                "machine's console output in the cloud."};
}

bool most_are_silent(Draft& draft) {
    std::size_t silent = 0;
    for (const auto& [id, node] : draft.nodes) silent += node.seen.silent_since.has_value();
    return silent * 2 > draft.nodes.size();
}

bool most_are_lost(Draft& draft) {
    std::size_t lost_ones = 0;
    const auto workers = draft.workers();
    for (const Node* node : workers) lost_ones += node->seen.workload_lost_at.has_value();
    return workers.size() > 2 && lost_ones * 2 > workers.size();
}

void watch_boot(Draft& draft, Node& node) {
    if (node.phase != NodePhase::booting || reports_count(node)) return;
    const Resource* machine = draft.find(machine_name(draft.cluster, node));
    if (machine == nullptr || !machine->made || !machine->running || machine->operation) return;
    const Timestamp since =
        std::max({node.phase_since, machine->changed_at, draft.seen.listening_since});
    if (!draft.reached(since + draft.seen.timing.boot)) return;
    const int attempts = static_cast<int>(node.failed_attempts) + 1;
    if (node.ready_at && node.is_head) {
        node.problem = never_came(node, draft.seen.timing.attempts);
        return;
    }
    retire(draft, node, "it never reported", never_came(node, attempts));
}

void watch_workload(Draft& draft, Node& node) {
#ifdef HOPYARD_DEFECT_act_on_silence
    if (node.seen.silent_since && node.phase == NodePhase::ready && !node.is_head) {
        retire(draft, node, "it is silent", std::nullopt);
        return;
    }
#endif
    const Node* head = draft.head();
    if (node.is_head || !node.seen.workload_lost_at || head == nullptr) return;
    if (node.phase != NodePhase::ready && node.phase != NodePhase::joining) return;
    if (head->phase != NodePhase::ready || head->seen.silent_since || most_are_silent(draft))
        return;
    if (node.seen.jobs > 0 || node.seen.allocated.cpus > 0) return;
    Milliseconds patience = draft.seen.timing.workload_loss;
    if (most_are_lost(draft)) patience += Milliseconds(draft.seen.timing.workload_loss);
    const Timestamp since = std::max(*node.seen.workload_lost_at, draft.seen.listening_since);
    if (!draft.reached(since + patience)) return;
    retire(
        draft, node, "the workload manager lost it and nothing is allocated on it", std::nullopt);
}

void wait_with(Draft& draft, Node& next, const Error& error, Timestamp until) {
    next.problem = error;
    next.try_again_at = until;
    draft.move(next, NodePhase::failed);
    draft.look_at(until);
}

}  // namespace

void note_losses(Draft& draft) {
    for (auto& [name, row] : draft.resources)
        if (row.wanted) look_closer(draft, row);
}

void replace_the_lost(Draft& draft) {
    std::vector<NodeId> ids;
    for (const auto& [id, node] : draft.nodes)
        if (node.wanted == NodeWanted::running) ids.push_back(id);
    for (const NodeId& id : ids) {
        watch_boot(draft, draft.nodes.at(id));
        if (draft.nodes.at(id).wanted == NodeWanted::running)
            watch_workload(draft, draft.nodes.at(id));
    }
}

void retire(Draft& draft, Node& node, const std::string& why, const std::optional<Error>& error) {
    const bool is_replaced = !is_autoscaled(draft, node);
    const char* what = !is_replaced ? "is given up; the autoscaler decides anew"
                       : error && falls_back(node, *error) ? "is replaced by a machine on demand"
                                                           : "is replaced by a new machine";
    draft.remark({.severity = model::Severity::warning,
                  .code = is_replaced ? "node_replaced" : "worker_given_up",
                  .message = fmt::format("{} {}", node.id.value, what),
                  .reason = why,
                  .node = node.id,
                  .error = error});
    give_up(draft, node, error);
}

void give_up(Draft& draft, Node& node, const std::optional<Error>& error) {
    node.wanted = NodeWanted::removed;
    draft.move(node, NodePhase::removing);
    if (draft.cluster.wanted != model::Wanted::running) return;
    if (is_autoscaled(draft, node)) {
        if (error) rest_offer(draft, offer_of(node), *error);
        draft.look_at(draft.now + Milliseconds(1));
        return;
    }
    const bool goes_on_demand = error && falls_back(node, *error);
    if (goes_on_demand) rest_offer(draft, offer_of(node), *error);
    const std::int64_t attempts = node.failed_attempts + (error && !goes_on_demand ? 1 : 0);
    Node& next = add_node(draft, node.is_head, node.group, node.ordinal);
    next.failed_attempts = attempts;
    if (goes_on_demand) return;
    if (error) {
        wait_with(draft, next, *error, draft.now + wait_after(*error, static_cast<int>(attempts)));
    } else if (const Resource* machine = draft.find(machine_name(draft.cluster, node));
               machine != nullptr && machine->problem && machine->try_again_at) {
        // It was asked for again before it was known to be lost: the refusal holds for its place.
        wait_with(draft, next, *machine->problem, *machine->try_again_at);
    }
}

}  // namespace hopyard::decide
