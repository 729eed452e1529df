// How many workers there are to be, and which of them leave. A removal names how many, never which:
// the ones whose loss disturbs least go first (product.md B2).
#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "base/words.h"
#include "decide/lifecycle/draft.h"
#include "decide/lifecycle/drain.h"
#include "decide/lifecycle/spot.h"

namespace hopyard::decide {
namespace {

using model::GroupKey;
using model::Node;
using model::NodePhase;
using model::NodeWanted;

std::vector<Node*> members(Draft& draft, const GroupKey& key) {
    std::vector<Node*> found = draft.workers();
    std::erase_if(
        found, [&](const Node* node) { return node->group != key || is_autoscaled(draft, *node); });
    return found;
}

/// A worker that is on its way out but still whole stays instead of a new one being made.
Node* on_its_way_out(Draft& draft, const GroupKey& key) {
    for (auto& [id, node] : draft.nodes) {
        if (node.is_head || node.wanted != NodeWanted::removed || node.group != key) continue;
        if (node.phase == NodePhase::draining && !is_autoscaled(draft, node)) return &node;
    }
    return nullptr;
}

void grow(Draft& draft, const GroupKey& key, int missing) {
    for (; missing > 0; --missing) {
        if (Node* back = on_its_way_out(draft, key)) {
            call_back(draft, *back, "the group is to have it again");
            continue;
        }
        const Node& made = add_node(draft, false, key, lowest_free_ordinal(draft));
        draft.remark(
            {.code = "worker_planned",
             .message = planned(made),
             .reason = fmt::format("the group {} is to have more workers", key.instance_type),
             .node = made.id});
    }
}

/// Smaller leaves first: not made, not ready, idle, least busy, drained; then the youngest.
auto disturbance(const Node& node) {
    const bool never_made = node.phase == NodePhase::planned || node.phase == NodePhase::creating ||
                            node.phase == NodePhase::failed;
    const int stage = never_made ? 0 : node.phase != NodePhase::ready ? 1 : 2;
    return std::tuple(
        stage, node.seen.jobs, node.seen.allocated.cpus, !node.drain_wanted, -node.ordinal);
}

void leave(Draft& draft, Node& node) {
    begin_leave(draft,
                node,
                fmt::format("the group {} is to have fewer workers; {} on it",
                            node.group.instance_type,
                            counted(node.seen.jobs, "job")));
    const std::int64_t timeout = draft.cluster.spec.drain_timeout.seconds;
    const bool drains = node.wanted == NodeWanted::removed && node.phase == NodePhase::draining;
    if (drains && timeout >= 0) node.drain_deadline = draft.now + Seconds(timeout);
}

void shrink(Draft& draft, std::vector<Node*> group, int surplus) {
    std::sort(group.begin(), group.end(), [](const Node* a, const Node* b) {
        return disturbance(*a) < disturbance(*b);
    });
    // Somebody who is said to hold work and is not up yet was up before: it leaves once it is
    // again.
    std::erase_if(group, [](const Node* node) {
        const bool up = node->phase == NodePhase::ready || node->phase == NodePhase::joining;
        return !up && (node->seen.jobs > 0 || node->seen.allocated.cpus > 0);
    });
    group.resize(std::min(group.size(), static_cast<std::size_t>(surplus)));
    for (Node* node : group) leave(draft, *node);
}

void size_groups(Draft& draft) {
    std::map<GroupKey, int> wanted;
    for (const model::WorkerGroupSpec& group : draft.cluster.spec.workers)
        wanted[group.key] += group.count;
    for (const Node* node : draft.workers())
        if (!is_autoscaled(draft, *node)) wanted.try_emplace(node->group, 0);
    for (const auto& [key, count] : wanted) {
        const auto group = members(draft, key);
        const int present = static_cast<int>(group.size());
        if (present < count) grow(draft, key, count - present);
        if (present > count) shrink(draft, group, present - count);
    }
}

/// What autoscaled groups ask for never rests: their on-demand offers are keys of their own.
bool must_be_on_demand(const Draft& draft, const GroupKey& group) {
    return may_be_on_demand(group) && offer_rests(draft, group);
}

}  // namespace

int lowest_free_ordinal(const Draft& draft) {
    std::set<int> taken;
    for (const auto& [id, node] : draft.nodes)
        if (!node.is_head) taken.insert(node.ordinal);
    int ordinal = 1;
    while (taken.contains(ordinal)) ++ordinal;
    return ordinal;
}

void begin_leave(Draft& draft, Node& node, std::string reason) {
    const bool may_hold_work = node.phase == NodePhase::ready || node.phase == NodePhase::joining ||
                               (has_enrolled(node) && node.phase != NodePhase::failed);
#ifdef HOPYARD_DEFECT_remove_busy_worker
    const bool drains = may_hold_work && draft.cluster.spec.drain_timeout.seconds < 0;
#else
    const bool drains = may_hold_work;
#endif
    draft.move(node, drains ? NodePhase::draining : NodePhase::removing);
    // It came up just now: it drains with the next plan.
    if (drains && node.phase != NodePhase::draining) return;
    node.wanted = NodeWanted::removed;
    node.restart_wanted = false;
    draft.remark({.code = "worker_leaves",
                  .message = fmt::format("{} takes no new work and leaves", node.id.value),
                  .reason = std::move(reason),
                  .node = node.id});
}

void call_back(Draft& draft, Node& node, std::string reason) {
    node.wanted = NodeWanted::running;
    node.drain_deadline.reset();
    if (!node.drain_wanted) end_drain(node);
    draft.move(node, NodePhase::ready);
    draft.remark({.code = "worker_recalled",
                  .message = fmt::format("{} stays: it is needed again", node.id.value),
                  .reason = std::move(reason),
                  .node = node.id});
}

std::string planned(const Node& node) {
    const char* what = node.is_spot()    ? " as a spot machine"
                       : node.group.spot ? " on demand: the cloud has no spot machine for it"
                                         : "";
    return fmt::format("{} will be made{}", node.id.value, what);
}

Node& add_node(Draft& draft, bool is_head, const GroupKey& group, int ordinal) {
    model::Cluster& cluster = draft.cluster;
    const bool used_before =
        is_head ? std::exchange(cluster.head_made, true) : ordinal <= cluster.highest_ordinal;
    if (!is_head) cluster.highest_ordinal = std::max(cluster.highest_ordinal, ordinal);
#ifdef HOPYARD_DEFECT_reuse_name
    std::int64_t generation = 1;
    while (draft.nodes.contains(is_head ? head_id(cluster, generation)
                                        : worker_id(cluster, ordinal, generation)))
        ++generation;
    (void)used_before;
#else
    const std::int64_t generation = used_before ? ++cluster.last_generation : 1;
#endif
    Node node;
    node.id = is_head ? head_id(cluster, generation) : worker_id(cluster, ordinal, generation);
    node.cluster = cluster.id;
    node.is_head = is_head;
    node.group = group;
    node.ordinal = ordinal;
    node.generation = generation;
    node.restart_generation = cluster.restart_generation;
    node.created_at = node.phase_since = draft.now;
    std::optional<double> on_demand;
    if (const auto type = cluster.types.find(group.instance_type); type != cluster.types.end()) {
        on_demand = type->second.usd_per_hour;
        node.vcpus = type->second.vcpus;
        node.memory_mb = type->second.memory_mb;
        node.gpus = type->second.gpus;
    }
    if (group.spot && !must_be_on_demand(draft, group))
        node.max_spot_price = max_spot_price(*group.spot, on_demand);
    return draft.nodes[node.id] = node;
}

void intend_running(Draft& draft) {
    Node* head = draft.head();
    if (head == nullptr) {
        const GroupKey key{.instance_type = draft.cluster.spec.head.instance_type,
                           .disk_gb = draft.cluster.spec.head.disk_gb};
        add_node(draft, true, key, 0);
    } else {
        head->wanted = NodeWanted::running;
    }
    for (auto& [name, row] : draft.resources)
        if (row.node.empty() && name.kind != model::ResourceKind::security_rule) row.wanted = true;
    scale_groups(draft);
    size_groups(draft);
    replace_the_lost(draft);
}

}  // namespace hopyard::decide
