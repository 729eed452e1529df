// Builders of snapshots for the tests of decisions, and what a stored plan leaves behind.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "decide/lifecycle/names.h"
#include "decide/lifecycle/plan.h"
#include "decide/lifecycle/ports.h"

namespace hopyard::decide {

inline constexpr Timestamp noon{Seconds(1'795'521'600)};

/// A cluster as it was accepted: nothing made yet.
inline model::Cluster accepted_cluster(int workers) {
    model::Cluster cluster;
    cluster.id = ClusterId("c-ab12cd34");
    cluster.organisation = OrganisationId("main");
    cluster.spec.name = "demo";
    cluster.spec.resource_group = "lab";
    cluster.spec.head = {.instance_type = "big", .disk_gb = 64};
    if (workers > 0) cluster.spec.workers = {{.key = {.instance_type = "small"}, .count = workers}};
    cluster.types = {{"big", {.vcpus = 4}}, {"small", {.vcpus = 2}}};
    cluster.created_at = cluster.phase_since = noon - Seconds(3600);
    cluster.version = 1;
    return cluster;
}

inline Snapshot snapshot_of(model::Cluster cluster) {
    Snapshot snapshot;
    snapshot.cluster = std::move(cluster);
    snapshot.now = noon;
    snapshot.listening_since = noon - Seconds(1800);
    return snapshot;
}

/// The snapshot as the plan leaves it once it is stored and its calls are under way.
inline Snapshot after(const Snapshot& before, const Plan& plan) {
    Snapshot next = before;
    const RowChanges& rows = plan.rows;
    if (rows.cluster) next.cluster = *rows.cluster;
    const auto gone = [&](const auto& ids, const auto& id) {
        return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    const auto put = [](auto& all, auto row, auto same) {
        if (row.version == 0) row.version = 1;
        const auto found = std::find_if(all.begin(), all.end(), same);
        if (found == all.end())
            all.push_back(std::move(row));
        else
            *found = std::move(row);
    };
    std::erase_if(next.nodes, [&](const auto& row) { return gone(rows.erased_nodes, row.id); });
    std::erase_if(next.resources,
                  [&](const auto& row) { return gone(rows.erased_resources, row.name); });
    for (const auto& node : rows.nodes)
        put(next.nodes, node, [&](const auto& row) { return row.id == node.id; });
    for (const auto& resource : rows.resources)
        put(next.resources, resource, [&](const auto& row) { return row.name == resource.name; });
    for (const Call& call : plan.calls) {
        const bool of_container = call.name == model::ResourceName();
        if (of_container)
            next.storage_busy = true;
        else
            next.busy.insert(call.name);
    }
    return next;
}

/// Every call was carried out and everything that was made reports; lists and reads see it.
inline Snapshot carried_out(Snapshot snapshot, const Plan& plan) {
    snapshot = after(snapshot, plan);
    snapshot.busy.clear();
    snapshot.storage_busy = false;
    model::Cluster& cluster = snapshot.cluster;
    for (const Call& call : plan.calls) {
        if (call.kind == Call::Kind::claim_container) cluster.container_claimed = true;
        if (call.kind == Call::Kind::grant_storage)
            cluster.storage_grant_expires_at = snapshot.now + Seconds(7 * 24 * 3600);
        if (call.kind == Call::Kind::revoke_storage) cluster.storage_policy_set = false;
        for (model::Resource& row : snapshot.resources) {
            if (row.name != call.name) continue;
            row.changed_at = snapshot.now;
            if (call.kind != Call::Kind::read) row.problem.reset();
            if (call.kind == Call::Kind::put) {
                row.made = true;
                row.applied = call.content;
                row.running = row.name.kind == model::ResourceKind::machine;
            }
            if (call.kind == Call::Kind::start) {
                row.running = true;
                row.deallocated = false;
            }
            if (call.kind == Call::Kind::deallocate) {
                row.running = false;
                row.deallocated = true;
            }
            if (call.kind == Call::Kind::remove)
                row.operation = {.verb = model::PendingOperation::Verb::remove};
            if (row.name.kind == model::ResourceKind::public_address)
                cluster.access.head_public_ip = "192.0.2.1";
            if (row.name.kind == model::ResourceKind::network_interface) {
                if (row.node.empty()) cluster.access.head_private_ip = "10.0.0.4";
                for (model::Node& node : snapshot.nodes)
                    if (node.id == row.node || (row.node.empty() && node.is_head))
                        node.private_ip = "10.0.0.4";
            }
        }
    }
    snapshot.now += Seconds(1);
    for (model::Resource& row : snapshot.resources) {
        const bool removed = row.operation && row.operation->url.empty();
        Sighting& seen = snapshot.sightings[row.name];
        seen.listed_at = snapshot.now;
        seen.read_at = snapshot.now;
        seen.listed = seen.read_exists = row.made && !removed;
        seen.listed_power = row.running ? Sighting::Power::on : Sighting::Power::off;
        seen.read_power = seen.listed_power;
    }
    for (model::Node& node : snapshot.nodes) {
        const auto machine = std::find_if(
            snapshot.resources.begin(), snapshot.resources.end(), [&](const auto& row) {
                return row.name == machine_name(cluster, node);
            });
        if (machine == snapshot.resources.end() || !machine->running) continue;
        node.seen.last_report_at = snapshot.now;
        node.seen.services_ready = true;
        if (node.seen.boot_id.empty() || node.seen.boot_id == node.left_boot_id)
            node.seen.boot_id += "b";
        if (!node.is_head && node.seen.workload_state.empty()) node.seen.workload_state = "idle";
        node.enrolment.closed = true;
    }
    snapshot.now += Seconds(1);
    return snapshot;
}

/// Plans and carries out until nothing is left to do. A cluster that is terminated ends without
/// rows.
inline Snapshot settle(Snapshot snapshot, int rounds = 60) {
    for (; rounds > 0; --rounds) {
        const Plan next = plan(snapshot);
        if (next.rows.erase_cluster) return after(snapshot, next);
        snapshot = carried_out(snapshot, next);
    }
    return snapshot;
}

inline Snapshot running_cluster(int workers) {
    return settle(snapshot_of(accepted_cluster(workers)));
}

inline model::Node& node_of(Snapshot& snapshot, const std::string& part) {
    for (model::Node& node : snapshot.nodes)
        if (node.id.value.ends_with(part)) return node;
    return snapshot.nodes.at(0);
}

inline model::Resource& machine_of(Snapshot& snapshot, const std::string& part) {
    const auto name = machine_name(snapshot.cluster, node_of(snapshot, part));
    for (model::Resource& row : snapshot.resources)
        if (row.name == name) return row;
    return snapshot.resources.at(0);
}

/// "put machine demo-ab12cd34-head", in their order.
std::vector<std::string> words_of(const Plan& plan);
bool asks(const Plan& plan, Call::Kind kind, model::ResourceKind of);
bool tells(const Plan& plan, const std::string& code);
std::set<std::string> node_names(const Snapshot& snapshot);
/// Rounds of planning and carrying out until the plan asks for that, at most 20.
Plan until_asked(Snapshot& snapshot, Call::Kind kind, model::ResourceKind of);

}  // namespace hopyard::decide
