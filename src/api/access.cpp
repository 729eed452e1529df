#include "api/access.h"

#include "model/phase.h"

namespace hopyard::api {
namespace {

Failure denied(std::string code, std::string message, std::string next) {
    return pass(Error{.kind = ErrorKind::permission_denied,
                      .code = std::move(code),
                      .message = std::move(message),
                      .owner = Owner::administrator,
                      .next_action = std::move(next)});
}

model::Scope scope_for(Access access) {
    switch (access) {
        case Access::administer:
        case Access::invite:
        case Access::self:
            return model::Scope::administer;
        case Access::operate:
        case Access::ports:
            return model::Scope::operate;
        default:
            return model::Scope::read;
    }
}

Result<void> check_key(Access access, const Principal& key) {
    if (access == Access::person)
        return denied("person_needed",
                      "this is about a person who is signed in, and an API key is nobody",
                      "Sign in with a browser.");
    const model::Scope needed = scope_for(access);
    if (key.scope >= needed) return {};
    return denied("scope_too_small",
                  "the API key '" + key.name + "' has scope '" + std::string(to_string(key.scope)) +
                      "'; this takes '" + std::string(to_string(needed)) + "'",
                  "Use a key of that scope; an administrator can make one.");
}

Failure not_allowed(const std::string& what) {
    return denied("permission_missing",
                  "members may not " + what + " in this organisation",
                  "Do it, or allow it to members: organisation settings.");
}

Result<void> check_person(Access access, const Principal& person, bool about_self) {
    if (access == Access::person) return {};
    if (person.must_set_up_totp)
        return denied("totp_needed",
                      "this organisation wants a second factor, and you have none yet",
                      "Set up one-time codes in your profile first.");
    switch (access) {
        case Access::operate:
            if (!person.rights.manage_clusters) return not_allowed("manage clusters");
            return {};
        case Access::ports:
            if (!person.rights.manage_ports) return not_allowed("open and close ports");
            return {};
        case Access::invite:
            if (!person.rights.invite) return not_allowed("invite others");
            return {};
        case Access::self:
            if (about_self) return {};
            [[fallthrough]];
        case Access::administer:
            if (!person.rights.administer)
                return denied("administrator_needed",
                              "only owners and administrators may do this",
                              "Do it, or make the person an administrator.");
            return {};
        default:
            return {};
    }
}

}  // namespace

Result<void> check_access(Access access,
                          const Principal& principal,
                          const http::PathParameters& parameters) {
    if (!principal.is_person()) return check_key(access, principal);
    const auto named = parameters.find("id");
    return check_person(
        access, principal, named != parameters.end() && named->second == principal.person.value);
}

}  // namespace hopyard::api
