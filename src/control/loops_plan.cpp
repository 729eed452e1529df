// Which clusters are planned, how a plan is stored, and what is sent then.
#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "control/durations.h"
#include "control/loops_state.h"
#include "control/secrets.h"

namespace hopyard::control {
namespace {

using decide::Call;
using decide::Plan;
using decide::RowChanges;
using decide::Snapshot;
using model::Node;
using model::Resource;
using model::ResourceKind;
using model::ResourceName;

/// How often a plan is made again because somebody changed its rows meanwhile.
constexpr int attempts_max = 5;
/// Plans in a row at one time that change rows: more of them would be a quarrel with itself.
constexpr int plans_at_once_max = 12;
constexpr Milliseconds pause_after_failure = Seconds(1);
/// Other replicas' changes are found that late.
constexpr Milliseconds look_around_every = Seconds(5);
constexpr Milliseconds unsettled_period = Seconds(5);
constexpr Milliseconds settled_period = Seconds(60);
/// Many clusters that are planned at one time, as after a start, are not planned at one time again.
constexpr Milliseconds settled_spread = Seconds(20);
/// Between two lists that plans ask for.
constexpr Milliseconds list_gap = Milliseconds(200);

/// Repeatable: the same cluster always has the same.
Milliseconds settled_pause(const ClusterId& id) {
    const auto spread = static_cast<std::size_t>(settled_spread.count());
    return settled_period - Milliseconds(std::hash<std::string>{}(id.value) % spread);
}

bool is_settled(const model::Cluster& cluster) {
    return cluster.phase == model::Phase::running || cluster.phase == model::Phase::stopped;
}

/// The rows as they are once the changes are stored: a view of both, which must outlive it.
struct Rows {
    const model::Cluster& cluster;
    std::map<std::string_view, const Node*> nodes;  ///< by id
    std::map<ResourceName, const Resource*> resources;

    Rows(const Snapshot& before, const RowChanges& changes)
        : cluster(changes.cluster ? *changes.cluster : before.cluster) {
        for (const Node& node : before.nodes) nodes[node.id.value] = &node;
        for (const Node& node : changes.nodes) nodes[node.id.value] = &node;
        for (const NodeId& id : changes.erased_nodes) nodes.erase(id.value);
        for (const Resource& row : before.resources) resources[row.name] = &row;
        for (const Resource& row : changes.resources) resources[row.name] = &row;
        for (const ResourceName& name : changes.erased_resources) resources.erase(name);
    }

    /// Whose a resource is; the head for what outlives its machine, null for what is shared.
    const Node* owner(const ResourceName& name) const {
        const auto row = resources.find(name);
        if (row == resources.end()) return nullptr;
        if (!row->second->node.empty()) {
            const auto node = nodes.find(row->second->node.value);
            return node == nodes.end() ? nullptr : node->second;
        }
        if (name.kind != ResourceKind::network_interface) return nullptr;
        for (const auto& [id, node] : nodes)
            if (node->is_head && node->wanted != model::NodeWanted::removed) return node;
        return nullptr;
    }
};

}  // namespace

void Loops::State::plan_what_is_due(Timestamp now) {
    look_around(now);
    std::vector<ClusterId> due;
    {
        const std::lock_guard lock(mutex);
        due = agenda.take_due(now);
    }
    for (const ClusterId& id : due) plan_cluster(id);
}

/// Finds clusters that are new or were changed without a wake-up.
void Loops::State::look_around(Timestamp now) {
    bool all = false;
    std::int64_t since = 0;
    {
        const std::lock_guard lock(mutex);
        if (!all_due && now < look_around_at) return;
        all = std::exchange(all_due, false);
        since = looked_up_to;
        look_around_at = now + look_around_every;
    }
    std::vector<store::StampedCluster> written;
    const auto read = store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(written, t.written_since(since, std::nullopt));
        return {};
    });
    const std::lock_guard lock(mutex);
    if (!read) {
        log::warning("the clusters could not be read", {{"error", read.error().message}});
        look_around_at = now + pause_after_failure;
    }
    for (const auto& [id, known] : clusters)
        if (all) plan_soon(id);
    for (const store::StampedCluster& cluster : written) {
        const ClusterId& id = cluster.place.id;
        looked_up_to = cluster.stamp;
        if (cluster.is_gone) {
            elsewhere.erase(id);
            forget_cluster(id);
        }
        if (cluster.is_gone || elsewhere.contains(id)) continue;
        const auto known = clusters.find(id);
        const bool is_news = known == clusters.end() || known->second.version != cluster.version;
        if (is_news) plan_soon(id);
    }
}

Result<std::optional<Snapshot>> Loops::State::read_rows(const ClusterId& id) {
    Result<std::optional<Snapshot>> snapshot;
    bool is_elsewhere = false;
    const auto read = store.read([&](store::Transaction& t) -> Result<void> {
        snapshot->reset();
        auto cluster = t.cluster(id);
        if (!cluster) return pass(cluster.error());
        if (!*cluster) return {};
        is_elsewhere = !runs_here(**cluster);
        if (is_elsewhere) return {};
        Snapshot& rows = snapshot->emplace();
        rows.cluster = std::move(**cluster);
        ASSIGN_OR_RETURN(rows.nodes, t.nodes(id));
        ASSIGN_OR_RETURN(rows.resources, t.resources(id));
        return {};
    });
    if (!read) return pass(read.error());
    if (is_elsewhere) {
        const std::lock_guard lock(mutex);
        elsewhere.insert(id);
    }
    return snapshot;
}

/// What is under way, told before the rows are read: a call that ends in between is then counted as
/// under way although its row shows the outcome, and never the other way round.
Loops::State::UnderWay Loops::State::under_way(const ClusterId& id) {
    const std::lock_guard lock(mutex);
    return {.busy = busy, .storage_busy = clusters[id].storage_busy};
}

void Loops::State::add_sightings(Snapshot& snapshot) {
    const std::lock_guard lock(mutex);
    for (const Resource& row : snapshot.resources) {
        snapshot.sightings.emplace_hint(
            snapshot.sightings.end(), row.name, observer.sighting(row.name));
        const auto failed = read_again_at.find(row.name);
        const bool read_waits =
            failed != read_again_at.end() && failed->second.first > snapshot.now;
        if (read_waits) snapshot.unreadable_until.emplace(row.name, failed->second.first);
    }
    const auto has_row = [&](const ResourceName& name) {
        return std::any_of(snapshot.resources.begin(),
                           snapshot.resources.end(),
                           [&](const Resource& row) { return row.name == name; });
    };
    for (const ResourceName& disk : observer.loose_disks(snapshot.cluster.id))
        if (!has_row(disk)) snapshot.stray_disks.push_back(disk);
    snapshot.listening_since = listening_since;
    snapshot.timing = options.timing;
}

void Loops::State::plan_cluster(const ClusterId& id) {
    std::optional<store::Lease> fence;
    {
        const std::lock_guard lock(mutex);
        clusters.try_emplace(id);
        fence = lease;
    }
    if (!fence) return;
    const auto pause = [&](const Error& error) {
        tell(LoopEvent::plan, to_string(error.kind));
        log::warning("a cluster could not be planned",
                     {{"cluster", id.value}, {"error", error.message}});
        const std::lock_guard lock(mutex);
        agenda.put(id, clock.now() + pause_after_failure);
    };
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        UnderWay calls = under_way(id);
        auto snapshot = read_rows(id);
        if (!snapshot) return pause(snapshot.error());
        if (!*snapshot) {
            const std::lock_guard lock(mutex);
            forget_cluster(id);
            return;
        }
        (*snapshot)->now = clock.now();
        (*snapshot)->busy = std::move(calls.busy);
        (*snapshot)->storage_busy = calls.storage_busy;
        add_sightings(**snapshot);
        Plan plan = decide::plan(**snapshot);
        std::map<NodeId, Secret> tokens;
        for (Node& node : plan.rows.nodes) {
            if (node.version != 0) continue;
            const std::string token = to_base64url(random_bytes(random, 32));
            node.enrolment.token_hash = to_hex(sha256(token));
            tokens.emplace(node.id, Secret(token));
        }
#ifdef HOPYARD_DEFECT_effects_before_names
        send(*fence, **snapshot, plan);
        if (auto stored = store_rows(*fence, **snapshot, plan.rows, tokens); !stored)
            return pause(stored.error());
        note_planned(**snapshot, plan);
        return;
#endif
        if (const auto stored = store_rows(*fence, **snapshot, plan.rows, tokens); !stored) {
            if (stored.error().code == "lease_lost") return;
            const ErrorKind kind = stored.error().kind;
            if (kind == ErrorKind::conflict || kind == ErrorKind::already_exists) continue;
            return pause(stored.error());
        }
        tell(LoopEvent::plan, "stored");
        note_planned(**snapshot, plan);
        erase_used_tokens(*fence, **snapshot);
        if (!plan.rows.empty()) tell_changed();
        send(*fence, **snapshot, plan);
        return;
    }
    pause({.message = "somebody else changes its rows all the time"});
}

Result<void> Loops::State::store_rows(const store::Lease& fence,
                                      const Snapshot& before,
                                      RowChanges& rows,
                                      const std::map<NodeId, Secret>& tokens) {
    if (rows.empty()) return {};
    const ClusterId& id = before.cluster.id;
    RowChanges stored;
    auto written = write(fence, [&](store::Transaction& t) -> Result<void> {
        stored = rows;
        if (stored.cluster) RETURN_IF_ERROR(t.put(*stored.cluster));
        for (const ResourceName& name : stored.erased_resources) RETURN_IF_ERROR(t.erase(name));
        for (const NodeId& node : stored.erased_nodes) {
            RETURN_IF_ERROR(t.erase(node));
            RETURN_IF_ERROR(t.erase_secrets(token_secret(id, node)));
        }
        for (Node& node : stored.nodes) RETURN_IF_ERROR(t.put(node));
        RETURN_IF_ERROR(
            note_durations(t, before.cluster.spec.location, before.nodes, stored.nodes));
        for (const auto& [node, token] : tokens)
            RETURN_IF_ERROR(t.put_secret(token_secret(id, node), token));
        for (Resource& row : stored.resources) RETURN_IF_ERROR(t.put(row));
        for (model::Activity& entry : stored.activity) RETURN_IF_ERROR(t.append(entry));
        for (model::DecisionRecord& record : stored.decisions) RETURN_IF_ERROR(t.append(record));
        if (!stored.erase_cluster) return {};
        RETURN_IF_ERROR(t.erase(id));
        return t.erase_secrets(secret_prefix(id));
    });
    if (written) rows = std::move(stored);
    return written;
}

/// Decides when this cluster is looked at next, and what of it is worth a look meanwhile.
void Loops::State::note_planned(const Snapshot& before, const Plan& plan) {
    forget(before, plan.rows);
    const model::Cluster& cluster = plan.rows.cluster ? *plan.rows.cluster : before.cluster;
    const std::lock_guard lock(mutex);
    if (plan.rows.erase_cluster) {
        forget_cluster(before.cluster.id);
        return;
    }
    Known& known = clusters[before.cluster.id];
    known.version = cluster.version;
    agenda.put(cluster.id,
               before.now + (is_settled(cluster) ? settled_pause(cluster.id) : unsettled_period));
    if (plan.look_again_at) agenda.put(cluster.id, *plan.look_again_at);
    note_rows(known, before, plan.rows);
    known.waits_for_list = plan.wants_list;
    if (plan.wants_list) {
        // It has to begin after now, and not right after the one before.
        const Timestamp gap = list_began ? *list_began + list_gap : before.now;
        list_at = std::min(list_at, std::max(before.now + Milliseconds(1), gap));
    }
    // What a plan changed may be what the next part of it waits for.
    if (plan.rows.empty()) {
        known.plans_at_once = 0;
    } else if (++known.plans_at_once < plans_at_once_max) {
        plan_soon(cluster.id);
    } else {
        log::warning("a plan does not settle", {{"cluster", before.cluster.id.value}});
        known.plans_at_once = 0;
        agenda.put(cluster.id, before.now + pause_after_failure);
    }
}

/// Rows come and go with plans only, and every other change gives one a higher version: as long as
/// the sum of all versions stays, what was noted stays true.
void Loops::State::note_rows(Known& known, const Snapshot& before, const RowChanges& changes) {
    std::int64_t versions = 0;
    for (const Resource& row : before.resources) versions += row.version;
    if (changes.empty() && versions == known.row_versions) {
        for (const Resource& row : before.resources) enlist(row);
        return;
    }
    known.row_versions = changes.empty() ? versions : -1;
    known.expected.clear();
    known.rows.clear();
    const Rows after(before, changes);
    for (const auto& [name, row] : after.resources) {
        enlist(*row);
        known.rows.push_back(name);
        const bool listed_kind =
            name.kind != ResourceKind::subnet && name.kind != ResourceKind::security_rule;
        if (row->made && row->wanted && listed_kind)
            known.expected.push_back({.name = name, .running = row->running});
    }
}

/// Operations that an earlier holder of the loops began are looked at again.
void Loops::State::enlist(const Resource& row) {
#ifndef HOPYARD_DEFECT_drop_stored_url
    if (!row.operation || !is_looked_at(*row.operation) || pending.contains(row.name)) return;
    if (busy.contains(row.name)) return;
    pending[row.name] = {.cluster = row.cluster,
                         .verb = row.operation->verb,
                         .url = row.operation->url,
                         .look_at = row.operation->look_at};
#else
    (void)row;
#endif
}

void Loops::State::forget(const Snapshot& before, const RowChanges& rows) {
    const std::lock_guard lock(mutex);
    const auto drop = [&](const ResourceName& name) {
        pending.erase(name);
        read_again_at.erase(name);
        observer.forget(name);
    };
    for (const ResourceName& name : rows.erased_resources) drop(name);
    if (rows.erase_cluster)
        for (const Resource& row : before.resources) drop(row.name);
}

/// Once a node is enrolled for good its one-time token is worth nothing, and is not kept either.
void Loops::State::erase_used_tokens(const store::Lease& fence, const Snapshot& snapshot) {
    std::vector<NodeId> used;
    {
        const std::lock_guard lock(mutex);
        const auto known = clusters.find(snapshot.cluster.id);
        if (known == clusters.end()) return;
        for (const Node& node : snapshot.nodes)
            if (node.enrolment.closed && !known->second.tokens_erased.contains(node.id))
                used.push_back(node.id);
    }
    if (used.empty()) return;
    const auto erased = write(fence, [&](store::Transaction& t) -> Result<void> {
        for (const NodeId& node : used)
            RETURN_IF_ERROR(t.erase_secrets(token_secret(snapshot.cluster.id, node)));
        return {};
    });
    if (!erased) return;
    const std::lock_guard lock(mutex);
    const auto known = clusters.find(snapshot.cluster.id);
    if (known == clusters.end()) return;
    known->second.tokens_erased.insert(used.begin(), used.end());
}

/// The requests that say what is to be made, with the tokens of their machines.
std::map<ResourceName, cloud::PutRequest> Loops::State::compose(const Snapshot& before,
                                                                const Plan& plan) {
    std::map<ResourceName, cloud::PutRequest> requests;
    const auto puts = [](const Call& call) { return call.kind == Call::Kind::put; };
    if (std::none_of(plan.calls.begin(), plan.calls.end(), puts)) return requests;
    const Rows rows(before, plan.rows);
    std::map<NodeId, Secret> tokens;
    const auto read = store.read([&](store::Transaction& t) -> Result<void> {
        tokens.clear();
        for (const Call& call : plan.calls) {
            if (!puts(call) || call.name.kind != ResourceKind::machine) continue;
            const Node* node = rows.owner(call.name);
            if (node == nullptr) continue;
            ASSIGN_OR_RETURN(auto token, t.secret(token_secret(rows.cluster.id, node->id)));
            if (token) tokens.emplace(node->id, std::move(*token));
        }
        return {};
    });
    if (!read) log::warning("tokens could not be read", {{"error", read.error().message}});
    for (const Call& call : plan.calls) {
        if (!puts(call)) continue;
        Subject subject{.cluster = rows.cluster, .node = rows.owner(call.name)};
        if (subject.node != nullptr)
            if (const auto token = tokens.find(subject.node->id); token != tokens.end())
                subject.token = token->second;
        auto request = put_request(call, subject, origin);
        if (request)
            requests.emplace(call.name, std::move(*request));
        else
            log::error("a request could not be composed", {{"error", request.error().message}});
    }
    return requests;
}

void Loops::State::send(const store::Lease& fence, const Snapshot& before, const Plan& plan) {
    if (plan.calls.empty()) return;
    auto requests = compose(before, plan);
    const model::Cluster& cluster = plan.rows.cluster ? *plan.rows.cluster : before.cluster;
    for (const Call& call : plan.calls) {
        Job job{.cluster = cluster.id,
                .call = call,
                .container = container_of(cluster),
                .unsure_until = before.cluster.storage_unsure_until,
                .fence = fence};
        if (call.kind == Call::Kind::put) {
            const auto request = requests.find(call.name);
            if (request == requests.end()) continue;
            job.request = std::move(request->second);
        }
        hand_over(std::move(job));
    }
}

}  // namespace hopyard::control
