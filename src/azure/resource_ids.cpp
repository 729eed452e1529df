#include "azure/resource_ids.h"

#include <array>
#include <vector>

#include <fmt/format.h>

#include "azure/pipeline.h"
#include "base/check.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using model::ResourceKind;

constexpr std::array<ResourceType, 8> types{{
    {ResourceKind::virtual_network,
     "Microsoft.Network",
     "virtualNetworks",
     "",
     api_version::network,
     "network"},
    {ResourceKind::subnet,
     "Microsoft.Network",
     "virtualNetworks",
     "subnets",
     api_version::network,
     "subnet"},
    {ResourceKind::security_group,
     "Microsoft.Network",
     "networkSecurityGroups",
     "",
     api_version::network,
     "security group"},
    {ResourceKind::security_rule,
     "Microsoft.Network",
     "networkSecurityGroups",
     "securityRules",
     api_version::network,
     "security rule"},
    {ResourceKind::public_address,
     "Microsoft.Network",
     "publicIPAddresses",
     "",
     api_version::network,
     "public address"},
    {ResourceKind::network_interface,
     "Microsoft.Network",
     "networkInterfaces",
     "",
     api_version::network,
     "network interface"},
    {ResourceKind::machine,
     "Microsoft.Compute",
     "virtualMachines",
     "",
     api_version::compute,
     "machine"},
    {ResourceKind::disk, "Microsoft.Compute", "disks", "", api_version::disks, "disk"},
}};

std::vector<std::string> segments(std::string_view id) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    while (start < id.size()) {
        if (id[start] == '/') {
            ++start;
            continue;
        }
        const auto end = std::min(id.find('/', start), id.size());
        parts.push_back(percent_decode(id.substr(start, end - start)));
        start = end;
    }
    return parts;
}

bool same_word(std::string_view a, std::string_view b) {
    return to_lower(a) == to_lower(b);
}

}  // namespace

const ResourceType& type_of(model::ResourceKind kind) {
    for (const ResourceType& type : types)
        if (type.kind == kind) return type;
    check_failed("kind has a type", __FILE__, __LINE__);
}

std::string group_id(std::string_view subscription, std::string_view group) {
    return fmt::format(
        "/subscriptions/{}/resourceGroups/{}", percent_encode(subscription), percent_encode(group));
}

std::string resource_id(std::string_view subscription, const model::ResourceName& name) {
    const ResourceType& type = type_of(name.kind);
    const bool is_child = type.child[0] != '\0';
    std::string id = fmt::format("{}/providers/{}/{}/{}",
                                 group_id(subscription, name.resource_group),
                                 type.provider,
                                 type.type,
                                 percent_encode(is_child ? name.parent : name.name));
    if (is_child) id += fmt::format("/{}/{}", type.child, percent_encode(name.name));
    return id;
}

std::optional<model::ResourceName> name_of(std::string_view id) {
    const auto parts = segments(id);
    if (parts.size() < 8 || !same_word(parts[0], "subscriptions") ||
        !same_word(parts[2], "resourceGroups") || !same_word(parts[4], "providers"))
        return std::nullopt;
    std::optional<model::ResourceName> found;
    for (const ResourceType& type : types) {
        if (!same_word(parts[5], type.provider) || !same_word(parts[6], type.type)) continue;
        if (type.child[0] == '\0')
            found = {type.kind, parts[3], "", parts[7]};
        else if (parts.size() >= 10 && same_word(parts[8], type.child))
            return model::ResourceName{type.kind, parts[3], parts[7], parts[9]};
    }
    return found;
}

std::string group_of(std::string_view id) {
    const auto parts = segments(id);
    return parts.size() >= 4 && same_word(parts[2], "resourceGroups") ? parts[3] : "";
}

std::string last_segment(std::string_view id) {
    const auto parts = segments(id);
    return parts.empty() ? "" : parts.back();
}

bool same_id(std::string_view a, std::string_view b) {
    return same_word(a, b);
}

}  // namespace hopyard::azure
