#include "decide/preflight/preflight.h"

#include <fmt/ranges.h>

#include "decide/preflight/weighing.h"
#include "model/wire_fields.h"

namespace hopyard::decide {
namespace {

using model::ClusterSpec;

constexpr const char* prepare_one = "There is none yet: 'hopyard cloud prepare' makes one.";

}  // namespace

Weighing::Weighing(const ClusterSpec& spec, const Facts& facts) : facts_(facts) {
    out_.spec = spec;
}

Preflight Weighing::run() {
    for (Error& error : model::check(out_.spec)) block(std::move(error));
    general();
    if (location_exists()) sizes_and_quotas();
    container();
    ssh_key();
    identity();
    network();
    security_group();
    permissions();
    resources();
    warnings();
    return std::move(out_);
}

void Weighing::block(Error error) {
    out_.findings.push_back({.weight = Weight::blocking, .error = std::move(error)});
}

void Weighing::block(std::string field, std::string code, std::string rule, std::string remedy) {
    block(refuse(std::move(field), std::move(code), std::move(rule), std::move(remedy)).value());
}

void Weighing::warn(std::string field, std::string code, std::string message, std::string remedy) {
    out_.findings.push_back(
        {.weight = Weight::warning,
         .error = refuse(std::move(field), std::move(code), std::move(message), std::move(remedy))
                      .value()});
}

void Weighing::unchecked(std::string field, Error error) {
    error.field = std::move(field);
    if (error.next_action.empty()) error.next_action = "Try again when the cloud answers.";
    out_.findings.push_back({.weight = Weight::unchecked, .error = std::move(error)});
}

// --- step 2 ------------------------------------------------------------------------------------

void Weighing::general() {
    ClusterSpec& spec = out_.spec;
    if (facts_.name_taken)
        block("/name",
              "name_taken",
              "another cluster is named '" + spec.name + "'",
              "Choose another name, or delete the other cluster first.");
    if (!known(facts_.groups, "/resourceGroup", "the resource groups")) return;
    const auto* found = group("/resourceGroup", spec.resource_group);
    if (found != nullptr && spec.location.empty()) spec.location = found->location;
}

const cloud::ResourceGroup* Weighing::group(const char* field, const std::string& name) {
    const auto* found = named(*facts_.groups, name);
    if (found == nullptr && !name.empty())
        block(field,
              "no_such_group",
              "there is no resource group '" + name + "' that we may use",
              choices(*facts_.groups, prepare_one));
    return found;
}

/// False when it is known not to exist: then nothing can be said of its sizes.
bool Weighing::location_exists() {
    const std::string& name = out_.spec.location;
    if (!facts_.locations || name.empty() ||
        !known(*facts_.locations, "/location", "the locations") ||
        named(**facts_.locations, name) != nullptr)
        return true;
    block("/location",
          "no_such_location",
          "there is no location '" + name + "'",
          choices(**facts_.locations, "Leave it out to take the resource group's."));
    return false;
}

const cloud::Size* Weighing::size(const std::string& field, const std::string& name) {
    if (name.empty()) return nullptr;
    const auto* found = named(*facts_.sizes, name);
    if (found == nullptr) {
        block(field,
              "no_such_size",
              fmt::format("there is no size '{}' in {}", name, out_.spec.location),
              choices(*facts_.sizes, "There is none at all: choose another location."));
    } else if (!found->unavailable.empty()) {
        block(field,
              "size_unavailable",
              name + " cannot be had here: " + found->unavailable,
              "Choose another size or location.");
    }
    return found;
}

/// Spot machines have cores of their own. Those that may be on demand as well lack neither kind for
/// sure: what the cloud then says of each decides.
void Weighing::need(const cloud::Size& machine,
                    int count,
                    const std::optional<model::SpotSpec>& spot) {
    const std::int64_t cores = machine.vcpus * std::int64_t{count};
    if (!spot) {
        need(cloud::Usage::cores, cores, "/workers");
        need(machine.family, cores, "/workers");
    } else if (!spot->fall_back_on_demand) {
        need(cloud::Usage::spot_cores, cores, "/workers");
    }
    need(cloud::Usage::machines, count, "/workers");
    need(cloud::Usage::memory, machine.counted_memory_mb * count, "/workers");
    need(cloud::Usage::interfaces, count, "/workers");
}

void Weighing::need(const std::string& name, std::int64_t amount, const char* field) {
    if (amount == 0) return;
    const auto same = [&](const QuotaLine& line) { return line.name == name; };
    auto line = std::find_if(out_.quotas.begin(), out_.quotas.end(), same);
    if (line == out_.quotas.end()) {
        const auto* usage = named(*facts_.usages, name);
        if (usage == nullptr) return;
        quota_fields_[name] = field;
        out_.quotas.push_back({.name = name, .used = usage->used, .limit = usage->limit});
        line = out_.quotas.end() - 1;
    }
    line->needed += amount;
}

void Weighing::sizes_and_quotas() {
    if (!known(facts_.sizes, "/head/instanceType", "the sizes")) return;
    const bool usages = known(facts_.usages, "/workers", "the quotas");
    const ClusterSpec& spec = out_.spec;
    if (const auto* head = size("/head/instanceType", spec.head.instance_type); head && usages)
        need(*head, 1);
    for (std::size_t i = 0; i < spec.workers.size(); ++i) {
        const auto& group = spec.workers[i];
        const std::string field = fmt::format("/workers/{}/instanceType", i);
        if (const auto* worker = size(field, group.key.instance_type); worker && usages)
            need(*worker, std::max(0, group.count), group.key.spot);
    }
    if (spec.autoscale) autoscale(*spec.autoscale, usages);
    cost();
    if (!usages) return;
    const model::NetworkSpec& network = spec.network;
    if (network.virtual_network.empty()) need(cloud::Usage::networks, 1, "/network/virtualNetwork");
    if (network.security_group.empty())
        need(cloud::Usage::security_groups, 1, "/network/securityGroup");
    if (network.public_ip) {
        need(cloud::Usage::addresses, 1, "/network/publicIp");
        need(cloud::Usage::static_addresses, 1, "/network/publicIp");
    }
    quotas();
    if (spec.autoscale) room_to_grow(*spec.autoscale);
}

std::string Weighing::field_of_workers() const {
    const auto has_some = [](const auto& group) { return group.count > 0; };
    const auto& workers = out_.spec.workers;
    if (std::any_of(workers.begin(), workers.end(), has_some)) return "/workers";
    const auto& policy = out_.spec.autoscale;
    if (policy && policy->general.min_workers > 0) return "/autoscale/general/minWorkers";
    if (policy && policy->gpu && policy->gpu->min_workers > 0) return "/autoscale/gpu/minWorkers";
    return "/head/instanceType";
}

void Weighing::quotas() {
    for (const QuotaLine& line : out_.quotas) {
        if (line.used + line.needed <= line.limit) continue;
        const std::string& field = quota_fields_[line.name];
        const bool of_machines = field == "/workers";
        block(Error{.kind = ErrorKind::quota_exceeded,
                    .code = "quota_exceeded",
                    .message = fmt::format("quota '{}': {} of {} in use, {} more needed",
                                           line.name,
                                           line.used,
                                           line.limit,
                                           line.needed),
                    .field = of_machines ? field_of_workers() : field,
                    .owner = Owner::administrator,
                    .next_action = of_machines
                                       ? "Ask for fewer or smaller machines, or have the quota "
                                         "raised."
                                       : "Use one that is there or do without, or have the quota "
                                         "raised."});
    }
}

void Weighing::cost() {
    Cost sum;
    const auto add = [&](const std::string& size, int count, double& part) {
        const auto* found = named(*facts_.sizes, size);
        if (found == nullptr || !found->price) return false;
        sum.of = *found->price;
        part += found->price->per_hour * std::max(0, count);
        return true;
    };
    if (!add(out_.spec.head.instance_type, 1, sum.head_per_hour)) return;
    for (const auto& group : from_start())
        // What a spot machine costs changes by the hour and is in no list.
        if ((group.key.spot && group.count > 0) ||
            !add(group.key.instance_type, group.count, sum.workers_per_hour))
            return;
    out_.cost = sum;
}

/// The container (product.md D6).
void Weighing::container() {
    const bool account = account_exists();
    if (facts_.container_taken)
        return block("/storage/container",
                     "container_claimed",
                     "the container belongs to another cluster",
                     "Choose another name.");
    if (!facts_.accounts && !out_.spec.storage.container.empty())
        unchecked("/storage/container",
                  Error{.kind = facts_.accounts.error().kind,
                        .code = facts_.accounts.error().code,
                        .message = "the container could not be read without its account",
                        .owner = facts_.accounts.error().owner});
    if (!account || !known(facts_.container, "/storage/container", "the container")) return;
    const cloud::ContainerFacts& seen = *facts_.container;
    if (!seen.claimed_by.empty() && seen.claimed_by != facts_.container_owner) {
        block("/storage/container",
              "container_claimed",
              "the container belongs to cluster " + seen.claimed_by,
              "Choose another name.");
    } else if (seen.exists && !seen.empty) {
        block("/storage/container",
              "container_not_empty",
              "the container '" + out_.spec.storage.container + "' is not empty",
              "Choose an empty or a new container; an old one is for a restore.");
    }
}

bool Weighing::account_exists() {
    const std::string& name = out_.spec.storage.account;
    if (!known(facts_.accounts, "/storage/account", "the storage accounts")) return false;
    const auto* found = named(*facts_.accounts, name);
    if (found == nullptr) {
        if (!name.empty())
            block("/storage/account",
                  "no_such_account",
                  "there is no storage account '" + name + "'",
                  choices(*facts_.accounts, prepare_one));
        return false;
    }
    if (!found->location.empty() && !out_.spec.location.empty() &&
        to_lower(found->location) != to_lower(out_.spec.location))
        warn("/storage/account",
             "account_elsewhere",
             fmt::format("'{}' is in {}, the cluster in {}: data crosses between them, slowly and "
                         "at a price",
                         name,
                         found->location,
                         out_.spec.location),
             "Choose an account of the cluster's location.");
    return true;
}

// --- steps 4 and 5 -----------------------------------------------------------------------------

void Weighing::ssh_key() {
    const ClusterSpec& spec = out_.spec;
    if (!known(facts_.ssh_keys, "/sshKey", "the SSH keys") || spec.ssh_key.empty()) return;
    const auto* key = named(*facts_.ssh_keys, spec.ssh_key);
    if (key == nullptr)
        return block(
            "/sshKey",
            "no_such_key",
            fmt::format("there is no SSH key '{}' in '{}'", spec.ssh_key, spec.resource_group),
            choices(*facts_.ssh_keys, prepare_one));
    // Azure lets a key resource be made first and filled later.
    if (key->public_key.empty())
        block("/sshKey",
              "key_empty",
              fmt::format("SSH key '{}' holds no public key yet", spec.ssh_key),
              "Upload one to it or generate one, or choose another key.");
}

void Weighing::identity() {
    const ClusterSpec& spec = out_.spec;
    if (!known(facts_.identities, "/identity", "the identities") || spec.identity.empty()) return;
    if (named(*facts_.identities, spec.identity) == nullptr)
        return block(
            "/identity",
            "no_such_identity",
            fmt::format("there is no identity '{}' in '{}'", spec.identity, spec.resource_group),
            choices(*facts_.identities, prepare_one));
    if (!known(facts_.identity_permissions, "/identity", "the identity's rights")) return;
    std::vector<std::string> purposes, actions;
    for (const cloud::NeededRight& right : facts_.needed.identity_data)
        if (!cloud::allows_data(*facts_.identity_permissions, right.action)) {
            purposes.push_back(right.purpose);
            actions.push_back(right.action);
        }
    if (actions.empty()) return;
    block(Error{.kind = ErrorKind::permission_denied,
                .code = "identity_without_rights",
                .message = fmt::format("identity '{}' may not {} of account '{}': {} is missing",
                                       spec.identity,
                                       fmt::join(purposes, ", "),
                                       spec.storage.account,
                                       fmt::join(actions, ", ")),
                .field = "/identity",
                .owner = Owner::administrator,
                .next_action =
                    fmt::format("Run: hopyard cloud prepare --group {} --location {} --account {} "
                                "--identity {}",
                                spec.resource_group,
                                spec.location,
                                spec.storage.account,
                                spec.identity)});
}

// --- rights, and what comes of it --------------------------------------------------------------

void Weighing::need_actions(const std::vector<cloud::NeededRight>& rights,
                            const std::vector<cloud::Permission>& held,
                            const std::string& in_group,
                            const char* field) {
    for (const cloud::NeededRight& needed : rights)
        if (!cloud::allows(held, needed.action))
            block(Error{
                .kind = ErrorKind::permission_denied,
                .code = "permission_missing",
                .message = fmt::format("we may not {} in '{}': {} is missing",
                                       needed.purpose,
                                       in_group,
                                       needed.action),
                .field = field,
                .owner = Owner::administrator,
                .next_action = fmt::format("Add {} to our role on the group.", needed.action)});
}

void Weighing::permissions() {
    const model::NetworkSpec& network = out_.spec.network;
    if (network_is_apart() && known(facts_.network_permissions,
                                    "/network/resourceGroup",
                                    "our permissions in the network's group")) {
        const auto& held = *facts_.network_permissions;
        need_actions(
            facts_.needed.in_network_group, held, network.resource_group, "/network/resourceGroup");
        network_permissions(held, network.resource_group, "/network/resourceGroup");
    }
    if (!known(facts_.own_permissions, "/resourceGroup", "our own permissions")) return;
    const auto& held = *facts_.own_permissions;
    const std::string& own = out_.spec.resource_group;
    need_actions(facts_.needed.always, held, own, "/resourceGroup");
    if (!network_is_apart()) network_permissions(held, own, "/resourceGroup");
    if (network.public_ip)
        need_actions(facts_.needed.for_public_address, held, own, "/resourceGroup");
}

void Weighing::network_permissions(const std::vector<cloud::Permission>& held,
                                   const std::string& in_group,
                                   const char* field) {
    const model::NetworkSpec& network = out_.spec.network;
    const cloud::NeededRights& needed = facts_.needed;
    if (network.virtual_network.empty()) {
        need_actions(needed.for_network, held, in_group, field);
    } else if (network.subnet.empty()) {
        need_actions(needed.for_subnet, held, in_group, field);
    }
    need_actions(
        network.security_group.empty() ? needed.for_security_group : needed.for_security_rules,
        held,
        in_group,
        field);
}

void Weighing::resources() {
    ClusterSpec& spec = out_.spec;
    if (spec.storage.container.empty()) spec.storage.container = "hopyard-<id>";
    const auto add = [&](std::string kind, std::string name, std::string detail) {
        out_.resources.push_back({std::move(kind), std::move(name), std::move(detail)});
    };
    add("container", spec.storage.container, "in account " + spec.storage.account);
    if (spec.network.virtual_network.empty())
        add("virtual_network",
            "<id>-net",
            spec.network.virtual_network_cidr + " with subnet " + spec.network.subnet_cidr);
    if (spec.network.security_group.empty()) add("security_group", "<id>-nsg", "");
    if (spec.network.public_ip) add("public_address", "<id>-ip", "of the head");
    const auto machine = [&](const std::string& name, const std::string& type, std::int64_t disk) {
        add("network_interface", name + "-nic", "");
        add("machine", name, fmt::format("{}, {} GB disk", type, disk));
    };
    machine("<id>-head", spec.head.instance_type, spec.head.disk_gb);
    int ordinal = 0;
    for (const auto& group : from_start())
        for (int i = 0; i < group.count && ordinal < 1000; ++i)
            machine(fmt::format("<id>-w{}", ++ordinal), group.key.instance_type, group.key.disk_gb);
}

void Weighing::warnings() {
    const ClusterSpec& spec = out_.spec;
    if (spec.port_sources.empty() && spec.network.public_ip)
        warn("/portSources",
             "open_to_everybody",
             "the head's page will be reachable from any address",
             "Name the ranges that may reach it.");
    for (Error& error : model::wire_warnings(spec))
        out_.findings.push_back({.weight = Weight::warning, .error = std::move(error)});
}

// --- the whole ---------------------------------------------------------------------------------

bool Preflight::refused() const {
    return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.weight == Weight::blocking;
    });
}

Error Preflight::refusal() const {
    Error all;
    int count = 0;
    for (const Finding& finding : findings) {
        if (finding.weight != Weight::blocking) continue;
        const Error& each = finding.error;
        if (++count == 1) {
            all = each;
        } else {
            all.message += fmt::format("; {}: {}", each.field, each.message);
            all.next_action += fmt::format(" {}: {}", each.field, each.next_action);
        }
    }
    return all;
}

Preflight weigh(const ClusterSpec& spec, const Facts& facts) {
    return Weighing(spec, facts).run();
}

}  // namespace hopyard::decide
