#include "control/edit.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "model/phase.h"

namespace hopyard::control {
namespace {

template <class Row>
Result<bool> put_changed(store::Transaction& transaction,
                         const std::vector<Row>& before,
                         std::vector<Row>& after) {
    CHECK(before.size() == after.size());
    bool changed = false;
    for (std::size_t i = 0; i < after.size(); ++i) {
        if (after[i] == before[i]) continue;
        RETURN_IF_ERROR(transaction.put(after[i]));
        changed = true;
    }
    return changed;
}

}  // namespace

model::Node* Edit::head() {
    for (model::Node& node : nodes)
        if (node.is_head && node.wanted != model::NodeWanted::removed) return &node;
    return nullptr;
}

model::Node* Edit::node(const NodeId& id) {
    const auto found =
        std::find_if(nodes.begin(), nodes.end(), [&](const auto& row) { return row.id == id; });
    return found == nodes.end() ? nullptr : &*found;
}

void Edit::move(model::Phase phase) {
    if (cluster.phase == phase) return;
    CHECK(model::may_move(cluster.phase, phase));
    cluster.phase = phase;
    cluster.phase_since = now;
}

void Edit::remark(std::string code, std::string message, std::string reason) {
    activity.push_back({.at = now,
                        .organisation = cluster.organisation,
                        .cluster = cluster.id,
                        .code = std::move(code),
                        .message = std::move(message),
                        .reason = std::move(reason),
                        .actor = caller.actor});
}

void Edit::warn(const Error& error) {
    remark(error.code, error.message, error.next_action);
    activity.back().severity = model::Severity::warning;
    activity.back().error = error;
}

void Edit::forget_failures() {
    cluster.problem.reset();
    cluster.storage_problem.reset();
    cluster.storage_attempts = 0;
    cluster.storage_try_again_at.reset();
    cluster.autoscale.refusals.clear();
    for (model::Node& node : nodes) {
        // That a head lost its disk is no failure that passes: only giving it up ends it.
        if (node.problem && node.problem->code == "head_machine_lost") continue;
        node.problem.reset();
        node.failed_attempts = 0;
        node.try_again_at.reset();
    }
    for (model::Resource& row : resources) {
        row.problem.reset();
        row.failed_attempts = 0;
        row.try_again_at.reset();
    }
}

Result<Edit> begin_edit(store::Transaction& transaction,
                        const Caller& caller,
                        const ClusterId& id,
                        Timestamp now) {
    ASSIGN_OR_RETURN(auto cluster, transaction.cluster(id));
    if (!cluster || cluster->organisation != caller.organisation) return no_such_cluster(id);
    Edit edit{.caller = caller, .now = now, .cluster = std::move(*cluster)};
    ASSIGN_OR_RETURN(edit.nodes, transaction.nodes(id));
    ASSIGN_OR_RETURN(edit.resources, transaction.resources(id));
    return edit;
}

Result<bool> store_edit(store::Transaction& transaction, Edit& edit) {
    ASSIGN_OR_RETURN(const Edit before,
                     begin_edit(transaction, edit.caller, edit.cluster.id, edit.now));
    ASSIGN_OR_RETURN(const bool nodes, put_changed(transaction, before.nodes, edit.nodes));
    ASSIGN_OR_RETURN(const bool resources,
                     put_changed(transaction, before.resources, edit.resources));
    if (!nodes && !resources && edit.cluster == before.cluster) return false;
    ++edit.cluster.generation;
    RETURN_IF_ERROR(transaction.put(edit.cluster));
    for (model::Activity& entry : edit.activity) RETURN_IF_ERROR(transaction.append(entry));
    return true;
}

Failure no_such_cluster(const ClusterId& id) {
    return pass(Error{.kind = ErrorKind::not_found,
                      .code = "no_such_cluster",
                      .message = "there is no cluster '" + id.value + "'",
                      .owner = Owner::user,
                      .next_action = "'hopyard cluster list' shows the clusters there are."});
}

Failure forbidden(std::string code, std::string message, std::string remedy) {
    return pass(Error{.kind = ErrorKind::conflict,
                      .code = std::move(code),
                      .message = std::move(message),
                      .owner = Owner::user,
                      .next_action = std::move(remedy)});
}

}  // namespace hopyard::control
