#include "api/keys.h"

#include <algorithm>

#include "api/people/sessions.h"
#include "base/encoding.h"

namespace hopyard::api {
namespace {

constexpr std::size_t key_bytes = 32;

Failure no_access(std::string code, std::string message, std::string next) {
    return pass(Error{.kind = ErrorKind::unauthenticated,
                      .code = std::move(code),
                      .message = std::move(message),
                      .owner = Owner::user,
                      .next_action = std::move(next)});
}

/// The key of a request; the header of the existing wire may be there and empty.
std::string presented(const http::Request& request) {
    const std::string authorization = request.headers.get("Authorization");
    constexpr std::string_view scheme = "bearer ";
    if (authorization.size() > scheme.size() &&
        to_lower(authorization.substr(0, scheme.size())) == scheme) {
        std::string key = authorization.substr(scheme.size());
        key.erase(0, key.find_first_not_of(' '));
        return key;
    }
    return request.headers.get("x-api-key");
}

}  // namespace

bool is_usable(const model::ApiKey& key, Timestamp now) {
    return !key.revoked && (!key.expires_at || now < *key.expires_at);
}

std::string hash_of(const Secret& key) {
    return to_hex(sha256(key.reveal()));
}

Result<Principal> Authenticator::authenticate(const http::Request& request, Timestamp now) {
    const Secret key(presented(request));
    if (key.empty())
        return no_access("key_missing",
                         "the request has no API key",
                         "Send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'.");
    std::optional<model::ApiKey> row;
    RETURN_IF_ERROR(store_.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(row, t.api_key_by_hash(hash_of(key)));
        return {};
    }));
    if (!row)
        return no_access("key_unknown",
                         "the API key is not known here",
                         "Check that it is whole and of this installation.");
    if (row->revoked)
        return no_access("key_revoked",
                         "the API key '" + row->name + "' was revoked",
                         "Ask an administrator for another.");
    if (!is_usable(*row, now))
        return no_access("key_expired",
                         "the API key '" + row->name + "' has expired",
                         "Ask an administrator for another.");
    return Principal{
        .organisation = row->organisation, .name = row->name, .key = row->id, .scope = row->scope};
}

Result<Principal> Authenticator::authenticate_person_too(const http::Request& request,
                                                         Timestamp now) {
    if (presented(request).empty())
        if (const Secret token = people::presented_token(request); !token.empty())
            return people::principal_of(store_, token, now);
    return authenticate(request, now);
}

Result<MadeKey> make_key(store::Store& store, Random& random, const NewKey& wanted, Timestamp now) {
    MadeKey made{.key = Secret("hop_" + to_base64url(random_bytes(random, key_bytes)))};
    const model::ApiKey fresh{.id = ApiKeyId("k-" + random_word(random, 8)),
                              .organisation = wanted.organisation,
                              .name = wanted.name,
                              .scope = wanted.scope,
                              .key_hash = hash_of(made.key),
                              .created_at = now,
                              .expires_at = wanted.expires_at};
    RETURN_IF_ERROR(store.write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto keys, t.api_keys(wanted.organisation));
        const bool taken = std::any_of(keys.begin(), keys.end(), [&](const model::ApiKey& key) {
            return key.name == wanted.name && is_usable(key, now);
        });
        if (taken)
            return pass(Error{.kind = ErrorKind::already_exists,
                              .code = "key_name_taken",
                              .message = "an API key in use is named '" + wanted.name + "'",
                              .field = "/name",
                              .owner = Owner::user,
                              .next_action = "Choose another name, or revoke that key first."});
        made.row = fresh;
        return t.put(made.row);
    }));
    return made;
}

OrganisationId default_organisation() {
    return OrganisationId("default");
}

Result<std::optional<Secret>> make_first_key(store::Store& store, Random& random, Timestamp now) {
    bool first = false;
    RETURN_IF_ERROR(store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto keys, t.api_keys(default_organisation()));
        first = keys.empty();
        return {};
    }));
    if (!first) return std::nullopt;
    ASSIGN_OR_RETURN(auto made,
                     make_key(store,
                              random,
                              {.organisation = default_organisation(),
                               .name = "first administrator",
                               .scope = model::Scope::administer},
                              now));
    return std::move(made.key);
}

}  // namespace hopyard::api
