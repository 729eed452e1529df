#include "node/workload/slurm_plan.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "node/workload/slurm_text.h"

namespace hopyard::node::workload {
namespace {

using nodewire::Member;

std::string set_state(const std::string& name, std::string_view state, std::string_view reason) {
    auto command = fmt::format("update NodeName={} State={}", name, state);
    if (!reason.empty()) command += fmt::format(" Reason={}", as_word(reason));
    return command;
}

void append(std::vector<std::string>& commands, const std::vector<std::string>& more) {
    commands.insert(commands.end(), more.begin(), more.end());
}

std::string reason_of(const Member& member, const char* otherwise) {
    return member.reason.empty() ? otherwise : member.reason;
}

bool is_up(const NodeSeen& node) {
    return node.state == "idle" || node.state == "allocated" || node.state == "mixed";
}

bool has_size(const NodeSeen& node, const Member& member) {
    return node.cpus == member.vcpus && node.memory_mb == member.memory_mb &&
           node.gpus == member.gpus;
}

Step step_expected(const Member& wanted, const NodeSeen& seen) {
    // It may have registered before the orders that call it a member came: that is no fault.
    if (is_up(seen)) return {.settled = true};
    if (seen.draining) return {.commands = {set_state(wanted.name, "UNDRAIN", "")}};
    const bool another_size = !seen.has_registered && !has_size(seen, wanted) && !seen.is_busy();
    if (another_size) {
        return {.commands = {fmt::format("delete NodeName={}", wanted.name)}, .create = true};
    }
    return {.settled = true};
}

Step step_member(const Member& wanted, const NodeSeen& seen, bool is_alive) {
    if (seen.draining) return {.commands = {set_state(wanted.name, "UNDRAIN", "")}};
    if (is_up(seen)) return {.settled = seen.responding};
    // Resumed before it has registered, it would count as a machine that Slurm has to start.
    if (seen.state == "down" && is_alive && seen.has_registered) {
        return {.commands = {set_state(wanted.name, "RESUME", "")}};
    }
    // It comes by registering; as long as nobody says it is there, nothing is expected.
    return {.settled = !is_alive};
}

Step step_draining(const Member& wanted, const NodeSeen& seen) {
    if (seen.draining) return {.settled = !seen.is_busy()};
    return {.commands = {set_state(wanted.name, "DRAIN", reason_of(wanted, "scale-down"))}};
}

/// Slurm tells the daemon of a node that goes down to end what runs there. Where nobody answers it
/// calls for up to half a minute more (slurm_send_addr_recv_msgs of 22.05), and would kill that job
/// where it begins again: the machine may be back by then, or another may have its address. To the
/// broadcast address Linux refuses a connection at once.
std::vector<std::string> put_down(const NodeSeen& seen, std::string_view reason, bool is_silent) {
    std::vector<std::string> commands;
    if (is_silent)
        commands.push_back(fmt::format("update NodeName={} NodeAddr=255.255.255.255", seen.name));
    commands.push_back(set_state(seen.name, "DOWN", reason));
    return commands;
}

Step step_absent(const Member& wanted, const NodeSeen& seen, bool is_silent) {
    Step result;
    const auto reason = reason_of(wanted, "gone");
    // Drained too: a machine that is there after all would take work as soon as it registers.
    if (!seen.draining) result.commands.push_back(set_state(wanted.name, "DRAIN", reason));
    const bool was_lost = seen.state != "down" && (seen.is_busy() || !seen.draining);
    if (was_lost) append(result.commands, put_down(seen, reason, is_silent));
    result.settled = result.commands.empty();
    return result;
}

Step step_removed(const Member& wanted, const NodeSeen& seen, bool is_silent) {
    Step result;
    if (seen.is_busy()) result.commands = put_down(seen, reason_of(wanted, "removed"), is_silent);
    result.commands.push_back(fmt::format("delete NodeName={}", wanted.name));
    return result;
}

/// Its jobs may end first where somebody is.
std::vector<std::string> forget(const NodeSeen& seen, bool is_silent) {
    if (seen.is_busy() && !is_silent) return {};
    std::vector<std::string> commands;
    if (seen.is_busy() && seen.state != "down") commands = put_down(seen, "gone", is_silent);
    commands.push_back(fmt::format("delete NodeName={}", seen.name));
    return commands;
}

/// One that drains too: that it is drained is said by Slurm alone.
bool wants_a_node(Member::State state) {
    return state == Member::State::expected || state == Member::State::member ||
           state == Member::State::draining;
}

void set_partitions(std::vector<std::string>& commands, std::string_view state) {
    for (const char* partition : {"all", "gpu"}) {
        commands.push_back(fmt::format("update PartitionName={} State={}", partition, state));
    }
}

void create_nodes(const std::vector<const Member*>& members,
                  const std::string& head_address,
                  std::vector<std::string>& commands) {
    if (members.empty()) return;
    set_partitions(commands, "DOWN");
    for (const auto* member : members) {
        // A placeholder needs an address that answers with a refusal at once.
        const auto& address = member->address.empty() ? head_address : member->address;
        commands.push_back(fmt::format("create NodeName={} NodeAddr={} {} State=CLOUD",
                                       member->name,
                                       address,
                                       node_conf(member->vcpus, member->memory_mb, member->gpus)));
        commands.push_back(set_state(member->name, "DOWN", "not-there-yet"));
    }
    set_partitions(commands, "UP");
}

}  // namespace

Step step(const Member& wanted, const NodeSeen* seen, const Known& known) {
    if (seen == nullptr) {
        const bool create = wants_a_node(wanted.state);
        return {.create = create, .settled = !create};
    }
    const bool is_silent = known.silent.contains(wanted.name);
    switch (wanted.state) {
        case Member::State::expected:
            return step_expected(wanted, *seen);
        case Member::State::member:
            return step_member(wanted, *seen, known.alive.contains(wanted.name));
        case Member::State::draining:
            return step_draining(wanted, *seen);
        case Member::State::absent:
            return step_absent(wanted, *seen, is_silent);
        case Member::State::removed:
            return step_removed(wanted, *seen, is_silent);
    }
    return {};
}

std::vector<const NodeSeen*> nodes_that_lose_work(const nodewire::Orders& orders,
                                                  const Seen& seen) {
    std::set<std::string> keep;
    for (const auto* members : {&orders.members, &orders.placeholders})
        for (const auto& member : *members)
            if (wants_a_node(member.state)) keep.insert(member.name);
    std::vector<const NodeSeen*> result;
    for (const auto& node : seen.nodes)
        if (node.is_busy() && node.state != "down" && !keep.contains(node.name))
            result.push_back(&node);
    return result;
}

Plan plan(const nodewire::Orders& orders, const Seen& seen, const Known& known) {
    std::map<std::string, const NodeSeen*> nodes;
    for (const auto& node : seen.nodes) nodes[node.name] = &node;
    Plan result{.attained = true};
    std::vector<const Member*> create;
    const auto bring = [&](const Member& member) {
        const auto found = nodes.find(member.name);
        const auto each = step(member, found == nodes.end() ? nullptr : found->second, known);
        append(result.commands, each.commands);
        if (each.create) create.push_back(&member);
        result.attained = result.attained && each.settled;
        nodes.erase(member.name);
    };
    for (const auto& member : orders.members) {
        if (!member.is_head) bring(member);
    }
    for (const auto& placeholder : orders.placeholders) bring(placeholder);
    // Orders are whole: what they do not name is not part of the cluster.
    for (const auto& [name, node] : nodes) {
        result.attained = false;
        append(result.commands, forget(*node, known.silent.contains(name)));
    }
    create_nodes(create, orders.head_address, result.commands);
    result.opens_partitions = !create.empty();
    return result;
}

std::vector<std::string> open_partitions() {
    std::vector<std::string> commands;
    set_partitions(commands, "UP");
    return commands;
}

}  // namespace hopyard::node::workload
