// Who may do what: role definitions, role assignments, and their evaluation.
//
// An action is allowed when some assignment of the principal, at the resource or above it, refers
// to a definition of which one entry has a matching `actions` pattern and no matching `notActions`
// pattern.
// "*" matches any run of characters; case does not matter.
#pragma once

#include <string>
#include <vector>

#include "localcloud/arm/json.h"
#include "localcloud/arm/ledger.h"

namespace hopyard::localcloud {

struct Permission {
    std::vector<std::string> actions;
    std::vector<std::string> not_actions;
    std::vector<std::string> data_actions;
    std::vector<std::string> not_data_actions;
};

struct RoleDefinition {
    std::string guid;
    std::string name;
    std::string description;
    bool custom = false;
    std::vector<std::string> assignable_scopes = {"/"};
    std::vector<Permission> permissions;
};

class Access {
  public:
    Access(const Ledger& ledger, std::string subscription)
        : ledger_(ledger), subscription_(std::move(subscription)) {}

    bool allows(const std::string& principal,
                const std::string& action,
                const std::string& id) const;
    /// What the principal may do there, one entry for each of its roles.
    std::vector<Permission> permissions(const std::string& principal, const std::string& id) const;
    /// Azure's own roles that this cloud knows, and the custom ones.
    std::vector<RoleDefinition> definitions() const;
    std::optional<RoleDefinition> definition(const std::string& guid) const;
    /// Whether a service principal or managed identity of that object id exists.
    bool knows_principal(const std::string& object_id) const;

  private:
    const Ledger& ledger_;
    std::string subscription_;
};

/// The guid at the end of a role definition's id.
std::string last_segment(const std::string& id);
Json to_json(const Permission& permission);

inline constexpr const char* owner_role = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";

}  // namespace hopyard::localcloud
