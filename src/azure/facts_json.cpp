// Single entries of Azure's lists.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>

#include "azure/document.h"
#include "azure/facts.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

/// Capabilities are all texts: {"vCPUs": "4", "MemoryGB": "3.5"}.
std::map<std::string, std::string> capabilities(const Json& item) {
    std::map<std::string, std::string> found;
    for (const Json& one : items_at(item, {"capabilities"}))
        found.insert_or_assign(to_lower(text_at(one, {"name"})), text_at(one, {"value"}));
    return found;
}

double figure(const std::map<std::string, std::string>& from, const char* name) {
    const auto found = from.find(name);
    return found == from.end() ? 0 : std::strtod(found->second.c_str(), nullptr);
}

bool names(const std::vector<std::string>& locations, const std::string& location) {
    return std::any_of(locations.begin(), locations.end(), [&](const std::string& one) {
        return to_lower(one) == to_lower(location);
    });
}

std::string restriction(const Json& item, const std::string& location) {
    for (const Json& one : items_at(item, {"restrictions"})) {
        if (to_lower(text_at(one, {"type"})) != "location") continue;
        auto where = texts_at(one, {"restrictionInfo", "locations"});
        if (where.empty()) where = texts_at(one, {"values"});
        if (!where.empty() && !names(where, location)) continue;
        const std::string reason = text_at(one, {"reasonCode"});
        if (to_lower(reason) == "quotaid") return "this kind of subscription does not include it";
        if (to_lower(reason) == "notavailableforsubscription")
            return "the subscription cannot use it in this location";
        return reason.empty() ? "it cannot be had in this location" : reason;
    }
    return {};
}

/// Our image is of generation 2, for x64.
std::string unfit(const std::map<std::string, std::string>& facts) {
    const auto processor = facts.find("cpuarchitecturetype");
    if (processor != facts.end() && to_lower(processor->second) == "arm64")
        return "its processor is Arm, the nodes' image is for x64";
    const auto generations = facts.find("hypervgenerations");
    if (generations != facts.end() && generations->second.find("V2") == std::string::npos)
        return "it boots images of generation 1 only";
    return {};
}

bool has_nvme(const std::string& family, const std::map<std::string, std::string>& facts) {
    if (figure(facts, "nvmedisksizeinmib") > 0) return true;
    // The L series has local NVMe since its second version and did not say so at first.
    const std::string lower = to_lower(family);
    return lower.starts_with("standardl") && lower.find("sv1") == std::string::npos &&
           lower.find("sv") != std::string::npos;
}

}  // namespace

std::optional<cloud::Size> read_size(std::string_view element, const std::string& location) {
    const auto item = parse_document(element);
    if (!item || to_lower(text_at(*item, {"resourceType"})) != "virtualmachines")
        return std::nullopt;
    const auto where = texts_at(*item, {"locations"});
    if (!where.empty() && !names(where, location)) return std::nullopt;
    const auto facts = capabilities(*item);
    cloud::Size size{.name = text_at(*item, {"name"}), .family = text_at(*item, {"family"})};
    if (size.name.empty()) return std::nullopt;
    const double available = figure(facts, "vcpusavailable");
    size.vcpus = static_cast<int>(available > 0 ? available : figure(facts, "vcpus"));
    size.memory_mb = static_cast<std::int64_t>(figure(facts, "memorygb") * 1024);
    size.counted_memory_mb = static_cast<std::int64_t>(figure(facts, "localmemorymb"));
    size.gpus = static_cast<int>(figure(facts, "gpus"));
    size.nvme = has_nvme(size.family, facts);
    size.unavailable = restriction(*item, location);
    if (size.unavailable.empty()) size.unavailable = unfit(facts);
    return size;
}

std::optional<cloud::Usage> read_usage(std::string_view element) {
    const auto item = parse_document(element);
    if (!item) return std::nullopt;
    cloud::Usage usage{.name = text_at(*item, {"name", "value"}),
                       .display_name = text_at(*item, {"name", "localizedValue"}),
                       .used = number_at(*item, {"currentValue"}),
                       .limit = number_at(*item, {"limit"})};
    if (usage.name.empty()) return std::nullopt;
    return usage;
}

cloud::SecurityRule read_rule(std::string_view element) {
    const Json item = parse_document(element).value_or(Json());
    const auto values = [&](const char* one, const char* many) {
        auto found = texts_at(item, {"properties", many});
        const std::string single = text_at(item, {"properties", one});
        if (!single.empty()) found.insert(found.begin(), single);
        return found;
    };
    cloud::SecurityRule rule{.name = text_at(item, {"name"})};
    rule.priority = static_cast<int>(number_at(item, {"properties", "priority"}));
    rule.inbound = to_lower(text_at(item, {"properties", "direction"})) != "outbound";
    rule.allow = to_lower(text_at(item, {"properties", "access"})) == "allow";
    rule.protocol = to_lower(text_at(item, {"properties", "protocol"}));
    rule.sources = values("sourceAddressPrefix", "sourceAddressPrefixes");
    rule.ports = values("destinationPortRange", "destinationPortRanges");
    rule.destinations = values("destinationAddressPrefix", "destinationAddressPrefixes");
    return rule;
}

}  // namespace hopyard::azure
