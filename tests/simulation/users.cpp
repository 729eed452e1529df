#include "simulation/users.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/phase.h"

namespace hopyard::simulation {

using control::Commands;
using model::ClusterSpec;
using model::Wanted;
using model::WorkerGroupSpec;

namespace {

const control::Caller somebody{.organisation = our_organisation, .actor = "somebody"};
/// After that nobody waits for an answer any more.
constexpr Milliseconds patience = Seconds(120);

WorkerGroupSpec draw_group(Random& random, int most) {
    static constexpr const char* sizes[] = {"Small", "Medium"};
    return {.key = {.instance_type = sizes[below(random, 2)]},
            .count = 1 + static_cast<int>(below(random, static_cast<std::uint64_t>(most)))};
}

void add_to(std::vector<WorkerGroupSpec>& groups, const WorkerGroupSpec& more) {
    for (WorkerGroupSpec& group : groups)
        if (group.key == more.key) {
            group.count += more.count;
            return;
        }
    groups.push_back(more);
}

void take_from(std::vector<WorkerGroupSpec>& groups, const WorkerGroupSpec& fewer) {
    for (WorkerGroupSpec& group : groups)
        if (group.key == fewer.key) group.count = std::max(0, group.count - fewer.count);
    std::erase_if(groups, [](const WorkerGroupSpec& group) { return group.count == 0; });
}

/// Refusals that a command may give, whatever goes on around it.
bool may_refuse(const Error& error) {
    // Somebody's own first attempt, which went unanswered, may win against the second.
    if (error.code == "container_claimed" || error.code == "name_taken") return true;
    switch (error.kind) {
        case ErrorKind::conflict:
        case ErrorKind::not_found:
        case ErrorKind::already_exists:
        case ErrorKind::quota_exceeded:
        case ErrorKind::unavailable:
        case ErrorKind::timed_out:
        case ErrorKind::rate_limited:
            return true;
        default:
            return false;
    }
}

}  // namespace

Users::Users(Ground& ground, CommandRoom& room, Judge& judge, Nodes& nodes, store::Store& store)
    : ground_(ground), room_(room), judge_(judge), nodes_(nodes), store_(store) {}

ClusterSpec Users::draw_spec(int number) {
    Random& random = ground_.of_users;
    ClusterSpec spec;
    spec.name = std::string("team-") + static_cast<char>('a' + number);
    spec.resource_group = resource_group;
    spec.location = location;
    spec.head.instance_type = "Medium";
    if (!chance(random, 0.15)) spec.workers.push_back(draw_group(random, 3));
    if (chance(random, 0.3)) {
        const WorkerGroupSpec more = draw_group(random, 2);
        if (spec.workers.empty() || spec.workers[0].key != more.key) spec.workers.push_back(more);
    }
    spec.storage.account = "store";
    if (chance(random, 0.3)) spec.storage.container = "data-of-" + spec.name;
    spec.ssh_key = "ops";
    spec.identity = "nodes";
    if (chance(random, 0.25)) {
        spec.network.virtual_network = users_network;
        if (chance(random, 0.5)) spec.network.subnet = users_subnet;
    }
    if (chance(random, 0.2)) spec.network.security_group = users_security_group;
    spec.network.public_ip = chance(random, 0.8);
    if (chance(random, 0.3)) spec.tags = {{"cost", "42"}};
    if (chance(random, 0.2)) spec.init_script.text = "#!/bin/sh\necho hello\n";
    spec.ports.ssh = chance(random, 0.3);
    if (chance(random, 0.5)) spec.port_sources = {"192.0.2.0/24"};
    static constexpr std::int64_t timeouts[] = {900, 60, 20, 0, model::DrainTimeout::never};
    spec.drain_timeout.seconds = timeouts[below(random, 5)];
    return spec;
}

void Users::begin(int clusters) {
    for (int i = 0; i < clusters; ++i) {
        people_.push_back(std::make_unique<Person>());
        Person& person = *people_.back();
        person.number = i;
        person.spec = draw_spec(i);
        person.commands_left = static_cast<int>(below(ground_.of_users, 7));
        person.jobs_left = static_cast<int>(below(ground_.of_users, 12));
        ground_.queue.after(between(ground_.of_users, Milliseconds(0), Seconds(20)),
                            [this, &person] { create(person); });
        ground_.queue.after(Seconds(10), [this, &person] { work(person); });
    }
}

void Users::create(Person& person) {
    find_out(person);
    if (person.wish) {
        person.waits_for_answer = false;
        return next_act(person);
    }
    const auto again = [this, &person] {
        ground_.queue.after(Seconds(8), [this, &person] { create(person); });
    };
    // Once the faults are over somebody who got no cluster does without.
    if (calm_) {
        person.commands_left = 0;
        return;
    }
    if (person.waits_for_answer && ground_.clock.now() - person.asked_at < patience) return again();
    person.asked_at = ground_.clock.now();
    person.waits_for_answer = room_.run_command([this, &person](Commands& commands) {
        const auto outcome = commands.create(somebody, person.spec);
        ground_.trace.note([&] {
            return fmt::format("{} is created: {}",
                               person.spec.name,
                               outcome ? outcome->id.value : outcome.error().message);
        });
        if (!outcome && !may_refuse(outcome.error()))
            ground_.findings.add("creation is refused: " + outcome.error().message);
        person.waits_for_answer = false;
        if (!outcome) return;
        ClusterSpec spec = outcome->preflight.spec;
        spec.network = person.spec.network;
        person.wish = Wish{.id = outcome->id, .spec = std::move(spec)};
    });
    again();
}

void Users::next_act(Person& person) {
    ground_.queue.after(between(ground_.of_users, Seconds(2), Seconds(70)),
                        [this, &person] { act(person); });
}

void Users::act(Person& person) {
    if (calm_) person.commands_left = 0;
    if (person.commands_left == 0) return;
    if (person.waits_for_answer && ground_.clock.now() - person.asked_at < patience)
        return next_act(person);
    find_out(person);
    --person.commands_left;
    if (person.wish->wanted != Wanted::terminated) draw_command(person);
    next_act(person);
}

/// Jobs come in all the time.
void Users::work(Person& person) {
    if (calm_ || person.jobs_left == 0) return;
    --person.jobs_left;
    Random& random = ground_.of_users;
    const SlurmModel::JobShape shape{
        .nodes = 1 + static_cast<int>(below(random, 2)),
        .cpus_each = 1 + static_cast<int>(below(random, 2)),
        .runs_for = between(random, Seconds(1), chance(random, 0.3) ? Seconds(900) : Seconds(60))};
    if (person.wish) nodes_.submit_job(person.wish->id, shape);
    ground_.queue.after(between(random, Seconds(1), Seconds(30)),
                        [this, &person] { work(person); });
}

void Users::draw_command(Person& person) {
    const auto dice = below(ground_.of_users, 100);
    if (dice < 45) return change_workers(person);
    if (dice < 55) return change_ports(person);
    if (dice < 85) return change_power(person);
    if (dice < 92) return restart_one(person);
    Wish hoped = *person.wish;
    hoped.wanted = Wanted::terminated;
    ask(person, "terminate", hoped, [id = hoped.id](Commands& commands) {
        return commands.terminate(somebody, id);
    });
}

void Users::change_workers(Person& person) {
    Wish hoped = *person.wish;
    const WorkerGroupSpec group = draw_group(ground_.of_users, 3);
    if (chance(ground_.of_users, 0.5)) {
        add_to(hoped.spec.workers, group);
        return ask(person, "add workers", hoped, [id = hoped.id, group](Commands& commands) {
            return commands.add_workers(somebody, id, {group});
        });
    }
    if (chance(ground_.of_users, 0.8)) {
        take_from(hoped.spec.workers, group);
        return ask(person, "remove workers", hoped, [id = hoped.id, group](Commands& commands) {
            return commands.remove_workers(somebody, id, {group});
        });
    }
    hoped.spec.workers = {group};
    ask(person, "set workers", hoped, [id = hoped.id, group](Commands& commands) {
        return commands.set_workers(somebody, id, {group});
    });
}

void Users::change_ports(Person& person) {
    Wish hoped = *person.wish;
    hoped.spec.ports.ssh = chance(ground_.of_users, 0.5);
    hoped.spec.ports.kafka = chance(ground_.of_users, 0.5);
    std::optional<std::vector<std::string>> sources;
    if (chance(ground_.of_users, 0.4)) sources = std::vector<std::string>{"198.51.100.0/24"};
    if (sources) hoped.spec.port_sources = *sources;
    ask(person,
        "set ports",
        hoped,
        [id = hoped.id, ports = hoped.spec.ports, sources](Commands& commands) {
            return commands.set_ports(somebody, id, ports, sources);
        });
}

void Users::change_power(Person& person) {
    Wish hoped = *person.wish;
    const auto dice = below(ground_.of_users, 10);
    if (hoped.wanted == Wanted::stopped) {
        if (dice < 3) {
            hoped.spec.head.instance_type = chance(ground_.of_users, 0.5) ? "Large" : "Medium";
            return ask(person,
                       "set head type",
                       hoped,
                       [id = hoped.id, type = hoped.spec.head.instance_type](Commands& commands) {
                           return commands.set_head_type(somebody, id, type);
                       });
        }
        hoped.wanted = Wanted::running;
        return ask(person, "start", hoped, [id = hoped.id](Commands& commands) {
            return commands.start(somebody, id);
        });
    }
    if (dice < 5) {
        hoped.wanted = Wanted::stopped;
        return ask(person, "stop", hoped, [id = hoped.id](Commands& commands) {
            return commands.stop(somebody, id);
        });
    }
    if (dice < 7)
        return ask(person, "retry", hoped, [id = hoped.id](Commands& commands) {
            return commands.retry(somebody, id);
        });
    ask(person, "restart", hoped, [id = hoped.id](Commands& commands) {
        return commands.restart(somebody, id);
    });
}

void Users::restart_one(Person& person) {
    std::vector<NodeId> ids;
    const auto look = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto nodes, t.nodes(person.wish->id));
        for (const model::Node& node : nodes) ids.push_back(node.id);
        return {};
    };
    if (!store_.read(look) || ids.empty()) return;
    const NodeId node = ids[below(ground_.of_users, ids.size())];
    ask(person, "restart node", *person.wish, [id = person.wish->id, node](Commands& commands) {
        return commands.restart_node(somebody, id, node);
    });
}

void Users::ask(Person& person,
                const char* what,
                Wish hoped,
                std::function<Result<model::Cluster>(Commands&)> command) {
    person.waits_for_answer = true;
    person.asked_at = ground_.clock.now();
    person.maybe = hoped;
    const bool runs = room_.run_command(
        [this, &person, what, hoped, command = std::move(command)](Commands& commands) {
            judge_.user_acts(hoped.id);
            const auto answer = command(commands);
            judge_.user_acts(hoped.id);
            // A person who stopped waiting has looked for themselves.
            if (person.maybe) {
                person.maybe.reset();
                if (answer) person.wish = hoped;
            } else {
                find_out(person);
            }
            person.waits_for_answer = false;
            judge_answer(person, what, answer);
        });
    if (runs) return;
    person.waits_for_answer = false;
    person.maybe.reset();
}

void Users::judge_answer(Person& person, const char* what, const Result<model::Cluster>& answer) {
    ground_.trace.note([&] {
        return fmt::format(
            "{} {}: {}",
            what,
            person.wish->id.value,
            answer ? model::to_string(answer->phase) : std::string_view(answer.error().message));
    });
    if (!answer) {
        if (!may_refuse(answer.error()))
            ground_.findings.add(fmt::format("{} is refused: {}", what, answer.error().message));
        return;
    }
    const std::string_view verb = what;
    const model::Phase phase = answer->phase;
    const bool shown = verb == "stop"        ? phase == model::Phase::stopping
                       : verb == "start"     ? phase == model::Phase::starting
                       : verb == "restart"   ? phase == model::Phase::starting
                       : verb == "terminate" ? phase == model::Phase::terminating
                                             : true;
    if (!shown)
        ground_.findings.add(
            fmt::format("after {} the cluster is {}", what, model::to_string(phase)));
}

/// A request without an answer was carried out whole or not at all.
void Users::find_out(Person& person) {
    std::optional<model::Cluster> row;
    const auto look = [&](store::Transaction& t) -> Result<void> {
        if (person.wish) {
            ASSIGN_OR_RETURN(row, t.cluster(person.wish->id));
        } else {
            ASSIGN_OR_RETURN(row, t.cluster_named(our_organisation, person.spec.name));
        }
        return {};
    };
    if (!store_.read(look)) return;
    if (!person.wish) {
        if (!row) return;
        ClusterSpec spec = row->spec;
        spec.network = person.spec.network;
        person.wish = Wish{.id = row->id, .spec = std::move(spec)};
        return;
    }
    if (!person.maybe) return;
    const auto fits = [&](const Wish& wish) {
        if (!row) return wish.wanted == Wanted::terminated;
        auto mine = wish.spec.workers, stored = row->spec.workers;
        const auto less = [](const auto& a, const auto& b) { return a.key < b.key; };
        std::sort(mine.begin(), mine.end(), less);
        std::sort(stored.begin(), stored.end(), less);
        return wish.wanted == row->wanted && mine == stored && wish.spec.ports == row->spec.ports &&
               wish.spec.port_sources == row->spec.port_sources && wish.spec.head == row->spec.head;
    };
    if (fits(*person.maybe))
        person.wish = person.maybe;
    else if (!fits(*person.wish))
        ground_.findings.add("a request to " + person.wish->id.value + " was carried out by half");
    person.maybe.reset();
    person.waits_for_answer = false;
}

void Users::retry_what_failed() {
    for (const auto& person : people_) {
        if (!person->wish || person->wish->wanted == Wanted::terminated) continue;
        room_.run_command([this, id = person->wish->id](Commands& commands) {
            judge_.user_acts(id);
            (void)commands.retry(somebody, id);
        });
    }
}

void Users::terminate_all() {
    for (const auto& person : people_) {
        find_out(*person);
        if (!person->wish || person->wish->wanted == Wanted::terminated) continue;
        Wish hoped = *person->wish;
        hoped.wanted = Wanted::terminated;
        ask(*person, "terminate", hoped, [id = hoped.id](Commands& commands) {
            return commands.terminate(somebody, id);
        });
    }
}

bool Users::done() const {
    return std::all_of(people_.begin(), people_.end(), [](const auto& person) {
        return person->wish && person->commands_left == 0 && !person->waits_for_answer;
    });
}

std::vector<Wish> Users::wishes() {
    std::vector<Wish> out;
    for (const auto& person : people_) {
        if (!person->waits_for_answer || ground_.clock.now() - person->asked_at > patience)
            find_out(*person);
        if (person->wish) out.push_back(*person->wish);
    }
    return out;
}

}  // namespace hopyard::simulation
