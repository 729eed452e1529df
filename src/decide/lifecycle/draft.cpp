#include "decide/lifecycle/draft.h"

#include <algorithm>

#include "model/phase.h"

namespace hopyard::decide {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using model::Resource;
using model::ResourceName;

Draft::Draft(const Snapshot& snapshot)
    : seen(snapshot),
      now(snapshot.now),
      cluster(snapshot.cluster),
      shared(shared_names(snapshot.cluster)) {
    for (const Node& node : snapshot.nodes) nodes.emplace(node.id, node);
    // Stores give them in this order.
    for (const Resource& resource : snapshot.resources)
        resources.emplace_hint(resources.end(), resource.name, resource);
}

Node* Draft::head() {
    for (auto& [id, node] : nodes)
        if (node.is_head && node.wanted != NodeWanted::removed) return &node;
    return nullptr;
}

std::vector<Node*> Draft::workers() {
    std::vector<Node*> found;
    for (auto& [id, node] : nodes)
        if (!node.is_head && node.wanted != NodeWanted::removed) found.push_back(&node);
    std::sort(found.begin(), found.end(), [](const Node* a, const Node* b) {
        return a->ordinal < b->ordinal;
    });
    return found;
}

Resource* Draft::find(const ResourceName& name) {
    const auto found = resources.find(name);
    return found == resources.end() ? nullptr : &found->second;
}

Resource& Draft::ensure(const ResourceName& name, const NodeId& node) {
    auto [row, is_new] = resources.try_emplace(name);
    if (is_new) {
        row->second.name = name;
        row->second.cluster = cluster.id;
        row->second.node = node;
        row->second.created_at = now;
    }
    return row->second;
}

bool Draft::made(const ResourceName& name) {
    const Resource* row = find(name);
    return row != nullptr && row->made;
}

const Sighting* Draft::sighting(const ResourceName& name) const {
    const auto found = seen.sightings.find(name);
    return found == seen.sightings.end() ? nullptr : &found->second;
}

bool Draft::free(const Resource& resource) {
    if (busy(resource.name) || resource.operation) return false;
    return !resource.try_again_at || reached(*resource.try_again_at);
}

void Draft::all_well(Resource& row) {
    if (!row.problem || row.operation || busy(row.name)) return;
    row.problem.reset();
    row.try_again_at.reset();
    row.failed_attempts = 0;
}

void Draft::call(Call::Kind kind,
                 const ResourceName& name,
                 std::string reason,
                 std::string content) {
    // What is done about it shows more than a look would.
    std::erase_if(plan_.calls, [&](const Call& planned) {
        return planned.kind == Call::Kind::read && planned.name == name;
    });
    plan_.calls.push_back(
        {.kind = kind, .name = name, .reason = std::move(reason), .content = std::move(content)});
}

void Draft::read(const ResourceName& name, std::string reason) {
    if (busy(name)) return;
    for (const Call& planned : plan_.calls)
        if (planned.name == name) return;
    const auto unreadable = seen.unreadable_until.find(name);
    if (unreadable != seen.unreadable_until.end() && !reached(unreadable->second)) return;
    const Sighting* last = sighting(name);
    if (last != nullptr && last->read_at && !reached(*last->read_at + seen.timing.read_again))
        return;
    call(Call::Kind::read, name, std::move(reason));
}

void Draft::look_at(Timestamp time) {
    plan_.look_again_at = std::min(plan_.look_again_at.value_or(time), time);
}

bool Draft::reached(Timestamp time) {
    if (time <= now) return true;
    look_at(time);
    return false;
}

void Draft::move(Node& node, NodePhase phase) {
    if (node.phase == phase || !model::may_move(node.phase, phase)) return;
    // Whoever reads the rows sees one move, and it has to be a legal one: the rest comes next time.
    for (const Node& old : seen.nodes)
        if (old.id == node.id && !model::may_move(old.phase, phase)) return;
    node.phase = phase;
    node.phase_since = now;
}

void Draft::move(model::Phase phase) {
    if (cluster.phase == phase || !model::may_move(cluster.phase, phase)) return;
    if (!model::may_move(seen.cluster.phase, phase)) return;
    cluster.phase = phase;
    cluster.phase_since = now;
}

void Draft::remark(Remark remark) {
    plan_.rows.activity.push_back({.at = now,
                                   .organisation = cluster.organisation,
                                   .cluster = cluster.id,
                                   .node = remark.node,
                                   .severity = remark.severity,
                                   .code = std::move(remark.code),
                                   .message = std::move(remark.message),
                                   .reason = std::move(remark.reason),
                                   .actor = "hopyard",
                                   .error = std::move(remark.error)});
}

void Draft::record(std::string situation_json, std::string decision_json) {
    plan_.rows.decisions.push_back({.cluster = cluster.id,
                                    .organisation = cluster.organisation,
                                    .at = now,
                                    .situation_json = std::move(situation_json),
                                    .decision_json = std::move(decision_json)});
}

Plan Draft::finish() {
    RowChanges& rows = plan_.rows;
    rows.erase_cluster = erase_cluster_;
    if (erase_cluster_) {
        for (const Node& old : seen.nodes) rows.erased_nodes.push_back(old.id);
        for (const Resource& old : seen.resources) rows.erased_resources.push_back(old.name);
        return std::move(plan_);
    }
    if (cluster != seen.cluster) rows.cluster = cluster;
    for (const Node& old : seen.nodes) {
        const auto found = nodes.find(old.id);
        if (found == nodes.end()) {
            rows.erased_nodes.push_back(old.id);
        } else {
            if (found->second != old) rows.nodes.push_back(found->second);
            nodes.erase(found);
        }
    }
    // That a node is gone is told by its cluster's version: the node's own went with it.
    if (!rows.erased_nodes.empty()) rows.cluster = cluster;
    for (const Resource& old : seen.resources) {
        const auto found = resources.find(old.name);
        if (found == resources.end()) {
            rows.erased_resources.push_back(old.name);
        } else {
            if (found->second != old) rows.resources.push_back(found->second);
            resources.erase(found);
        }
    }
    for (auto& [id, node] : nodes) rows.nodes.push_back(std::move(node));
    for (auto& [name, resource] : resources) rows.resources.push_back(std::move(resource));
    return std::move(plan_);
}

bool storage_free(Draft& draft) {
    if (draft.seen.storage_busy) return false;
    const auto& again = draft.cluster.storage_try_again_at;
    return !again || draft.reached(*again);
}

bool RowChanges::empty() const {
    return !cluster && nodes.empty() && resources.empty() && erased_nodes.empty() &&
           erased_resources.empty() && activity.empty() && decisions.empty() && !erase_cluster;
}

}  // namespace hopyard::decide
