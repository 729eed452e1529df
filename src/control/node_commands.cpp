// What people ask of one node: to restart, to take no new work, to take work again. And a new
// password for the first administrator, which the head brings to the machines.
#include <fmt/format.h>

#include "base/words.h"
#include "control/edit.h"
#include "control/passwords.h"
#include "control/secrets.h"
#include "decide/lifecycle/drain.h"
#include "model/phase.h"

namespace hopyard::control {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using model::Phase;

Failure no_such_node(const Edit& edit, const NodeId& id) {
    return pass(
        Error{.kind = ErrorKind::not_found,
              .code = "no_such_node",
              .message = fmt::format("'{}' has no node '{}'", edit.cluster.spec.name, id.value),
              .owner = Owner::user,
              .next_action = "'hopyard node list' shows the nodes there are."});
}

bool is_restarting(const Edit& edit, const Node& node) {
    return node.restart_wanted || node.restart_generation < edit.cluster.restart_generation;
}

bool is_up(const Edit& edit, const Node& node) {
    return (edit.cluster.phase == Phase::running || edit.cluster.phase == Phase::updating) &&
           node.wanted == NodeWanted::running &&
           (node.phase == NodePhase::ready || node.phase == NodePhase::joining);
}

void remark_of_node(Edit& edit, const Node& node, std::string code, std::string message) {
    const int jobs = node.seen.jobs;
    edit.remark(
        std::move(code),
        node.id.value + std::move(message),
        jobs == 0 ? "" : counted(jobs, "running job on it goes", "running jobs on it go") + " on");
    edit.activity.back().node = node.id;
}

/// The worker of that name, of a cluster that is to run.
Result<Node*> find_worker(Edit& edit, const NodeId& id, const char* command) {
    RETURN_IF_ERROR(must_be_wanted_running(edit.cluster, command));
    Node* node = edit.node(id);
    if (node == nullptr) return no_such_node(edit, id);
    if (node->is_head)
        return forbidden("head_takes_no_jobs",
                         "the head hands out jobs and takes none: it cannot be drained or resumed",
                         "Drain workers. The head can be restarted; running jobs go on meanwhile.");
    if (node->wanted != NodeWanted::running)
        return forbidden("node_leaving",
                         fmt::format("'{}' is on its way out and takes no new work", id.value),
                         "Nothing has to be done; it goes when its jobs have ended.");
    return node;
}

Result<void> rotate(Edit& edit) {
    model::Cluster& cluster = edit.cluster;
    if (cluster.wanted == model::Wanted::terminated)
        return forbidden("cluster_terminating",
                         "'" + cluster.spec.name + "' is being terminated",
                         "Nobody will sign in to it any more.");
    cluster.password_rotated_at = edit.now;
    cluster.password_revision = 0;
    edit.remark("password_rotated",
                fmt::format("'{}' gets a new password", cluster.access.user),
                "the machines take it with their next orders");
    return {};
}

}  // namespace

Result<void> restart_node(Edit& edit, const NodeId& id) {
    RETURN_IF_ERROR(must_be_wanted_running(edit.cluster, "restarting"));
    Node* node = edit.node(id);
    if (node == nullptr) return no_such_node(edit, id);
    const bool restarts = is_restarting(edit, *node);
    if (restarts || !is_up(edit, *node))
        return forbidden("node_not_running",
                         fmt::format("'{}' is {}; only a running node is restarted",
                                     id.value,
                                     restarts ? std::string_view("to be restarted already")
                                              : model::to_string(node->phase)),
                         "Wait until it is ready.");
    node->restart_wanted = true;
    edit.move(node->is_head ? Phase::starting : Phase::updating);
    if (node->is_head) {
        edit.remark("restart_accepted",
                    id.value + " is to be restarted",
                    "running jobs go on; new ones begin when it is back");
        edit.activity.back().node = id;
    } else {
        remark_of_node(edit,
                       *node,
                       "restart_accepted",
                       " is to be restarted: it takes no new work and waits until none is left");
    }
    return {};
}

Result<void> drain_node(Edit& edit, const NodeId& id) {
    ASSIGN_OR_RETURN(Node * node, find_worker(edit, id, "draining"));
    if (node->drain_wanted) return {};
    node->drain_wanted = true;
    remark_of_node(edit, *node, "drain_accepted", " takes no new work until it is resumed");
    return {};
}

Result<void> protect_node(Edit& edit, const NodeId& id, bool is_protected) {
    ASSIGN_OR_RETURN(Node * node, find_worker(edit, id, "protecting a node"));
    if (std::exchange(node->is_protected, is_protected) == is_protected) return {};
    remark_of_node(
        edit,
        *node,
        is_protected ? "node_protected" : "node_unprotected",
        is_protected ? " is protected: the autoscaler never takes it" : " is protected no more");
    return {};
}

Result<void> resume_node(Edit& edit, const NodeId& id) {
    ASSIGN_OR_RETURN(Node * node, find_worker(edit, id, "resuming"));
    if (!decide::drains(*node)) return {};
    node->drain_wanted = node->restart_wanted = false;
    decide::end_drain(*node);
    remark_of_node(edit, *node, "resume_accepted", " takes work again");
    return {};
}

Result<model::Cluster> Commands::restart_node(const Caller& caller,
                                              const ClusterId& id,
                                              const NodeId& node) {
    return change(caller, id, [&](Edit& edit) { return control::restart_node(edit, node); });
}

Result<model::Cluster> Commands::drain_node(const Caller& caller,
                                            const ClusterId& id,
                                            const NodeId& node) {
    return change(caller, id, [&](Edit& edit) { return control::drain_node(edit, node); });
}

Result<model::Cluster> Commands::protect_node(const Caller& caller,
                                              const ClusterId& id,
                                              const NodeId& node) {
    return change(caller, id, [&](Edit& edit) { return control::protect_node(edit, node, true); });
}

Result<model::Cluster> Commands::unprotect_node(const Caller& caller,
                                                const ClusterId& id,
                                                const NodeId& node) {
    return change(caller, id, [&](Edit& edit) { return control::protect_node(edit, node, false); });
}

Result<model::Cluster> Commands::resume_node(const Caller& caller,
                                             const ClusterId& id,
                                             const NodeId& node) {
    return change(caller, id, [&](Edit& edit) { return control::resume_node(edit, node); });
}

Result<Commands::NewPassword> Commands::rotate_password(const Caller& caller, const ClusterId& id) {
    NewPassword made{.cluster = {}, .password = make_password(random_)};
    const Secret hash(password_hash(made.password, random_));
    Caller storing = caller;
    storing.also = [&](store::Transaction& transaction,
                       const model::Cluster& cluster) -> Result<void> {
        RETURN_IF_ERROR(
            transaction.put_secret(first_administrator_secret(cluster.id), made.password));
        RETURN_IF_ERROR(transaction.put_secret(first_administrator_hash_secret(cluster.id), hash));
        return caller.also ? caller.also(transaction, cluster) : Result<void>();
    };
    ASSIGN_OR_RETURN(made.cluster, change(storing, id, rotate));
    return made;
}

}  // namespace hopyard::control
