#include "decide/lifecycle/ports.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hopyard::decide {

std::vector<PortRule> port_rules(const model::Cluster& cluster) {
    const model::ClusterSpec& spec = cluster.spec;
    const std::vector<std::string> asked =
        spec.port_sources.empty() ? std::vector<std::string>{"*"} : spec.port_sources;
    const int first = spec.network.security_group.empty() ? 100 : 1000;
    std::vector<PortRule> rules = {
        {.name = "https", .priority = first, .ports = {"443"}, .sources = {"*"}},
        {.name = "http", .priority = first + 1, .ports = {"80"}, .sources = {"*"}},
    };
    if (spec.ports.ssh)
        rules.push_back({.name = "ssh", .priority = first + 2, .ports = {"22"}, .sources = asked});
    if (spec.ports.feature_store)
        rules.push_back({.name = "feature-store",
                         .priority = first + 3,
                         .ports = {"8020", "30010", "9083", "9085"},
                         .sources = asked});
    if (spec.ports.online_feature_store)
        rules.push_back({.name = "online-feature-store",
                         .priority = first + 4,
                         .ports = {"3306"},
                         .sources = asked});
    if (spec.ports.kafka)
        rules.push_back(
            {.name = "kafka", .priority = first + 5, .ports = {"9092"}, .sources = asked});
    return rules;
}

std::string content_of(const std::vector<PortRule>& rules) {
    std::string text;
    for (const PortRule& rule : rules)
        text += fmt::format("{} {} {} from {}\n",
                            rule.name,
                            rule.priority,
                            fmt::join(rule.ports, ","),
                            fmt::join(rule.sources, ","));
    return text;
}

}  // namespace hopyard::decide
