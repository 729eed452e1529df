// Which rights the control plane needs, as text for whoever may grant them: a role made of exactly
// what is used, and the commands that give it. Pure.
#pragma once

#include <string>
#include <vector>

#include "cloud/catalog.h"

namespace hopyard::cloud {

/// What clusters may be given, beside what each takes. What is left out has to be there already,
/// and needs no right.
struct Features {
    bool networks = true;          ///< virtual networks and subnets are made
    bool security_groups = true;   ///< security groups are made, ports opened and closed
    bool public_addresses = true;  ///< heads get a public address
};

std::vector<NeededRight> rights_for(const NeededRights& needed, const Features& features);

/// Those of `needed` that `permissions` do not give.
std::vector<NeededRight> missing_rights(const std::vector<NeededRight>& needed,
                                        const std::vector<Permission>& permissions);

struct RoleRequest {
    std::string name;                 ///< of the role
    std::vector<std::string> groups;  ///< resource groups it is given in; at least one
    Features features;
};

struct RoleText {
    std::string definition;             ///< the role in the cloud's own form
    std::vector<std::string> commands;  ///< for a shell, in this order; they contain no secret
};

/// For one connection: it knows its subscription and who signs in.
class RoleWriter {
  public:
    virtual ~RoleWriter() = default;
    virtual RoleText write(const RoleRequest& request) const = 0;
};

}  // namespace hopyard::cloud
