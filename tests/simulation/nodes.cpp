#include "simulation/nodes.h"

#include <algorithm>

#include <fmt/format.h>

#include "simulation/nodes_machine.h"

namespace hopyard::simulation {

using control::NodeSessions;
using nodewire::Orders;
using nodewire::Report;

namespace {

constexpr Milliseconds report_every = Seconds(5);
constexpr Milliseconds poll_every = Seconds(25);

}  // namespace

Nodes::Nodes(Ground& ground, ControlPlane& control_plane)
    : ground_(ground), control_plane_(control_plane) {
    ground_.cloud.watch(*this);
}

Nodes::~Nodes() = default;

void Nodes::later(const Shared& machine, Milliseconds delay, std::function<void()> task) {
    ground_.queue.after(delay, [machine, life = machine->life, task = std::move(task)] {
        if (machine->powered && machine->life == life) task();
    });
}

Milliseconds Nodes::pace(const Machine& machine, Milliseconds least, Milliseconds most) {
    const Milliseconds usual = between(ground_.of_nodes, least, most);
    return machine.slow && !healed_ ? usual * 12 : usual;
}

Nodes::Shared Nodes::head_of(const std::string& cluster) const {
    const Shared head = manager_of(cluster);
    return head && head->powered ? head : nullptr;
}

/// The newest head, with power or without.
Nodes::Shared Nodes::manager_of(const std::string& cluster) const {
    Shared newest;
    for (const auto& [id, machine] : machines_)
        if (machine->data.is_head && machine->data.cluster == cluster &&
            (!newest || newest->number < machine->number))
            newest = machine;
    return newest;
}

/// The machine reaches who is upstream of it: a worker its head.
bool Nodes::linked(const Machine& machine) const {
    return machine.powered && !machine.cut_off;
}

// --- power -------------------------------------------------------------------------------------

void Nodes::machine_on(const Thing& thing) {
    if (thing.foreign) return;
    const auto& wanted = std::get<cloud::WantedMachine>(thing.request.wanted);
    Shared& machine = machines_[thing.seen.machine_id];
    if (!machine) {
        machine = std::make_shared<Machine>();
        machine->id = thing.seen.machine_id;
        machine->number = next_machine_++;
        const auto data = nodewire::user_data_from_json(wanted.user_data);
        if (!data) {
            ground_.findings.add("user data that no node can read: " + data.error().message);
            return;
        }
        machine->data = *data;
        if (const Thing* interface = ground_.cloud.find(wanted.interface))
            machine->interface_ip = interface->seen.private_ip;
        machine->never_boots = ground_.faults.happens(Fault::boot_fails);
        machine->slow = ground_.faults.happens(Fault::slow_node);
    }
    machine->powered = true;
    ++machine->life;
    machine->boot_id = fmt::format("boot-{}", next_boot_++);
    ground_.trace.note([&] { return machine->data.node + " has power"; });
    if (machine->never_boots) return;
    later(
        machine, pace(*machine, Milliseconds(200), Seconds(8)), [this, machine] { boot(machine); });
}

void Nodes::machine_off(const Thing& thing) {
    const auto found = machines_.find(thing.seen.machine_id);
    if (found == machines_.end()) return;
    const Shared& machine = found->second;
    ground_.trace.note([&] { return machine->data.node + " has no power"; });
    lose_link(machine);
    machine->powered = false;
    ++machine->life;
    machine->orders.reset();
    machine->applied = 0;
    machine->ready = machine->reporting = machine->connected = false;
    machine->report_due = machine->fetching = machine->offered = false;
    machine->subscription.reset();
    machine->relayed.clear();
    if (machine->slurm) machine->slurm->set_running(false);
}

void Nodes::machine_gone(const Thing& thing) {
    machines_.erase(thing.seen.machine_id);
}

void Nodes::boot(const Shared& machine) {
    ground_.trace.note([&] { return machine->data.node + " booted"; });
    if (machine->enrolled) {
        enrolled(machine);
    } else {
        enrol(machine);
    }
}

// --- enrolment ---------------------------------------------------------------------------------

void Nodes::enrol(const Shared& machine) {
    const nodewire::EnrolRequest request{.cluster = machine->data.cluster,
                                         .node = machine->data.node,
                                         .token = machine->data.token,
                                         .machine_id = machine->id,
                                         .private_ip = machine->interface_ip,
                                         .signing_request_pem = "request of " + machine->data.node};
    Milliseconds again = between(ground_.of_nodes, Milliseconds(300), Seconds(2));
    bool reaches = linked(*machine);
    if (!machine->data.is_head) {
        const Shared head = head_of(machine->data.cluster);
        reaches = reaches && head && head->enrolled && head->orders && linked(*head);
    }
    if (reaches) {
        std::optional<Result<nodewire::EnrolReply>> reply;
        control_plane_.with_sessions(
            [&](NodeSessions& sessions) { reply = sessions.enrol(request); });
        const bool lost = ground_.faults.happens(Fault::enrol_reply_lost);
        ground_.trace.note([&] {
            return fmt::format("{} enrols: {}",
                               machine->data.node,
                               !reply   ? "no answer"
                               : lost   ? "reply lost"
                               : *reply ? "ok"
                                        : reply->error().code);
        });
        if (reply && *reply && !lost) {
            machine->enrolled = true;
            return later(machine,
                         pace(*machine, Milliseconds(20), Milliseconds(200)),
                         [this, machine] { enrolled(machine); });
        }
        if (reply && !*reply) again = Seconds(5);
    }
    later(machine, again, [this, machine] { enrol(machine); });
}

void Nodes::enrolled(const Shared& machine) {
    machine->reporting = true;
    if (machine->data.is_head) {
        if (!machine->slurm)
            machine->slurm = std::make_unique<SlurmModel>(ground_.queue, [this, id = machine->id] {
                if (const auto found = machines_.find(id); found != machines_.end())
                    say_something_new(found->second);
            });
        report_again(machine, Milliseconds(10));
        return connect(machine);
    }
    say_something_new(machine);
    if (const Shared head = head_of(machine->data.cluster)) offer_orders(head);
}

// --- orders ------------------------------------------------------------------------------------

void Nodes::connections_lost() {
    for (const auto& [id, machine] : machines_) {
        machine->subscription.reset();
        machine->connected = false;
    }
}

void Nodes::connect(const Shared& head) {
    if (linked(*head) && !head->connected) fetch_orders(head);
    later(head, poll_every, [this, head] {
        head->connected = false;
        connect(head);
    });
}

void Nodes::fetch_orders(const Shared& head) {
    // Without power nobody would ever come back from it.
    if (head->fetching || !head->powered) return;
    head->fetching = true;
    later(head, pace(*head, Milliseconds(5), Milliseconds(60)), [this, head] {
        head->fetching = false;
        if (!linked(*head)) return;
        std::optional<Result<Orders>> reply;
        const bool answered = control_plane_.with_sessions([&](NodeSessions& sessions) {
            reply = sessions.orders(NodeId(head->data.node));
            const std::int64_t seen = *reply ? (*reply)->revision : 0;
            head->subscription = sessions.when_newer(
                NodeId(head->data.node), seen, [this, weak = std::weak_ptr(head)] {
                    // From within the control plane: nothing but a note to come back.
                    ground_.queue.after(Milliseconds(1), [this, weak] {
                        if (const Shared again = weak.lock()) fetch_orders(again);
                    });
                });
        });
        head->connected = answered;
        if (!answered) head->subscription.reset();
        if (answered && reply && *reply) return take_orders(head, std::move(**reply));
        if (!answered || !reply || (*reply).error().kind != ErrorKind::not_found)
            later(head, Seconds(1), [this, head] { fetch_orders(head); });
    });
}

void Nodes::take_orders(const Shared& head, Orders orders) {
    if (head->orders && orders.revision <= head->orders->revision) return;
    ground_.trace.note(
        [&] { return fmt::format("{} takes orders {}", head->data.node, orders.revision); });
    if (orders.node != head->data.node)
        ground_.findings.add("orders of " + orders.node + " reach " + head->data.node);
    head->orders = std::move(orders);
    offer_orders(head);
    become(head);
}

/// Workers that can hear it take their part.
void Nodes::offer_orders(const Shared& head) {
    if (!head->orders || head->offered) return;
    head->offered = true;
    later(head, between(ground_.of_nodes, Milliseconds(5), Milliseconds(80)), [this, head] {
        head->offered = false;
        for (const auto& [id, machine] : machines_) {
            if (machine->data.cluster != head->data.cluster || machine->data.is_head) continue;
            if (machine->reporting && linked(*machine)) take_part(machine);
        }
    });
}

void Nodes::take_part(const Shared& worker) {
    const Shared head = head_of(worker->data.cluster);
    if (!head || !head->orders) return;
    const auto part = head->orders->workers.find(worker->data.node);
    if (part == head->orders->workers.end()) return;
    if (worker->orders && part->second.revision <= worker->orders->revision) return;
    worker->orders = part->second;
    become(worker);
}

void Nodes::become(const Shared& machine) {
    const std::int64_t revision = machine->orders->revision;
    const Milliseconds work = machine->ready ? pace(*machine, Milliseconds(10), Milliseconds(150))
                                             : pace(*machine, Milliseconds(100), Seconds(2));
    later(machine, work, [this, machine, revision] {
        if (!machine->orders || machine->orders->revision != revision) return;
        const Orders& orders = *machine->orders;
        machine->applied = revision;
        if (machine->slurm) {
            machine->slurm->apply(orders.members);
            machine->slurm->set_running(true);
            // Whoever is there registers with the workload manager, now that it knows the name.
            for (const auto& [id, other] : machines_)
                if (!other->data.is_head && other->data.cluster == machine->data.cluster)
                    register_with_head(other);
        }
        if (orders.init_script && machine->init_script_runs == 0) ++machine->init_script_runs;
        machine->ready = orders.storage.has_value() && !orders.workload_key.empty();
        register_with_head(machine);
        say_something_new(machine);
    });
}

void Nodes::register_with_head(const Shared& worker) {
    if (worker->data.is_head || !worker->ready || !linked(*worker)) return;
    const Shared head = head_of(worker->data.cluster);
    if (head && head->slurm && head->applied > 0)
        head->slurm->answers(worker->data.node, worker->boot_id);
}

// --- reports -----------------------------------------------------------------------------------

Report Nodes::compose(const Machine& machine) const {
    Report report;
    report.node = machine.data.node;
    report.machine_id = machine.id;
    report.boot_id = machine.boot_id;
    report.program_version = "simulated";
    report.applied_revision = machine.applied;
    report.services_ready = machine.ready;
    report.stage = machine.ready ? "" : "becoming its role";
    report.mount_ready = machine.ready;
    report.at = ground_.clock.now();
    if (machine.init_script_runs > 0)
        report.init_script = nodewire::InitScriptResult{.exit_code = 0, .output_tail = "done"};
    if (!machine.slurm) return report;
    report.workload = machine.slurm->report();
    if (machine.applied > 0) report.demand = machine.slurm->demand();
    report.jobs_running = machine.slurm->running_jobs();
    report.jobs_pending = machine.slurm->pending_jobs();
    for (const auto& [node, said] : machine.relayed)
        report.workers.push_back(
            {.report = said.first, .age_ms = (ground_.clock.now() - said.second).count()});
    return report;
}

/// A worker tells its head, a head the control plane; at once, but not one by one.
void Nodes::say_something_new(const Shared& machine) {
    if (!machine->powered || !machine->reporting || machine->report_due) return;
    machine->report_due = true;
    later(machine, pace(*machine, Milliseconds(5), Milliseconds(60)), [this, machine] {
        machine->report_due = false;
        if (machine->data.is_head) return report(machine);
        const Shared head = head_of(machine->data.cluster);
        if (!head || !linked(*machine)) return;
        head->relayed[machine->data.node] = {compose(*machine), ground_.clock.now()};
        say_something_new(head);
    });
}

void Nodes::report(const Shared& head) {
    if (!linked(*head)) return;
    // Workers that reach their head are heard every few seconds even when nothing changes.
    for (const auto& [id, machine] : machines_) {
        if (machine->data.is_head || machine->data.cluster != head->data.cluster) continue;
        if (!machine->reporting || !linked(*machine)) continue;
        auto& said = head->relayed[machine->data.node];
        if (ground_.clock.now() - said.second >= report_every)
            said = {compose(*machine), ground_.clock.now()};
    }
    ++reports_;
    std::optional<Result<void>> reply;
    const Report report = compose(*head);
    control_plane_.with_sessions(
        [&](NodeSessions& sessions) { reply = sessions.report(NodeId(head->data.node), report); });
    if (!reply) return;
    if (!head->connected) fetch_orders(head);
    if (!*reply)
        ground_.trace.note([&] {
            return fmt::format(
                "report of {} is refused: {}", head->data.node, reply->error().message);
        });
}

void Nodes::report_again(const Shared& head, Milliseconds delay) {
    later(head, delay, [this, head] {
        report(head);
        report_again(head, report_every);
    });
}

}  // namespace hopyard::simulation
