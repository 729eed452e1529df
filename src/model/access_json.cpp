// Keys, people, their sessions and invitations as stored documents.
#include "base/json_fields.h"
#include "model/entity_json.h"
#include "model/phase.h"
#include "model/stored_document.h"

namespace hopyard::model {

using nlohmann::json;

std::string to_json(const ApiKey& key) {
    return to_text({{"id", key.id.value},
                    {"organisation", key.organisation.value},
                    {"name", key.name},
                    {"scope", to_string(key.scope)},
                    {"keyHash", key.key_hash},
                    {"createdAt", to_field(key.created_at)},
                    {"expiresAt", to_field(key.expires_at)},
                    {"revoked", key.revoked},
                    {"version", key.version}});
}

Result<ApiKey> api_key_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parsed(text, "API key"));
    ApiKey key;
    Fields fields(document);
    fields.get("id", key.id)
        .get("organisation", key.organisation)
        .get("name", key.name)
        .word("scope", key.scope, parse<Scope>)
        .get("keyHash", key.key_hash)
        .get("createdAt", key.created_at)
        .get("expiresAt", key.expires_at)
        .get("revoked", key.revoked)
        .get("version", key.version);
    if (!fields.good()) return malformed("API key", fields);
    return key;
}

std::string to_json(const Organisation& organisation) {
    return to_text({{"id", organisation.id.value},
                    {"name", organisation.name},
                    {"plan", to_string(organisation.plan)},
                    {"inviteMembers", organisation.permissions.invite_members},
                    {"manageClusters", organisation.permissions.manage_clusters},
                    {"managePorts", organisation.permissions.manage_ports},
                    {"requireTotp", organisation.require_totp},
                    {"version", organisation.version}});
}

Result<Organisation> organisation_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parsed(text, "organisation"));
    Organisation organisation;
    Fields fields(document);
    fields.get("id", organisation.id)
        .get("name", organisation.name)
        .word("plan", organisation.plan, parse<Plan>)
        .get("inviteMembers", organisation.permissions.invite_members)
        .get("manageClusters", organisation.permissions.manage_clusters)
        .get("managePorts", organisation.permissions.manage_ports)
        .get("requireTotp", organisation.require_totp)
        .get("version", organisation.version);
    if (!fields.good()) return malformed("organisation", fields);
    return organisation;
}

std::string to_json(const Person& person) {
    return to_text({{"id", person.id.value},
                    {"organisation", person.organisation.value},
                    {"name", person.name},
                    {"email", person.email},
                    {"role", to_string(person.role)},
                    {"passwordHash", person.password_hash},
                    {"totp", person.totp},
                    {"totpStep", person.totp_step},
                    {"recoveryHashes", person.recovery_hashes},
                    {"joinedAt", to_field(person.joined_at)},
                    {"lastSeenAt", to_field(person.last_seen_at)},
                    {"version", person.version}});
}

Result<Person> person_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parsed(text, "person"));
    Person person;
    Fields fields(document);
    fields.get("id", person.id)
        .get("organisation", person.organisation)
        .get("name", person.name)
        .get("email", person.email)
        .word("role", person.role, parse<Role>)
        .get("passwordHash", person.password_hash)
        .get("totp", person.totp)
        .get("totpStep", person.totp_step)
        .get("recoveryHashes", person.recovery_hashes)
        .get("joinedAt", person.joined_at)
        .get("lastSeenAt", person.last_seen_at)
        .get("version", person.version);
    if (!fields.good()) return malformed("person", fields);
    return person;
}

std::string to_json(const Session& session) {
    return to_text({{"id", session.id.value},
                    {"person", session.person.value},
                    {"tokenHash", session.token_hash},
                    {"createdAt", to_field(session.created_at)},
                    {"lastSeenAt", to_field(session.last_seen_at)},
                    {"address", session.address},
                    {"userAgent", session.user_agent},
                    {"version", session.version}});
}

Result<Session> session_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parsed(text, "session"));
    Session session;
    Fields fields(document);
    fields.get("id", session.id)
        .get("person", session.person)
        .get("tokenHash", session.token_hash)
        .get("createdAt", session.created_at)
        .get("lastSeenAt", session.last_seen_at)
        .get("address", session.address)
        .get("userAgent", session.user_agent)
        .get("version", session.version);
    if (!fields.good()) return malformed("session", fields);
    return session;
}

std::string to_json(const Invitation& invitation) {
    return to_text({{"id", invitation.id.value},
                    {"organisation", invitation.organisation.value},
                    {"email", invitation.email},
                    {"role", to_string(invitation.role)},
                    {"tokenHash", invitation.token_hash},
                    {"invitedBy", invitation.invited_by},
                    {"createdAt", to_field(invitation.created_at)},
                    {"expiresAt", to_field(invitation.expires_at)},
                    {"version", invitation.version}});
}

Result<Invitation> invitation_from_json(std::string_view text) {
    ASSIGN_OR_RETURN(const json document, parsed(text, "invitation"));
    Invitation invitation;
    Fields fields(document);
    fields.get("id", invitation.id)
        .get("organisation", invitation.organisation)
        .get("email", invitation.email)
        .word("role", invitation.role, parse<Role>)
        .get("tokenHash", invitation.token_hash)
        .get("invitedBy", invitation.invited_by)
        .get("createdAt", invitation.created_at)
        .get("expiresAt", invitation.expires_at)
        .get("version", invitation.version);
    if (!fields.good()) return malformed("invitation", fields);
    return invitation;
}

}  // namespace hopyard::model
