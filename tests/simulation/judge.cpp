#include "simulation/judge.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/phase.h"

namespace hopyard::simulation {
namespace {

/// No sooner is a request repeated that was refused for quota or capacity
/// (decide/lifecycle/retry.h).
constexpr Milliseconds refusal_wait = Seconds(600);

/// A call takes no longer from its plan to the cloud.
constexpr Milliseconds handing_over{100};

/// No request is under way for longer (cloud_front.cpp), and no read is older.
constexpr Milliseconds latest_arrival = Seconds(75);

/// The place in a cluster that a machine fills: its name without the generation.
std::string place_of(const std::string& machine) {
    const auto role = machine.rfind("-head") != std::string::npos ? machine.rfind("-head") + 5
                                                                  : machine.rfind("-w");
    if (role == std::string::npos) return machine;
    const auto end = machine.find('-', role + 1);
    return machine.substr(0, end);
}

bool is_refusal(const Error& error) {
    return error.kind == ErrorKind::quota_exceeded || error.kind == ErrorKind::capacity_unavailable;
}

std::string place_of(const ResourceName& name) {
    return name.kind == ResourceKind::machine ? place_of(name.name) : to_string(name);
}

}  // namespace

Judge::Judge(Ground& ground, store::Store& store) : ground_(ground), store_(store) {}

// --- requests ----------------------------------------------------------------------------------

void Judge::request_leaves(const Request& request) {
    const bool changes = request.verb == "put" || request.verb == "remove" ||
                         request.verb == "start" || request.verb == "restart" ||
                         request.verb == "deallocate" || request.verb == "resize";
    if (changes && request.replica != leader_)
        wrong(fmt::format("replica {} sends {} although replica {} holds the loops",
                          request.replica,
                          request.verb,
                          leader_));
    left_[request.name] = {.at = ground_.clock.now(), .turn = turn_};
    if (request.verb == "put") judge_put(request);
    if (request.verb == "put" || request.verb == "start") judge_wait(request);
}

void Judge::judge_put(const Request& request) {
    const ResourceName& name = request.name;
    if (!rows_.contains(name)) wrong(fmt::format("{} is put and no row names it", to_string(name)));
    if (name.kind == ResourceKind::machine) judge_offer(request);
    if (name.kind != ResourceKind::machine || ground_.cloud.find(name) != nullptr) return;
    const auto& ever = ground_.cloud.machines_ever();
    const bool was_there = std::any_of(
        ever.begin(), ever.end(), [&](const auto& entry) { return entry.second == name; });
    if (was_there && known_made_.contains(name))
        wrong(fmt::format("the name {} is used again for another machine", name.name));
}

/// Spot machines are for those who want them, and others for those who take them in their place.
void Judge::judge_offer(const Request& request) {
    std::optional<model::Node> node;
    const auto look = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(node, t.node(NodeId(request.name.name)));
        return {};
    };
    if (!store_.read(look) || !node) return;
    const bool is_spot = request.offer.ends_with(as_spot);
    if (is_spot) spot_machines_.insert(request.name.name);
    if (is_spot && !node->group.spot)
        wrong(request.name.name + " is asked for as a spot machine and nobody wanted that");
    if (!is_spot && node->group.spot && !node->group.spot->fall_back_on_demand)
        wrong(request.name.name + " is asked for on demand and nobody wanted that");
}

std::string Judge::asked_place(const Request& request) const {
    const auto cluster = autoscaled_.find(NodeId(request.name.name));
    if (request.name.kind == ResourceKind::machine && cluster != autoscaled_.end())
        return cluster->second.value + " " + request.offer;
    const bool spot = request.offer.ends_with(as_spot);
    return place_of(request.name) + std::string(spot ? as_spot : "");
}

void Judge::judge_wait(const Request& request) {
    const auto refused = refused_.find(asked_place(request));
    if (refused == refused_.end()) return;
    const Timestamp now = ground_.clock.now();
    const Timestamp until = refused->second.at + refusal_wait;
    // What was handed over before is on its way: another worker's request may be.
    if (now - refused->second.at < handing_over) return;
    // A replica that died or lost the lease may have forgotten what it was told.
    if (refused->second.replica == request.replica && until > now)
        wrong(fmt::format("{} of {} is repeated although it was refused and the wait ends {}",
                          request.verb,
                          request.name.name,
                          to_rfc3339(until)));
    refused_.erase(refused);
}

void Judge::reply_received(const Request& request, const Error* error) {
    if (error == nullptr || !is_refusal(*error)) return;
    ++refusals_;
    // Whoever lost the lease meanwhile cannot write down what it is told, though it gets a new one.
    if (left_[request.name].turn != turn_) return;
    // It answers what was asked before somebody wanted it tried at once.
    for (const auto& [id, acted_at] : user_acted_at_)
        if (acted_at > left_[request.name].at && request.name.name.find(id) != std::string::npos)
            return;
    refused_[asked_place(request)] = {request.replica, ground_.clock.now()};
}

void Judge::user_acts(const ClusterId& cluster) {
    const std::string id = cluster.value.substr(cluster.value.find('-') + 1);
    user_acted_at_[id] = ground_.clock.now();
    std::erase_if(refused_,
                  [&](const auto& entry) { return entry.first.find(id) != std::string::npos; });
}

void Judge::request_arrives(const Request& request) {
    if (request.name.kind == ResourceKind::machine &&
        (request.verb == "remove" || request.verb == "deallocate"))
        judge_loss(request);
    if (request.name.kind == ResourceKind::machine && request.verb == "restart")
        judge_restart(request);
}

/// A worker that restarts by itself was drained first; with all others its work is given up.
void Judge::judge_restart(const Request& request) {
    const Thing* machine = ground_.cloud.find(request.name);
    const NodeId id(request.name.name);
    if (machine == nullptr || machine->foreign || !restarting_alone_.contains(id)) return;
    const int jobs = nodes_->jobs_on_machine(machine->seen.machine_id);
    if (jobs > 0)
        wrong(fmt::format("{} restarts by itself although it runs {} jobs", id.value, jobs));
}

/// Work is cut off only by who may do so: a stop, a termination, a drain whose time is over.
void Judge::judge_loss(const Request& request) {
    const Thing* machine = ground_.cloud.find(request.name);
    if (machine == nullptr || machine->foreign) return;
    const int jobs = nodes_->jobs_on_machine(machine->seen.machine_id);
    const NodeId id(request.name.name);
    if (jobs == 0 || may_leave_busy(id, *machine)) return;
    wrong(fmt::format("{} of {}, which runs {} jobs", request.verb, id.value, jobs));
}

bool Judge::may_leave_busy(const NodeId& id, const Thing& machine) {
    // The cloud itself gave it up.
    if (machine.seen.provisioning == cloud::Provisioning::failed) return true;
    bool may = false;
    const auto look = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto cluster,
                         t.cluster(ClusterId(tag_of(machine.seen.tags, cloud::tag::cluster))));
        may = !cluster || cluster->wanted != model::Wanted::running;
        const auto left = leaving_since_.find(id);
        if (may || left == leaving_since_.end()) return {};
        const std::int64_t timeout = cluster->spec.drain_timeout.seconds;
        // The autoscaler cuts nothing off.
        may = timeout >= 0 && !autoscaled_.contains(id) &&
              ground_.clock.now() >= left->second + Seconds(timeout);
        return {};
    };
    if (!store_.read(look)) return false;
    return may;
}

// --- what is stored ----------------------------------------------------------------------------

void Judge::committed(const Writer& writer, const Changes& changes) {
    if (writer.loops && writer.replica != leader_)
        wrong(fmt::format("the loops of replica {} write although replica {} holds them",
                          writer.replica,
                          leader_));
    for (const ClusterChange& change : changes.clusters) judge_cluster(change);
    for (const NodeChange& change : changes.nodes) judge_node(change);
    for (const ResourceChange& change : changes.resources) {
        if (change.gone) {
            rows_.erase(change.name);
            continue;
        }
        rows_.insert(change.name);
        if (change.made) known_made_.insert(change.name);
    }
    for (const model::Activity& entry : changes.activity) judge_activity(entry);
}

void Judge::judge_cluster(const ClusterChange& change) {
    if (change.gone) {
        ground_.trace.note([&] { return change.id.value + " is forgotten"; });
        judge_end(change.id);
        std::erase_if(rows_, [&](const ResourceName& name) {
            const Thing* thing = ground_.cloud.find(name);
            return thing != nullptr &&
                   tag_of(thing->seen.tags, cloud::tag::cluster) == change.id.value;
        });
        return;
    }
    if (change.from && *change.from == change.to) return;
    ground_.trace.note(
        [&] { return fmt::format("{}: {}", change.id.value, model::to_string(change.to)); });
    if (!change.from && change.to != model::Phase::pending)
        wrong(fmt::format("{} begins as {}", change.id.value, model::to_string(change.to)));
    if (change.from && !model::may_move(*change.from, change.to))
        wrong(fmt::format("{} moves from {} to {}",
                          change.id.value,
                          model::to_string(*change.from),
                          model::to_string(change.to)));
}

/// What a lost request makes later is the sweeper's; what had been there for long was forgotten.
void Judge::judge_end(const ClusterId& id) {
    for (const auto& [name, thing] : ground_.cloud.things())
        if (name.kind != ResourceKind::disk && thing.seen.created_at &&
            *thing.seen.created_at + latest_arrival < ground_.clock.now() &&
            tag_of(thing.seen.tags, cloud::tag::cluster) == id.value && !thing.foreign)
            wrong(fmt::format("{} ends and {} is still there", id.value, to_string(name)));
}

void Judge::judge_node(const NodeChange& change) {
    if (change.gone) {
        leaving_since_.erase(change.id);
        restarting_alone_.erase(change.id);
        return;
    }
    if (change.restarts_alone)
        restarting_alone_.insert(change.id);
    else if (change.to == model::NodePhase::ready || change.restarts_with_all)
        restarting_alone_.erase(change.id);
    if (change.autoscaled) {
        autoscaled_.emplace(change.id, change.cluster);
        judge_scaling(change);
    } else {
        autoscaled_.erase(change.id);
    }
    if (!change.from && !nodes_ever_.insert(change.id).second)
        wrong("the name " + change.id.value + " is given a second time");
    if (change.from && !model::may_move(*change.from, change.to))
        wrong(fmt::format("{} moves from {} to {}",
                          change.id.value,
                          model::to_string(*change.from),
                          model::to_string(change.to)));
    if (change.wanted == model::NodeWanted::removed)
        leaving_since_.try_emplace(change.id, ground_.clock.now());
    else
        leaving_since_.erase(change.id);
    if (!change.from || *change.from != change.to)
        ground_.trace.note([&] {
            return fmt::format(
                "{}: {}{}",
                change.id.value,
                model::to_string(change.to),
                change.wanted == model::NodeWanted::removed ? ", to be removed" : "");
        });
}

/// A spot machine that is lost was evicted, and no other ever is.
void Judge::judge_eviction(const model::Activity& entry) {
    const bool is_spot = spot_machines_.contains(entry.node.value);
    if (entry.code == "worker_evicted" && !is_spot)
        wrong(entry.node.value + " is said to be evicted, and is no spot machine");
    if (entry.code == "machine_off" && is_spot)
        wrong(entry.node.value + " is a spot machine, and its eviction is told as a loss");
}

void Judge::judge_activity(const model::Activity& entry) {
    ground_.trace.note([&] {
        return fmt::format("{}: [{}] {}{}{}",
                           entry.cluster.value,
                           entry.code,
                           entry.message,
                           entry.reason.empty() ? "" : ": ",
                           entry.reason);
    });
    judge_eviction(entry);
    if (entry.sequence <= last_sequence_) wrong("activity loses its order");
    last_sequence_ = entry.sequence;
    if (entry.code.empty() || entry.message.empty() || entry.actor.empty())
        wrong("an activity without code, message or actor: " + entry.code + entry.message);
    if (entry.organisation != our_organisation) wrong("activity of another organisation");
    for (const std::string& text : {entry.message, entry.reason})
        if (text.find("canary") != std::string::npos) wrong("a secret is told: " + text);
    auto& history = history_[entry.cluster];
    if (!history.empty() && history.back() == "cluster_terminated")
        wrong("something happens to " + entry.cluster.value + " after its end: " + entry.code);
    history.push_back(entry.code);
}

void Judge::judge_history(const Wish& wish) {
    const auto& history = history_[wish.id];
    const auto count = [&](std::string_view code) {
        return std::count(history.begin(), history.end(), code);
    };
    if (wish.wanted != model::Wanted::terminated) return;
    if (count("cluster_terminated") != 1)
        wrong(fmt::format(
            "{} ends {} times in its history", wish.id.value, count("cluster_terminated")));
    if (count("terminate_accepted") < 1)
        wrong(wish.id.value + " was terminated and its history does not say by whom");
}

}  // namespace hopyard::simulation
