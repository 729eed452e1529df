#include "api/people/documents.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/views.h"
#include "http/mail.h"
#include "model/json_reader.h"
#include "model/phase.h"

namespace hopyard::api::people {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t name_max = 64;

ordered_json time(const std::optional<Timestamp>& at) {
    return at ? ordered_json(to_rfc3339(*at)) : ordered_json(nullptr);
}

std::string trimmed(std::string text) {
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

bool has_control(const std::string& text) {
    return std::any_of(
        text.begin(), text.end(), [](unsigned char c) { return c < 32 || c == 127; });
}

}  // namespace

std::string read_required(model::ObjectReader& reader, const char* name) {
    std::string text;
    reader.read(name, text);
    if (text.empty()) reader.fault(name, "missing", "is required", "Fill it in.");
    return text;
}

std::string read_name(model::ObjectReader& reader) {
    const std::string name = trimmed(read_required(reader, "name"));
    if (name.empty() || name.size() > name_max || has_control(name))
        reader.fault("name",
                     "name_malformed",
                     "must have 1 to " + std::to_string(name_max) + " characters on one line",
                     "Write it as others know it.");
    return name;
}

std::string read_email(model::ObjectReader& reader, Presence presence) {
    std::string email;
    if (presence == Presence::required) {
        email = read_required(reader, "email");
    } else {
        reader.read("email", email);
    }
    email = trimmed(std::move(email));
    if ((!email.empty() || presence == Presence::required) && !http::is_mail_address(email))
        reader.fault("email",
                     "email_malformed",
                     "must be an address such as ada@example.org",
                     "Check it for typing errors.");
    return email;
}

Secret read_password(model::ObjectReader& reader, const char* name) {
    return Secret(read_required(reader, name));
}

model::Role read_role(model::ObjectReader& reader) {
    const std::string word = read_required(reader, "role");
    const auto role = model::parse<model::Role>(word);
    if (!role)
        reader.fault("role",
                     "unknown_value",
                     "must be 'member', 'administrator' or 'owner'",
                     "Choose the smallest that does.");
    return role.value_or(model::Role::member);
}

Result<Secret> token_of(const Call& call) {
    Secret token;
    RETURN_IF_ERROR(model::read_object(call.request.body, [&](model::ObjectReader& reader) {
        token = read_password(reader, "token");
    }));
    return token;
}

Result<Newcomer> newcomer_of(const Call& call) {
    Newcomer newcomer;
    RETURN_IF_ERROR(model::read_object(call.request.body, [&](model::ObjectReader& reader) {
        newcomer.token = read_password(reader, "token");
        newcomer.name = read_name(reader);
        newcomer.email = read_email(reader);
        newcomer.password = read_password(reader, "password");
    }));
    return newcomer;
}

Result<std::string> hash_of(Passwords& passwords, const Newcomer& newcomer) {
    RETURN_IF_ERROR(check_password(
        "/password", newcomer.password, {.name = newcomer.name, .email = newcomer.email}));
    return passwords.hash(newcomer.password);
}

model::Person person_of(const Newcomer& newcomer,
                        const PersonId& id,
                        const std::string& password_hash,
                        Timestamp now) {
    return {.id = id,
            .name = newcomer.name,
            .email = newcomer.email,
            .password_hash = password_hash,
            .joined_at = now,
            .last_seen_at = now};
}

Result<MadeSession> begin_session(store::Transaction& t,
                                  Random& random,
                                  const model::Person& person,
                                  const Call& call) {
    return begin_session(t, random, person, call.principal.session, call.request, call.now);
}

ordered_json session_view(const model::Person& person,
                          const model::Organisation& organisation,
                          const SessionId& session) {
    const model::Rights rights = model::rights_of(person.role, organisation.permissions);
    return {{"person",
             {{"id", person.id.value},
              {"name", person.name},
              {"email", person.email},
              {"role", to_string(person.role)},
              {"totp", person.totp}}},
            {"organisation",
             {{"id", organisation.id.value},
              {"name", organisation.name},
              {"plan", to_string(organisation.plan)},
              {"requireTotp", organisation.require_totp}}},
            {"may",
             {{"invite", rights.invite},
              {"manageClusters", rights.manage_clusters},
              {"managePorts", rights.manage_ports},
              {"administer", rights.administer}}},
            {"sessionId", session.value},
            {"mustSetUpTotp", organisation.require_totp && !person.totp}};
}

ordered_json view(const model::Person& person) {
    return {{"id", person.id.value},
            {"name", person.name},
            {"email", person.email},
            {"role", to_string(person.role)},
            {"totp", person.totp},
            {"joinedAt", to_rfc3339(person.joined_at)},
            {"lastSeenAt", time(person.last_seen_at)}};
}

ordered_json view(const model::Organisation& organisation) {
    return {{"id", organisation.id.value},
            {"name", organisation.name},
            {"plan", to_string(organisation.plan)},
            {"requireTotp", organisation.require_totp},
            {"permissions",
             {{"inviteMembers", organisation.permissions.invite_members},
              {"manageClusters", organisation.permissions.manage_clusters},
              {"managePorts", organisation.permissions.manage_ports}}}};
}

ordered_json view(const model::Session& session, const SessionId& current) {
    return {{"id", session.id.value},
            {"createdAt", to_rfc3339(session.created_at)},
            {"lastSeenAt", to_rfc3339(session.last_seen_at)},
            {"address", session.address},
            {"userAgent", session.user_agent},
            {"current", session.id == current}};
}

ordered_json view(const model::Invitation& invitation) {
    return {{"id", invitation.id.value},
            {"email", invitation.email},
            {"role", to_string(invitation.role)},
            {"invitedBy", invitation.invited_by},
            {"createdAt", to_rfc3339(invitation.created_at)},
            {"expiresAt", to_rfc3339(invitation.expires_at)}};
}

http::Response signed_in(const Call& call,
                         const model::Person& person,
                         const model::Organisation& organisation,
                         const MadeSession& session) {
    http::Response response =
        http::json_response(201, dump(session_view(person, organisation, session.row.id)));
    set_cookie(response, session.token, call.request.secure);
    return response;
}

Result<model::Person> own_row(store::Transaction& t, const Call& call) {
    ASSIGN_OR_RETURN(auto row, t.person(call.principal.person));
    if (!row) return pass(session_missing());
    return std::move(*row);
}

Result<model::Person> member_of(store::Transaction& t,
                                const OrganisationId& organisation,
                                const PersonId& id) {
    ASSIGN_OR_RETURN(auto person, t.person(id));
    if (person && person->organisation == organisation) return std::move(*person);
    return pass(Error{.kind = ErrorKind::not_found,
                      .code = "no_such_member",
                      .message = "there is no member '" + id.value + "'",
                      .owner = Owner::user,
                      .next_action = "GET /v1/members lists those there are."});
}

Result<void> note(store::Transaction& t,
                  const OrganisationId& organisation,
                  const std::string& actor,
                  Timestamp now,
                  const std::string& code,
                  const std::string& message) {
    model::Activity entry{
        .at = now, .organisation = organisation, .code = code, .message = message, .actor = actor};
    return t.append(entry);
}

}  // namespace hopyard::api::people
