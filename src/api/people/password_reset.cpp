#include "api/people/password_reset.h"

#include "api/people/documents.h"
#include "api/people/sessions.h"
#include "base/encoding.h"

namespace hopyard::api::people {
namespace {

Failure reset_unknown() {
    return pass(
        Error{.kind = ErrorKind::not_found,
              .code = "reset_unknown",
              .message = "this link was used, is older than an hour, or a newer one was made",
              .owner = Owner::user,
              .next_action = "Ask for a new link."});
}

}  // namespace

Secret make_reset_token(model::Person& person, Random& random, Timestamp now) {
    const Secret token(person.id.value + "." + make_token(random).reveal());
    person.reset_hash = hash_of_token(token);
    person.reset_expires_at = now + model::password_reset_validity;
    return token;
}

std::string reset_link(const std::string& origin, const Secret& token) {
    return origin + "/new-password#token=" + token.reveal();
}

Result<model::Person> person_of_reset(store::Transaction& t, const Secret& token, Timestamp now) {
    const std::string& text = token.reveal();
    ASSIGN_OR_RETURN(auto person, t.person(PersonId(text.substr(0, text.find('.')))));
    if (!person || person->reset_hash.empty() || !person->reset_expires_at ||
        now >= *person->reset_expires_at ||
        !equal_in_constant_time(person->reset_hash, hash_of_token(token)))
        return reset_unknown();
    return std::move(*person);
}

Result<void> reset_password(store::Transaction& t,
                            model::Person& person,
                            const std::string& password_hash) {
    person.password_hash = password_hash;
    person.reset_hash.clear();
    person.reset_expires_at.reset();
    RETURN_IF_ERROR(t.put(person));
    ASSIGN_OR_RETURN(const auto sessions, t.sessions(person.id));
    for (const model::Session& session : sessions) RETURN_IF_ERROR(t.erase(session.id));
    return {};
}

Result<Secret> make_reset_token_for(store::Store& store,
                                    Random& random,
                                    const std::string& email,
                                    Timestamp now) {
    Secret token;
    RETURN_IF_ERROR(store.write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(auto person, t.person_by_email(email));
        if (!person)
            return pass(Error{.kind = ErrorKind::not_found,
                              .code = "no_such_member",
                              .message = "nobody signs in with '" + email + "'",
                              .owner = Owner::user,
                              .next_action = "Check the address for typing errors."});
        token = make_reset_token(*person, random, now);
        RETURN_IF_ERROR(t.put(*person));
        return note(t,
                    person->organisation,
                    "whoever runs hopyard",
                    now,
                    "member_reset",
                    "A link was made that sets a new password of " + person->name);
    }));
    return token;
}

}  // namespace hopyard::api::people
