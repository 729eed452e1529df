#include "dask/plan.h"

#include <map>

namespace hopyard::test {
namespace {

using node::workload::NodeSeen;
using nodewire::Member;

DaskStep announce(const Member& wanted) {
    return {
        "announce",
        wanted.name,
        model::Resources{.cpus = wanted.vcpus, .memory_mb = wanted.memory_mb, .gpus = wanted.gpus}};
}

bool has_size(const NodeSeen& seen, const Member& wanted) {
    return seen.cpus == wanted.vcpus && seen.memory_mb == wanted.memory_mb &&
           seen.gpus == wanted.gpus;
}

std::vector<DaskStep> steps_to_open(const Member& wanted, const NodeSeen& seen) {
    // A machine that is there says its own size.
    if (seen.state == "down" && !has_size(seen, wanted)) return {announce(wanted)};
    if (seen.draining) return {{"open", wanted.name}};
    return {};
}

/// Closed too: a machine that is there after all would take work as soon as it comes.
std::vector<DaskStep> steps_to_lose(const Member& wanted, const NodeSeen& seen) {
    std::vector<DaskStep> steps;
    const bool was_lost = seen.state != "down" && (seen.is_busy() || !seen.draining);
    if (!seen.draining) steps.push_back({"close", wanted.name});
    if (was_lost) steps.push_back({"lose", wanted.name});
    return steps;
}

std::vector<DaskStep> steps_for(const Member& wanted, const NodeSeen& seen) {
    switch (wanted.state) {
        case Member::State::expected:
        case Member::State::member:
            return steps_to_open(wanted, seen);
        case Member::State::draining:
            if (seen.draining) return {};
            return {{"close", wanted.name}};
        case Member::State::absent:
            return steps_to_lose(wanted, seen);
        case Member::State::removed:
            if (seen.is_busy()) return {{"lose", wanted.name}, {"forget", wanted.name}};
            return {{"forget", wanted.name}};
    }
    return {};
}

/// One that the door does not know; what drains comes closed.
std::vector<DaskStep> steps_for_new(const Member& wanted) {
    switch (wanted.state) {
        case Member::State::expected:
        case Member::State::member:
            return {announce(wanted)};
        case Member::State::draining:
            return {announce(wanted), {"close", wanted.name}};
        case Member::State::absent:
        case Member::State::removed:
            return {};
    }
    return {};
}

bool is_settled(const Member& wanted, const NodeSeen& seen) {
    return wanted.state != Member::State::draining || !seen.is_busy();
}

}  // namespace

DaskPlan plan_for_dask(const nodewire::Orders& orders, const node::workload::Seen& seen) {
    std::map<std::string, const NodeSeen*> known;
    for (const auto& node : seen.nodes) known[node.name] = &node;
    DaskPlan plan{.attained = true};
    const auto bring = [&](const Member& wanted) {
        const auto found = known.find(wanted.name);
        const bool is_known = found != known.end();
        const auto steps = is_known ? steps_for(wanted, *found->second) : steps_for_new(wanted);
        plan.steps.insert(plan.steps.end(), steps.begin(), steps.end());
        if (is_known && !is_settled(wanted, *found->second)) plan.attained = false;
        if (is_known) known.erase(found);
    };
    for (const auto& member : orders.members)
        if (!member.is_head) bring(member);
    for (const auto& placeholder : orders.placeholders) bring(placeholder);
    // Orders are whole: what they do not name is not part of the cluster. Its work may end first.
    for (const auto& [name, node] : known) {
        if (!node->is_busy())
            plan.steps.push_back({"forget", name});
        else if (!node->draining)
            plan.steps.push_back({"close", name});
    }
    plan.attained = plan.attained && plan.steps.empty() && known.empty();
    return plan;
}

}  // namespace hopyard::test
