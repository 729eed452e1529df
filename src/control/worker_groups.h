// Arithmetic of worker groups (control-api.md 4.2): a group is told by instance type, disk and spot
// setting; lists are added up per group, keep their order, and never hold a group of 0. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cloud/catalog.h"
#include "control/edit.h"
#include "decide/preflight/preflight.h"
#include "model/spec.h"

namespace hopyard::control {

using WorkerGroups = std::vector<model::WorkerGroupSpec>;

/// Added up per group; groups of 0 stay. Refuses what is malformed, with its place in the list:
/// negative counts, impossible disks, prices and names.
Result<WorkerGroups> added_up(const WorkerGroups& asked);
WorkerGroups plus(const WorkerGroups& groups, const WorkerGroups& increments);
/// Never below 0; unknown groups are tolerated.
WorkerGroups minus(const WorkerGroups& groups, const WorkerGroups& decrements);
/// What of `wanted` goes beyond `present`.
WorkerGroups growth(const WorkerGroups& present, const WorkerGroups& wanted);
int count_of(const WorkerGroups& groups);
/// "2 x Standard_D4s_v3, 1 x Standard_NC6"
std::string in_words(const WorkerGroups& groups);

/// Whether there are such sizes, and the quota has room for them; the first refusal. `facts` are
/// the sizes and quotas of the cluster's location, `asked` the list as it was asked for: refusals
/// name its places.
Result<void> weigh_growth(const model::Cluster& cluster,
                          const WorkerGroups& grown,
                          const WorkerGroups& asked,
                          const decide::Facts& facts);
/// Whether the head may get that type.
Result<void> weigh_head_type(const model::Cluster& cluster,
                             const std::string& instance_type,
                             const decide::Facts& facts);
/// Stores what that type offers. `unavailable` when the sizes could not be read and it is a new
/// one.
Result<void> learn_type(model::Cluster& cluster,
                        const std::string& instance_type,
                        const Result<std::vector<cloud::Size>>& sizes);

/// The groups as they shall be, and the phase that follows. Nothing happens when nothing differs.
Result<void> set_groups(Edit& edit, const WorkerGroups& wanted);
/// Of a stopped cluster.
Result<void> set_head_type(Edit& edit,
                           const std::string& instance_type,
                           const decide::Facts& facts);

}  // namespace hopyard::control
