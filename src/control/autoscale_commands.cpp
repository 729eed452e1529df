// What people ask of the autoscaler: a policy, none, and that a worker stays.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "control/edit.h"
#include "control/worker_groups.h"
#include "model/validate.h"

namespace hopyard::control {
namespace {

using model::GroupKey;
using model::Node;
using model::NodeWanted;

bool names(const model::AutoscaleSpec& spec, const std::string& instance_type) {
    const auto types = model::types_of(spec);
    return std::find(types.begin(), types.end(), instance_type) != types.end();
}

bool names(const model::AutoscaleSpec& spec, const GroupKey& key) {
    const auto has = [&](const model::ScaleSpec& group) {
        const auto keys = model::keys_of(group);
        return std::find(keys.begin(), keys.end(), key) != keys.end();
    };
    return has(spec.general) || (spec.gpu && has(*spec.gpu));
}

/// The nodes become the autoscaler's, or static ones, and the counts of static groups follow.
struct Handover {
    std::map<GroupKey, int> counts;  ///< change of static workers
    std::vector<std::string> nodes;

    void note(const Node& node, int change) {
        // One that is on its way out is in no count any more.
        if (node.wanted != NodeWanted::running) return;
        counts[node.group] += change;
        nodes.push_back(node.id.value);
    }
};

void apply(Edit& edit, const Handover& handover) {
    WorkerGroups more, fewer;
    for (const auto& [key, change] : handover.counts)
        (change > 0 ? more : fewer).push_back({.key = key, .count = std::abs(change)});
    edit.cluster.spec.workers = minus(plus(edit.cluster.spec.workers, more), fewer);
}

/// Workers of a type that the policy names now were made by hand: they may leave by themselves from
/// now on. Those of a type that it named before were added beside it, and stay somebody's own.
Handover adopt(Edit& edit,
               const std::optional<model::AutoscaleSpec>& before,
               const model::AutoscaleSpec& spec) {
    Handover adopted;
    for (Node& node : edit.nodes) {
        const std::string& type = node.group.instance_type;
        if (node.is_head || node.autoscaled || !names(spec, type)) continue;
        if (node.wanted != NodeWanted::running || (before && names(*before, type))) continue;
        node.autoscaled = true;
        adopted.note(node, -1);
    }
    return adopted;
}

/// Whoever belongs to no group any more: all of them without a policy, and those with GPUs when
/// there is no group for these.
Handover release(Edit& edit,
                 const std::optional<model::AutoscaleSpec>& before,
                 const model::AutoscaleSpec* kept) {
    Handover released;
    for (Node& node : edit.nodes) {
        if (!node.autoscaled) continue;
        if (kept != nullptr) {
            const bool lost_its_group = before && before->gpu && !kept->gpu && node.gpus > 0;
            if (!lost_its_group || names(*kept, node.group.instance_type)) continue;
        }
        node.autoscaled = node.is_outdated = false;
        released.note(node, 1);
    }
    return released;
}

/// Workers of a kind that the policy names no more roll over to new ones; those whose kind is named
/// again do not. One that was adopted with another disk is what somebody wanted: only another type
/// makes it outdated. Returns who is to be replaced from now on.
std::vector<std::string> mark_outdated(Edit& edit,
                                       const std::optional<model::AutoscaleSpec>& before,
                                       const model::AutoscaleSpec& spec) {
    std::vector<std::string> outdated;
    for (Node& node : edit.nodes) {
        if (!node.autoscaled) continue;
        const bool was_named = before && names(*before, node.group);
        const bool was_outdated = node.is_outdated;
        if (names(spec, node.group))
            node.is_outdated = false;
        else if (was_named || !names(spec, node.group.instance_type))
            node.is_outdated = true;
        if (node.is_outdated && !was_outdated && node.wanted == NodeWanted::running)
            outdated.push_back(node.id.value);
    }
    return outdated;
}

std::string in_words(const model::ScaleSpec& group) {
    return fmt::format("{} to {} x {}, standby {:g}, wait {} s",
                       group.min_workers,
                       group.max_workers,
                       group.instance_type,
                       group.standby_workers,
                       group.downscale_wait_s);
}

Result<void> weigh(const Edit& edit, const decide::Facts& facts) {
    for (Error& error : model::check(edit.cluster.spec))
        if (error.field.starts_with("/autoscale")) return pass(std::move(error));
    model::ClusterSpec asked = edit.cluster.spec;
    asked.head.instance_type.clear();
    asked.workers.clear();
    for (const decide::Finding& finding : decide::weigh(asked, facts).findings)
        if (finding.weight == decide::Weight::blocking &&
            finding.error.field.starts_with("/autoscale"))
            return pass(finding.error);
    return {};
}

}  // namespace

Result<void> set_autoscale(Edit& edit,
                           const model::AutoscaleSpec& spec,
                           const decide::Facts& facts) {
    RETURN_IF_ERROR(must_be_wanted_running(edit.cluster, "changing the autoscaler"));
    if (edit.cluster.spec.autoscale == spec) return {};
    const auto before = std::exchange(edit.cluster.spec.autoscale, spec);
    RETURN_IF_ERROR(weigh(edit, facts));
    for (const std::string& type : model::types_of(spec))
        RETURN_IF_ERROR(learn_type(edit.cluster, type, facts.sizes));
    const Handover released = release(edit, before, &spec);
    const auto outdated = mark_outdated(edit, before, spec);
    const Handover adopted = adopt(edit, before, spec);
    apply(edit, released);
    apply(edit, adopted);
    // What the past has taught stays true; what the cloud refused may be another type now.
    edit.cluster.autoscale.refusals.clear();
    edit.cluster.autoscale.named.clear();
    if (spec.mode != model::AutoscaleMode::adaptive) edit.cluster.autoscale = {};
    edit.remark(
        "autoscale_changed",
        fmt::format("{} follows demand: {}{}",
                    edit.cluster.spec.name,
                    in_words(spec.general),
                    spec.gpu ? "; with GPUs " + in_words(*spec.gpu) : ""),
        adopted.nodes.empty() ? "" : fmt::format("adopted: {}", fmt::join(adopted.nodes, ", ")));
    if (!outdated.empty())
        edit.remark("workers_outdated",
                    fmt::format("{} are replaced by new ones", fmt::join(outdated, ", ")),
                    "their type, disk or price was changed; what runs on them goes on");
    if (!released.nodes.empty())
        edit.remark(
            "workers_released",
            fmt::format("{} stay as static workers: there is no group for workers with GPUs",
                        fmt::join(released.nodes, ", ")),
            fmt::format("remove them with 'hopyard workers remove {}'", edit.cluster.spec.name));
    return {};
}

Result<void> clear_autoscale(Edit& edit) {
    if (!edit.cluster.spec.autoscale) return {};
    const Handover released = release(edit, edit.cluster.spec.autoscale, nullptr);
    apply(edit, released);
    edit.cluster.spec.autoscale.reset();
    edit.cluster.autoscale = {};
    edit.remark("autoscale_off",
                edit.cluster.spec.name + " follows demand no more",
                released.nodes.empty()
                    ? ""
                    : fmt::format("{} stay as static workers", fmt::join(released.nodes, ", ")));
    return {};
}

}  // namespace hopyard::control
