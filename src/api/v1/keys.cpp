#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "model/json_reader.h"
#include "model/phase.h"

namespace hopyard::api::v1 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t name_max = 64;

void read_expiry(model::ObjectReader& reader, NewKey& wanted, Timestamp now) {
    std::string text;
    reader.read("expiresAt", text);
    if (text.empty()) return;
    wanted.expires_at = from_rfc3339(text);
    if (!wanted.expires_at || *wanted.expires_at <= now)
        reader.fault("expiresAt",
                     "expiry_malformed",
                     "must be a time to come, such as 2030-01-31T00:00:00Z",
                     "Leave it out for a key without end.");
}

Result<NewKey> wanted_key(const Call& call) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(call.request.body));
    std::optional<Error> fault;
    NewKey wanted{.organisation = call.principal.organisation};
    model::ObjectReader reader(document, "", fault);
    reader.read("name", wanted.name);
    if (wanted.name.empty() || wanted.name.size() > name_max)
        reader.fault("name",
                     "key_name",
                     "must have 1 to " + std::to_string(name_max) + " characters",
                     "Name who or what will use the key.");
    std::string scope;
    reader.read("scope", scope);
    if (const auto value = model::parse<model::Scope>(scope)) {
        wanted.scope = *value;
    } else {
        reader.fault("scope",
                     scope.empty() ? "missing" : "unknown_value",
                     "must be 'read', 'operate' or 'administer'",
                     "Choose the smallest that does.");
    }
    read_expiry(reader, wanted, call.now);
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return wanted;
}

Result<http::Response> create(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const auto wanted, wanted_key(call));
    ASSIGN_OR_RETURN(const auto made, make_key(parts.store, parts.random, wanted, call.now));
    ordered_json document = view(made.row);
    document["key"] = made.key.reveal();
    http::Response response = http::json_response(201, dump(document));
    response.headers.set("Location", "/v1/api-keys/" + made.row.id.value);
    return response;
}

Result<http::Response> list(Parts& parts, const Call& call) {
    ordered_json items = ordered_json::array();
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        items = ordered_json::array();
        ASSIGN_OR_RETURN(const auto keys, t.api_keys(call.principal.organisation));
        for (const model::ApiKey& key : keys) items.push_back(view(key));
        return {};
    }));
    return list_response(std::move(items));
}

/// Somebody must be left who can make keys.
Result<void> check_not_last(const std::vector<model::ApiKey>& keys,
                            const model::ApiKey& leaving,
                            Timestamp now) {
    const bool another = std::any_of(keys.begin(), keys.end(), [&](const model::ApiKey& key) {
        return key.id != leaving.id && key.scope == model::Scope::administer && is_usable(key, now);
    });
    if (another || leaving.scope != model::Scope::administer || !is_usable(leaving, now)) return {};
    return pass(Error{.kind = ErrorKind::conflict,
                      .code = "last_administrator_key",
                      .message = "'" + leaving.name + "' is the last key that may make keys",
                      .owner = Owner::user,
                      .next_action = "Make another key of scope 'administer' first."});
}

Result<http::Response> revoke(Parts& parts, const Call& call) {
    const ApiKeyId id(call.parameters.at("id"));
    const auto body = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto keys, t.api_keys(call.principal.organisation));
        const auto found = std::find_if(
            keys.begin(), keys.end(), [&](const model::ApiKey& key) { return key.id == id; });
        if (found == keys.end())
            return pass(Error{.kind = ErrorKind::not_found,
                              .code = "no_such_key",
                              .message = "there is no API key '" + id.value + "'",
                              .owner = Owner::user,
                              .next_action = "GET /v1/api-keys lists those there are."});
        if (found->revoked) return {};
        RETURN_IF_ERROR(check_not_last(keys, *found, call.now));
        model::ApiKey key = *found;
        key.revoked = true;
        return t.put(key);
    };
    RETURN_IF_ERROR(parts.store.write(body));
    return http::Response{.status = 204};
}

}  // namespace

std::vector<Endpoint> key_endpoints(Parts& parts) {
    return {{.method = "GET",
             .pattern = "/v1/api-keys",
             .access = Access::administer,
             .answer = [&parts](const Call& call) { return list(parts, call); }},
            {.method = "POST",
             .pattern = "/v1/api-keys",
             .access = Access::administer,
             .has_body = true,
             .secret_reply = true,
             .answer = [&parts](const Call& call) { return create(parts, call); }},
            {.method = "DELETE",
             .pattern = "/v1/api-keys/{id}",
             .access = Access::administer,
             .answer = [&parts](const Call& call) { return revoke(parts, call); }}};
}

}  // namespace hopyard::api::v1
