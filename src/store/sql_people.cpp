// The rest of SqlTransaction: organisations, people, their sessions, invitations and mail.
#include "model/entity_json.h"
#include "store/sql_rows.h"
#include "store/sql_transaction.h"

namespace hopyard::store {

using model::Invitation;
using model::Organisation;
using model::OutgoingMail;
using model::Person;
using model::Session;
using soci::into;
using soci::use;

namespace {

/// True when another row than `own` has that value in a column that is unique.
bool is_taken(soci::session& sql,
              const std::string& table,
              const std::string& column,
              const std::string& value,
              const std::string& own) {
    std::string holder;
    sql << "SELECT id FROM " + table + " WHERE " + column + " = :v", use(value), into(holder);
    return sql.got_data() && holder != own;
}

}  // namespace

// --- organisations -------------------------------------------------------------------------------

Result<std::optional<Organisation>> SqlTransaction::organisation(const OrganisationId& id) {
    return guarded([&] {
        return document<Organisation>(sql_,
                                      "SELECT document FROM organisations WHERE id = :i",
                                      model::organisation_from_json,
                                      [&](soci::statement& s) { s.exchange(use(id.value)); });
    });
}

Result<void> SqlTransaction::put(Organisation& organisation) {
    return change([&]() -> Result<void> {
        RETURN_IF_ERROR(check_version(organisation.version,
                                      stored_version("organisations", "id", organisation.id.value),
                                      "the organisation"));
        Raise raise(organisation.version);
        const std::string text = model::to_json(organisation);
        const long long version = organisation.version;
        sql_ << "INSERT INTO organisations (id, version, document) VALUES (:i, :v, :d) "
                "ON CONFLICT (id) DO UPDATE SET version = excluded.version, "
                "document = excluded.document",
            use(organisation.id.value), use(version), use(text);
        raise.keep();
        raised_ = true;
        return {};
    });
}

// --- people --------------------------------------------------------------------------------------

Result<std::optional<Person>> SqlTransaction::person(const PersonId& id) {
    return guarded([&] {
        return document<Person>(sql_,
                                "SELECT document FROM persons WHERE id = :i",
                                model::person_from_json,
                                [&](soci::statement& s) { s.exchange(use(id.value)); });
    });
}

Result<std::optional<Person>> SqlTransaction::person_by_email(const std::string& email) {
    return guarded([&] {
        const std::string key = model::email_key(email);
        return document<Person>(sql_,
                                "SELECT document FROM persons WHERE email = :e",
                                model::person_from_json,
                                [&](soci::statement& s) { s.exchange(use(key)); });
    });
}

Result<std::vector<Person>> SqlTransaction::persons(const OrganisationId& organisation) {
    return guarded([&] {
        return documents<Person>(
            sql_,
            "SELECT document FROM persons WHERE organisation = :o ORDER BY joined_at, id",
            model::person_from_json,
            [&](soci::statement& s) { s.exchange(use(organisation.value)); });
    });
}

Result<void> SqlTransaction::put(Person& person) {
    return change([&]() -> Result<void> {
        const std::string key = model::email_key(person.email);
        if (is_taken(sql_, "persons", "email", key, person.id.value)) return email_taken();
        RETURN_IF_ERROR(check_version(
            person.version, stored_version("persons", "id", person.id.value), "the person"));
        Raise raise(person.version);
        const std::string text = model::to_json(person);
        const long long joined_at = ms(person.joined_at), version = person.version;
        sql_ << "INSERT INTO persons (id, organisation, email, joined_at, version, document) "
                "VALUES (:i, :o, :e, :j, :v, :d) ON CONFLICT (id) DO UPDATE SET "
                "organisation = excluded.organisation, email = excluded.email, "
                "joined_at = excluded.joined_at, version = excluded.version, "
                "document = excluded.document",
            use(person.id.value), use(person.organisation.value), use(key), use(joined_at),
            use(version), use(text);
        raise.keep();
        raised_ = true;
        return {};
    });
}

Result<void> SqlTransaction::erase(const PersonId& id) {
    return change([&]() -> Result<void> {
        sql_ << "DELETE FROM sessions WHERE person = :p", use(id.value);
        sql_ << "DELETE FROM persons WHERE id = :i", use(id.value);
        return {};
    });
}

// --- sessions ------------------------------------------------------------------------------------

Result<std::optional<Session>> SqlTransaction::session(const SessionId& id) {
    return guarded([&] {
        return document<Session>(sql_,
                                 "SELECT document FROM sessions WHERE id = :i",
                                 model::session_from_json,
                                 [&](soci::statement& s) { s.exchange(use(id.value)); });
    });
}

Result<std::optional<Session>> SqlTransaction::session_by_hash(const std::string& hash) {
    return guarded([&] {
        return document<Session>(sql_,
                                 "SELECT document FROM sessions WHERE token_hash = :h",
                                 model::session_from_json,
                                 [&](soci::statement& s) { s.exchange(use(hash)); });
    });
}

Result<std::vector<Session>> SqlTransaction::sessions(const PersonId& person) {
    return guarded([&] {
        return documents<Session>(
            sql_,
            "SELECT document FROM sessions WHERE person = :p ORDER BY created_at, id",
            model::session_from_json,
            [&](soci::statement& s) { s.exchange(use(person.value)); });
    });
}

Result<void> SqlTransaction::put(Session& session) {
    return change([&]() -> Result<void> {
        if (is_taken(sql_, "sessions", "token_hash", session.token_hash, session.id.value))
            return token_taken();
        RETURN_IF_ERROR(check_version(
            session.version, stored_version("sessions", "id", session.id.value), "the session"));
        Raise raise(session.version);
        const std::string text = model::to_json(session);
        const long long created_at = ms(session.created_at), seen_at = ms(session.last_seen_at);
        const long long version = session.version;
        sql_ << "INSERT INTO sessions "
                "(id, person, token_hash, created_at, last_seen_at, version, document) "
                "VALUES (:i, :p, :h, :c, :l, :v, :d) ON CONFLICT (id) DO UPDATE SET "
                "person = excluded.person, token_hash = excluded.token_hash, "
                "created_at = excluded.created_at, last_seen_at = excluded.last_seen_at, "
                "version = excluded.version, document = excluded.document",
            use(session.id.value), use(session.person.value), use(session.token_hash),
            use(created_at), use(seen_at), use(version), use(text);
        raise.keep();
        raised_ = true;
        return {};
    });
}

Result<void> SqlTransaction::erase(const SessionId& id) {
    return change([&]() -> Result<void> {
        sql_ << "DELETE FROM sessions WHERE id = :i", use(id.value);
        return {};
    });
}

Result<void> SqlTransaction::forget_sessions(Timestamp seen_before, Timestamp begun_before) {
    return change([&]() -> Result<void> {
        const long long seen = ms(seen_before), begun = ms(begun_before);
        sql_ << "DELETE FROM sessions WHERE last_seen_at < :s OR created_at < :b", use(seen),
            use(begun);
        return {};
    });
}

// --- invitations ---------------------------------------------------------------------------------

Result<std::optional<Invitation>> SqlTransaction::invitation_by_hash(const std::string& hash) {
    return guarded([&] {
        return document<Invitation>(sql_,
                                    "SELECT document FROM invitations WHERE token_hash = :h",
                                    model::invitation_from_json,
                                    [&](soci::statement& s) { s.exchange(use(hash)); });
    });
}

Result<std::vector<Invitation>> SqlTransaction::invitations(const OrganisationId& organisation) {
    return guarded([&] {
        return documents<Invitation>(
            sql_,
            "SELECT document FROM invitations WHERE organisation = :o ORDER BY created_at, id",
            model::invitation_from_json,
            [&](soci::statement& s) { s.exchange(use(organisation.value)); });
    });
}

Result<void> SqlTransaction::put(Invitation& invitation) {
    return change([&]() -> Result<void> {
        if (is_taken(sql_, "invitations", "token_hash", invitation.token_hash, invitation.id.value))
            return token_taken();
        RETURN_IF_ERROR(check_version(invitation.version,
                                      stored_version("invitations", "id", invitation.id.value),
                                      "the invitation"));
        Raise raise(invitation.version);
        const std::string text = model::to_json(invitation);
        const long long created_at = ms(invitation.created_at), version = invitation.version;
        const long long expires_at = ms(invitation.expires_at);
        sql_ << "INSERT INTO invitations "
                "(id, organisation, token_hash, created_at, expires_at, version, document) "
                "VALUES (:i, :o, :h, :c, :e, :v, :d) ON CONFLICT (id) DO UPDATE SET "
                "organisation = excluded.organisation, token_hash = excluded.token_hash, "
                "created_at = excluded.created_at, expires_at = excluded.expires_at, "
                "version = excluded.version, document = excluded.document",
            use(invitation.id.value), use(invitation.organisation.value),
            use(invitation.token_hash), use(created_at), use(expires_at), use(version), use(text);
        raise.keep();
        raised_ = true;
        return {};
    });
}

Result<void> SqlTransaction::erase(const InvitationId& id) {
    return change([&]() -> Result<void> {
        sql_ << "DELETE FROM invitations WHERE id = :i", use(id.value);
        return {};
    });
}

Result<void> SqlTransaction::forget_invitations(Timestamp expired_before) {
    return change([&]() -> Result<void> {
        const long long before = ms(expired_before);
        sql_ << "DELETE FROM invitations WHERE expires_at < :t", use(before);
        return {};
    });
}

// --- mail ----------------------------------------------------------------------------------------

Result<std::vector<OutgoingMail>> SqlTransaction::due_mail(Timestamp now, int limit) {
    return guarded([&] {
        const long long until = ms(now);
        return documents<OutgoingMail>(sql_,
                                       "SELECT document FROM outgoing_mail WHERE send_at <= :n "
                                       "ORDER BY send_at, id LIMIT :l",
                                       model::outgoing_mail_from_json,
                                       [&](soci::statement& s) {
                                           s.exchange(use(until));
                                           s.exchange(use(limit));
                                       });
    });
}

Result<void> SqlTransaction::put(OutgoingMail& mail) {
    return change([&]() -> Result<void> {
        RETURN_IF_ERROR(check_version(
            mail.version, stored_version("outgoing_mail", "id", mail.id.value), "the mail"));
        Raise raise(mail.version);
        const std::string text = model::to_json(mail);
        const long long send_at = ms(mail.send_at), version = mail.version;
        sql_ << "INSERT INTO outgoing_mail (id, send_at, version, document) "
                "VALUES (:i, :s, :v, :d) ON CONFLICT (id) DO UPDATE SET "
                "send_at = excluded.send_at, version = excluded.version, "
                "document = excluded.document",
            use(mail.id.value), use(send_at), use(version), use(text);
        raise.keep();
        raised_ = true;
        return {};
    });
}

Result<void> SqlTransaction::erase(const MailId& id) {
    return change([&]() -> Result<void> {
        sql_ << "DELETE FROM outgoing_mail WHERE id = :i", use(id.value);
        return {};
    });
}

}  // namespace hopyard::store
