// The path that names a resource:
// /subscriptions/S/resourceGroups/G/providers/NS/TYPE/NAME[/TYPE/NAME]. Ids compare without case
// and keep the case in which their names were first written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hopyard::localcloud {

struct ResourceId {
    std::string subscription;
    std::string group;               ///< empty for what lies in the subscription itself
    std::string provider;            ///< "Microsoft.Compute"; empty for a group or a subscription
    std::vector<std::string> types;  ///< {"virtualNetworks", "subnets"}
    std::vector<std::string> names;  ///< as many as types

    /// Nothing when the text is not such a path.
    static std::optional<ResourceId> parse(std::string_view path);
    /// "Microsoft.Network/virtualNetworks/subnets"
    std::string type() const;
    std::string name() const { return names.empty() ? group : names.back(); }
    std::string text() const;
    /// The resource one level up; a group for a top-level resource.
    ResourceId parent() const;
};

/// What ids are compared by.
std::string key_of(std::string_view id);
bool same_id(std::string_view a, std::string_view b);
std::vector<std::string> split_path(std::string_view path);
/// True when `id` is `scope` or lies below it.
bool within(std::string_view id, std::string_view scope);
/// "West Europe" → "westeurope"
std::string normal_location(std::string_view location);

}  // namespace hopyard::localcloud
