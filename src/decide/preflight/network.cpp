// Steps 7 to 9: network, subnet and security group (product.md D7).
#include <fmt/ranges.h>

#include "base/words.h"
#include "decide/lifecycle/ports.h"
#include "decide/preflight/security_rules.h"
#include "decide/preflight/weighing.h"

namespace hopyard::decide {
namespace {

using model::Cidr;

constexpr const char* make_one = "There is none: leave it empty, and one is made.";
/// Azure keeps the first four addresses of a subnet and the last for itself.
constexpr std::int64_t addresses_kept = 5;
/// A larger range is malformed by itself (model/validate.h), and nothing else need be said of it.
constexpr int least_length = 8;

std::vector<Cidr> ranges_of(const std::vector<std::string>& texts) {
    std::vector<Cidr> ranges;
    for (const std::string& text : texts)
        if (const auto range = model::parse_cidr(text)) ranges.push_back(*range);
    return ranges;
}

bool one_contains(const std::vector<Cidr>& outer, const Cidr& inner) {
    return std::any_of(
        outer.begin(), outer.end(), [&](const Cidr& range) { return range.contains(inner); });
}

std::string joined(const std::vector<std::string>& texts) {
    return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

bool Weighing::network_is_apart() const {
    const std::string& theirs = out_.spec.network.resource_group;
    return !theirs.empty() && to_lower(theirs) != to_lower(out_.spec.resource_group);
}

void Weighing::network() {
    if (network_is_apart() && facts_.groups)
        group("/network/resourceGroup", out_.spec.network.resource_group);
    model::NetworkSpec& wanted = out_.spec.network;
    subnet_ = model::parse_cidr(wanted.subnet_cidr);
    if (!known(facts_.networks, "/network/virtualNetwork", "the virtual networks")) return;
    if (wanted.resource_group.empty()) wanted.resource_group = out_.spec.resource_group;
    if (wanted.virtual_network.empty()) return new_network(wanted);
    existing_network(wanted);
}

void Weighing::existing_network(model::NetworkSpec& wanted) {
    std::vector<cloud::Network> in_group;
    for (const cloud::Network& network : *facts_.networks)
        if (network.resource_group.empty() ||
            to_lower(network.resource_group) == to_lower(wanted.resource_group))
            in_group.push_back(network);
    const auto* existing = named(in_group, wanted.virtual_network);
    if (existing == nullptr)
        return block("/network/virtualNetwork",
                     "no_such_network",
                     fmt::format("there is no virtual network '{}' in '{}'",
                                 wanted.virtual_network,
                                 wanted.resource_group),
                     choices(in_group, make_one));
    if (to_lower(existing->location) != to_lower(out_.spec.location))
        block(
            "/network/virtualNetwork",
            "network_elsewhere",
            fmt::format(
                "the network is in {}, the cluster in {}", existing->location, out_.spec.location),
            "Choose a network of the cluster's location.");
    const auto outer = model::parse_cidr(wanted.virtual_network_cidr);
    const auto theirs = ranges_of(existing->cidrs);
    if (outer && std::find(theirs.begin(), theirs.end(), *outer) == theirs.end())
        block("/network/virtualNetworkCidr",
              "range_contradicts",
              fmt::format("'{}' has {}, not {}",
                          existing->name,
                          joined(existing->cidrs),
                          wanted.virtual_network_cidr),
              "Leave the range empty: a network that is there keeps its own.");
    if (wanted.subnet.empty()) return new_subnet(wanted, *existing);
    existing_subnet(wanted, *existing);
}

void Weighing::existing_subnet(const model::NetworkSpec& wanted, const cloud::Network& network) {
    const auto* subnet = named(network.subnets, wanted.subnet);
    if (subnet == nullptr)
        return block("/network/subnet",
                     "no_such_subnet",
                     fmt::format("'{}' has no subnet '{}'", network.name, wanted.subnet),
                     choices(network.subnets, make_one));
    const auto asked = model::parse_cidr(wanted.subnet_cidr);
    subnet_ = model::parse_cidr(subnet->cidr);
    if (asked && asked != subnet_)
        block("/network/subnetCidr",
              "range_contradicts",
              fmt::format("'{}' has {}, not {}", subnet->name, subnet->cidr, wanted.subnet_cidr),
              "Leave the range empty: a subnet that is there keeps its own.");
    room("/network/subnet", subnet_);
    const std::string& theirs = subnet->security_group;
    const std::string& chosen = wanted.security_group;
    if (!theirs.empty() && (chosen.empty() || !to_lower(theirs).ends_with("/" + to_lower(chosen))))
        unchecked("/network/subnet",
                  Error{.kind = ErrorKind::invalid_argument,
                        .code = "subnet_group_unweighed",
                        .message = fmt::format("subnet '{}' has a security group of its own, whose "
                                               "rules count too and were not weighed",
                                               subnet->name),
                        .owner = Owner::user,
                        .next_action = "See that it lets TCP 443 in, and everything inside."});
}

void Weighing::new_network(model::NetworkSpec& wanted) {
    if (wanted.virtual_network_cidr.empty()) {
        std::vector<Cidr> taken;
        for (const cloud::Network& network : *facts_.networks)
            for (const Cidr& range : ranges_of(network.cidrs)) taken.push_back(range);
        const auto free = model::first_free(*model::parse_cidr("10.0.0.0/8"), 16, taken);
        if (!free)
            return block("/network/virtualNetworkCidr",
                         "no_free_range",
                         "no /16 of 10.0.0.0/8 is free",
                         "Name a range of your own.");
        wanted.virtual_network_cidr = free->to_string();
        const auto inner = model::parse_cidr(wanted.subnet_cidr);
        if (inner && !free->contains(*inner))
            block("/network/subnetCidr",
                  "subnet_outside_network",
                  fmt::format("{} does not lie inside {}, the first range that is free",
                              inner->to_string(),
                              free->to_string()),
                  "Name the network's range too, or leave both empty.");
    } else if (const auto own = model::parse_cidr(wanted.virtual_network_cidr);
               own && own->length >= least_length) {
        overlaps(*own);
    }
    const auto outer = model::parse_cidr(wanted.virtual_network_cidr);
    if (outer && wanted.subnet_cidr.empty())
        wanted.subnet_cidr =
            model::first_free(*outer, std::max(24, outer->length), {})->to_string();
    subnet_ = model::parse_cidr(wanted.subnet_cidr);
    room("/network/subnetCidr", subnet_);
}

void Weighing::overlaps(const Cidr& own) {
    for (const cloud::Network& network : *facts_.networks)
        for (const Cidr& other : ranges_of(network.cidrs))
            if (other.overlaps(own))
                return block("/network/virtualNetworkCidr",
                             "range_overlaps",
                             fmt::format("{} overlaps {} of network '{}'",
                                         own.to_string(),
                                         other.to_string(),
                                         network.name),
                             "Choose another range, or leave it empty.");
}

void Weighing::new_subnet(model::NetworkSpec& wanted, const cloud::Network& network) {
    if (const auto own = model::parse_cidr(wanted.subnet_cidr)) {
        subnet_inside(*own, network);
    } else if (!free_subnet(wanted, network)) {
        return block("/network/subnet",
                     "no_free_range",
                     "'" + network.name + "' has no free /24",
                     "Name an existing subnet, or a smaller range in subnetCidr.");
    }
    subnet_ = model::parse_cidr(wanted.subnet_cidr);
    room("/network/subnetCidr", subnet_);
}

void Weighing::subnet_inside(const Cidr& subnet, const cloud::Network& network) {
    if (!one_contains(ranges_of(network.cidrs), subnet))
        return block("/network/subnetCidr",
                     "subnet_outside_network",
                     fmt::format("{} does not lie inside '{}', which has {}",
                                 subnet.to_string(),
                                 network.name,
                                 joined(network.cidrs)),
                     "Choose a range inside the network's, or leave it empty.");
    for (const cloud::Subnet& other : network.subnets)
        if (const auto range = model::parse_cidr(other.cidr); range && range->overlaps(subnet))
            return block(
                "/network/subnetCidr",
                "range_overlaps",
                fmt::format(
                    "{} overlaps {} of subnet '{}'", subnet.to_string(), other.cidr, other.name),
                "Choose another range, or leave it empty.");
}

/// Proposes the first /24 that is free; false when there is none.
bool Weighing::free_subnet(model::NetworkSpec& wanted, const cloud::Network& network) {
    std::vector<Cidr> taken;
    for (const cloud::Subnet& subnet : network.subnets)
        if (const auto range = model::parse_cidr(subnet.cidr)) taken.push_back(*range);
    for (const Cidr& outer : ranges_of(network.cidrs))
        if (const auto free = model::first_free(outer, std::max(24, outer.length), taken)) {
            wanted.subnet_cidr = free->to_string();
            return true;
        }
    return false;
}

/// Whether the machines find an address each. What others hold in the subnet is not known here.
void Weighing::room(const char* field, const std::optional<Cidr>& subnet) {
    if (!subnet || subnet->length < least_length) return;
    std::int64_t machines = 1;
    for (const auto& group : from_start()) machines += std::max(0, group.count);
    const std::int64_t usable = (std::int64_t{1} << (32 - subnet->length)) - addresses_kept;
    if (machines > usable)
        block(field,
              "subnet_too_small",
              fmt::format("{} has {} for machines, and {} are to be there",
                          subnet->to_string(),
                          counted(std::max<std::int64_t>(0, usable), "address", "addresses"),
                          machines),
              "Choose a larger subnet, or ask for fewer workers.");
}

void Weighing::security_group() {
    const std::string& name = out_.spec.network.security_group;
    if (name.empty() ||
        !known(facts_.security_groups, "/network/securityGroup", "the security groups"))
        return;
    const auto* group = named(*facts_.security_groups, name);
    if (group == nullptr)
        return block(
            "/network/securityGroup",
            "no_such_security_group",
            fmt::format(
                "there is no security group '{}' in '{}'", name, out_.spec.network.resource_group),
            choices(*facts_.security_groups, make_one));
    if (!group->location.empty() && to_lower(group->location) != to_lower(out_.spec.location))
        block("/network/securityGroup",
              "security_group_elsewhere",
              fmt::format(
                  "'{}' is in {}, the cluster in {}", name, group->location, out_.spec.location),
              "Choose a security group of the cluster's location, or let one be made.");
    traffic(*group);
    asked_ports(*group);
}

/// What the user's own rules must let through (product.md B8). What no rule mentions is decided by
/// Azure's default rules: nothing comes in from outside, all else passes.
void Weighing::traffic(const cloud::SecurityGroup& group) {
    struct Need {
        Traffic traffic;
        const char* what;
        const char* remedy;
    };
    using Peer = Traffic::Peer;
    const char* inside = "Allow all TCP from VirtualNetwork, before the rule that denies it.";
    const char* outward = "Allow all TCP to VirtualNetwork, before the rule that denies it.";
    // 6817 and 6818: slurmctld and slurmd; 7443: the head's relay.
    const Need needs[] = {
        {{true, Peer::internet, 443},
         "lets nothing in on port 443, the head's page",
         "Add an inbound rule that allows TCP 443, or let one be made."},
        {{true, Peer::subnet, 6817}, "keeps workers from the head's Slurm, TCP 6817", inside},
        {{true, Peer::subnet, 6818}, "keeps the head from the workers' Slurm, TCP 6818", inside},
        {{true, Peer::subnet, 7443}, "keeps workers from the head's relay, TCP 7443", inside},
        {{false, Peer::subnet, 6817}, "lets no worker out to the head's Slurm, TCP 6817", outward},
        {{false, Peer::subnet, 6818}, "lets the head not out to the workers, TCP 6818", outward},
        {{false, Peer::subnet, 7443}, "lets no worker out to the head's relay, TCP 7443", outward},
        {{false, Peer::internet, 443},
         "lets no machine out to the storage account, TCP 443",
         "Allow outbound TCP 443 to Storage, before the rule that denies it."},
    };
    for (const Need& need : needs) {
        const Verdict found = verdict(group.rules, need.traffic, subnet_);
        const bool outside_in = need.traffic.inbound && need.traffic.peer == Peer::internet;
        if (found == Verdict::denied || (outside_in && found == Verdict::unmentioned))
            block("/network/securityGroup",
                  "security_group_closed",
                  fmt::format("'{}' {}", group.name, need.what),
                  need.remedy);
    }
}

/// Rules of ours come into the user's group at fixed priorities (lifecycle/ports.h).
void Weighing::asked_ports(const cloud::SecurityGroup& group) {
    const model::Cluster cluster{.spec = out_.spec};
    for (const PortRule& own : port_rules(cluster)) {
        for (const cloud::SecurityRule& rule : group.rules)
            if (rule.inbound && rule.priority == own.priority)
                block("/network/securityGroup",
                      "priority_taken",
                      fmt::format("'{}' has rule '{}' at priority {}, where ours for {} must stand",
                                  group.name,
                                  rule.name,
                                  rule.priority,
                                  own.name),
                      "Move that rule to another priority, or let a group be made.");
        if (own.name == "https" || own.name == "http") continue;
        std::vector<cloud::SecurityRule> before;
        for (const cloud::SecurityRule& rule : group.rules)
            if (rule.priority < own.priority) before.push_back(rule);
        for (const std::string& port : own.ports)
            if (verdict(before, {.port = std::atoi(port.c_str())}, subnet_) == Verdict::denied)
                block("/network/securityGroup",
                      "security_group_closed",
                      fmt::format("'{}' denies TCP {}, which is to be open for {}",
                                  group.name,
                                  port,
                                  own.name),
                      fmt::format("Allow TCP {} before the rule that denies it, or leave it shut.",
                                  port));
    }
}

}  // namespace hopyard::decide
