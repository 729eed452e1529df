#include "simulation/users.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "model/spec_json.h"

namespace hopyard::simulation {

using model::ClusterSpec;
using model::Wanted;
using model::WorkerGroupSpec;

namespace {

std::optional<model::SpotSpec> draw_spot(Random& of_spot) {
    if (!chance(of_spot, 0.3)) return std::nullopt;
    return model::SpotSpec{.max_price_percent = 60, .fall_back_on_demand = chance(of_spot, 0.7)};
}

WorkerGroupSpec draw_group(Random& random, Random& of_spot, int most) {
    static constexpr const char* sizes[] = {"Small", "Medium"};
    return {.key = {.instance_type = sizes[below(random, 2)], .spot = draw_spot(of_spot)},
            .count = 1 + static_cast<int>(below(random, static_cast<std::uint64_t>(most)))};
}

/// A group that follows demand, with a wait that lets it shrink while somebody looks.
model::AutoscaleSpec draw_autoscale(Random& random, Random& of_spot) {
    static constexpr double standbys[] = {0, 0, 0.5, 1};
    static constexpr std::int64_t waits[] = {5, 30, 120};
    const bool small = chance(random, 0.6);
    model::ScaleSpec general{.instance_type = small ? "Small" : "Medium",
                             .min_workers = static_cast<int>(below(random, 2)),
                             .max_workers = 2 + static_cast<int>(below(random, 3)),
                             .standby_workers = standbys[below(random, 4)],
                             .downscale_wait_s = waits[below(random, 3)]};
    if (chance(random, 0.4)) general.fallback_types = {small ? "Medium" : "Small"};
    general.spot = draw_spot(of_spot);
    const auto mode =
        chance(random, 0.35) ? model::AutoscaleMode::adaptive : model::AutoscaleMode::standard;
    return {.mode = mode, .general = std::move(general)};
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

nlohmann::json document(const WorkerGroupSpec& group) {
    nlohmann::json entry{{"instanceType", group.key.instance_type}, {"count", group.count}};
    if (const auto& spot = group.key.spot)
        entry["spot"] = {{"maxPricePercent", spot->max_price_percent},
                         {"fallBackOnDemand", spot->fall_back_on_demand}};
    return entry;
}

std::string workers_body(const WorkerGroupSpec& group) {
    return nlohmann::json{{"workers", nlohmann::json::array({document(group)})}}.dump();
}

}  // namespace

Users::Users(Ground& ground, FrontDoor& door, Judge& judge, Nodes& nodes, store::Store& store)
    : ground_(ground), door_(door), judge_(judge), nodes_(nodes), store_(store) {}

ClusterSpec Users::draw_spec(int number) {
    Random& random = ground_.of_users;
    ClusterSpec spec;
    spec.name = std::string("team-") + static_cast<char>('a' + number);
    spec.resource_group = resource_group;
    spec.location = location;
    spec.head.instance_type = "Medium";
    if (!chance(random, 0.15)) spec.workers.push_back(draw_group(random, ground_.of_spot, 3));
    if (chance(random, 0.3)) {
        const WorkerGroupSpec more = draw_group(random, ground_.of_spot, 2);
        if (spec.workers.empty() || spec.workers[0].key != more.key) spec.workers.push_back(more);
    }
    if (chance(random, 0.35)) {
        spec.autoscale = draw_autoscale(random, ground_.of_spot);
        if (chance(random, 0.7)) spec.workers.clear();
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
    // Once the faults are over somebody who got no cluster does without.
    if (calm_) {
        person.commands_left = 0;
        return;
    }
    Wish hoped{.id = {}, .spec = person.spec};
    ask(person, "create", hoped, "POST", "/v1/clusters", model::spec_to_json(person.spec));
}

void Users::next_act(Person& person) {
    ground_.queue.after(between(ground_.of_users, Seconds(2), Seconds(70)),
                        [this, &person] { act(person); });
}

void Users::act(Person& person) {
    if (calm_) person.commands_left = 0;
    if (person.commands_left == 0) return;
    if (person.asked) return next_act(person);
    --person.commands_left;
    if (person.wish->wanted != Wanted::terminated) draw_command(person);
    next_act(person);
}

/// Jobs come in all the time.
void Users::work(Person& person) {
    if (calm_ || person.jobs_left == 0) return;
    --person.jobs_left;
    Random& random = ground_.of_users;
    // Few workers that follow demand have to be done with all jobs before anybody's patience ends.
    const Milliseconds longest =
        person.wish && person.wish->spec.autoscale ? Seconds(300) : Seconds(900);
    const SlurmModel::JobShape shape{
        .nodes = 1 + static_cast<int>(below(random, 2)),
        .cpus_each = 1 + static_cast<int>(below(random, 2)),
        .runs_for = between(random, Seconds(1), chance(random, 0.3) ? longest : Seconds(60))};
    if (person.wish) nodes_.submit_job(person.wish->id, shape);
    ground_.queue.after(between(random, Seconds(1), Seconds(30)),
                        [this, &person] { work(person); });
}

void Users::draw_command(Person& person) {
    if (person.wish->spec.autoscale && chance(ground_.of_users, 0.4))
        return change_autoscale(person);
    const auto dice = below(ground_.of_users, 100);
    if (dice < 35) return change_workers(person);
    if (dice < 45) return change_ports(person);
    if (dice < 70) return change_power(person);
    if (dice < 87) return act_on_one(person);
    if (dice < 95) return change_autoscale(person);
    terminate(person);
}

void Users::terminate(Person& person) {
    Wish hoped = *person.wish;
    hoped.wanted = Wanted::terminated;
    ask(person, "terminate", std::move(hoped), "DELETE", "");
}

void Users::change_workers(Person& person) {
    Wish hoped = *person.wish;
    const WorkerGroupSpec group = draw_group(ground_.of_users, ground_.of_spot, 3);
    if (chance(ground_.of_users, 0.5)) {
        add_to(hoped.spec.workers, group);
        return ask(
            person, "add workers", std::move(hoped), "POST", "/workers/add", workers_body(group));
    }
    if (chance(ground_.of_users, 0.8)) {
        take_from(hoped.spec.workers, group);
        return ask(person,
                   "remove workers",
                   std::move(hoped),
                   "POST",
                   "/workers/remove",
                   workers_body(group));
    }
    hoped.spec.workers = {group};
    ask(person, "set workers", std::move(hoped), "PUT", "/workers", workers_body(group));
}

void Users::change_ports(Person& person) {
    Wish hoped = *person.wish;
    hoped.spec.ports.ssh = chance(ground_.of_users, 0.5);
    hoped.spec.ports.kafka = chance(ground_.of_users, 0.5);
    const model::Ports& ports = hoped.spec.ports;
    nlohmann::json body{{"ports",
                         {{"featureStore", ports.feature_store},
                          {"onlineFeatureStore", ports.online_feature_store},
                          {"kafka", ports.kafka},
                          {"ssh", ports.ssh}}}};
    if (chance(ground_.of_users, 0.4)) {
        hoped.spec.port_sources = {"198.51.100.0/24"};
        body["sources"] = hoped.spec.port_sources;
    }
    ask(person, "set ports", std::move(hoped), "PUT", "/ports", body.dump());
}

void Users::change_power(Person& person) {
    Wish hoped = *person.wish;
    const auto dice = below(ground_.of_users, 10);
    if (hoped.wanted == Wanted::stopped) {
        if (dice < 3) {
            std::string& type = hoped.spec.head.instance_type;
            type = chance(ground_.of_users, 0.5) ? "Large" : "Medium";
            const nlohmann::json body{{"instanceType", type}};
            return ask(person, "set head type", std::move(hoped), "PUT", "/head", body.dump());
        }
        hoped.wanted = Wanted::running;
        return ask(person, "start", std::move(hoped), "POST", "/start");
    }
    if (dice < 5) {
        hoped.wanted = Wanted::stopped;
        return ask(person, "stop", std::move(hoped), "POST", "/stop");
    }
    const char* verb = dice < 7 ? "retry" : "restart";
    ask(person, verb, std::move(hoped), "POST", std::string("/") + verb);
}

/// Another type, other bounds, or none: at any moment, also in the middle of a scale-up.
void Users::change_autoscale(Person& person) {
    Wish hoped = *person.wish;
    Random& random = ground_.of_users;
    if (hoped.spec.autoscale && chance(random, 0.15)) {
        hoped.spec.autoscale.reset();
        return ask(person, "clear autoscale", std::move(hoped), "DELETE", "/autoscale", {}, true);
    }
    model::AutoscaleSpec policy = draw_autoscale(random, ground_.of_spot);
    if (hoped.spec.autoscale && chance(random, 0.8)) {
        const std::string type = policy.general.instance_type;
        policy = *hoped.spec.autoscale;
        model::ScaleSpec& general = policy.general;
        if (chance(random, 0.5)) {
            general.min_workers = static_cast<int>(below(random, 3));
            general.max_workers = 2 + static_cast<int>(below(random, 3));
        } else if (general.instance_type != type) {
            general.instance_type = type;
            general.fallback_types.clear();
        } else if (chance(ground_.of_spot, 0.3)) {
            general.spot = draw_spot(ground_.of_spot);
        } else {
            general.disk_gb = general.disk_gb == 30 ? 64 : 30;
        }
    }
    hoped.spec.autoscale = policy;
    ask(person,
        "set autoscale",
        std::move(hoped),
        "PUT",
        "/autoscale",
        model::to_json(policy),
        true);
}

void Users::act_on_one(Person& person) {
    std::vector<NodeId> ids;
    const auto look = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto nodes, t.nodes(person.wish->id));
        for (const model::Node& node : nodes) ids.push_back(node.id);
        return {};
    };
    if (!store_.read(look) || ids.empty()) return;
    const NodeId node = ids[below(ground_.of_users, ids.size())];
    static constexpr const char* verbs[] = {
        "restart", "restart", "drain", "resume", "protect", "unprotect"};
    const std::string verb = verbs[below(ground_.of_users, 6)];
    ask(person, verb + " node", *person.wish, "POST", "/nodes/" + node.value + "/" + verb);
}

/// Whoever only pushes does not wait for an answer.
void Users::retry_what_failed() {
    for (const auto& person : people_) {
        if (!person->wish || person->wish->wanted == Wanted::terminated) continue;
        judge_.user_acts(person->wish->id);
        person->etag.clear();
        door_.ask({.method = "POST", .target = "/v1/clusters/" + person->wish->id.value + "/retry"},
                  [](const http::Response&) {});
    }
}

void Users::terminate_all() {
    for (const auto& person : people_)
        if (person->wish && person->wish->wanted != Wanted::terminated) terminate(*person);
}

bool Users::certain() const {
    return std::none_of(people_.begin(), people_.end(), [](const auto& person) {
        return person->asked.has_value();
    });
}

bool Users::done() const {
    return std::all_of(people_.begin(), people_.end(), [](const auto& person) {
        return person->wish && person->commands_left == 0 && !person->asked;
    });
}

std::vector<Wish> Users::wishes() const {
    std::vector<Wish> out;
    for (const auto& person : people_)
        if (person->wish) out.push_back(*person->wish);
    return out;
}

}  // namespace hopyard::simulation
