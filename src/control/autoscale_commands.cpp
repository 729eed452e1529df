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

Handover release(Edit& edit, const model::AutoscaleSpec* kept) {
    Handover released;
    for (Node& node : edit.nodes) {
        if (!node.autoscaled) continue;
        if (kept != nullptr && names(*kept, node.group.instance_type)) continue;
        node.autoscaled = false;
        released.note(node, 1);
    }
    return released;
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
    const Handover released = release(edit, &spec);
    const Handover adopted = adopt(edit, before, spec);
    apply(edit, released);
    apply(edit, adopted);
    edit.cluster.autoscale = {};
    edit.remark(
        "autoscale_changed",
        fmt::format("{} follows demand: {}{}",
                    edit.cluster.spec.name,
                    in_words(spec.general),
                    spec.gpu ? "; with GPUs " + in_words(*spec.gpu) : ""),
        adopted.nodes.empty() ? "" : fmt::format("adopted: {}", fmt::join(adopted.nodes, ", ")));
    if (!released.nodes.empty())
        edit.remark(
            "workers_released",
            fmt::format("{} are of a type that is not named any more, and stay",
                        fmt::join(released.nodes, ", ")),
            fmt::format("remove them with 'hopyard workers remove {}'", edit.cluster.spec.name));
    return {};
}

Result<void> clear_autoscale(Edit& edit) {
    if (!edit.cluster.spec.autoscale) return {};
    const Handover released = release(edit, nullptr);
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
