// A change that somebody asked of a cluster, in the making: the rows as they stand, what the
// command does to them, and what the activity will say of it. Inside this module.
//
// The rules of the commands are functions on this value; they know no store. What they leave as it
// was is not written.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "control/commands.h"
#include "model/activity.h"
#include "model/cluster.h"
#include "model/resource.h"
#include "store/store.h"

namespace hopyard::control {

struct Edit {
    const Caller& caller;
    Timestamp now;
    model::Cluster cluster;
    std::vector<model::Node> nodes;
    std::vector<model::Resource> resources;
    std::vector<model::Activity> activity;

    model::Node* head();
    model::Node* node(const NodeId& id);
    void move(model::Phase phase);
    /// Why it is done and by whom is added when it is stored.
    void remark(std::string code, std::string message, std::string reason = {});
    void warn(const Error& error);
    /// What failed is tried at once, as if for the first time.
    void forget_failures();
};

/// `not_found` when the organisation has no such cluster.
Result<Edit> begin_edit(store::Transaction& transaction,
                        const Caller& caller,
                        const ClusterId& id,
                        Timestamp now);
/// Writes what differs from what is stored; true when something did.
Result<bool> store_edit(store::Transaction& transaction, Edit& edit);

Failure no_such_cluster(const ClusterId& id);
/// The cluster's state forbids the command.
Failure forbidden(std::string code, std::string message, std::string remedy);
/// A cluster that is to run: one that is stopped or on its way out is refused.
Result<void> must_be_wanted_running(const model::Cluster& cluster, const char* command);

// The commands (product.md B2 to B4, D1 to D3, D18).
Result<void> stop(Edit& edit);
Result<void> start(Edit& edit);
Result<void> restart(Edit& edit);
Result<void> restart_node(Edit& edit, const NodeId& node);
Result<void> drain_node(Edit& edit, const NodeId& node);
Result<void> resume_node(Edit& edit, const NodeId& node);
Result<void> protect_node(Edit& edit, const NodeId& node, bool is_protected);
/// `facts` are the sizes and quotas of the cluster's location.
Result<void> set_autoscale(Edit& edit,
                           const model::AutoscaleSpec& spec,
                           const decide::Facts& facts);
Result<void> clear_autoscale(Edit& edit);
Result<void> terminate(Edit& edit);
Result<void> retry(Edit& edit);
Result<void> set_ports(Edit& edit,
                       const model::Ports& ports,
                       const std::optional<std::vector<std::string>>& sources);

}  // namespace hopyard::control
