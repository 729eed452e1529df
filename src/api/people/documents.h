// People and organisations as clients see them, and the fields in which they are written. Include
// it from .cpp files only, as model/json_reader.h.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/gate.h"
#include "api/people/passwords.h"
#include "api/people/sessions.h"
#include "http/message.h"
#include "model/access.h"

namespace hopyard::model {
class ObjectReader;
}

namespace hopyard::api::people {

/// Required: 1 to 64 characters, no control characters, spaces around it dropped.
std::string read_name(model::ObjectReader& reader);
/// Required unless told otherwise: LOCAL@DOMAIN.
enum class Presence { required, optional };
std::string read_email(model::ObjectReader& reader, Presence presence = Presence::required);
/// Required, and whatever it is: its rules are checked where one is set.
Secret read_password(model::ObjectReader& reader, const char* name);
/// Required: member, administrator or owner.
model::Role read_role(model::ObjectReader& reader);
std::string read_required(model::ObjectReader& reader, const char* name);

/// Of a link that somebody opened: the body's one member.
Result<Secret> token_of(const Call& call);

/// Somebody who comes with a link.
struct Newcomer {
    Secret token;
    std::string name;
    std::string email;
    Secret password;
};
Result<Newcomer> newcomer_of(const Call& call);
/// Checks the password's rules, and hashes it.
Result<std::string> hash_of(Passwords& passwords, const Newcomer& newcomer);
/// As a row that still lacks organisation and role.
model::Person person_of(const Newcomer& newcomer,
                        const PersonId& id,
                        const std::string& password_hash,
                        Timestamp now);

nlohmann::ordered_json session_view(const model::Person& person,
                                    const model::Organisation& organisation,
                                    const SessionId& session);
nlohmann::ordered_json view(const model::Person& person);
nlohmann::ordered_json view(const model::Organisation& organisation);
nlohmann::ordered_json view(const model::Session& session, const SessionId& current);
nlohmann::ordered_json view(const model::Invitation& invitation);

Result<MadeSession> begin_session(store::Transaction& t,
                                  Random& random,
                                  const model::Person& person,
                                  const Call& call);

/// 201 with the session's view and its cookie.
http::Response signed_in(const Call& call,
                         const model::Person& person,
                         const model::Organisation& organisation,
                         const MadeSession& session);

/// The row of the person who asks.
Result<model::Person> own_row(store::Transaction& t, const Call& call);
/// `not_found` ("no_such_member") also for somebody of another organisation.
Result<model::Person> member_of(store::Transaction& t,
                                const OrganisationId& organisation,
                                const PersonId& id);
/// Writes what happened to the activity of the caller's organisation.
Result<void> note(store::Transaction& t,
                  const OrganisationId& organisation,
                  const std::string& actor,
                  Timestamp now,
                  const std::string& code,
                  const std::string& message);

}  // namespace hopyard::api::people
