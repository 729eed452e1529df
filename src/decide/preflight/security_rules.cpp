#include "decide/preflight/security_rules.h"

#include <algorithm>

#include "base/encoding.h"

namespace hopyard::decide {
namespace {

using Words = std::vector<std::string>;
using Subnet = std::optional<model::Cidr>;

template <class Test>
bool any(const Words& words, Test test) {
    return std::any_of(
        words.begin(), words.end(), [&](const std::string& word) { return test(to_lower(word)); });
}

bool is_everywhere(const std::string& word) {
    return word == "*" || word == "0.0.0.0/0";
}

bool covers(const Words& ports, int port) {
    return any(ports, [&](const std::string& text) {
        if (text == "*") return true;
        const auto dash = text.find('-');
        const int first = std::atoi(text.c_str());
        const int last = dash == std::string::npos ? first : std::atoi(text.c_str() + dash + 1);
        return first <= port && port <= last;
    });
}

/// Whether the words name machines of the subnet, some or all.
bool touches(const Words& words, const Subnet& subnet) {
    return any(words, [&](const std::string& word) {
        if (is_everywhere(word) || word == "virtualnetwork") return true;
        const auto range = model::parse_cidr(word);
        return range && subnet && range->overlaps(*subnet);
    });
}

bool is_storage(const std::string& word) {
    return word.starts_with("storage") || word.starts_with("azurecloud");
}

/// Whether the words name everybody outside, or the storage that every machine needs.
bool are_all_outside(const Words& words, bool inbound) {
    return any(words, [&](const std::string& word) {
        return is_everywhere(word) || word == "internet" || (!inbound && is_storage(word));
    });
}

/// Whether the words name somebody outside, who may be the one who matters.
bool are_some_outside(const Words& words, bool inbound) {
    return are_all_outside(words, inbound) || any(words, [&](const std::string& word) {
               const bool inside = word == "virtualnetwork" || word == "azureloadbalancer";
               return inbound ? !inside : model::parse_cidr(word).has_value();
           });
}

}  // namespace

Verdict verdict(const std::vector<cloud::SecurityRule>& rules,
                const Traffic& traffic,
                const Subnet& subnet) {
    std::vector<cloud::SecurityRule> sorted = rules;
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
        return a.priority < b.priority;
    });
    for (const cloud::SecurityRule& rule : sorted) {
        const std::string protocol = to_lower(rule.protocol);
        if (rule.inbound != traffic.inbound || (protocol != "tcp" && protocol != "*") ||
            !covers(rule.ports, traffic.port))
            continue;
        const Words& machines = traffic.inbound ? rule.destinations : rule.sources;
        const Words& peers = traffic.inbound ? rule.sources : rule.destinations;
        if (!touches(machines, subnet)) continue;
        const bool inside = traffic.peer == Traffic::Peer::subnet;
        const bool meant = inside       ? touches(peers, subnet)
                           : rule.allow ? are_some_outside(peers, traffic.inbound)
                                        : are_all_outside(peers, traffic.inbound);
        if (meant) return rule.allow ? Verdict::allowed : Verdict::denied;
    }
    return Verdict::unmentioned;
}

}  // namespace hopyard::decide
