// Stop, start, restart, terminate, retry: what each demands of the cluster's state, and what it
// writes. The phase moves with the request, so that whoever looks next sees it accepted.
#include <algorithm>

#include <fmt/format.h>

#include "base/words.h"
#include "control/edit.h"
#include "model/phase.h"

namespace hopyard::control {
namespace {

using model::NodePhase;
using model::NodeWanted;
using model::Phase;
using model::Wanted;

Failure is_terminating(const model::Cluster& cluster) {
    return forbidden("cluster_terminating",
                     "'" + cluster.spec.name + "' is being terminated",
                     "Wait until it is gone, and create a new one when you need one.");
}

Failure is_stopped(const model::Cluster& cluster, const char* command) {
    if (cluster.phase == Phase::stopped)
        return forbidden(
            "cluster_stopped",
            fmt::format(
                "'{}' is stopped; {} needs a cluster that is not", cluster.spec.name, command),
            "Start it first.");
    return forbidden("cluster_stopping",
                     fmt::format("'{}' is being stopped", cluster.spec.name),
                     "Wait until it is stopped; then start it.");
}

/// A head that lost its disk is not started again but made anew, under a new name.
void give_up_lost_head(Edit& edit) {
    model::Node* head = edit.head();
    if (head == nullptr || !head->problem || head->problem->code != "head_machine_lost") return;
    head->problem.reset();
    head->wanted = NodeWanted::removed;
    if (!model::may_move(head->phase, NodePhase::removing)) return;
    head->phase = NodePhase::removing;
    head->phase_since = edit.now;
}

Phase phase_after_retry(Edit& edit) {
    switch (edit.cluster.wanted) {
        case Wanted::terminated:
            return Phase::terminating;
        case Wanted::stopped:
            return Phase::stopping;
        case Wanted::running:
            break;
    }
    if (!edit.cluster.started_at) return Phase::creating;
    const model::Node* head = edit.head();
    return head != nullptr && head->phase == NodePhase::ready ? Phase::updating : Phase::starting;
}

}  // namespace

Result<void> must_be_wanted_running(const model::Cluster& cluster, const char* command) {
    switch (cluster.wanted) {
        case Wanted::running:
            return {};
        case Wanted::stopped:
            return is_stopped(cluster, command);
        case Wanted::terminated:
            break;
    }
    return is_terminating(cluster);
}

Result<void> stop(Edit& edit) {
    RETURN_IF_ERROR(must_be_wanted_running(edit.cluster, "stopping"));
    int jobs = 0;
    for (const model::Node& node : edit.nodes) jobs += node.seen.jobs;
    give_up_lost_head(edit);
    edit.forget_failures();
    edit.cluster.wanted = Wanted::stopped;
    edit.move(Phase::stopping);
    edit.remark("stop_accepted",
                edit.cluster.spec.name + " is to be stopped",
                jobs == 0
                    ? ""
                    : counted(jobs, "running job goes", "running jobs go") + " back to the queue");
    return {};
}

Result<void> start(Edit& edit) {
    const model::Cluster& cluster = edit.cluster;
    if (cluster.wanted == Wanted::terminated) return is_terminating(cluster);
    if (cluster.wanted == Wanted::running)
        return forbidden(
            "cluster_not_stopped",
            fmt::format(
                "'{}' is not stopped but {}", cluster.spec.name, model::to_string(cluster.phase)),
            "Nothing has to be started; restart restarts its machines.");
    if (cluster.phase == Phase::stopping) return is_stopped(cluster, "starting");
    edit.forget_failures();
    edit.cluster.wanted = Wanted::running;
    edit.move(Phase::starting);
    int workers = 0;
    for (const auto& group : cluster.spec.workers) workers += group.count;
    edit.remark("start_accepted",
                cluster.spec.name + " is to be started",
                counted(workers, "worker comes", "workers come") + " back");
    return {};
}

Result<void> restart(Edit& edit) {
    const model::Cluster& cluster = edit.cluster;
    RETURN_IF_ERROR(must_be_wanted_running(cluster, "restarting"));
    if (cluster.phase != Phase::running && cluster.phase != Phase::updating)
        return forbidden("cluster_not_running",
                         fmt::format("'{}' is {}; only a running cluster is restarted",
                                     cluster.spec.name,
                                     model::to_string(cluster.phase)),
                         "Wait until it runs.");
    ++edit.cluster.restart_generation;
    edit.move(Phase::starting);
    edit.remark("restart_accepted",
                cluster.spec.name + " is to be restarted: the head first, then the workers",
                "running jobs go back to the queue");
    return {};
}

Result<void> terminate(Edit& edit) {
    const bool asked_before = edit.cluster.wanted == Wanted::terminated;
    if (asked_before && edit.cluster.phase != Phase::failed) return {};
    give_up_lost_head(edit);
    edit.forget_failures();
    edit.cluster.wanted = Wanted::terminated;
    edit.move(Phase::terminating);
    edit.remark("terminate_accepted",
                edit.cluster.spec.name + " is to be terminated",
                "its container '" + edit.cluster.container + "' is kept");
    return {};
}

Result<void> retry(Edit& edit) {
    const bool failing =
        edit.cluster.phase == Phase::failed || edit.cluster.problem ||
        edit.cluster.storage_problem ||
        std::any_of(edit.nodes.begin(),
                    edit.nodes.end(),
                    [](const model::Node& node) { return node.problem.has_value(); }) ||
        std::any_of(edit.resources.begin(), edit.resources.end(), [](const model::Resource& row) {
            return row.problem.has_value();
        });
    if (!failing)
        return forbidden("nothing_failed",
                         fmt::format("'{}' has not failed; it is {}",
                                     edit.cluster.spec.name,
                                     model::to_string(edit.cluster.phase)),
                         "Nothing has to be retried.");
    give_up_lost_head(edit);
    const std::string cause = edit.cluster.problem ? edit.cluster.problem->message : "";
    edit.forget_failures();
    if (edit.cluster.phase == Phase::failed) edit.move(phase_after_retry(edit));
    edit.remark("retry_accepted", edit.cluster.spec.name + " tries again", cause);
    return {};
}

}  // namespace hopyard::control
