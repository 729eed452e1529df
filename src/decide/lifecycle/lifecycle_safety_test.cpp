// What holds whatever the case: every combination of what is wanted, where a worker stands, what
// became of its machine, what the cloud was seen to hold and what the worker says of itself; and
// seeded lives in which anything may happen at any time.
#include <gtest/gtest.h>

#include "base/random.h"
#include "decide/lifecycle/drain.h"
#include "decide/lifecycle/test_snapshot.h"
#include "model/phase.h"

namespace hopyard::decide {
namespace {

using model::Node;
using model::NodePhase;
using model::NodeWanted;
using model::PendingOperation;
using model::Phase;
using model::Resource;
using model::ResourceKind;
using model::ResourceName;
using model::Wanted;

// --- properties --------------------------------------------------------------------------------

const Resource* row_of(const Snapshot& snapshot, const ResourceName& name) {
    for (const Resource& row : snapshot.resources)
        if (row.name == name) return &row;
    return nullptr;
}

const Node* owner_of(const Snapshot& snapshot, const ResourceName& machine) {
    for (const Node& node : snapshot.nodes)
        if (machine_name(snapshot.cluster, node) == machine) return &node;
    return nullptr;
}

bool is_about_container(const Call& call) {
    return call.name == ResourceName();
}

bool takes_power(Call::Kind kind) {
    return kind == Call::Kind::remove || kind == Call::Kind::deallocate ||
           kind == Call::Kind::restart;
}

bool cloud_agrees_it_is_lost(const Snapshot& snapshot, const Resource& row) {
    const auto seen = snapshot.sightings.find(row.name);
    if (seen == snapshot.sightings.end()) return false;
    const Timestamp settled = row.changed_at + snapshot.timing.settle;
    if (seen->second.gone_since(settled) || seen->second.off_since(settled)) return true;
    // A machine that spoke had power then.
    const Node* node = owner_of(snapshot, row.name);
    return node != nullptr && node->seen.silent_since &&
           node->seen.last_report_at > row.changed_at &&
           seen->second.off_since(*node->seen.last_report_at + snapshot.timing.silence);
}

/// Every property as a sentence; the first that does not hold.
std::string broken_call_rule(const Snapshot& before, const Snapshot& next, const Plan& plan) {
    std::set<ResourceName> named;
    int container_calls = 0;
    for (const Call& call : plan.calls) {
        if (is_about_container(call)) {
            if (before.storage_busy) return "a call about the container while one is under way";
            if (++container_calls > 1) return "two calls about the container at once";
            continue;
        }
        const std::string what = " " + std::string(to_string(call.name.kind)) + call.name.name;
        if (!named.insert(call.name).second) return "two calls about one thing" + what;
        if (before.busy.contains(call.name)) return "a call while one is under way" + what;
        const Resource* row = row_of(next, call.name);
        if (row == nullptr) return "an effect without a name" + what;
        const Resource* old = row_of(before, call.name);
        const bool removes = call.kind == Call::Kind::remove;
        if (call.kind != Call::Kind::read && !removes && old != nullptr && old->operation)
            return "a call while an operation is under way" + what;
        if (removes && row->wanted) return "a removal of what is wanted" + what;
        if (call.kind == Call::Kind::put && !row->wanted)
            return "a put of what is not wanted" + what;
        if (next.cluster.wanted == Wanted::terminated &&
            (call.kind == Call::Kind::put || call.kind == Call::Kind::start))
            return "something is made for a cluster that goes" + what;
        const bool is_machine = call.name.kind == ResourceKind::machine;
        if (next.cluster.wanted == Wanted::stopped && is_machine &&
            (call.kind == Call::Kind::put || call.kind == Call::Kind::start))
            return "a machine is made for a cluster that stops" + what;
    }
    return "";
}

/// product.md D3, D16, D17.
std::string broken_work_rule(const Snapshot& before, const Plan& plan) {
    if (before.cluster.wanted != Wanted::running) return "";
    for (const Call& call : plan.calls) {
        if (call.name.kind != ResourceKind::machine || !takes_power(call.kind)) continue;
        const Node* node = owner_of(before, call.name);
        const Resource* row = row_of(before, call.name);
        if (node == nullptr || row == nullptr || !row->made) continue;
        const bool holds_work = node->seen.jobs > 0 || node->seen.allocated.cpus > 0;
        const bool unasked = node->restart_generation >= before.cluster.restart_generation &&
                             !(node->is_head && node->restart_wanted) && node->left_boot_id.empty();
        const bool on_its_way_out =
            node->wanted == NodeWanted::removed && node->phase != NodePhase::draining;
        const bool too_late =
            node->drain_deadline.has_value() && *node->drain_deadline <= before.now;
        if (holds_work && unasked && !on_its_way_out && !too_late && row->running &&
            !cloud_agrees_it_is_lost(before, *row))
            return "a worker that runs a job is touched: " + node->id.value;
        if (node->is_head && call.kind != Call::Kind::restart && !on_its_way_out && row->running &&
            node->ready_at)
            return "the head is taken away";
    }
    return "";
}

std::string broken_row_rule(const Snapshot& before, const Snapshot& next, const Plan& plan) {
    if (!model::may_move(before.cluster.phase, next.cluster.phase))
        return "the cluster moves from " + std::string(to_string(before.cluster.phase)) + " to " +
               std::string(to_string(next.cluster.phase));
    std::set<NodeId> ids;
    for (const Node& node : next.nodes) {
        if (!ids.insert(node.id).second) return "two nodes of one name";
        for (const Node& old : before.nodes)
            if (old.id == node.id && !model::may_move(old.phase, node.phase))
                return "a node moves from " + std::string(to_string(old.phase)) + " to " +
                       std::string(to_string(node.phase));
    }
    std::size_t heads = 0;
    for (const Node& node : next.nodes) heads += node.is_head && node.wanted != NodeWanted::removed;
    if (heads > 1) return "two heads";
    if (plan.rows.erase_cluster) return "";
    for (const ResourceName& name : plan.rows.erased_resources) {
        const Resource& row = *row_of(before, name);
        const auto seen = before.sightings.find(name);
        const bool ended = row.operation && row.operation->url.empty() &&
                           row.operation->verb == PendingOperation::Verb::remove;
        if (!ended) return "forgotten before it was removed: " + name.name;
        if (seen == before.sightings.end() || !seen->second.read_at ||
            *seen->second.read_at <= row.changed_at || seen->second.read_exists)
            return "forgotten without a direct read: " + name.name;
        if (seen->second.listed || seen->second.listed_at <= row.changed_at)
            return "forgotten although no list agrees: " + name.name;
    }
    for (const NodeId& id : plan.rows.erased_nodes)
        for (const Resource& row : next.resources)
            if (row.node == id) return "a node is forgotten before what it had: " + id.value;
    return "";
}

bool something_is_awaited(const Snapshot& next, const Plan& plan) {
    if (!plan.calls.empty() || plan.wants_list || plan.look_again_at) return true;
    if (!next.busy.empty() || next.storage_busy) return true;
    for (const Resource& row : next.resources)
        if (row.operation && !row.operation->url.empty()) return true;
    // Reports, and what needs somebody.
    for (const Node& node : next.nodes) {
        const bool reports = node.phase == NodePhase::booting || node.phase == NodePhase::joining ||
                             node.phase == NodePhase::draining;
        if (reports || node.problem) return true;
    }
    return next.cluster.problem.has_value();
}

/// Plans until nothing is stored any more; the plans in between are stored and their calls under
/// way.
std::string broken_rule(const Snapshot& first) {
    Snapshot before = first;
    for (int round = 0; round < 8; ++round) {
        const Plan next_plan = plan(before);
        if (next_plan.rows.erase_cluster) return "";
        const Snapshot next = after(before, next_plan);
        for (const std::string& broken : {broken_call_rule(before, next, next_plan),
                                          broken_work_rule(before, next_plan),
                                          broken_row_rule(before, next, next_plan)})
            if (!broken.empty()) return broken;
        if (next_plan.rows.empty()) {
            const bool at_rest =
                next.cluster.phase == Phase::running || next.cluster.phase == Phase::stopped;
            if (!at_rest && !something_is_awaited(next, next_plan)) return "it waits for nothing";
            return "";
        }
        before = next;
    }
    return "the plan does not settle";
}

// --- all small cases ---------------------------------------------------------------------------

enum class Machine { unplanned, planned, refused, being_made, on, off, being_removed, removed };
enum class Look { none, there, off_list, off_both, missing_list, missing_both };
enum class Says { nothing, ready, busy, failing, drained, lost };

struct Case {
    Wanted wanted;
    Phase phase;
    NodeWanted node_wanted;
    NodePhase node_phase;
    Machine machine;
    Look look;
    Says says;
    bool of_head;
    bool surplus;
};

std::string describe(const Case& c) {
    return "wanted " + std::string(to_string(c.wanted)) + ", phase " +
           std::string(to_string(c.phase)) + ", node " + std::string(to_string(c.node_wanted)) +
           " " + std::string(to_string(c.node_phase)) + ", machine " +
           std::to_string(static_cast<int>(c.machine)) + ", look " +
           std::to_string(static_cast<int>(c.look)) + ", says " +
           std::to_string(static_cast<int>(c.says)) + (c.of_head ? ", head" : ", worker") +
           (c.surplus ? ", surplus" : "");
}

void set_machine(Snapshot& snapshot, Machine state, const ResourceName& name) {
    if (state == Machine::unplanned) {
        std::erase_if(snapshot.resources, [&](const Resource& row) { return row.name == name; });
        return;
    }
    for (Resource& row : snapshot.resources) {
        if (row.name != name) continue;
        const auto pending = [&](PendingOperation::Verb verb, const char* url) {
            row.operation = {.verb = verb, .url = url, .started_at = snapshot.now};
        };
        row.made = state >= Machine::on;
        row.running = state == Machine::on;
        row.deallocated = state != Machine::on;
        if (state == Machine::refused) row.problem = Error{.kind = ErrorKind::capacity_unavailable};
        if (state == Machine::being_made) pending(PendingOperation::Verb::put, "op");
        if (state == Machine::being_removed) pending(PendingOperation::Verb::remove, "op");
        if (state == Machine::removed) pending(PendingOperation::Verb::remove, "");
    }
}

Sighting sighting_of(Look look, Timestamp now) {
    using Power = Sighting::Power;
    Sighting seen{.listed = true, .listed_at = now, .listed_power = Power::on};
    if (look == Look::none) return {};
    if (look == Look::off_list || look == Look::off_both) seen.listed_power = Power::off;
    if (look == Look::missing_list || look == Look::missing_both) seen.listed = false;
    if (look == Look::off_both || look == Look::missing_both) {
        seen.read_at = now;
        seen.read_exists = look == Look::off_both;
        seen.read_power = look == Look::off_both ? Power::off : Power::unknown;
    }
    return seen;
}

void set_report(Node& node, Says says, Timestamp now) {
    node.seen = {};
    if (says == Says::nothing) return;
    node.seen.last_report_at = now;
    node.seen.boot_id = "boot";
    node.seen.services_ready = says != Says::failing;
    node.seen.workload_state = "idle";
    if (says == Says::busy) {
        node.seen.jobs = 1;
        node.seen.allocated.cpus = 1;
        node.seen.workload_state = "allocated";
    }
    if (says == Says::failing) node.seen.failure = Error{.kind = ErrorKind::internal};
    if (says == Says::drained) node.seen.workload_state = "drained";
    if (says == Says::lost) {
        node.seen.workload_state = "down";
        node.seen.workload_lost_at = now - Seconds(600);
    }
}

Snapshot snapshot_of_case(const Snapshot& running, const Case& c) {
    Snapshot snapshot = running;
    snapshot.now += Seconds(3600);
    snapshot.cluster.wanted = c.wanted;
    snapshot.cluster.phase = c.phase;
    snapshot.cluster.phase_since = snapshot.now;
    if (c.surplus) snapshot.cluster.spec.workers[0].count = 0;
    Node& node = node_of(snapshot, c.of_head ? "head" : "w1");
    const ResourceName machine = machine_name(snapshot.cluster, node);
    node.wanted = c.node_wanted;
    node.phase = c.node_phase;
    node.phase_since = snapshot.now;
    set_report(node, c.says, snapshot.now);
    if (node.phase == NodePhase::draining) node.drain_deadline = snapshot.now + Seconds(60);
    set_machine(snapshot, c.machine, machine);
    snapshot.sightings[machine] = sighting_of(c.look, snapshot.now);
    return snapshot;
}

/// Phases that a request or a plan may have left the cluster in.
std::vector<Phase> phases_for(Wanted wanted) {
    switch (wanted) {
        case Wanted::running:
            return {
                Phase::creating, Phase::starting, Phase::running, Phase::updating, Phase::failed};
        case Wanted::stopped:
            return {Phase::stopping, Phase::stopped, Phase::failed};
        case Wanted::terminated:
            break;
    }
    return {Phase::terminating, Phase::failed};
}

template <class Enum>
std::vector<Enum> all_to(Enum last) {
    std::vector<Enum> values;
    for (int i = 0; i <= static_cast<int>(last); ++i) values.push_back(static_cast<Enum>(i));
    return values;
}

/// Leaves out what cannot be, and what differs from another case in nothing that anybody looks at.
bool can_be(const Case& c) {
    if (c.of_head && c.node_phase == NodePhase::draining) return false;
    if (c.node_wanted == NodeWanted::stopped && c.wanted != Wanted::stopped) return false;
    const bool is_seen =
        c.machine == Machine::on || c.machine == Machine::off || c.machine == Machine::removed;
    if (!is_seen && c.look != Look::none) return false;
    return c.machine >= Machine::being_made || c.says <= Says::ready;
}

template <class Visit>
int for_all_cases(Visit visit) {
    int count = 0;
    for (const Wanted wanted : all_to(Wanted::terminated))
        for (const Phase phase : phases_for(wanted))
            for (const NodeWanted node_wanted : all_to(NodeWanted::removed))
                for (const NodePhase node_phase : all_to(NodePhase::failed))
                    for (const Machine machine : all_to(Machine::removed))
                        for (const Look look : all_to(Look::missing_both))
                            for (const Says says : all_to(Says::lost))
                                for (const int bits : {0, 1, 2}) {
                                    const Case c{.wanted = wanted,
                                                 .phase = phase,
                                                 .node_wanted = node_wanted,
                                                 .node_phase = node_phase,
                                                 .machine = machine,
                                                 .look = look,
                                                 .says = says,
                                                 .of_head = bits == 2,
                                                 .surplus = bits == 1};
                                    if (!can_be(c)) continue;
                                    ++count;
                                    visit(c);
                                }
    return count;
}

TEST(LifecycleSafety, holds_in_every_small_case) {
    const Snapshot running = running_cluster(1);
    int broken = 0;
    const int cases = for_all_cases([&](const Case& c) {
        if (broken > 5) return;
        const std::string rule = broken_rule(snapshot_of_case(running, c));
        if (rule.empty()) return;
        ++broken;
        ADD_FAILURE() << rule << "\n  " << describe(c);
    });
    EXPECT_GT(cases, 50'000);
}

TEST(LifecycleSafety, silence_alone_never_changes_what_is_done) {
    const Snapshot running = running_cluster(1);
    int different = 0;
    (void)for_all_cases([&](const Case& c) {
        if (different > 5 || c.says == Says::lost) return;
        const Snapshot talking = snapshot_of_case(running, c);
        Snapshot silent = talking;
        for (Node& node : silent.nodes) node.seen.silent_since = silent.now - Seconds(60);
        const Plan a = plan(talking);
        const Plan b = plan(silent);
        if (a.calls == b.calls && a.rows.erased_nodes == b.rows.erased_nodes &&
            a.rows.erased_resources == b.rows.erased_resources)
            return;
        ++different;
        ADD_FAILURE() << describe(c);
    });
}

// --- seeded lives ------------------------------------------------------------------------------

/// Something happens that nobody planned.
void disturb(Snapshot& snapshot, Random& random) {
    if (snapshot.resources.empty() || snapshot.nodes.empty()) return;
    Resource& row = snapshot.resources[below(random, snapshot.resources.size())];
    Node& node = snapshot.nodes[below(random, snapshot.nodes.size())];
    switch (below(random, 9)) {
        case 0:
            snapshot.sightings[row.name] = {.listed = false, .listed_at = snapshot.now};
            break;
        case 1:
            snapshot.sightings[row.name] = {.listed = false,
                                            .listed_at = snapshot.now,
                                            .read_at = snapshot.now,
                                            .read_exists = false};
            break;
        case 2:
            row.problem = Error{.kind = static_cast<ErrorKind>(below(random, 13))};
            ++row.failed_attempts;
            row.try_again_at = snapshot.now + Seconds(static_cast<int>(below(random, 60)));
            break;
        case 3:
            node.seen.silent_since = snapshot.now;
            break;
        case 4:
            node.seen.jobs = static_cast<int>(below(random, 3));
            node.seen.workload_state = node.seen.jobs > 0 ? "allocated" : "drained";
            break;
        case 5:
            node.seen.workload_lost_at = snapshot.now - Seconds(61);
            break;
        case 6:
            if (!row.operation && row.made)
                row.operation = {.verb = PendingOperation::Verb::put, .url = "op"};
            break;
        case 7:
            node.seen.services_ready = false;
            break;
        default:
            snapshot.now += Seconds(static_cast<int>(below(random, 1000)));
    }
}

void ask_for_something(Snapshot& snapshot, Random& random) {
    model::Cluster& cluster = snapshot.cluster;
    if (cluster.wanted == Wanted::terminated) return;
    switch (below(random, 6)) {
        case 5: {
            if (snapshot.nodes.empty()) return;
            Node& node = snapshot.nodes[below(random, snapshot.nodes.size())];
            node.drain_wanted = !node.is_head && below(random, 2) == 0;
            if (cluster.phase == Phase::running) node.restart_wanted = below(random, 2) == 0;
            break;
        }
        case 0:
            cluster.spec.workers[0].count = static_cast<int>(below(random, 4));
            break;
        case 1:
            if (cluster.wanted != Wanted::running) return;
            cluster.wanted = Wanted::stopped;
            cluster.phase = Phase::stopping;
            cluster.phase_since = snapshot.now;
            break;
        case 2:
            if (cluster.phase != Phase::stopped) return;
            cluster.wanted = Wanted::running;
            cluster.phase = Phase::starting;
            break;
        case 3:
            if (cluster.phase == Phase::running) ++cluster.restart_generation;
            break;
        default:
            if (below(random, 6) != 0) return;
            cluster.wanted = Wanted::terminated;
            cluster.phase = Phase::terminating;
    }
}

/// A life of 60 rounds under disturbance, then peace: it must end in what is wanted.
std::string live(std::uint64_t seed) {
    SeededRandom random(seed);
    Snapshot snapshot = snapshot_of(accepted_cluster(static_cast<int>(below(random, 4))));
    if (snapshot.cluster.spec.workers.empty())
        snapshot.cluster.spec.workers = {{.key = {.instance_type = "small"}, .count = 1}};
    for (int round = 0; round < 60; ++round) {
        if (below(random, 6) == 0) ask_for_something(snapshot, random);
        if (below(random, 3) == 0) disturb(snapshot, random);
        if (const std::string rule = broken_rule(snapshot); !rule.empty()) return rule;
        const Plan next = plan(snapshot);
        if (next.rows.erase_cluster) return "";
        snapshot = below(random, 3) == 0 ? after(snapshot, next) : carried_out(snapshot, next);
        if (below(random, 2) == 0) {
            snapshot.busy.clear();
            snapshot.storage_busy = false;
        }
    }
    snapshot.busy.clear();
    snapshot.storage_busy = false;
    for (int round = 0; round < 80; ++round) {
        for (Resource& row : snapshot.resources) {
            row.try_again_at.reset();
            if (row.operation && !row.operation->url.empty()) row.operation.reset();
        }
        for (Node& node : snapshot.nodes) {
            // As `retry` does it: somebody mended what needed somebody.
            if (node.problem && node.problem->code == "head_machine_lost") {
                node.wanted = NodeWanted::removed;
                node.phase = NodePhase::removing;
            }
            node.try_again_at.reset();
            node.seen.silent_since.reset();
            node.seen.workload_lost_at.reset();
            node.seen.jobs = node.seen.allocated.cpus = 0;
            const bool drained = node.phase == NodePhase::draining || drains(node);
            node.seen.workload_state = drained ? "drained" : "idle";
        }
        const Plan next = plan(snapshot);
        if (next.rows.erase_cluster) return "";
        snapshot = carried_out(snapshot, next);
        snapshot.now += Seconds(31);
    }
    const Wanted wanted = snapshot.cluster.wanted;
    const Phase phase = snapshot.cluster.phase;
    if (wanted == Wanted::running && phase == Phase::running) return "";
    if (wanted == Wanted::stopped && phase == Phase::stopped) return "";
    return "it ends as " + std::string(to_string(phase)) + " although it is to be " +
           std::string(to_string(wanted)) + "; " + snapshot.cluster.stage +
           (snapshot.cluster.problem ? "; " + snapshot.cluster.problem->message : "");
}

TEST(LifecycleSafety, holds_in_lives_in_which_anything_happens_and_they_end_as_wanted) {
    int broken = 0;
    for (std::uint64_t seed = 1; seed <= 200 && broken < 5; ++seed) {
        const std::string rule = live(seed);
        if (rule.empty()) continue;
        ++broken;
        ADD_FAILURE() << "seed " << seed << ": " << rule;
    }
}

}  // namespace
}  // namespace hopyard::decide
