// What the autoscaler may never do, and what it must have done once all is at rest.
#include <algorithm>

#include <fmt/format.h>

#include "simulation/judge.h"

namespace hopyard::simulation {
namespace {

using model::Node;
using model::NodeWanted;

/// Of a cluster at the moment of a commit.
struct Scaled {
    std::optional<model::Cluster> cluster;
    std::vector<Node> nodes;

    const Node* find(const NodeId& id) const {
        const auto found = std::find_if(
            nodes.begin(), nodes.end(), [&](const Node& node) { return node.id == id; });
        return found == nodes.end() ? nullptr : &*found;
    }
    const Node* head() const {
        const auto found = std::find_if(nodes.begin(), nodes.end(), [](const Node& node) {
            return node.is_head && node.wanted != NodeWanted::removed;
        });
        return found == nodes.end() ? nullptr : &*found;
    }
    int machines() const {
        return static_cast<int>(std::count_if(
            nodes.begin(), nodes.end(), [](const Node& node) { return node.autoscaled; }));
    }
    /// One that restarts counts, and one that leaves under another rule: that is not to blame on
    /// who rolls over.
    int ready() const {
        return static_cast<int>(std::count_if(nodes.begin(), nodes.end(), [](const Node& node) {
            const bool stays = node.wanted == NodeWanted::running;
            const bool only_drains = !node.is_outdated && node.phase == model::NodePhase::draining;
            return node.autoscaled && (stays || only_drains) && node.ready_at;
        }));
    }
    int staying() const {
        return static_cast<int>(std::count_if(nodes.begin(), nodes.end(), [](const Node& node) {
            return node.autoscaled && node.wanted == NodeWanted::running;
        }));
    }
};

bool fits(const SlurmModel::JobShape& job, int cpus, int most) {
    return job.cpus_each <= cpus && job.nodes <= most;
}

}  // namespace

void Judge::judge_scaling(const NodeChange& change) {
    Scaled now;
    const auto look = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(now.cluster, t.cluster(change.cluster));
        ASSIGN_OR_RETURN(now.nodes, t.nodes(change.cluster));
        return {};
    };
    if (!store_.read(look) || !now.cluster || !now.cluster->spec.autoscale) return;
    if (now.cluster->wanted != model::Wanted::running) return;
    const model::ScaleSpec& policy = now.cluster->spec.autoscale->general;
    const Node* node = now.find(change.id);
    const Node* head = now.head();
    if (node == nullptr || head == nullptr) return;
    if (!change.from) {
        if (now.machines() > policy.max_workers)
            wrong(fmt::format("{} is one of {} autoscaled workers; {} are allowed",
                              change.id.value,
                              now.machines(),
                              policy.max_workers));
        if (head->seen.silent_since && now.staying() > policy.min_workers)
            wrong(change.id.value + " is bought while the head is silent");
    }
    // It begins to leave: nobody took it out of order, so this is the autoscaler's word.
    const bool leaves = change.from && *change.from == model::NodePhase::ready &&
                        change.to == model::NodePhase::draining;
    if (!leaves) return;
    if (head->seen.silent_since) wrong(change.id.value + " leaves while the head is silent");
    // Whoever makes room for a new type may be used: it drains, and what runs on it goes on.
    if (node->is_outdated && !node->is_protected) {
        // Where the maximum has no room for another one, it alone is missing.
        const bool makes_room =
            now.machines() >= policy.max_workers && now.machines() - now.ready() == 1;
        if (now.ready() < policy.min_workers && !makes_room)
            wrong(fmt::format("{} rolls over and {} workers are ready; the minimum is {}",
                              change.id.value,
                              now.ready(),
                              policy.min_workers));
        return;
    }
    if (node->seen.jobs > 0 && now.staying() < policy.max_workers)
        wrong(
            fmt::format("{} leaves and is known to run {} jobs", change.id.value, node->seen.jobs));
    if (now.staying() < policy.min_workers)
        wrong(fmt::format("{} leaves and {} workers are left; the minimum is {}",
                          change.id.value,
                          now.staying(),
                          policy.min_workers));
    const bool has_wait = now.cluster->spec.autoscale->mode == model::AutoscaleMode::standard;
    const bool waited =
        node->seen.idle_since &&
        *node->seen.idle_since + Seconds(policy.downscale_wait_s) <= ground_.clock.now();
    if (has_wait && !waited && now.staying() < policy.max_workers)
        wrong(change.id.value + " leaves before the wait is over");
    if (node->is_protected) wrong(change.id.value + " leaves and is protected");
}

void Judge::compare_scaling(const Wish& wish, const Rows& rows, std::vector<std::string>& out) {
    if (!wish.spec.autoscale) return;
    const model::ScaleSpec& policy = wish.spec.autoscale->general;
    const auto is_idle = [](const Node& node) {
        return node.autoscaled && node.seen.jobs == 0 && !node.drain_wanted && !node.is_protected;
    };
    bool is_held = false;  // somebody keeps a worker there that is of no or less use
    for (const Node& node : rows.nodes) {
        is_held |= node.autoscaled && (node.drain_wanted || node.is_outdated);
        if (!node.is_outdated) continue;
        if (!node.is_protected && !node.drain_wanted)
            out.push_back(node.id.value + " is of a type that was changed, and stays");
    }
    const int count = static_cast<int>(std::count_if(
        rows.nodes.begin(), rows.nodes.end(), [](const Node& node) { return node.autoscaled; }));
    const int idle = static_cast<int>(std::count_if(rows.nodes.begin(), rows.nodes.end(), is_idle));
    if (count < policy.min_workers || count > policy.max_workers)
        out.push_back(fmt::format("{} has {} autoscaled workers, not {} to {}",
                                  wish.id.value,
                                  count,
                                  policy.min_workers,
                                  policy.max_workers));
    const SlurmModel* slurm = nodes_->slurm(wish.id);
    if (slurm == nullptr) return;
    if (slurm->running_jobs() + slurm->pending_jobs() == 0 && policy.min_workers == 0 && idle > 0)
        out.push_back(fmt::format("{} keeps {} workers that nobody uses", wish.id.value, idle));
    int cpus = 0;
    for (const auto& key : model::keys_of(policy))
        cpus = std::max(cpus, ground_.cloud.vcpus(key.instance_type));
    for (const SlurmModel::JobShape& job : slurm->waiting())
        if (!is_held && fits(job, cpus, policy.max_workers))
            out.push_back(fmt::format("a job of {} waits: {} pieces of {} cores",
                                      wish.id.value,
                                      job.nodes,
                                      job.cpus_each));
}

}  // namespace hopyard::simulation
