// The autoscaler's part of a plan: rows become a situation, decide/scale decides, and the steps
// become workers that come, stay or drain. What is to be known for that is in the rows, so a crash
// between a decision and its effects only leads to the same decision again.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "decide/lifecycle/draft.h"
#include "decide/lifecycle/drain.h"
#include "decide/lifecycle/spot.h"
#include "decide/scale/experience.h"
#include "decide/scale/record.h"
#include "decide/scale/scale.h"

namespace hopyard::decide {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using scale::GroupName;
using scale::Worker;

bool is_kind_of(const model::ScaleSpec& group, const std::string& instance_type) {
    return group.instance_type == instance_type ||
           std::find(group.fallback_types.begin(), group.fallback_types.end(), instance_type) !=
               group.fallback_types.end();
}

std::optional<GroupName> group_of(const model::AutoscaleSpec& spec, const Node& node) {
    if (!node.autoscaled) return std::nullopt;
    if (is_kind_of(spec.general, node.group.instance_type)) return GroupName::general;
    if (spec.gpu && is_kind_of(*spec.gpu, node.group.instance_type)) return GroupName::gpu;
    if (!node.is_outdated) return std::nullopt;
    return spec.gpu && node.gpus > 0 ? GroupName::gpu : GroupName::general;
}

Worker::State state_of_worker(const Node& node) {
    if (node.wanted == NodeWanted::running)
        return node.phase == NodePhase::ready ? Worker::State::ready : Worker::State::coming;
    return node.phase == NodePhase::draining ? Worker::State::leaving : Worker::State::gone;
}

Worker worker_of(const model::AutoscaleSpec& spec, const Node& node) {
    const model::NodeSeen& seen = node.seen;
    // One that is coming is not there yet for the workload manager, and cannot be lost.
    const bool is_lost = node.phase == NodePhase::ready && seen.workload_lost_at;
    Worker worker{.name = node.id.value,
                  .key = node.group,
                  .size = {.cpus = node.vcpus, .memory_mb = node.memory_mb, .gpus = node.gpus},
                  .used = seen.allocated,
                  .jobs = seen.jobs,
                  .state = state_of_worker(node),
                  .group = group_of(spec, node),
                  .is_outdated = node.is_outdated,
                  .is_protected = node.is_protected,
                  .takes_work = !drains(node) && !is_lost,
                  .idle_since = seen.idle_since,
                  .busy_until = seen.busy_until};
    // Silence is no idleness (product.md D17). Nor does one leave whose writes are not done: it
    // would drain for as long, and take no work meanwhile.
    if (seen.silent_since || seen.mount_pending_writes > 0) worker.idle_since.reset();
    return worker;
}

scale::Group group_with_kinds(const Draft& draft, const model::ScaleSpec& policy) {
    scale::Group group{.policy = policy, .kinds = {}};
    for (const model::GroupKey& key : model::keys_of(policy)) {
        const auto type = draft.cluster.types.find(key.instance_type);
        if (type == draft.cluster.types.end()) continue;
        scale::Kind kind{.key = key,
                         .size = {.cpus = type->second.vcpus,
                                  .memory_mb = type->second.memory_mb,
                                  .gpus = type->second.gpus}};
        for (const auto& refusal : draft.cluster.autoscale.refusals)
            if (is_same_offer(refusal.key, key)) kind.rests_until = refusal.until;
        group.kinds.push_back(std::move(kind));
    }
    return group;
}

/// The head has said what waits since this control plane listens, and goes on saying it.
bool demand_is_known(Draft& draft) {
    const Node* head = draft.head();
#ifdef HOPYARD_DEFECT_scale_in_silence
    const bool speaks = true;
#else
    const bool speaks = head != nullptr && !head->seen.silent_since;
#endif
    return speaks && head != nullptr && head->phase == NodePhase::ready && head->seen.demand &&
           head->seen.last_report_at && *head->seen.last_report_at >= draft.seen.listening_since;
}

scale::Situation situation_of(Draft& draft, const model::AutoscaleSpec& spec) {
    scale::Situation situation{
        .mode = spec.mode, .general = group_with_kinds(draft, spec.general), .now = draft.now};
    situation.general.experience = draft.cluster.autoscale.general;
    if (spec.gpu) {
        situation.gpu = group_with_kinds(draft, *spec.gpu);
        situation.gpu->experience = draft.cluster.autoscale.gpu;
    }
    std::vector<const Node*> nodes;
    for (const auto& [id, node] : draft.nodes)
        if (!node.is_head) nodes.push_back(&node);
    std::sort(nodes.begin(), nodes.end(), [](const Node* a, const Node* b) {
        return std::tie(a->ordinal, a->generation) < std::tie(b->ordinal, b->generation);
    });
    for (const Node* node : nodes) {
        const bool is_leaving = node->wanted != NodeWanted::running;
        if (is_leaving && !is_autoscaled(draft, *node)) continue;
        situation.workers.push_back(worker_of(spec, *node));
    }
    if (!demand_is_known(draft)) {
        // Old workers hold the minimum as well as new ones: nobody is replaced blindly.
        for (Worker& worker : situation.workers) worker.is_outdated = false;
        return situation;
    }
#ifndef HOPYARD_DEFECT_scale_forget_requests
    situation.requests = draft.head()->seen.demand->requests;
#endif
    return situation;
}

/// What the cloud refused to one worker is not asked for others that were planned with it.
void give_up_the_refused(Draft& draft) {
    std::vector<Node*> waiting;
    for (Node* node : draft.workers()) {
        if (!is_autoscaled(draft, *node)) continue;
        model::Resource* machine = draft.find(machine_name(draft.cluster, *node));
        if (machine != nullptr && retire_if_broken(draft, *node, *machine)) continue;
        const bool is_asked_for = machine != nullptr && (machine->made || machine->operation ||
                                                         draft.busy(machine->name));
        if (!is_asked_for && !reports_count(*node)) waiting.push_back(node);
    }
    for (Node* node : waiting)
        if (offer_rests(draft, offer_of(*node)))
            retire(draft, *node, "its type was refused to another", std::nullopt);
}

void carry_out(Draft& draft, const scale::Step& step) {
    switch (step.kind) {
        case scale::Step::Kind::recall:
            call_back(draft, draft.nodes.at(NodeId(step.worker)), step.reason);
            return;
        case scale::Step::Kind::remove:
#ifdef HOPYARD_DEFECT_scale_skip_drain
            draft.nodes.at(NodeId(step.worker)).wanted = NodeWanted::removed;
            draft.move(draft.nodes.at(NodeId(step.worker)), NodePhase::removing);
            return;
#endif
            begin_leave(draft, draft.nodes.at(NodeId(step.worker)), step.reason);
            return;
        case scale::Step::Kind::add:
            break;
    }
    for (int i = 0; i < step.count; ++i) {
        Node& made = add_node(draft, false, step.key, lowest_free_ordinal(draft));
#ifndef HOPYARD_DEFECT_scale_lose_mark
        made.autoscaled = true;
#endif
        draft.remark({.code = "worker_planned",
                      .message = planned(made),
                      .reason = step.reason,
                      .node = made.id});
    }
}

/// Told once, as long as it waits.
bool name_the_hopeless(Draft& draft, const scale::Decision& decision) {
    std::set<std::string> hopeless;
    const auto& told = draft.cluster.autoscale.named;
    bool is_news = false;
    for (const scale::Unmet& unmet : decision.unmet) {
        if (!unmet.is_hopeless() || !hopeless.insert(unmet.request).second) continue;
        if (std::find(told.begin(), told.end(), unmet.request) != told.end()) continue;
        is_news = true;
        draft.remark({.severity = model::Severity::warning,
                      .code = "request_never_met",
                      .message = fmt::format("job {} can never begin", unmet.request),
                      .reason = unmet.reason + "; the autoscaler buys nothing for it"});
    }
    draft.cluster.autoscale.named.assign(hopeless.begin(), hopeless.end());
    return is_news;
}

std::optional<model::Experience>& experience_of(Draft& draft, GroupName group) {
    model::AutoscaleMemory& memory = draft.cluster.autoscale;
    return group == GroupName::gpu ? memory.gpu : memory.general;
}

void learn(Draft& draft, const scale::Decision& decision) {
    for (const scale::Balance& balance : decision.balances) {
        auto& experience = experience_of(draft, balance.group);
        experience =
            scale::learn(experience.value_or(model::Experience{}), balance.demand, draft.now);
    }
}

/// Only the first time: one that comes back after a restart was not asked for then.
void learn_boot(Draft& draft, const Node& node) {
    const model::AutoscaleSpec& spec = *draft.cluster.spec.autoscale;
    const auto group = group_of(spec, node);
    if (spec.mode != model::AutoscaleMode::adaptive || node.ready_at || !group) return;
    auto& experience = experience_of(draft, *group);
    experience =
        scale::learn_boot(experience.value_or(model::Experience{}), draft.now - node.created_at);
}

}  // namespace

bool is_autoscaled(const Draft& draft, const Node& node) {
    return node.autoscaled && draft.cluster.spec.autoscale.has_value();
}

bool offer_rests(const Draft& draft, const model::GroupKey& offer) {
    const auto& refusals = draft.cluster.autoscale.refusals;
    return std::any_of(refusals.begin(), refusals.end(), [&](const auto& refusal) {
        return is_same_offer(refusal.key, offer) && refusal.until > draft.now;
    });
}

void rest_offer(Draft& draft, const model::GroupKey& offer, const Error& error) {
#ifdef HOPYARD_DEFECT_scale_forget_refusal
    return;
#endif
    auto& refusals = draft.cluster.autoscale.refusals;
    auto found = std::find_if(refusals.begin(), refusals.end(), [&](const auto& each) {
        return is_same_offer(each.key, offer);
    });
    // Machines that were asked for together are refused together: that counts once.
    if (found != refusals.end() && found->until > draft.now) return;
    if (found == refusals.end()) {
        found = refusals.insert(found, {.key = offer, .at = draft.now, .until = draft.now});
    } else {
        ++found->times;
    }
    found->at = draft.now;
    // Whatever became of it, the next one costs as much: it waits as for capacity.
    Error as_capacity = error;
    as_capacity.kind = ErrorKind::capacity_unavailable;
    found->until = draft.now + wait_after(as_capacity, found->times);
    draft.remark({.severity = model::Severity::warning,
                  .code = "type_rests",
                  .message = fmt::format("{}{} is not asked for again before {}",
                                         offer.instance_type,
                                         offer.spot ? " as a spot machine" : "",
                                         to_rfc3339(found->until)),
                  .reason = error.message,
                  .error = error});
}

void worker_came(Draft& draft, const Node& node) {
    learn_boot(draft, node);
    std::erase_if(draft.cluster.autoscale.refusals, [&](const auto& refusal) {
        return is_same_offer(refusal.key, offer_of(node)) && refusal.at < node.created_at;
    });
}

void scale_groups(Draft& draft) {
    const auto& spec = draft.cluster.spec.autoscale;
    if (!spec) return;
    give_up_the_refused(draft);
    const scale::Situation situation = situation_of(draft, *spec);
    const scale::Decision decision = scale::decide(situation);
    if (!demand_is_known(draft)) {
        // Nobody knows what waits: nothing but the minimum is sure to be right.
        for (const scale::Step& step : decision.steps)
            if (step.rule == "minimum") carry_out(draft, step);
        return;
    }
    for (const scale::Step& step : decision.steps) carry_out(draft, step);
    if (spec->mode == model::AutoscaleMode::adaptive) learn(draft, decision);
    const bool names = name_the_hopeless(draft, decision);
    if (decision.look_again_at) draft.look_at(*decision.look_again_at);
    if (names || !decision.steps.empty())
        draft.record(scale::to_json(situation), scale::to_json(decision));
}

}  // namespace hopyard::decide
