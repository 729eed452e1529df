// API keys (product.md D9): named, scoped, perhaps with an end, shown once. The store holds the
// SHA-256 of a key, never the key; a key has 256 random bits, so a plain digest is enough.
#pragma once

#include <optional>
#include <string>

#include "api/access.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"
#include "model/access.h"
#include "store/store.h"

namespace hopyard::api {

class Authenticator {
  public:
    explicit Authenticator(store::Store& store) : store_(store) {}
    /// From `Authorization: Bearer KEY` or `x-api-key: KEY`. `unauthenticated` with code
    /// key_missing, key_unknown, key_revoked or key_expired.
    Result<Principal> authenticate(const http::Request& request, Timestamp now);
    /// The same; without a key from the cookie of a session, if there is one: also with code
    /// session_missing.
    Result<Principal> authenticate_person_too(const http::Request& request, Timestamp now);

  private:
    store::Store& store_;
};

bool is_usable(const model::ApiKey& key, Timestamp now);
std::string hash_of(const Secret& key);

struct NewKey {
    OrganisationId organisation;
    std::string name;
    model::Scope scope = model::Scope::read;
    std::optional<Timestamp> expires_at;
};
struct MadeKey {
    model::ApiKey row;
    Secret key;  ///< to be shown once
};
/// `already_exists` when a usable key of the organisation has the name.
Result<MadeKey> make_key(store::Store& store, Random& random, const NewKey& wanted, Timestamp now);

/// The organisation of an installation that was just made.
OrganisationId default_organisation();
/// The first key of an installation: an administrator's, in the default organisation. Nothing when
/// that organisation has or had a key already.
Result<std::optional<Secret>> make_first_key(store::Store& store, Random& random, Timestamp now);

}  // namespace hopyard::api
