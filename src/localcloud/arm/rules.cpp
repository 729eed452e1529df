#include "localcloud/arm/rules.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/cidr.h"

namespace hopyard::localcloud {

namespace {

/// The address that Azure's load balancer and health probes come from.
constexpr const char* load_balancer = "168.63.129.16/32";

Json default_rule(const char* name,
                  const char* description,
                  const char* direction,
                  const char* access,
                  int priority,
                  const char* from,
                  const char* to) {
    return Json{{"name", name},
                {"properties",
                 {{"provisioningState", "Succeeded"},
                  {"description", description},
                  {"protocol", "*"},
                  {"sourcePortRange", "*"},
                  {"destinationPortRange", "*"},
                  {"sourceAddressPrefix", from},
                  {"destinationAddressPrefix", to},
                  {"access", access},
                  {"priority", priority},
                  {"direction", direction},
                  {"sourcePortRanges", Json::array()},
                  {"destinationPortRanges", Json::array()},
                  {"sourceAddressPrefixes", Json::array()},
                  {"destinationAddressPrefixes", Json::array()}}}};
}

/// The one value and the list of a property pair such as sourcePortRange and sourcePortRanges.
std::vector<std::string> values(const Json& properties,
                                const std::string& one,
                                const std::string& many) {
    std::vector<std::string> found = texts_at(properties, "/" + many);
    const std::string single = text_at(properties, "/" + one);
    if (!single.empty()) found.push_back(single);
    for (auto& value : found) {
        if (value == "0-65535" || to_lower(value) == "any") value = "*";
        if (to_lower(value) == "azureloadbalancer") value = load_balancer;
        if (to_lower(value) == "virtualnetwork") value = "VirtualNetwork";
        if (to_lower(value) == "internet") value = "Internet";
    }
    return found;
}

SecurityRule read_rule(const Json& rule) {
    const Json& properties = object_at(rule, "/properties");
    const bool inbound = to_lower(text_at(properties, "/direction")) == "inbound";
    const bool allow = to_lower(text_at(properties, "/access")) == "allow";
    return SecurityRule{
        .direction = inbound ? SecurityRule::Direction::inbound : SecurityRule::Direction::outbound,
        .access = allow ? SecurityRule::Access::allow : SecurityRule::Access::deny,
        .name = text_at(rule, "/name"),
        .protocol = text_at(properties, "/protocol", "*"),
        .sources = values(properties, "sourceAddressPrefix", "sourceAddressPrefixes"),
        .source_ports = values(properties, "sourcePortRange", "sourcePortRanges"),
        .destinations =
            values(properties, "destinationAddressPrefix", "destinationAddressPrefixes"),
        .destination_ports = values(properties, "destinationPortRange", "destinationPortRanges")};
}

struct PortRange {
    int low = 0;
    int high = 65535;
};

PortRange port_range(const std::string& text) {
    if (text == "*") return {};
    const std::size_t dash = text.find('-');
    const int low = std::atoi(text.c_str());
    return {low, dash == std::string::npos ? low : std::atoi(text.c_str() + dash + 1)};
}

std::vector<std::string> common_ports(const std::vector<std::string>& a,
                                      const std::vector<std::string>& b) {
    std::vector<std::string> found;
    for (const auto& left : a) {
        for (const auto& right : b) {
            const PortRange l = port_range(left), r = port_range(right);
            const int low = std::max(l.low, r.low), high = std::min(l.high, r.high);
            if (low > high) continue;
            if (low == 0 && high == 65535)
                found.push_back("*");
            else
                found.push_back(low == high ? std::to_string(low)
                                            : std::to_string(low) + "-" + std::to_string(high));
        }
    }
    return found;
}

/// True when every part of the range lies in the network, or (with `whole` false) when any does.
bool in_network(const Cidr& range, const std::vector<std::string>& prefixes, bool whole) {
    for (const auto& prefix : prefixes) {
        const auto network = Cidr::parse(prefix);
        if (network && (whole ? network->contains(range) : network->overlaps(range))) return true;
    }
    return false;
}

/// What both match; empty when nothing.
std::vector<std::string> common_address(const std::string& a,
                                        const std::string& b,
                                        const std::vector<std::string>& prefixes) {
    if (a == b || b == "*") return {a};
    if (a == "*") return {b};
    const auto left = Cidr::parse(a);
    const auto right = Cidr::parse(b);
    if (left && right) {
        if (left->contains(*right)) return {b};
        if (right->contains(*left)) return {a};
        return {};
    }
    if (!left && !right) return {};  // VirtualNetwork and Internet
    if (!left) return common_address(b, a, prefixes);
    if (b == "Internet") {
        if (in_network(*left, prefixes, true)) return {};
        return in_network(*left, prefixes, false) ? std::vector<std::string>{"Internet"}
                                                  : std::vector<std::string>{a};
    }
    if (in_network(*left, prefixes, true)) return {a};
    std::vector<std::string> inside;  // the parts of the network within the range
    for (const auto& prefix : prefixes) {
        const auto network = Cidr::parse(prefix);
        if (network && left->contains(*network)) inside.push_back(prefix);
    }
    return inside;
}

std::vector<std::string> common_addresses(const std::vector<std::string>& a,
                                          const std::vector<std::string>& b,
                                          const std::vector<std::string>& prefixes) {
    std::vector<std::string> found;
    for (const auto& left : a)
        for (const auto& right : b)
            for (auto& one : common_address(left, right, prefixes)) found.push_back(std::move(one));
    return found;
}

}  // namespace

const Json& default_security_rules() {
    static const Json rules = {
        default_rule("AllowVnetInBound",
                     "Allow inbound traffic from all VMs in VNET",
                     "Inbound",
                     "Allow",
                     65000,
                     "VirtualNetwork",
                     "VirtualNetwork"),
        default_rule("AllowAzureLoadBalancerInBound",
                     "Allow inbound traffic from azure load balancer",
                     "Inbound",
                     "Allow",
                     65001,
                     "AzureLoadBalancer",
                     "*"),
        default_rule(
            "DenyAllInBound", "Deny all inbound traffic", "Inbound", "Deny", 65500, "*", "*"),
        default_rule("AllowVnetOutBound",
                     "Allow outbound traffic from all VMs to all VMs in VNET",
                     "Outbound",
                     "Allow",
                     65000,
                     "VirtualNetwork",
                     "VirtualNetwork"),
        default_rule("AllowInternetOutBound",
                     "Allow outbound traffic from all VMs to Internet",
                     "Outbound",
                     "Allow",
                     65001,
                     "*",
                     "Internet"),
        default_rule(
            "DenyAllOutBound", "Deny all outbound traffic", "Outbound", "Deny", 65500, "*", "*"),
    };
    return rules;
}

std::vector<SecurityRule> rules_of(const Json* group) {
    std::vector<Json> ordered;
    if (group)
        for (const Json& rule : array_at(*group, "/properties/securityRules"))
            ordered.push_back(rule);
    std::ranges::stable_sort(
        ordered, {}, [](const Json& rule) { return number_at(rule, "/properties/priority"); });
    for (const Json& rule : default_security_rules()) ordered.push_back(rule);
    std::vector<SecurityRule> rules;
    for (const Json& rule : ordered) rules.push_back(read_rule(rule));
    return rules;
}

std::vector<SecurityRule> both(const std::vector<SecurityRule>& first,
                               const std::vector<SecurityRule>& second,
                               const std::vector<std::string>& network_prefixes) {
    std::vector<SecurityRule> result;
    for (const auto& a : first) {
        if (a.access == SecurityRule::Access::deny) {
            result.push_back(a);
            continue;
        }
        for (const auto& b : second) {
            if (a.direction != b.direction) continue;
            if (a.protocol != "*" && b.protocol != "*" &&
                to_lower(a.protocol) != to_lower(b.protocol))
                continue;
            SecurityRule rule{
                .direction = a.direction,
                .access = b.access,
                .name = a.name == b.name ? a.name : a.name + "+" + b.name,
                .protocol = a.protocol == "*" ? b.protocol : a.protocol,
                .sources = common_addresses(a.sources, b.sources, network_prefixes),
                .source_ports = common_ports(a.source_ports, b.source_ports),
                .destinations = common_addresses(a.destinations, b.destinations, network_prefixes),
                .destination_ports = common_ports(a.destination_ports, b.destination_ports)};
            const bool nothing = rule.sources.empty() || rule.source_ports.empty() ||
                                 rule.destinations.empty() || rule.destination_ports.empty();
            if (!nothing) result.push_back(std::move(rule));
        }
    }
    return result;
}

}  // namespace hopyard::localcloud
