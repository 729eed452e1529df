// What the control plane may do, as Azure's custom roles, and the `az` commands that give them.
//
// Two roles, because two scopes: what clusters take, given in resource groups; and what is read of
// the whole subscription (sizes, quotas), which belongs to no group.
#pragma once

#include "azure/connection.h"
#include "cloud/roles.h"

namespace hopyard::azure {

class CustomRole final : public cloud::RoleWriter {
  public:
    explicit CustomRole(const Options& options) : options_(options) {}

    /// The definition is a list of both roles, each as `az role definition create` takes it.
    cloud::RoleText write(const cloud::RoleRequest& request) const override;

  private:
    const Options& options_;
};

}  // namespace hopyard::azure
