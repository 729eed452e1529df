// Keys, people, their sessions and invitations, mail and cloud accounts as stored documents.
#include "model/entity_json.h"
#include "model/phase.h"
#include "model/stored_document.h"

namespace hopyard::model {

void members_of(auto& fields, is<ApiKey> auto& key) {
    fields.get("id", key.id)
        .get("organisation", key.organisation)
        .get("name", key.name)
        .word("scope", key.scope, parse<Scope>)
        .get("keyHash", key.key_hash)
        .get("createdAt", key.created_at)
        .get("expiresAt", key.expires_at)
        .get("revoked", key.revoked)
        .get("version", key.version);
}

void members_of(auto& fields, is<Organisation> auto& organisation) {
    fields.get("id", organisation.id)
        .get("name", organisation.name)
        .word("plan", organisation.plan, parse<Plan>)
        .get("inviteMembers", organisation.permissions.invite_members)
        .get("manageClusters", organisation.permissions.manage_clusters)
        .get("managePorts", organisation.permissions.manage_ports)
        .get("requireTotp", organisation.require_totp)
        .get("version", organisation.version);
}

void members_of(auto& fields, is<Person> auto& person) {
    fields.get("id", person.id)
        .get("organisation", person.organisation)
        .get("name", person.name)
        .get("email", person.email)
        .word("role", person.role, parse<Role>)
        .get("passwordHash", person.password_hash)
        .get("totp", person.totp)
        .get("totpStep", person.totp_step)
        .get("recoveryHashes", person.recovery_hashes)
        .get("resetHash", person.reset_hash)
        .get("resetExpiresAt", person.reset_expires_at)
        .get("joinedAt", person.joined_at)
        .get("lastSeenAt", person.last_seen_at)
        .get("version", person.version);
}

void members_of(auto& fields, is<Session> auto& session) {
    fields.get("id", session.id)
        .get("person", session.person)
        .get("tokenHash", session.token_hash)
        .get("createdAt", session.created_at)
        .get("lastSeenAt", session.last_seen_at)
        .get("address", session.address)
        .get("userAgent", session.user_agent)
        .get("version", session.version);
}

void members_of(auto& fields, is<Invitation> auto& invitation) {
    fields.get("id", invitation.id)
        .get("organisation", invitation.organisation)
        .get("email", invitation.email)
        .word("role", invitation.role, parse<Role>)
        .get("tokenHash", invitation.token_hash)
        .get("invitedBy", invitation.invited_by)
        .get("createdAt", invitation.created_at)
        .get("expiresAt", invitation.expires_at)
        .get("version", invitation.version);
}

void members_of(auto& fields, is<OutgoingMail> auto& mail) {
    fields.get("id", mail.id)
        .get("organisation", mail.organisation)
        .word("kind", mail.kind, parse<MailKind>)
        .get("to", mail.to)
        .get("subject", mail.subject)
        .get("createdAt", mail.created_at)
        .get("sendAt", mail.send_at)
        .get("expiresAt", mail.expires_at)
        .get("failedAttempts", mail.failed_attempts)
        .get("lastFailure", mail.last_failure)
        .get("version", mail.version);
}

void members_of(auto& fields, is<CloudAccount> auto& account) {
    fields.get("organisation", account.organisation)
        .get("name", account.name)
        .get("subscription", account.subscription)
        .get("tenant", account.tenant)
        .word("signIn", account.sign_in, parse<CloudSignIn>)
        .get("clientId", account.client_id)
        .get("createdAt", account.created_at)
        .get("version", account.version);
}

std::string to_json(const ApiKey& key) {
    return document_of(key);
}
Result<ApiKey> api_key_from_json(std::string_view text) {
    return read_document<ApiKey>(text, "API key");
}

std::string to_json(const Organisation& organisation) {
    return document_of(organisation);
}
Result<Organisation> organisation_from_json(std::string_view text) {
    return read_document<Organisation>(text, "organisation");
}

std::string to_json(const Person& person) {
    return document_of(person);
}
Result<Person> person_from_json(std::string_view text) {
    return read_document<Person>(text, "person");
}

std::string to_json(const Session& session) {
    return document_of(session);
}
Result<Session> session_from_json(std::string_view text) {
    return read_document<Session>(text, "session");
}

std::string to_json(const Invitation& invitation) {
    return document_of(invitation);
}
Result<Invitation> invitation_from_json(std::string_view text) {
    return read_document<Invitation>(text, "invitation");
}

std::string to_json(const OutgoingMail& mail) {
    return document_of(mail);
}
Result<OutgoingMail> outgoing_mail_from_json(std::string_view text) {
    return read_document<OutgoingMail>(text, "mail");
}

std::string to_json(const CloudAccount& account) {
    return document_of(account);
}
Result<CloudAccount> cloud_account_from_json(std::string_view text) {
    return read_document<CloudAccount>(text, "cloud account");
}

}  // namespace hopyard::model
