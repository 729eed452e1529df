// From method and path to the function of a resource provider, the action it needs and the API
// versions it speaks. Literal segments match without case; "{name}" takes one segment.
//
// Roles and tags hang below any resource: a pattern that begins with "{scope}" matches them by what
// follows the last "/providers/", and the scope becomes the addressed id.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "localcloud/arm/core.h"

namespace hopyard::localcloud {

enum class Area {
    compute,
    disks,
    skus,
    network,
    storage,
    identity,
    resources,
    subscriptions,
    authorization,
};

struct Route {
    std::string method;
    std::string pattern;
    std::string action;  ///< "Microsoft.Compute/virtualMachines/write"; "" = any caller may
    Area area = Area::resources;
    Handling handle = nullptr;
};

class Routes {
  public:
    void add(
        Area area, std::string method, std::string pattern, std::string action, Handling handle);
    /// GET, PUT and DELETE of a type in a group, and its two lists.
    struct Resourceful {
        Area area;
        std::string type;  ///< "Microsoft.Network/networkInterfaces"
        Handling put = nullptr;
        Handling get = nullptr;
        Handling remove = nullptr;
        Handling list = nullptr;
        Handling patch = nullptr;
    };
    void add(const Resourceful& resource);

    struct Match {
        const Route* route = nullptr;
        std::map<std::string, std::string> parameters;
        /// The path up to its last parameter, in the pattern's case.
        std::string id;
    };
    /// No route: nothing of that path exists here. `path_known`: another method of it does.
    std::optional<Match> match(const std::string& method,
                               std::string_view path,
                               bool& path_known) const;
    const std::vector<Route>& all() const { return routes_; }

  private:
    std::vector<Route> routes_;
    std::vector<std::vector<std::string>> segments_;
};

/// "" when the version is fine for that area; else the ones that are, joined by commas.
std::string unsupported_version(Area area, const std::string& version);

inline const std::string subscription_pattern = "/subscriptions/{subscription}";
inline const std::string group_pattern = "/subscriptions/{subscription}/resourceGroups/{group}";

}  // namespace hopyard::localcloud
