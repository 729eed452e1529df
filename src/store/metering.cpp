#include "store/metering.h"

#include <algorithm>

namespace hopyard::store {
namespace {

using model::MachineRun;
using model::PendingOperation;
using model::Resource;

/// The cloud took it away, or lost it, or has it back.
bool is_over(const Resource& row) {
    const bool removed = row.operation && row.operation->url.empty() &&
                         row.operation->verb == PendingOperation::Verb::remove;
    return !row.made || row.deallocated || removed;
}

Result<void> end(Transaction& t, MachineRun run, const Resource& row) {
    run.ended_at = std::max(run.started_at, row.changed_at);
    return t.put(run);
}

Result<void> begin(Transaction& t, const std::optional<MachineRun>& last, const Resource& row) {
    ASSIGN_OR_RETURN(const auto cluster, t.cluster(row.cluster));
    if (!cluster) return {};
    ASSIGN_OR_RETURN(const auto node, t.node(row.node));
    MachineRun run{.organisation = cluster->organisation,
                   .cluster = cluster->id,
                   .cluster_name = cluster->spec.name,
                   .machine = row.name.name,
                   .location = cluster->spec.location,
                   .spot = node && node->is_spot(),
                   .started_at = row.changed_at};
    // The type that the machine was last given; a head's may differ from what is wanted meanwhile.
    run.instance_type = row.applied;
    if (node && !cluster->types.contains(run.instance_type))
        run.instance_type = node->group.instance_type;
    const auto type = cluster->types.find(run.instance_type);
    run.vcpus = type != cluster->types.end() ? type->second.vcpus : node ? node->vcpus : 0;
    if (last && last->ended_at) run.started_at = std::max(run.started_at, *last->ended_at);
    return t.put(run);
}

}  // namespace

Result<void> meter(Transaction& t, const Resource& row) {
    if (row.name.kind != model::ResourceKind::machine) return {};
    ASSIGN_OR_RETURN(const auto last, t.last_run(row.cluster, row.name.name));
    const bool runs = last && !last->ended_at;
    if (runs && is_over(row)) return end(t, *last, row);
    if (!runs && row.running && !is_over(row)) return begin(t, last, row);
    return {};
}

Result<void> meter_erasure(Transaction& t, const Resource& row) {
    if (row.name.kind != model::ResourceKind::machine) return {};
    ASSIGN_OR_RETURN(const auto last, t.last_run(row.cluster, row.name.name));
    if (last && !last->ended_at) return end(t, *last, row);
    return {};
}

}  // namespace hopyard::store
