// Who may make whom what. Pure: the caller, the person, and how many owners there are.
#pragma once

#include <vector>

#include "api/access.h"
#include "base/result.h"
#include "model/access.h"

namespace hopyard::api::people {

int owners_among(const std::vector<model::Person>& persons);

/// Only an owner makes or unmakes owners (an API key is none); the last owner stays one.
/// `permission_denied` ("owner_needed") or `conflict` ("last_owner").
Result<void> check_role_change(const Principal& by,
                               const model::Person& of,
                               model::Role to,
                               int owners);
/// Removing an owner is unmaking one; anybody may leave, but the last owner.
Result<void> check_removal(const Principal& by, const model::Person& of, int owners);
/// Whoever sets an owner's password becomes that owner, so only owners do. `permission_denied`
/// ("owner_needed").
Result<void> check_password_reset(const Principal& by, const model::Person& of);
/// Only owners and administrators invite administrators, and withdraw such invitations; nobody
/// invites an owner. `permission_denied` ("administrator_needed"), or a refusal of /role.
Result<void> check_invitation(const Principal& by, model::Role role);

}  // namespace hopyard::api::people
