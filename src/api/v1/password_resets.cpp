// Lost passwords: a link is asked for at the sign-in, or made by an administrator, and used.
#include <nlohmann/json.hpp>

#include "api/people/documents.h"
#include "api/people/entrance.h"
#include "api/people/membership.h"
#include "api/people/password_reset.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "base/encoding.h"
#include "model/json_reader.h"

namespace hopyard::api::v1 {
namespace {

using people::Entrance;
using people::Outbox;

/// Takes the same time and says the same whether or not there is somebody of that address. Counted
/// apart from guesses at the account's password: whoever asks for links locks nobody out.
Result<http::Response> ask(Parts& parts, Entrance& entrance, const Call& call) {
    std::string email;
    RETURN_IF_ERROR(model::read_object(call.request.body, [&](model::ObjectReader& reader) {
        email = people::read_email(reader);
    }));
    RETURN_IF_ERROR(entrance.outbox.check_on());
    people::Guesses::Who who = people::guesser(call.request, email);
    who.account = "reset " + who.account;
    RETURN_IF_ERROR(entrance.guesses.begin(who, call.now));
    RETURN_IF_ERROR(parts.store.write([&](store::Transaction& t) {
        return entrance.outbox.add_password_reset(t, email, call.now);
    }));
    return http::Response{.status = 202};
}

Result<http::Response> look(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const Secret token, people::token_of(call));
    model::Person person;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(person, people::person_of_reset(t, token, call.now));
        return {};
    }));
    return http::json_response(200, dump({{"name", person.name}, {"email", person.email}}));
}

Result<http::Response> use(Parts& parts, Entrance& entrance, const Call& call) {
    Secret token, wanted;
    RETURN_IF_ERROR(model::read_object(call.request.body, [&](model::ObjectReader& reader) {
        token = people::read_password(reader, "token");
        wanted = people::read_password(reader, "password");
    }));
    model::Person person;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(person, people::person_of_reset(t, token, call.now));
        return {};
    }));
    RETURN_IF_ERROR(
        people::check_password("/password", wanted, {.name = person.name, .email = person.email}));
    ASSIGN_OR_RETURN(const std::string hash, entrance.passwords.hash(wanted));
    RETURN_IF_ERROR(parts.store.write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(person, people::person_of_reset(t, token, call.now));
        RETURN_IF_ERROR(people::reset_password(t, person, hash));
        return entrance.outbox.notify(t, person, "Your password was set anew", call.now);
    }));
    return http::Response{.status = 204};
}

/// An owner's link would make an owner of whoever holds it, so only an owner makes one.
Result<http::Response> make(Parts& parts, const Call& call) {
    const PersonId id(call.parameters.at("id"));
    Secret token;
    model::Person person;
    RETURN_IF_ERROR(parts.store.write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(person, people::member_of(t, call.principal.organisation, id));
        RETURN_IF_ERROR(people::check_password_reset(call.principal, person));
        token = people::make_reset_token(person, parts.random, call.now);
        RETURN_IF_ERROR(t.put(person));
        return people::note(t,
                            call.principal.organisation,
                            call.principal.name,
                            call.now,
                            "member_reset",
                            "A link was made that sets a new password of " + person.name);
    }));
    return http::json_response(
        201,
        dump({{"link", people::reset_link(people::origin_of(call.request), token)},
              {"expiresAt", to_rfc3339(*person.reset_expires_at)}}));
}

}  // namespace

std::vector<Endpoint> password_reset_endpoints(Parts& parts, Entrance& entrance) {
    return {{.method = "POST",
             .pattern = "/v1/password-resets",
             .access = Access::open,
             .has_body = true,
             .secret_reply = true,
             .answer = [&](const Call& call) { return ask(parts, entrance, call); }},
            {.method = "POST",
             .pattern = "/v1/password-resets/look",
             .access = Access::open,
             .has_body = true,
             .secret_reply = true,
             .answer = [&parts](const Call& call) { return look(parts, call); }},
            {.method = "POST",
             .pattern = "/v1/password-resets/use",
             .access = Access::open,
             .has_body = true,
             .secret_reply = true,
             .answer = [&](const Call& call) { return use(parts, entrance, call); }},
            {.method = "POST",
             .pattern = "/v1/members/{id}/password-reset",
             .access = Access::administer,
             .secret_reply = true,
             .answer = [&parts](const Call& call) { return make(parts, call); }}};
}

}  // namespace hopyard::api::v1
