// What people change about themselves: name, address, password, one-time codes.
#include <nlohmann/json.hpp>

#include "api/people/documents.h"
#include "api/people/entrance.h"
#include "api/people/totp.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "base/encoding.h"
#include "model/json_reader.h"

namespace hopyard::api::v1 {
namespace {

using nlohmann::json;
using people::Entrance;

Result<http::Response> rename(Parts& parts, const Call& call) {
    std::optional<std::string> name, email;
    RETURN_IF_ERROR(model::read_object(call.request.body, [&](model::ObjectReader& reader) {
        if (reader.member("name") != nullptr) name = people::read_name(reader);
        if (reader.member("email") != nullptr) email = people::read_email(reader);
    }));
    model::Person person;
    RETURN_IF_ERROR(parts.store.write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(person, people::own_row(t, call));
        const model::Person before = person;
        if (name) person.name = *name;
        if (email) person.email = *email;
        if (person == before) return {};
        RETURN_IF_ERROR(t.put(person));
        return people::note(t,
                            person.organisation,
                            person.name,
                            call.now,
                            "member_changed",
                            before.name + " changed name or address");
    }));
    return http::json_response(200, dump(people::view(person)));
}

/// The caller's row, when the password is theirs. Not `unauthenticated`: they stay signed in.
Result<model::Person> with_password(Parts& parts,
                                    Entrance& entrance,
                                    const Call& call,
                                    const std::string& field,
                                    const Secret& password) {
    model::Person person;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(person, people::own_row(t, call));
        return {};
    }));
    const auto who = people::guesser(call.request, person.email);
    const auto tried =
        people::try_password(entrance, who, person.password_hash, password, call.now);
    if (!tried && tried.error().kind == ErrorKind::unauthenticated)
        return refuse(field, "password_wrong", "this is not your password", "Write it again.");
    if (!tried) return pass(tried.error());
    entrance.guesses.right(who);
    return person;
}

Result<void> end_other_sessions(store::Transaction& t, const Call& call) {
    ASSIGN_OR_RETURN(const auto sessions, t.sessions(call.principal.person));
    for (const model::Session& session : sessions)
        if (session.id != call.principal.session) RETURN_IF_ERROR(t.erase(session.id));
    return {};
}

Result<http::Response> change_password(Parts& parts, Entrance& entrance, const Call& call) {
    Secret current, wanted;
    RETURN_IF_ERROR(model::read_object(call.request.body, [&](model::ObjectReader& reader) {
        current = people::read_password(reader, "current");
        wanted = people::read_password(reader, "new");
    }));
    ASSIGN_OR_RETURN(const auto known, with_password(parts, entrance, call, "/current", current));
    RETURN_IF_ERROR(
        people::check_password("/new", wanted, {.name = known.name, .email = known.email}));
    ASSIGN_OR_RETURN(const std::string hash, entrance.passwords.hash(wanted));
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(auto person, people::own_row(t, call));
        person.password_hash = hash;
        person.reset_hash.clear();
        RETURN_IF_ERROR(t.put(person));
        RETURN_IF_ERROR(end_other_sessions(t, call));
        return entrance.outbox.notify(t, person, "Your password was changed", call.now);
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    return http::Response{.status = 204};
}

// --- one-time codes ------------------------------------------------------------------------------

/// Whoever only found an open browser must not put another device in the place of one in force.
Result<void> may_propose(Parts& parts, Entrance& entrance, const Call& call) {
    const bool empty = call.request.body.find_first_not_of(" \t\r\n") == std::string::npos;
    ASSIGN_OR_RETURN(const json document,
                     model::parse_limited(empty ? std::string_view("{}") : call.request.body));
    std::optional<Error> fault;
    std::string password;
    model::ObjectReader reader(document, "", fault);
    reader.read("password", password);
    reader.finish();
    if (fault) return pass(std::move(*fault));
    bool in_force = false;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto person, people::own_row(t, call));
        in_force = person.totp;
        return {};
    }));
    if (!in_force) return {};
    if (password.empty())
        return refuse("/password",
                      "missing",
                      "one-time codes are in force already; another device takes your password",
                      "Fill it in.");
    RETURN_IF_ERROR(with_password(parts, entrance, call, "/password", Secret(password)));
    return {};
}

Result<http::Response> propose_totp(Parts& parts, Entrance& entrance, const Call& call) {
    RETURN_IF_ERROR(may_propose(parts, entrance, call));
    const Secret secret(random_bytes(parts.random, people::totp_secret_bytes));
    model::Person person;
    RETURN_IF_ERROR(parts.store.write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(person, people::own_row(t, call));
        return t.put_secret(people::wanted_totp_secret_name(person.id), secret);
    }));
    return http::json_response(201,
                               dump({{"secret", to_base32(secret.reveal())},
                                     {"uri", people::totp_uri(secret, "Hopyard", person.email)}}));
}

Failure wrong_first_code() {
    return refuse("/code",
                  "totp_code_wrong",
                  "this is not the code of the secret that was shown last",
                  "Check the clock of your device, and take the next code.");
}

Result<http::Response> enforce_totp(Parts& parts, Entrance& entrance, const Call& call) {
    std::string code;
    RETURN_IF_ERROR(model::read_object(call.request.body, [&](model::ObjectReader& reader) {
        code = people::read_required(reader, "code");
    }));
    const people::Guesses::Who who{.account = "totp " + call.principal.person.value,
                                   .address = call.request.peer.address};
    RETURN_IF_ERROR(entrance.guesses.begin(who, call.now));
    people::RecoveryCodes recovery = people::make_recovery_codes(parts.random);
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(auto person, people::own_row(t, call));
        const std::string wanted = people::wanted_totp_secret_name(person.id);
        ASSIGN_OR_RETURN(const auto secret, t.secret(wanted));
        if (!secret) return wrong_first_code();
        const auto step = people::match_totp(*secret, code, call.now, 0);
        if (!step) return wrong_first_code();
        RETURN_IF_ERROR(t.put_secret(people::totp_secret_name(person.id), *secret));
        RETURN_IF_ERROR(t.erase_secrets(wanted));
        person.totp = true;
        person.totp_step = *step;
        person.recovery_hashes = recovery.hashes;
        RETURN_IF_ERROR(t.put(person));
        return entrance.outbox.notify(t, person, "Two factors were turned on", call.now);
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    entrance.guesses.right(who);
    return http::json_response(200, dump({{"recoveryCodes", recovery.codes}}));
}

Result<http::Response> drop_totp(Parts& parts, Entrance& entrance, const Call& call) {
    Secret password;
    RETURN_IF_ERROR(model::read_object(call.request.body, [&](model::ObjectReader& reader) {
        password = people::read_password(reader, "password");
    }));
    RETURN_IF_ERROR(with_password(parts, entrance, call, "/password", password));
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(auto person, people::own_row(t, call));
        ASSIGN_OR_RETURN(const auto organisation, people::organisation_of(t, person.organisation));
        if (organisation.require_totp)
            return pass(Error{.kind = ErrorKind::conflict,
                              .code = "totp_required",
                              .message = "the organisation wants a second factor of everybody",
                              .owner = Owner::administrator,
                              .next_action = "End the requirement in the organisation first."});
        RETURN_IF_ERROR(t.erase_secrets("person/" + person.id.value + "/"));
        person.totp = false;
        person.recovery_hashes.clear();
        RETURN_IF_ERROR(t.put(person));
        return entrance.outbox.notify(t, person, "Two factors were turned off", call.now);
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    return http::Response{.status = 204};
}

}  // namespace

std::vector<Endpoint> me_endpoints(Parts& parts, Entrance& entrance) {
    return {{.method = "PATCH",
             .pattern = "/v1/me",
             .access = Access::person,
             .has_body = true,
             .answer = [&parts](const Call& call) { return rename(parts, call); }},
            {.method = "PUT",
             .pattern = "/v1/me/password",
             .access = Access::person,
             .has_body = true,
             .secret_reply = true,
             .answer = [&](const Call& call) { return change_password(parts, entrance, call); }},
            {.method = "POST",
             .pattern = "/v1/me/totp",
             .access = Access::person,
             .has_body = true,
             .secret_reply = true,
             .answer = [&](const Call& call) { return propose_totp(parts, entrance, call); }},
            {.method = "PUT",
             .pattern = "/v1/me/totp",
             .access = Access::person,
             .has_body = true,
             .secret_reply = true,
             .answer = [&](const Call& call) { return enforce_totp(parts, entrance, call); }},
            {.method = "DELETE",
             .pattern = "/v1/me/totp",
             .access = Access::person,
             .has_body = true,
             .secret_reply = true,
             .answer = [&](const Call& call) { return drop_totp(parts, entrance, call); }}};
}

}  // namespace hopyard::api::v1
