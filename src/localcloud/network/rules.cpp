#include "localcloud/network/rules.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/encoding.h"
#include "localcloud/network/names.h"

namespace hopyard::localcloud::network {
namespace {

constexpr std::uint32_t top_address = 0xffffffffU;
constexpr std::uint32_t top_port = 65535;

/// The address from which a cloud's load balancer probes; here nobody has it.
constexpr std::string_view load_balancer = "168.63.129.16/32";

Failure not_understood(const SecurityRule& rule, std::string_view what, std::string_view word) {
    return fail(ErrorKind::invalid_argument,
                "security_rule_not_understood",
                "Security rule \"" + rule.name + "\": " + std::string(what) + " \"" +
                    std::string(word.substr(0, 60)) + "\" is not understood.");
}

bool is_ipv6(std::string_view word) {
    in6_addr parsed{};
    const std::string address(word.substr(0, word.find('/')));
    return inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}

/// "10.0.0.4-10.0.0.9", "10.0.0.0/24", "10.0.0.4".
std::optional<Range> address_range(std::string_view word) {
    if (const auto dash = word.find('-'); dash != std::string_view::npos) {
        const auto low = parse_address(word.substr(0, dash));
        const auto high = parse_address(word.substr(dash + 1));
        if (!low || !high || *low > *high) return std::nullopt;
        return Range{*low, *high};
    }
    const auto prefix = parse_prefix(word);
    if (!prefix) return std::nullopt;
    return Range{prefix->first(), prefix->last()};
}

Result<Ranges> addresses(const SecurityRule& rule,
                         const std::vector<std::string>& words,
                         const Ranges& network) {
    Ranges result;
    for (const auto& word : words) {
        const auto lower = to_lower(word);
        if (lower == "*" || lower == "any") {
            result.push_back({0, top_address});
        } else if (lower == "virtualnetwork") {
            result.insert(result.end(), network.begin(), network.end());
        } else if (lower == "internet") {
            const auto outside = complement(network, top_address);
            result.insert(result.end(), outside.begin(), outside.end());
        } else if (lower == "azureloadbalancer") {
            result.push_back(*address_range(load_balancer));
        } else if (const auto range = address_range(word)) {
            result.push_back(*range);
        } else if (!is_ipv6(word)) {
            return not_understood(rule, "address", word);
        }
    }
    return merged(std::move(result));
}

std::optional<std::uint32_t> port_number(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number > top_port)
        return std::nullopt;
    return number;
}

/// Empty when any port will do.
Result<Ranges> ports(const SecurityRule& rule, const std::vector<std::string>& words) {
    Ranges result;
    for (const auto& word : words) {
        if (word == "*") return Ranges{};
        const auto dash = word.find('-');
        const auto low = port_number(std::string_view(word).substr(0, dash));
        const auto high =
            dash == std::string::npos ? low : port_number(std::string_view(word).substr(dash + 1));
        if (!low || !high || *low > *high) return not_understood(rule, "port", word);
        result.push_back({*low, *high});
    }
    result = merged(std::move(result));
    if (result == Ranges{{0, top_port}}) result.clear();
    return result;
}

Result<std::vector<int>> protocols(const SecurityRule& rule) {
    const auto word = to_lower(rule.protocol);
    if (word == "*") return std::vector<int>{};
    if (word == "tcp") return std::vector<int>{IPPROTO_TCP};
    if (word == "udp") return std::vector<int>{IPPROTO_UDP};
    if (word == "icmp") return std::vector<int>{IPPROTO_ICMP};
    if (word == "esp") return std::vector<int>{IPPROTO_ESP};
    if (word == "ah") return std::vector<int>{IPPROTO_AH};
    return not_understood(rule, "protocol", rule.protocol);
}

bool has_ports(int protocol) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

std::string number_set(const Ranges& ranges, std::string (*word)(std::uint32_t)) {
    std::string text;
    for (const auto& range : ranges) {
        if (!text.empty()) text += ", ";
        text += word(range.low);
        if (range.high != range.low) text += "-" + word(range.high);
    }
    return ranges.size() == 1 ? text : "{ " + text + " }";
}

std::string address_word(std::uint32_t number) {
    return to_string(Address{number});
}
std::string port_word(std::uint32_t number) {
    return std::to_string(number);
}

std::string render_line(const Filter& filter) {
    std::string line = "    ";
    const Ranges everywhere{{0, top_address}};
    if (filter.sources != everywhere)
        line += "ip saddr " + number_set(filter.sources, address_word) + " ";
    if (filter.destinations != everywhere)
        line += "ip daddr " + number_set(filter.destinations, address_word) + " ";
    if (!filter.protocols.empty()) {
        Ranges numbers;
        for (const int protocol : filter.protocols)
            numbers.push_back(
                {static_cast<std::uint32_t>(protocol), static_cast<std::uint32_t>(protocol)});
        line += "meta l4proto " + number_set(numbers, port_word) + " ";
    }
    if (!filter.source_ports.empty())
        line += "th sport " + number_set(filter.source_ports, port_word) + " ";
    if (!filter.destination_ports.empty())
        line += "th dport " + number_set(filter.destination_ports, port_word) + " ";
    return line + (filter.allow ? "counter accept\n" : "counter drop\n");
}

std::string render_chain(const std::vector<Filter>& filters, bool inbound) {
    std::string text;
    for (const auto& filter : filters)
        if (filter.inbound == inbound) text += render_line(filter);
    return text;
}

}  // namespace

Result<std::vector<Filter>> compile(const std::vector<SecurityRule>& rules,
                                    const std::vector<std::string>& prefixes) {
    Ranges network;
    for (const auto& text : prefixes) {
        const auto prefix = parse_prefix(text);
        if (!prefix)
            return fail(ErrorKind::invalid_argument,
                        "malformed_prefix",
                        "\"" + text + "\" is not an IPv4 range such as 10.0.0.0/16.");
        network.push_back({prefix->first(), prefix->last()});
    }
    network = merged(std::move(network));

    std::vector<Filter> filters;
    for (const auto& rule : rules) {
        Filter filter{.name = rule.name,
                      .inbound = rule.direction == SecurityRule::Direction::inbound,
                      .allow = rule.access == SecurityRule::Access::allow};
        ASSIGN_OR_RETURN(filter.protocols, protocols(rule));
        ASSIGN_OR_RETURN(filter.sources, addresses(rule, rule.sources, network));
        ASSIGN_OR_RETURN(filter.destinations, addresses(rule, rule.destinations, network));
        ASSIGN_OR_RETURN(filter.source_ports, ports(rule, rule.source_ports));
        ASSIGN_OR_RETURN(filter.destination_ports, ports(rule, rule.destination_ports));
        if (filter.sources.empty() || filter.destinations.empty()) continue;

        const bool asks_ports = !filter.source_ports.empty() || !filter.destination_ports.empty();
        if (asks_ports && filter.protocols.empty()) filter.protocols = {IPPROTO_TCP, IPPROTO_UDP};
        // A port range on a protocol without ports is accepted by the cloud and means nothing.
        if (asks_ports && !has_ports(filter.protocols.front())) {
            filter.source_ports.clear();
            filter.destination_ports.clear();
        }
        filters.push_back(std::move(filter));
    }
    return filters;
}

std::string render(const std::vector<Filter>& filters) {
    const std::string metadata(metadata_address);
    return "table inet nsg\n"
           "delete table inet nsg\n"
           "table inet nsg {\n"
           "  chain inbound {\n"
           "    type filter hook input priority 0; policy drop;\n"
           "    iif lo accept\n"
           "    ct state established,related accept\n" +
           render_chain(filters, true) +
           "    counter drop\n"
           "  }\n"
           "  chain outbound {\n"
           "    type filter hook output priority 0; policy drop;\n"
           "    oif lo accept\n"
           "    ct state established,related accept\n"
           // What the metadata service hands out lets its reader act as the machine: root only.
           "    ip daddr " +
           metadata +
           " meta skuid 0 counter accept\n"
           "    ip daddr " +
           metadata + " counter drop\n" + render_chain(filters, false) +
           "    counter drop\n"
           "  }\n"
           "}\n";
}

}  // namespace hopyard::localcloud::network
