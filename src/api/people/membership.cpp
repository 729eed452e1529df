#include "api/people/membership.h"

#include <algorithm>

namespace hopyard::api::people {
namespace {

using model::Role;

Failure owner_needed() {
    return pass(Error{.kind = ErrorKind::permission_denied,
                      .code = "owner_needed",
                      .message = "only an owner changes owners",
                      .owner = Owner::administrator,
                      .next_action = "Ask an owner of the organisation."});
}

Result<void> check_unmaking(const Principal& by, const model::Person& of, int owners) {
    if (of.role != Role::owner) return {};
    if (!by.is_person() || by.role != Role::owner) return owner_needed();
    if (owners > 1) return {};
    return pass(Error{.kind = ErrorKind::conflict,
                      .code = "last_owner",
                      .message = "'" + of.name + "' is the last owner",
                      .owner = Owner::user,
                      .next_action = "Make somebody else an owner first."});
}

}  // namespace

int owners_among(const std::vector<model::Person>& persons) {
    return static_cast<int>(
        std::count_if(persons.begin(), persons.end(), [](const model::Person& person) {
            return person.role == Role::owner;
        }));
}

Result<void> check_role_change(const Principal& by, const model::Person& of, Role to, int owners) {
    if (of.role == to) return {};
    if (to == Role::owner && (!by.is_person() || by.role != Role::owner)) return owner_needed();
    return check_unmaking(by, of, owners);
}

Result<void> check_removal(const Principal& by, const model::Person& of, int owners) {
    return check_unmaking(by, of, owners);
}

Result<void> check_password_reset(const Principal& by, const model::Person& of) {
    if (of.role == Role::owner && (!by.is_person() || by.role != Role::owner))
        return owner_needed();
    return {};
}

Result<void> check_invitation(const Principal& by, Role role) {
    if (role == Role::owner)
        return refuse("/role",
                      "role_not_invited",
                      "nobody is invited as an owner",
                      "Invite a member or an administrator; an owner may promote them later.");
    if (role == Role::member || by.administers()) return {};
    return pass(Error{.kind = ErrorKind::permission_denied,
                      .code = "administrator_needed",
                      .message = "only owners and administrators invite administrators",
                      .owner = Owner::administrator,
                      .next_action = "Invite a member, or ask an administrator."});
}

}  // namespace hopyard::api::people
