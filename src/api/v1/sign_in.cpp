#include <nlohmann/json.hpp>

#include "api/people/documents.h"
#include "api/people/entrance.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "model/json_reader.h"

namespace hopyard::api::v1 {
namespace {

using people::Entrance;

Result<http::Response> state(Parts& parts, const General& general) {
    bool set_up = false;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(set_up, people::is_set_up(t));
        return {};
    }));
    return http::json_response(200,
                               dump({{"setUp", set_up},
                                     {"product", "Hopyard"},
                                     {"version", general.version},
                                     {"mail", general.mail}}));
}

// --- the first owner -----------------------------------------------------------------------------

Result<http::Response> set_up(Parts& parts, Entrance& entrance, const Call& call) {
    ASSIGN_OR_RETURN(const people::Newcomer newcomer, people::newcomer_of(call));
    // Before any work is done for whoever asks.
    RETURN_IF_ERROR(parts.store.read(
        [&](store::Transaction& t) { return people::check_setup_token(t, newcomer.token); }));
    ASSIGN_OR_RETURN(const std::string hash, people::hash_of(entrance.passwords, newcomer));
    const PersonId id("p-" + random_word(parts.random, 8));
    model::Person person;
    model::Organisation organisation;
    people::MadeSession session;
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        RETURN_IF_ERROR(people::check_setup_token(t, newcomer.token));
        RETURN_IF_ERROR(people::void_setup_token(t));
        ASSIGN_OR_RETURN(organisation, people::organisation_of(t, default_organisation()));
        if (organisation.version == 0) RETURN_IF_ERROR(t.put(organisation));
        person = people::person_of(newcomer, id, hash, call.now);
        person.organisation = organisation.id;
        person.role = model::Role::owner;
        RETURN_IF_ERROR(t.put(person));
        RETURN_IF_ERROR(people::note(t,
                                     organisation.id,
                                     person.name,
                                     call.now,
                                     "member_joined",
                                     person.name + " is the first owner"));
        ASSIGN_OR_RETURN(session, people::begin_session(t, parts.random, person, call));
        return {};
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    return people::signed_in(call, person, organisation, session);
}

// --- everybody -----------------------------------------------------------------------------------

struct Credentials {
    std::string email;
    Secret password;
    std::string code;
};

Result<Credentials> credentials_of(const Call& call) {
    Credentials credentials;
    RETURN_IF_ERROR(model::read_object(call.request.body, [&](model::ObjectReader& reader) {
        credentials.email = people::read_required(reader, "email");
        credentials.password = people::read_password(reader, "password");
        reader.read("code", credentials.code);
    }));
    return credentials;
}

Failure code_needed() {
    return pass(Error{.kind = ErrorKind::unauthenticated,
                      .code = "code_needed",
                      .message = "the password is right; a one-time code is needed too",
                      .owner = Owner::user,
                      .next_action = "Send the code of your app, or a recovery code, as 'code'."});
}

Result<http::Response> sign_in(Parts& parts, Entrance& entrance, const Call& call) {
    ASSIGN_OR_RETURN(const Credentials given, credentials_of(call));
    std::optional<model::Person> known;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(known, t.person_by_email(given.email));
        return {};
    }));
    const people::Guesses::Who who = people::guesser(call.request, given.email);
    RETURN_IF_ERROR(people::try_password(
        entrance, who, known ? known->password_hash : "", given.password, call.now));
    if (known->totp && given.code.empty()) {
        entrance.guesses.undo(who);
        return code_needed();
    }
    model::Person person;
    model::Organisation organisation;
    people::MadeSession session;
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto row, t.person(known->id));
        // Removed, or the password was changed, while we looked.
        if (!row || row->password_hash != known->password_hash)
            return pass(people::session_missing());
        person = *row;
        if (person.totp) RETURN_IF_ERROR(people::use_code(t, person, given.code, call.now));
        person.last_seen_at = call.now;
        RETURN_IF_ERROR(t.put(person));
        ASSIGN_OR_RETURN(organisation, people::organisation_of(t, person.organisation));
        ASSIGN_OR_RETURN(session, people::begin_session(t, parts.random, person, call));
        return {};
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    entrance.guesses.right(who);
    return people::signed_in(call, person, organisation, session);
}

Result<http::Response> who_am_i(Parts& parts, const Call& call) {
    model::Person person;
    model::Organisation organisation;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(person, people::own_row(t, call));
        ASSIGN_OR_RETURN(organisation, people::organisation_of(t, person.organisation));
        return {};
    }));
    return http::json_response(
        200, dump(people::session_view(person, organisation, call.principal.session)));
}

Result<http::Response> sign_out(Parts& parts, const Call& call) {
    RETURN_IF_ERROR(
        parts.store.write([&](store::Transaction& t) { return t.erase(call.principal.session); }));
    http::Response response{.status = 204};
    people::clear_cookie(response, call.request.secure);
    return response;
}

// --- one's sessions ------------------------------------------------------------------------------

Result<http::Response> sessions(Parts& parts, const Call& call) {
    nlohmann::ordered_json items = nlohmann::ordered_json::array();
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        items = nlohmann::ordered_json::array();
        ASSIGN_OR_RETURN(const auto rows, t.sessions(call.principal.person));
        for (const model::Session& row : rows)
            if (model::is_usable(row, call.now))
                items.push_back(people::view(row, call.principal.session));
        return {};
    }));
    return list_response(std::move(items));
}

Result<http::Response> end_session(Parts& parts, const Call& call) {
    const SessionId id(call.parameters.at("id"));
    RETURN_IF_ERROR(parts.store.write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto row, t.session(id));
        if (!row || row->person != call.principal.person)
            return pass(Error{.kind = ErrorKind::not_found,
                              .code = "no_such_session",
                              .message = "you have no session '" + id.value + "'",
                              .owner = Owner::user,
                              .next_action = "GET /v1/sessions lists those there are."});
        return t.erase(id);
    }));
    http::Response response{.status = 204};
    if (id == call.principal.session) people::clear_cookie(response, call.request.secure);
    return response;
}

}  // namespace

std::vector<Endpoint> sign_in_endpoints(Parts& parts, Entrance& entrance, const General& general) {
    return {{.method = "GET",
             .pattern = "/v1/sign-in",
             .access = Access::open,
             .answer = [&parts, general](const Call&) { return state(parts, general); }},
            {.method = "POST",
             .pattern = "/v1/setup",
             .access = Access::open,
             .has_body = true,
             .secret_reply = true,
             .answer = [&](const Call& call) { return set_up(parts, entrance, call); }},
            {.method = "POST",
             .pattern = "/v1/session",
             .access = Access::open,
             .has_body = true,
             .secret_reply = true,
             .answer = [&](const Call& call) { return sign_in(parts, entrance, call); }},
            {.method = "GET",
             .pattern = "/v1/session",
             .access = Access::person,
             .answer = [&parts](const Call& call) { return who_am_i(parts, call); }},
            {.method = "DELETE",
             .pattern = "/v1/session",
             .access = Access::person,
             .answer = [&parts](const Call& call) { return sign_out(parts, call); }},
            {.method = "GET",
             .pattern = "/v1/sessions",
             .access = Access::person,
             .answer = [&parts](const Call& call) { return sessions(parts, call); }},
            {.method = "DELETE",
             .pattern = "/v1/sessions/{id}",
             .access = Access::person,
             .answer = [&parts](const Call& call) { return end_session(parts, call); }}};
}

}  // namespace hopyard::api::v1
