#include "decide/preflight/preflight.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "model/validate.h"
#include "model/wire_fields.h"

namespace hopyard::decide {
namespace {

using model::Cidr;
using model::ClusterSpec;

class Weighing {
  public:
    Weighing(const ClusterSpec& spec, const Facts& facts) : facts_(facts) { out_.spec = spec; }

    Preflight run() {
        for (Error& error : model::check(out_.spec)) block(std::move(error));
        general();
        sizes_and_quotas();
        container();
        keys_and_identity();
        network();
        security_group();
        permissions();
        resources();
        for (Error& error : model::wire_warnings(out_.spec))
            out_.findings.push_back({.weight = Weight::warning, .error = std::move(error)});
        return std::move(out_);
    }

  private:
    void block(Error error) {
        out_.findings.push_back({.weight = Weight::blocking, .error = std::move(error)});
    }
    void block(std::string field, std::string code, std::string rule, std::string remedy) {
        block(
            refuse(std::move(field), std::move(code), std::move(rule), std::move(remedy)).value());
    }
    void warn(std::string field, std::string code, std::string message, std::string remedy) {
        out_.findings.push_back(
            {.weight = Weight::warning,
             .error =
                 refuse(std::move(field), std::move(code), std::move(message), std::move(remedy))
                     .value()});
    }
    /// True when the fact is there; else its checks are said to be unchecked.
    template <class T>
    bool known(const Result<T>& fact, const char* field, const char* what) {
        if (fact) return true;
        Error error = fact.error();
        error.field = field;
        error.message = fmt::format("{} could not be read: {}", what, error.message);
        out_.findings.push_back({.weight = Weight::unchecked, .error = std::move(error)});
        return false;
    }
    /// The entry of that name (case does not count in Azure's names), or nothing.
    template <class T>
    static const T* named(const std::vector<T>& list, const std::string& name) {
        const auto found = std::find_if(list.begin(), list.end(), [&](const T& entry) {
            return to_lower(entry.name) == to_lower(name);
        });
        return found == list.end() ? nullptr : &*found;
    }
    template <class T>
    static std::string choices(const std::vector<T>& list) {
        std::string out;
        for (std::size_t i = 0; i < list.size() && i < 5; ++i)
            out += (i == 0 ? "" : ", ") + list[i].name;
        if (list.empty()) return "There is none yet: 'hopyard cloud prepare' makes one.";
        return "There are: " + out + (list.size() > 5 ? ", …" : "") + ".";
    }

    // Step 2.
    void general() {
        ClusterSpec& spec = out_.spec;
        if (facts_.name_taken)
            block("/name",
                  "name_taken",
                  "another cluster is named '" + spec.name + "'",
                  "Choose another name, or delete the other cluster first.");
        if (facts_.locations && !spec.location.empty() &&
            named(*facts_.locations, spec.location) == nullptr)
            block("/location",
                  "no_such_location",
                  "there is no location '" + spec.location + "'",
                  choices(*facts_.locations));
        if (!known(facts_.groups, "/resourceGroup", "the resource groups")) return;
        const auto* group = named(*facts_.groups, spec.resource_group);
        if (group == nullptr) {
            if (!spec.resource_group.empty())
                block("/resourceGroup",
                      "no_such_group",
                      "there is no resource group '" + spec.resource_group + "' that we may use",
                      choices(*facts_.groups));
            return;
        }
        if (spec.location.empty()) spec.location = group->location;
    }

    const cloud::Size* size(const std::string& field, const std::string& name) {
        if (name.empty()) return nullptr;
        const auto* found = named(*facts_.sizes, name);
        if (found == nullptr) {
            block(field,
                  "no_such_size",
                  fmt::format("there is no size '{}' in {}", name, out_.spec.location),
                  choices(*facts_.sizes));
        } else if (!found->unavailable.empty()) {
            block(field,
                  "size_unavailable",
                  name + " cannot be had here: " + found->unavailable,
                  "Choose another size or location.");
        }
        return found;
    }

    void need(const cloud::Size& machine, int count) {
        const std::pair<std::string, std::int64_t> amounts[] = {
            {cloud::Usage::cores, machine.vcpus},
            {machine.family, machine.vcpus},
            {cloud::Usage::machines, 1},
            {cloud::Usage::memory, machine.counted_memory_mb}};
        for (const auto& [name, amount] : amounts) {
            if (amount == 0) continue;
            const auto same = [&name = name](const QuotaLine& line) { return line.name == name; };
            auto line = std::find_if(out_.quotas.begin(), out_.quotas.end(), same);
            if (line == out_.quotas.end()) {
                const auto* usage = named(*facts_.usages, name);
                if (usage == nullptr) continue;
                out_.quotas.push_back({.name = name, .used = usage->used, .limit = usage->limit});
                line = out_.quotas.end() - 1;
            }
            line->needed += amount * count;
        }
    }

    void sizes_and_quotas() {
        if (!known(facts_.sizes, "/head/instanceType", "the sizes")) return;
        const bool usages = known(facts_.usages, "/workers", "the quotas");
        const ClusterSpec& spec = out_.spec;
        if (const auto* head = size("/head/instanceType", spec.head.instance_type); head && usages)
            need(*head, 1);
        for (std::size_t i = 0; i < spec.workers.size(); ++i) {
            const auto& group = spec.workers[i];
            const std::string field = fmt::format("/workers/{}/instanceType", i);
            if (const auto* worker = size(field, group.key.instance_type); worker && usages)
                need(*worker, std::max(0, group.count));
        }
        cost();
        for (const QuotaLine& line : out_.quotas)
            if (line.used + line.needed > line.limit)
                block(Error{.kind = ErrorKind::quota_exceeded,
                            .code = "quota_exceeded",
                            .message = fmt::format("quota '{}': {} of {} in use, {} more needed",
                                                   line.name,
                                                   line.used,
                                                   line.limit,
                                                   line.needed),
                            .field = "/workers",
                            .owner = Owner::administrator,
                            .next_action = "Ask for fewer or smaller machines, or have the quota "
                                           "raised."});
    }

    void cost() {
        Cost sum;
        const auto add = [&](const std::string& size, int count, double& part) {
            const auto* found = named(*facts_.sizes, size);
            if (found == nullptr || !found->price) return false;
            sum.of = *found->price;
            part += found->price->per_hour * std::max(0, count);
            return true;
        };
        if (!add(out_.spec.head.instance_type, 1, sum.head_per_hour)) return;
        for (const auto& group : out_.spec.workers)
            if (!add(group.key.instance_type, group.count, sum.workers_per_hour)) return;
        out_.cost = sum;
    }

    // Step 2, the container (product.md D6).
    void container() {
        if (!account_exists() || !known(facts_.container, "/storage/container", "the container"))
            return;
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

    bool account_exists() {
        const std::string& name = out_.spec.storage.account;
        if (!known(facts_.accounts, "/storage/account", "the storage accounts")) return false;
        if (named(*facts_.accounts, name) != nullptr) return true;
        if (!name.empty())
            block("/storage/account",
                  "no_such_account",
                  "there is no storage account '" + name + "'",
                  choices(*facts_.accounts));
        return false;
    }

    // Steps 4 and 5.
    void keys_and_identity() {
        const ClusterSpec& spec = out_.spec;
        if (known(facts_.ssh_keys, "/sshKey", "the SSH keys") && !spec.ssh_key.empty() &&
            named(*facts_.ssh_keys, spec.ssh_key) == nullptr)
            block(
                "/sshKey",
                "no_such_key",
                fmt::format("there is no SSH key '{}' in '{}'", spec.ssh_key, spec.resource_group),
                choices(*facts_.ssh_keys));
        if (!known(facts_.identities, "/identity", "the identities") || spec.identity.empty())
            return;
        if (named(*facts_.identities, spec.identity) == nullptr)
            return block(
                "/identity",
                "no_such_identity",
                fmt::format(
                    "there is no identity '{}' in '{}'", spec.identity, spec.resource_group),
                choices(*facts_.identities));
        if (!known(facts_.identity_permissions, "/identity", "the identity's rights")) return;
        for (const cloud::NeededRight& right : facts_.needed.identity_data)
            if (!cloud::allows_data(*facts_.identity_permissions, right.action))
                return block(
                    Error{.kind = ErrorKind::permission_denied,
                          .code = "identity_without_rights",
                          .message = fmt::format("identity '{}' may not {} of account '{}'",
                                                 spec.identity,
                                                 right.purpose,
                                                 spec.storage.account),
                          .field = "/identity",
                          .owner = Owner::administrator,
                          .next_action = fmt::format(
                              "Run: hopyard cloud prepare --group {} --location {} --account {} "
                              "--identity {}",
                              spec.resource_group,
                              spec.location,
                              spec.storage.account,
                              spec.identity)});
    }

    // Steps 7 and 8 (product.md D7).
    void network() {
        if (!known(facts_.networks, "/network/virtualNetwork", "the virtual networks")) return;
        model::NetworkSpec& wanted = out_.spec.network;
        if (wanted.resource_group.empty()) wanted.resource_group = out_.spec.resource_group;
        if (wanted.virtual_network.empty()) return new_network(wanted);
        const auto* existing = named(*facts_.networks, wanted.virtual_network);
        if (existing == nullptr)
            return block("/network/virtualNetwork",
                         "no_such_network",
                         "there is no virtual network '" + wanted.virtual_network + "'",
                         choices(*facts_.networks));
        if (existing->location != out_.spec.location)
            block("/network/virtualNetwork",
                  "network_elsewhere",
                  fmt::format("the network is in {}, the cluster in {}",
                              existing->location,
                              out_.spec.location),
                  "Choose a network of the cluster's location.");
        if (!wanted.subnet.empty() && named(existing->subnets, wanted.subnet) == nullptr)
            block("/network/subnet",
                  "no_such_subnet",
                  fmt::format("'{}' has no subnet '{}'", existing->name, wanted.subnet),
                  choices(existing->subnets));
        if (wanted.subnet.empty()) new_subnet(wanted, *existing);
    }

    std::vector<Cidr> taken_ranges() const {
        std::vector<Cidr> taken;
        for (const cloud::Network& network : *facts_.networks)
            for (const std::string& text : network.cidrs)
                if (const auto cidr = model::parse_cidr(text)) taken.push_back(*cidr);
        return taken;
    }

    void new_network(model::NetworkSpec& wanted) {
        if (wanted.virtual_network_cidr.empty()) {
            const auto free =
                model::first_free(*model::parse_cidr("10.0.0.0/8"), 16, taken_ranges());
            if (!free)
                return block("/network/virtualNetworkCidr",
                             "no_free_range",
                             "no /16 of 10.0.0.0/8 is free",
                             "Name a range of your own.");
            wanted.virtual_network_cidr = free->to_string();
        } else if (const auto own = model::parse_cidr(wanted.virtual_network_cidr)) {
            overlaps(*own);
        }
        const auto outer = model::parse_cidr(wanted.virtual_network_cidr);
        if (outer && wanted.subnet_cidr.empty())
            wanted.subnet_cidr =
                model::first_free(*outer, std::max(24, outer->length), {})->to_string();
    }

    void overlaps(const Cidr& own) {
        for (const cloud::Network& network : *facts_.networks)
            for (const std::string& text : network.cidrs)
                if (const auto other = model::parse_cidr(text); other && other->overlaps(own))
                    return block(
                        "/network/virtualNetworkCidr",
                        "range_overlaps",
                        fmt::format(
                            "{} overlaps {} of network '{}'", own.to_string(), text, network.name),
                        "Choose another range, or leave it empty.");
    }

    void new_subnet(model::NetworkSpec& wanted, const cloud::Network& network) {
        std::vector<Cidr> taken;
        for (const cloud::Subnet& subnet : network.subnets)
            if (const auto cidr = model::parse_cidr(subnet.cidr)) taken.push_back(*cidr);
        const auto own = model::parse_cidr(wanted.subnet_cidr);
        for (const std::string& text : network.cidrs) {
            const auto outer = model::parse_cidr(text);
            if (!outer) continue;
            if (own && outer->contains(*own)) {
                for (const Cidr& other : taken)
                    if (other.overlaps(*own))
                        return block("/network/subnetCidr",
                                     "range_overlaps",
                                     own->to_string() + " overlaps subnet " + other.to_string(),
                                     "Choose another range, or leave it empty.");
                return;
            }
            if (own) continue;
            if (const auto free = model::first_free(*outer, std::max(24, outer->length), taken)) {
                wanted.subnet_cidr = free->to_string();
                return;
            }
        }
        if (own)
            return block("/network/subnetCidr",
                         "subnet_outside_network",
                         own->to_string() + " does not lie inside '" + network.name + "'",
                         "Choose a range inside the network's, or leave it empty.");
        block("/network/subnet",
              "no_free_range",
              "'" + network.name + "' has no free /24",
              "Name an existing subnet.");
    }

    // Step 9: an existing group must let the head's page through.
    void security_group() {
        const std::string& name = out_.spec.network.security_group;
        if (name.empty() ||
            !known(facts_.security_groups, "/network/securityGroup", "the security groups"))
            return;
        const auto* group = named(*facts_.security_groups, name);
        if (group == nullptr)
            return block("/network/securityGroup",
                         "no_such_security_group",
                         "there is no security group '" + name + "'",
                         choices(*facts_.security_groups));
        if (!lets_in(*group, 443))
            block("/network/securityGroup",
                  "security_group_closed",
                  "'" + name + "' lets nothing in on port 443, the head's page",
                  "Add an inbound rule that allows TCP 443, or let one be made.");
    }

    /// Whether some source reaches that TCP port: the first rule that covers it decides.
    static bool lets_in(const cloud::SecurityGroup& group, int port) {
        std::vector<cloud::SecurityRule> rules = group.rules;
        std::stable_sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
            return a.priority < b.priority;
        });
        for (const cloud::SecurityRule& rule : rules) {
            const std::string protocol = to_lower(rule.protocol);
            if (!rule.inbound || (protocol != "tcp" && protocol != "*") ||
                !covers(rule.ports, port))
                continue;
            const bool anywhere =
                std::any_of(rule.sources.begin(), rule.sources.end(), [](const std::string& s) {
                    return s == "*" || s == "Internet" || s == "0.0.0.0/0";
                });
            if (rule.allow && rule.sources != std::vector<std::string>{"VirtualNetwork"} &&
                rule.sources != std::vector<std::string>{"AzureLoadBalancer"})
                return true;
            if (!rule.allow && anywhere) return false;
        }
        return false;
    }

    static bool covers(const std::vector<std::string>& ports, int port) {
        return std::any_of(ports.begin(), ports.end(), [&](const std::string& text) {
            if (text == "*") return true;
            const auto dash = text.find('-');
            const int first = std::atoi(text.c_str());
            const int last = dash == std::string::npos ? first : std::atoi(text.c_str() + dash + 1);
            return first <= port && port <= last;
        });
    }

    void need_actions(const std::vector<cloud::NeededRight>& rights) {
        for (const cloud::NeededRight& needed : rights)
            if (!cloud::allows(*facts_.own_permissions, needed.action))
                block(Error{
                    .kind = ErrorKind::permission_denied,
                    .code = "permission_missing",
                    .message = fmt::format("we may not {} in '{}': {} is missing",
                                           needed.purpose,
                                           out_.spec.resource_group,
                                           needed.action),
                    .field = "/resourceGroup",
                    .owner = Owner::administrator,
                    .next_action = fmt::format("Add {} to our role on the group.", needed.action)});
    }

    void permissions() {
        if (!known(facts_.own_permissions, "/resourceGroup", "our own permissions")) return;
        need_actions(facts_.needed.always);
        if (out_.spec.network.virtual_network.empty()) need_actions(facts_.needed.for_network);
        if (out_.spec.network.security_group.empty())
            need_actions(facts_.needed.for_security_group);
        if (out_.spec.network.public_ip) need_actions(facts_.needed.for_public_address);
    }

    void resources() {
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
        const auto machine =
            [&](const std::string& name, const std::string& type, std::int64_t disk) {
                add("network_interface", name + "-nic", "");
                add("machine", name, fmt::format("{}, {} GB disk", type, disk));
            };
        machine("<id>-head", spec.head.instance_type, spec.head.disk_gb);
        int ordinal = 0;
        for (const auto& group : spec.workers)
            for (int i = 0; i < group.count && ordinal < 1000; ++i)
                machine(
                    fmt::format("<id>-w{}", ++ordinal), group.key.instance_type, group.key.disk_gb);
        if (spec.port_sources.empty() && spec.network.public_ip)
            warn("/portSources",
                 "open_to_everybody",
                 "the head's page will be reachable from any address",
                 "Name the ranges that may reach it.");
    }

    const Facts& facts_;
    Preflight out_;
};

}  // namespace

bool Preflight::refused() const {
    return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.weight == Weight::blocking;
    });
}

Preflight weigh(const ClusterSpec& spec, const Facts& facts) {
    return Weighing(spec, facts).run();
}

}  // namespace hopyard::decide
