// Who asks, and what an endpoint asks of them. Pure: everything that decides is in the principal,
// which is read anew for each request, so that a change of role or switch holds at once.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "http/router.h"
#include "model/access.h"

namespace hopyard::api {

/// Who asks: an API key, or a person who is signed in.
struct Principal {
    OrganisationId organisation;
    std::string name;  ///< of the key or of the person, for the activity
    ApiKeyId key;
    model::Scope scope = model::Scope::read;  ///< of a key
    PersonId person;
    SessionId session;  ///< of a person, as the rest
    model::Role role = model::Role::member;
    model::Rights rights;
    /// The organisation wants a second factor and this person has none yet.
    bool must_set_up_totp = false;

    bool is_person() const { return !person.empty(); }
    bool is_somebody() const { return is_person() || !key.empty(); }
    bool administers() const {
        return is_person() ? rights.administer : scope == model::Scope::administer;
    }
};

enum class Access {
    open,  ///< needs nobody
    read,
    operate,  ///< of people: may manage clusters
    administer,
    ports,   ///< of keys: operate
    invite,  ///< of keys: administer
    person,  ///< whoever is signed in, never a key: it is about themselves
    self,    ///< administer, or the person whose id the path names
};

/// `permission_denied` with scope_too_small, person_needed, permission_missing,
/// administrator_needed or totp_needed. Not for open endpoints.
Result<void> check_access(Access access,
                          const Principal& principal,
                          const http::PathParameters& parameters);

}  // namespace hopyard::api
