// Whether what is seen equals what is wanted, once nothing goes wrong any more.
#include <algorithm>

#include <fmt/format.h>

#include "control/secrets.h"
#include "decide/lifecycle/ports.h"
#include "model/phase.h"
#include "simulation/judge.h"

namespace hopyard::simulation {
namespace {

using Differences = std::vector<std::string>;
using model::NodePhase;
using model::NodeWanted;

std::map<model::GroupKey, int> counts_of(const std::vector<model::WorkerGroupSpec>& groups) {
    std::map<model::GroupKey, int> counts;
    for (const auto& group : groups)
        if (group.count > 0) counts[group.key] += group.count;
    return counts;
}

/// The ports that are open and to whom, as text, whoever wrote the rules down.
std::set<std::string> openings(const std::vector<cloud::SecurityRule>& rules) {
    std::set<std::string> out;
    for (const cloud::SecurityRule& rule : rules) {
        if (!rule.allow || rule.protocol != "tcp") continue;
        for (const std::string& port : rule.ports)
            for (const std::string& source : rule.sources) out.insert(port + " from " + source);
    }
    return out;
}

std::set<std::string> wanted_openings(const model::ClusterSpec& spec) {
    std::set<std::string> out = {"443 from *", "80 from *"};
    const auto sources =
        spec.port_sources.empty() ? std::vector<std::string>{"*"} : spec.port_sources;
    const auto open = [&](bool asked, std::initializer_list<const char*> ports) {
        for (const char* port : ports)
            for (const std::string& source : sources)
                if (asked) out.insert(std::string(port) + " from " + source);
    };
    open(spec.ports.ssh, {"22"});
    open(spec.ports.feature_store, {"8020", "30010", "9083", "9085"});
    open(spec.ports.online_feature_store, {"3306"});
    open(spec.ports.kafka, {"9092"});
    return out;
}

bool belongs_to(const Thing& thing, const ClusterId& id) {
    return tag_of(thing.seen.tags, cloud::tag::installation) == our_installation.value &&
           tag_of(thing.seen.tags, cloud::tag::cluster) == id.value;
}

}  // namespace

Judge::Rows Judge::rows_of(const ClusterId& id) {
    Rows rows;
    const auto look = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(rows.cluster, t.cluster(id));
        ASSIGN_OR_RETURN(rows.nodes, t.nodes(id));
        ASSIGN_OR_RETURN(rows.resources, t.resources(id));
        ASSIGN_OR_RETURN(rows.runs, t.runs({.organisation = our_organisation, .cluster = id}));
        for (const std::string& name : {control::workload_key_secret(id),
                                        control::first_administrator_secret(id),
                                        control::first_administrator_hash_secret(id),
                                        control::storage_grant_secret(id),
                                        control::page_certificate_secret(id),
                                        control::page_key_secret(id),
                                        control::order_revisions_secret(id)}) {
            ASSIGN_OR_RETURN(const auto secret, t.secret(name));
            if (secret) rows.secrets_left.push_back(name);
        }
        for (const NodeId& node : nodes_ever_) {
            ASSIGN_OR_RETURN(const auto token, t.secret(control::token_secret(id, node)));
            if (token) rows.secrets_left.push_back("token of " + node.value);
        }
        return {};
    };
    if (!store_.read(look)) wrong("the store cannot be read");
    return rows;
}

std::vector<std::string> Judge::differences(const Wish& wish) {
    Differences out;
    const Rows rows = rows_of(wish.id);
    compare_runs(rows, out);
    if (wish.wanted == model::Wanted::terminated) {
        compare_gone(wish, rows, out);
        return out;
    }
    if (!rows.cluster) return {wish.id.value + " is not in the store"};
    if (rows.cluster->wanted != wish.wanted)
        out.push_back(wish.id.value + " is wanted " +
                      std::string(model::to_string(rows.cluster->wanted)));
    if (rows.cluster->problem)
        out.push_back(wish.id.value + " has a problem: " + rows.cluster->problem->message);
    for (const model::Resource& row : rows.resources) {
        if (!row.wanted) out.push_back("still to be removed: " + to_string(row.name));
        if (row.operation) out.push_back("an operation is pending: " + to_string(row.name));
        // Whoever stopped it early may have a plan of what was never made.
        const bool planned_only = wish.wanted == model::Wanted::stopped && !row.made;
        if (row.wanted && !planned_only && ground_.cloud.find(row.name) == nullptr)
            out.push_back("a row without its resource: " + to_string(row.name));
    }
    if (wish.wanted == model::Wanted::running) compare_running(wish, rows, out);
    if (wish.wanted == model::Wanted::stopped) compare_stopped(wish, rows, out);
    return out;
}

/// What is told of machines' hours: each that has power runs, none runs without its machine, and
/// none twice at a time.
void Judge::compare_runs(const Rows& rows, Differences& out) {
    std::set<std::string> powered, costing;
    for (const model::Resource& row : rows.resources) {
        if (row.name.kind != model::ResourceKind::machine) continue;
        if (row.running) powered.insert(row.name.name);
        if (row.made && !row.deallocated) costing.insert(row.name.name);
    }
    std::map<std::string, std::optional<Timestamp>> last;
    for (const model::MachineRun& run : rows.runs) {
        const auto before = last.find(run.machine);
        if (before != last.end() && (!before->second || *before->second > run.started_at))
            out.push_back(run.machine + " runs twice at a time");
        last[run.machine] = run.ended_at;
    }
    for (const auto& [machine, ended_at] : last) {
        if (!ended_at && !costing.contains(machine))
            out.push_back(machine + " costs although it is gone");
        if (!ended_at) powered.erase(machine);
    }
    for (const std::string& machine : powered) out.push_back(machine + " runs and is not counted");
}

// --- running -----------------------------------------------------------------------------------

void Judge::compare_running(const Wish& wish, const Rows& rows, Differences& out) {
    if (rows.cluster->phase != model::Phase::running)
        out.push_back(fmt::format("{} is {}: {}",
                                  wish.id.value,
                                  model::to_string(rows.cluster->phase),
                                  rows.cluster->stage));
    if (rows.cluster->access.url.empty()) out.push_back(wish.id.value + " has no address");
    std::map<model::GroupKey, int> present;
    int heads = 0;
    compare_scaling(wish, rows, out);
    for (const model::Node& node : rows.nodes) {
        if (node.wanted != NodeWanted::running || node.phase != NodePhase::ready)
            out.push_back(fmt::format("{} is {}", node.id.value, model::to_string(node.phase)));
        if (node.is_head)
            ++heads;
        else if (!node.autoscaled)
            ++present[node.group];
        if (node.restart_generation < rows.cluster->restart_generation)
            out.push_back(node.id.value + " was not restarted");
        if (node.restart_wanted) out.push_back(node.id.value + " still waits for its restart");
    }
    if (heads != 1) out.push_back(fmt::format("{} has {} heads", wish.id.value, heads));
    if (present != counts_of(wish.spec.workers))
        out.push_back(wish.id.value + " has other workers than asked for");
    compare_machines(wish, rows, out);
    compare_shared(wish, rows, out);
    compare_workload(wish, rows, out);
}

void Judge::compare_machines(const Wish& wish, const Rows& rows, Differences& out) {
    std::map<std::string, const model::Node*> wanted;
    for (const model::Node& node : rows.nodes) wanted[node.id.value] = &node;
    std::size_t machines = 0, interfaces = 0;
    for (const auto& [name, thing] : ground_.cloud.things()) {
        if (!belongs_to(thing, wish.id)) continue;
        interfaces += name.kind == ResourceKind::network_interface;
        if (name.kind == ResourceKind::disk && thing.held_by == ResourceName())
            out.push_back("a disk was left behind: " + name.name);
        if (name.kind != ResourceKind::machine) continue;
        ++machines;
        const auto node = wanted.find(name.name);
        if (node == wanted.end()) {
            out.push_back("a machine that nobody wants: " + name.name);
            continue;
        }
        const model::Node& row = *node->second;
        const std::string& size =
            row.is_head ? wish.spec.head.instance_type : row.group.instance_type;
        if (thing.seen.power != cloud::Power::running) out.push_back(name.name + " has no power");
        if (thing.seen.size != size)
            out.push_back(fmt::format("{} is {}, not {}", name.name, thing.seen.size, size));
        const std::string& known_id =
            row.machine_id.empty() ? row.enrolment.machine_id : row.machine_id;
        if (known_id != thing.seen.machine_id)
            out.push_back(name.name + " is known as another machine");
        if (tag_of(thing.seen.tags, cloud::tag::role) != (row.is_head ? "head" : "worker") ||
            tag_of(thing.seen.tags, cloud::tag::generation) != std::to_string(row.generation))
            out.push_back(name.name + " bears wrong tags");
        for (const model::Tag& tag : wish.spec.tags)
            if (tag_of(thing.seen.tags, tag.name) != tag.value)
                out.push_back(name.name + " lacks the user's tag " + tag.name);
        const auto view = nodes_->view(thing.seen.machine_id);
        if (!view || !view->ready) out.push_back(name.name + " is not what it should be");
        if (view && !wish.spec.init_script.text.empty() && view->init_script_runs != 1)
            out.push_back(name.name + " did not run the init script");
    }
    if (machines != rows.nodes.size() || interfaces != rows.nodes.size())
        out.push_back(fmt::format("{}: {} machines and {} interfaces for {} nodes",
                                  wish.id.value,
                                  machines,
                                  interfaces,
                                  rows.nodes.size()));
}

void Judge::compare_shared(const Wish& wish, const Rows& rows, Differences& out) {
    std::vector<cloud::SecurityRule> rules;
    int networks = 0, addresses = 0;
    for (const auto& [name, thing] : ground_.cloud.things()) {
        const auto* rule = std::get_if<cloud::WantedSecurityRule>(&thing.request.wanted);
        const std::string stem = wish.spec.name + "-" + wish.id.value.substr(2) + "-";
        if (rule != nullptr && name.name.starts_with(stem)) rules.push_back(rule->rule);
        if (!belongs_to(thing, wish.id)) continue;
        const auto* group = std::get_if<cloud::WantedSecurityGroup>(&thing.request.wanted);
        if (group != nullptr && name.kind == ResourceKind::security_group) rules = group->rules;
        networks += name.kind == ResourceKind::virtual_network;
        addresses += name.kind == ResourceKind::public_address;
    }
    if (openings(rules) != wanted_openings(wish.spec))
        out.push_back(wish.id.value + " has other ports open than asked for");
    if (networks != (wish.spec.network.virtual_network.empty() ? 1 : 0))
        out.push_back(fmt::format("{} has {} networks", wish.id.value, networks));
    if (addresses != (wish.spec.network.public_ip ? 1 : 0))
        out.push_back(fmt::format("{} has {} public addresses", wish.id.value, addresses));
    const auto& containers = ground_.storage.containers();
    const auto container = containers.find({wish.spec.storage.account, rows.cluster->container});
    if (container == containers.end() ||
        container->second.claimed_by != our_installation.value + "/" + wish.id.value)
        out.push_back(wish.id.value + " has not claimed its container");
    else if (container->second.policies.size() != 1)
        out.push_back(wish.id.value + " has no right on its container");
}

void Judge::compare_workload(const Wish& wish, const Rows& rows, Differences& out) {
    const SlurmModel* slurm = nodes_->slurm(wish.id);
    if (slurm == nullptr) {
        out.push_back(wish.id.value + " has no workload manager");
        return;
    }
    std::set<std::string> workers;
    for (const model::Node& node : rows.nodes) {
        if (node.is_head) continue;
        workers.insert(node.id.value);
        const bool takes_work = slurm->takes_work(node.id.value);
        if (!takes_work && !node.drain_wanted)
            out.push_back("the workload manager gives no work to " + node.id.value);
        if (takes_work && node.drain_wanted)
            out.push_back("the workload manager gives work to " + node.id.value +
                          ", which somebody drains");
    }
    for (const std::string& name : slurm->nodes())
        if (!workers.contains(name)) out.push_back("the workload manager still knows " + name);
}

// --- stopped, gone -----------------------------------------------------------------------------

void Judge::compare_stopped(const Wish& wish, const Rows& rows, Differences& out) {
    if (rows.cluster->phase != model::Phase::stopped)
        out.push_back(fmt::format("{} is {}: {}",
                                  wish.id.value,
                                  model::to_string(rows.cluster->phase),
                                  rows.cluster->stage));
    for (const model::Node& node : rows.nodes)
        if (!node.is_head) out.push_back(node.id.value + " is still there");
    if (counts_of(rows.cluster->spec.workers) != counts_of(wish.spec.workers))
        out.push_back(wish.id.value + " forgot its workers");
    for (const auto& [name, thing] : ground_.cloud.things()) {
        if (!belongs_to(thing, wish.id) || name.kind != ResourceKind::machine) continue;
        if (tag_of(thing.seen.tags, cloud::tag::role) != "head")
            out.push_back(name.name + " was not removed");
        else if (thing.seen.power != cloud::Power::deallocated)
            out.push_back(name.name + " is not deallocated");
    }
}

void Judge::compare_gone(const Wish& wish, const Rows& rows, Differences& out) {
    if (rows.cluster)
        out.push_back(fmt::format(
            "{} is {}: {}",
            wish.id.value,
            model::to_string(rows.cluster->phase),
            rows.cluster->problem ? rows.cluster->problem->message : rows.cluster->stage));
    for (const std::string& name : rows.secrets_left) out.push_back("a secret is left: " + name);
    for (const auto& [name, thing] : ground_.cloud.things())
        if (belongs_to(thing, wish.id)) out.push_back("left in the cloud: " + to_string(name));
    const std::string owner = our_installation.value + "/" + wish.id.value;
    for (const auto& [name, container] : ground_.storage.containers())
        if (container.claimed_by == owner && !container.policies.empty())
            out.push_back("the right on " + name.container + " outlives the cluster");
}

std::vector<std::string> Judge::describe(const Wish& wish) {
    const Rows rows = rows_of(wish.id);
    Differences out;
    if (!rows.cluster) return out;
    out.push_back(fmt::format("{}: wanted {}, {}",
                              wish.id.value,
                              model::to_string(rows.cluster->wanted),
                              model::to_string(rows.cluster->phase)));
    const auto until = [](const std::optional<Timestamp>& time) {
        return time ? " again " + to_rfc3339(*time).substr(11, 12) : std::string();
    };
    for (const model::Node& node : rows.nodes)
        out.push_back(fmt::format("  {} {} {} boot {} left {} workload '{}' jobs {}{}{}{}",
                                  node.id.value,
                                  model::to_string(node.wanted),
                                  model::to_string(node.phase),
                                  node.seen.boot_id,
                                  node.left_boot_id,
                                  node.seen.workload_state,
                                  node.seen.jobs,
                                  node.seen.services_ready ? " services" : "",
                                  until(node.try_again_at),
                                  node.problem ? " problem: " + node.problem->message : ""));
    for (const model::Resource& row : rows.resources)
        out.push_back(fmt::format("  {}{}{}{}{}{}{}",
                                  to_string(row.name),
                                  row.wanted ? "" : " unwanted",
                                  row.made ? " made" : "",
                                  row.running ? " running" : "",
                                  row.operation ? fmt::format(" {} under way '{}'",
                                                              model::to_string(row.operation->verb),
                                                              row.operation->url)
                                                : "",
                                  until(row.try_again_at),
                                  row.problem ? " problem: " + row.problem->message : ""));
    return out;
}

std::vector<std::string> Judge::leftovers(const std::vector<Wish>& wishes) {
    Differences out = ground_.cloud.disturbed_foreign_things();
    for (std::string& name : out) name = "a foreign thing was disturbed: " + name;
    for (const auto& [name, thing] : ground_.cloud.things()) {
        if (thing.foreign) continue;
        const bool wanted = std::any_of(wishes.begin(), wishes.end(), [&](const Wish& wish) {
            const std::string stem = wish.spec.name + "-" + wish.id.value.substr(2) + "-";
            return wish.wanted != model::Wanted::terminated && name.name.starts_with(stem);
        });
        if (!wanted) out.push_back("an orphan: " + to_string(name));
        const bool child =
            name.kind == ResourceKind::subnet || name.kind == ResourceKind::security_rule;
        if (!child && tag_of(thing.seen.tags, cloud::tag::installation) != our_installation.value)
            out.push_back("bears no tag of ours: " + to_string(name));
    }
    return out;
}

}  // namespace hopyard::simulation
