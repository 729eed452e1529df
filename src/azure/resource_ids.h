// Where our kinds of resources lie in Azure: type, version, and the way from a name to an id and
// back. Ids compare without case, and come back with the case of whoever asked last.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/resource.h"

namespace hopyard::azure {

struct ResourceType {
    model::ResourceKind kind;
    const char* provider;  ///< "Microsoft.Network"
    const char* type;      ///< "virtualNetworks"
    const char* child;     ///< "subnets", or "" for a type of its own
    const char* version;
    const char* word;  ///< for people: "network"
};
const ResourceType& type_of(model::ResourceKind kind);

/// "/subscriptions/S/resourceGroups/G/providers/…", names percent-encoded.
std::string resource_id(std::string_view subscription, const model::ResourceName& name);
std::string group_id(std::string_view subscription, std::string_view group);
/// Nothing for a type that is not ours. A trailing part below the resource is ignored, so that the
/// id of an ipConfiguration names its interface.
std::optional<model::ResourceName> name_of(std::string_view id);
/// The resource group in an id, as it stands there.
std::string group_of(std::string_view id);
std::string last_segment(std::string_view id);
bool same_id(std::string_view a, std::string_view b);

}  // namespace hopyard::azure
