// Where nodes and the cluster stand, told from what they say of themselves. Phases follow facts; no
// part of plan() asks what phase came before in order to know what to do next.
#include <algorithm>

#include <fmt/format.h>

#include "base/words.h"
#include "decide/lifecycle/draft.h"
#include "decide/lifecycle/drain.h"

namespace hopyard::decide {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using model::Phase;
using model::Resource;

bool is_ready(const Node& node) {
    return node.seen.services_ready &&
           (node.is_head || workload_takes_work(node.seen.workload_state));
}

void became_ready(Draft& draft, Node& node) {
    draft.move(node, NodePhase::ready);
    if (node.phase != NodePhase::ready) return;
    node.failed_attempts = 0;
    node.problem.reset();
    if (!node.ready_at)
        draft.remark({.code = "node_ready",
                      .message = node.id.value + " is ready",
                      .reason = fmt::format("after {}", to_human(draft.now - node.created_at)),
                      .node = node.id});
    if (is_autoscaled(draft, node)) worker_came(draft, node);
    node.ready_at = draft.now;
}

void follow_reports(Draft& draft, Node& node) {
    const Resource* machine = draft.find(machine_name(draft.cluster, node));
    const bool has_machine = machine != nullptr && machine->made && machine->running;
    if (node.problem && node.problem->code == "head_machine_lost") return;
    // One move at a time, so that whoever reads the rows sees legal moves only.
    if (node.phase == NodePhase::planned) {
        if (has_machine || reports_count(node)) draft.move(node, NodePhase::creating);
        return;
    }
    if (!reports_count(node)) {
        if (has_machine) draft.move(node, NodePhase::booting);
        return;
    }
    if (node.phase == NodePhase::stopping || node.phase == NodePhase::stopped) {
        if (has_machine) draft.move(node, NodePhase::booting);
        return;
    }
    if (machine != nullptr && machine->made && !machine->running) return;
    if (is_ready(node)) {
        if (node.phase != NodePhase::ready) became_ready(draft, node);
        return;
    }
    node.problem = node.seen.failure;
    draft.move(node, NodePhase::joining);
}

// --- the cluster -------------------------------------------------------------------------------

struct Problem {
    std::optional<Error> error;
    bool needs_somebody = false;
};

void consider(Problem& worst,
              const std::string& who,
              const std::optional<Error>& error,
              int attempts) {
    if (!error) return;
    const bool hard = needs_somebody(error->kind);
    if (!hard && attempts < 4) return;
    if (worst.error && (worst.needs_somebody || !hard)) return;
    worst.error = error;
    worst.error->message = who + ": " + error->message;
    worst.error->retry_after.reset();
    worst.needs_somebody = hard;
}

/// A cluster that stops or stands needs nothing but its head's power, and that the rest goes.
bool matters(const Draft& draft, const Resource& row) {
    return draft.cluster.wanted != model::Wanted::stopped || !row.wanted ||
           row.name.kind == model::ResourceKind::machine;
}

Problem find_problem(Draft& draft) {
    Problem worst;
    if (draft.cluster.wanted != model::Wanted::stopped)
        consider(worst, "container", draft.cluster.storage_problem, draft.cluster.storage_attempts);
    for (const auto& [name, row] : draft.resources)
        if (matters(draft, row)) consider(worst, name.name, row.problem, row.failed_attempts);
    for (const auto& [id, node] : draft.nodes) {
        if (draft.cluster.wanted != model::Wanted::running) break;
        const bool slow = node.phase != NodePhase::joining ||
                          draft.reached(node.phase_since + draft.seen.timing.boot);
        if (slow) consider(worst, id.value, node.problem, static_cast<int>(node.failed_attempts));
    }
    const Node* head = draft.head();
    if (!worst.error && head != nullptr && head->seen.silent_since &&
        head->wanted == NodeWanted::running && head->phase == NodePhase::ready)
        worst.error = Error{.kind = ErrorKind::unavailable,
                            .code = "head_silent",
                            .message = fmt::format("the head has not reported since {}",
                                                   to_rfc3339(*head->seen.silent_since)),
                            .owner = Owner::administrator,
                            .next_action =
                                "Nothing is changed because of silence alone. Check that "
                                "the head's machine reaches the control plane."};
    return worst;
}

std::size_t ready_nodes(const Draft& draft) {
    return static_cast<std::size_t>(
        std::count_if(draft.nodes.begin(), draft.nodes.end(), [](const auto& entry) {
            return entry.second.wanted == NodeWanted::running &&
                   entry.second.phase == NodePhase::ready;
        }));
}

/// That it comes or goes is no change of the cluster: that is what the autoscaler is for. Before
/// the cluster ran, its minimum is waited for.
bool comes_and_goes(const Draft& draft, const Node& node) {
    const Phase phase = draft.cluster.phase;
    return is_autoscaled(draft, node) && (phase == Phase::running || phase == Phase::updating);
}

/// Everything that is wanted is ready, and nothing that is not wanted is left.
bool settled(Draft& draft) {
    for (const auto& [id, node] : draft.nodes)
        if (!comes_and_goes(draft, node) &&
            (node.wanted != NodeWanted::running || node.phase != NodePhase::ready ||
             node.restart_generation < draft.cluster.restart_generation || node.restart_wanted))
            return false;
    for (const auto& [name, row] : draft.resources) {
        const auto owner = draft.nodes.find(row.node);
        if (owner != draft.nodes.end() && comes_and_goes(draft, owner->second)) continue;
        if (!row.wanted || !row.made) return false;
    }
    return !draft.content_differs && draft.cluster.storage_grant_expires_at &&
           !draft.cluster.access.url.empty();
}

Phase running_phase(Draft& draft) {
    const Phase now = draft.cluster.phase;
    if (settled(draft)) return Phase::running;
    const bool on_the_way =
        now == Phase::pending || now == Phase::creating || now == Phase::starting;
    if (on_the_way) return now == Phase::pending ? Phase::creating : now;
    if (!draft.cluster.started_at) return Phase::creating;
    const Node* head = draft.head();
    const bool head_works = head != nullptr && head->phase == NodePhase::ready &&
                            head->restart_generation >= draft.cluster.restart_generation &&
                            !head->restart_wanted;
    return head_works ? Phase::updating : Phase::starting;
}

Phase phase_of(Draft& draft, const Problem& problem) {
    if (problem.needs_somebody) return Phase::failed;
    switch (draft.cluster.wanted) {
        case model::Wanted::terminated:
            return Phase::terminating;
        case model::Wanted::running:
            return running_phase(draft);
        case model::Wanted::stopped:
            break;
    }
    const bool all_stopped =
        std::all_of(draft.nodes.begin(), draft.nodes.end(), [](const auto& entry) {
            return entry.second.is_head && entry.second.phase == NodePhase::stopped;
        });
    return all_stopped ? Phase::stopped : Phase::stopping;
}

std::string stage_of(Draft& draft) {
    switch (draft.cluster.wanted) {
        case model::Wanted::terminated:
            return counted(draft.resources.size(), "resource is", "resources are") +
                   " being deleted";
        case model::Wanted::stopped:
            return draft.cluster.phase == Phase::stopped ? "" : "stopping machines";
        case model::Wanted::running:
            break;
    }
    const auto wanted = static_cast<std::size_t>(
        std::count_if(draft.nodes.begin(), draft.nodes.end(), [](const auto& entry) {
            return entry.second.wanted == NodeWanted::running;
        }));
    std::string stage = fmt::format("{} of {} ready", ready_nodes(draft), counted(wanted, "node"));
    const std::size_t leaving = draft.nodes.size() - wanted;
    if (leaving > 0) stage += fmt::format(", {} leaving", leaving);
    std::size_t silent = 0;
    for (const auto& [id, node] : draft.nodes) silent += node.seen.silent_since.has_value();
    if (silent > 0) stage += fmt::format(", {} silent", silent);
    const auto drained = std::count_if(draft.nodes.begin(),
                                       draft.nodes.end(),
                                       [](const auto& entry) { return drains(entry.second); });
    if (drained > 0) stage += fmt::format(", {} without new work", drained);
    return stage;
}

void show_problem(Draft& draft, const Problem& problem) {
    model::Cluster& cluster = draft.cluster;
    const bool same = cluster.problem.has_value() == problem.error.has_value() &&
                      (!problem.error || cluster.problem->code == problem.error->code);
    if (!same && problem.error)
        draft.remark(
            {.severity = problem.needs_somebody ? model::Severity::error : model::Severity::warning,
             .code = problem.error->code,
             .message = problem.error->message,
             .reason = problem.error->next_action,
             .error = problem.error});
    if (!same && !problem.error)
        draft.remark({.code = "problem_over", .message = cluster.problem->message + " (over)"});
    if (!same || (problem.error && problem.error->message != cluster.problem->message))
        cluster.problem = problem.error;
}

void show_url(Draft& draft) {
    model::ClusterAccess& access = draft.cluster.access;
    const std::string& address =
        draft.shared.makes_public_address ? access.head_public_ip : access.head_private_ip;
    if (!address.empty()) access.url = "https://" + address + "/";
}

}  // namespace

bool workload_takes_work(const std::string& state) {
    return state == "idle" || state == "allocated" || state == "mixed" || state == "completing" ||
           state == "draining" || state == "drained";
}

bool reports_count(const Node& node) {
    return node.seen.last_report_at.has_value() &&
           (node.left_boot_id.empty() || node.seen.boot_id != node.left_boot_id);
}

void update_node_phases(Draft& draft) {
    for (auto& [id, node] : draft.nodes)
        if (node.wanted == NodeWanted::running) follow_reports(draft, node);
}

void update_cluster(Draft& draft) {
    model::Cluster& cluster = draft.cluster;
    show_url(draft);
    const Problem problem = find_problem(draft);
    show_problem(draft, problem);
    const Phase before = cluster.phase;
    const Phase next = phase_of(draft, problem);
    if (next == Phase::failed && before == Phase::stopped) return;
    // What held a stop is over, and meanwhile everything has stopped.
    if (before == Phase::failed && next == Phase::stopped) draft.move(Phase::stopping);
    draft.move(next);
    if (cluster.phase != before && cluster.phase == Phase::running) {
        draft.remark(
            {.code = "cluster_running",
             .message = fmt::format(
                 "{} runs with {}", cluster.spec.name, counted(draft.nodes.size(), "node")),
             .reason =
                 fmt::format("after {}", to_human(draft.now - draft.seen.cluster.phase_since))});
        cluster.started_at = draft.now;
    }
    if (cluster.phase != before && cluster.phase == Phase::stopped)
        draft.remark({.code = "cluster_stopped", .message = cluster.spec.name + " is stopped"});
    cluster.stage = stage_of(draft);
}

}  // namespace hopyard::decide
