#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/people/documents.h"
#include "api/people/entrance.h"
#include "api/people/membership.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "model/json_reader.h"
#include "model/phase.h"

namespace hopyard::api::v1 {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using people::Entrance;

Result<http::Response> list(Parts& parts, const Call& call) {
    ordered_json items = ordered_json::array();
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        items = ordered_json::array();
        ASSIGN_OR_RETURN(const auto rows, t.invitations(call.principal.organisation));
        for (const model::Invitation& row : rows)
            if (model::is_open(row, call.now)) items.push_back(people::view(row));
        return {};
    }));
    return list_response(std::move(items));
}

Result<void> check_no_member(store::Transaction& t, const Call& call, const std::string& email) {
    ASSIGN_OR_RETURN(const auto known, t.person_by_email(email));
    // Of other organisations nothing is told; there the invitation is refused when it is accepted.
    if (!known || known->organisation != call.principal.organisation) return {};
    return refuse("/email",
                  "already_member",
                  known->name + " is a member already",
                  "Change the role under /v1/members.",
                  ErrorKind::already_exists);
}

/// Who asked for mail and cannot have it is told so before anything is made.
Result<void> check_mail(const Entrance& entrance, bool wanted, const std::string& email) {
    if (!wanted) return {};
    if (email.empty())
        return refuse("/mail",
                      "mail_without_address",
                      "only an invitation of one address can be sent by mail",
                      "Fill in the address, or hand the link over.");
    return entrance.outbox.check_on();
}

people::Message mail_of(const model::Invitation& invitation,
                        const std::string& organisation,
                        const std::string& link) {
    return {.to = invitation.email,
            .subject = "Join " + organisation + " on Hopyard",
            .text = "Hello,\n\n" + invitation.invited_by + " invites you to join " + organisation +
                    " on Hopyard. This link lets you in; it works once, until " +
                    to_rfc3339(invitation.expires_at) + ":\n\n" + link + "\n"};
}

std::string link_of(const std::string& origin, const Secret& token) {
    return origin + "/invitation#token=" + token.reveal();
}

Result<http::Response> invite(Parts& parts, Entrance& entrance, const Call& call) {
    std::string email;
    model::Role role = model::Role::member;
    bool by_mail = false;
    RETURN_IF_ERROR(model::read_object(call.request.body, [&](model::ObjectReader& reader) {
        email = people::read_email(reader, people::Presence::optional);
        role = people::read_role(reader);
        reader.read("mail", by_mail);
    }));
    RETURN_IF_ERROR(people::check_invitation(call.principal, role));
    RETURN_IF_ERROR(check_mail(entrance, by_mail, email));
    const Secret token = people::make_token(parts.random);
    const model::Invitation made{.id = InvitationId("i-" + random_word(parts.random, 8)),
                                 .organisation = call.principal.organisation,
                                 .email = email,
                                 .role = role,
                                 .token_hash = people::hash_of_token(token),
                                 .invited_by = call.principal.name,
                                 .created_at = call.now,
                                 .expires_at = call.now + model::invitation_validity};
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        if (!email.empty()) RETURN_IF_ERROR(check_no_member(t, call, email));
        model::Invitation row = made;
        RETURN_IF_ERROR(t.put(row));
        if (by_mail) {
            ASSIGN_OR_RETURN(const auto organisation, people::organisation_of(t, row.organisation));
            const std::string link = link_of(entrance.outbox.page_url(), token);
            RETURN_IF_ERROR(entrance.outbox.add(
                t, row.organisation, mail_of(row, organisation.name, link), call.now));
        }
        return people::note(t,
                            call.principal.organisation,
                            call.principal.name,
                            call.now,
                            "member_invited",
                            (email.empty() ? std::string("Whoever has the link") : email) +
                                " was invited as " + std::string(to_string(role)));
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    ordered_json shown = people::view(made);
    shown["link"] = link_of(people::origin_of(call.request), token);
    shown["mailed"] = by_mail;
    http::Response response = http::json_response(201, dump(shown));
    response.headers.set("Location", "/v1/invitations/" + made.id.value);
    return response;
}

Result<http::Response> withdraw(Parts& parts, const Call& call) {
    const InvitationId id(call.parameters.at("id"));
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto rows, t.invitations(call.principal.organisation));
        const auto found = std::find_if(
            rows.begin(), rows.end(), [&](const model::Invitation& row) { return row.id == id; });
        if (found == rows.end())
            return pass(Error{.kind = ErrorKind::not_found,
                              .code = "no_such_invitation",
                              .message = "there is no invitation '" + id.value + "'",
                              .owner = Owner::user,
                              .next_action = "GET /v1/invitations lists those there are."});
        RETURN_IF_ERROR(people::check_invitation(call.principal, found->role));
        RETURN_IF_ERROR(t.erase(id));
        return people::note(
            t,
            call.principal.organisation,
            call.principal.name,
            call.now,
            "member_invitation_withdrawn",
            "The invitation of " +
                (found->email.empty() ? std::string("whoever has the link") : found->email) +
                " was withdrawn");
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    return http::Response{.status = 204};
}

// --- with the link -------------------------------------------------------------------------------

Result<model::Invitation> invitation_of(store::Transaction& t, const Secret& token, Timestamp now) {
    ASSIGN_OR_RETURN(auto row, t.invitation_by_hash(people::hash_of_token(token)));
    if (row && model::is_open(*row, now)) return std::move(*row);
    return pass(Error{.kind = ErrorKind::not_found,
                      .code = "invitation_unknown",
                      .message = "this invitation was used, withdrawn, or is more than 7 days old",
                      .owner = Owner::user,
                      .next_action = "Ask whoever invited you for a new link."});
}

Result<http::Response> look(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const Secret token, people::token_of(call));
    model::Invitation invitation;
    model::Organisation organisation;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(invitation, invitation_of(t, token, call.now));
        ASSIGN_OR_RETURN(organisation, people::organisation_of(t, invitation.organisation));
        return {};
    }));
    return http::json_response(200,
                               dump({{"organisation", organisation.name},
                                     {"role", to_string(invitation.role)},
                                     {"email", invitation.email}}));
}

Result<void> check_invited(const model::Invitation& invitation, const std::string& email) {
    if (invitation.email.empty() || model::email_key(invitation.email) == model::email_key(email))
        return {};
    return refuse("/email",
                  "email_not_invited",
                  "the invitation is for " + invitation.email,
                  "Use that address, or ask for an invitation of this one.");
}

Result<http::Response> accept(Parts& parts, Entrance& entrance, const Call& call) {
    ASSIGN_OR_RETURN(const people::Newcomer newcomer, people::newcomer_of(call));
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto invitation, invitation_of(t, newcomer.token, call.now));
        return check_invited(invitation, newcomer.email);
    }));
    ASSIGN_OR_RETURN(const std::string hash, people::hash_of(entrance.passwords, newcomer));
    const PersonId id("p-" + random_word(parts.random, 8));
    model::Person person;
    model::Organisation organisation;
    people::MadeSession session;
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto invitation, invitation_of(t, newcomer.token, call.now));
        person = people::person_of(newcomer, id, hash, call.now);
        person.organisation = invitation.organisation;
        person.role = invitation.role;
        RETURN_IF_ERROR(t.put(person));
        RETURN_IF_ERROR(t.erase(invitation.id));
        ASSIGN_OR_RETURN(organisation, people::organisation_of(t, invitation.organisation));
        RETURN_IF_ERROR(people::note(t,
                                     organisation.id,
                                     person.name,
                                     call.now,
                                     "member_joined",
                                     person.name + " joined as " +
                                         std::string(to_string(person.role)) + ", invited by " +
                                         invitation.invited_by));
        ASSIGN_OR_RETURN(session, people::begin_session(t, parts.random, person, call));
        return {};
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    return people::signed_in(call, person, organisation, session);
}

}  // namespace

std::vector<Endpoint> invitation_endpoints(Parts& parts, Entrance& entrance) {
    return {{.method = "GET",
             .pattern = "/v1/invitations",
             .access = Access::invite,
             .answer = [&parts](const Call& call) { return list(parts, call); }},
            {.method = "POST",
             .pattern = "/v1/invitations",
             .access = Access::invite,
             .has_body = true,
             .secret_reply = true,
             .answer = [&](const Call& call) { return invite(parts, entrance, call); }},
            {.method = "DELETE",
             .pattern = "/v1/invitations/{id}",
             .access = Access::invite,
             .answer = [&parts](const Call& call) { return withdraw(parts, call); }},
            {.method = "POST",
             .pattern = "/v1/invitations/look",
             .access = Access::open,
             .has_body = true,
             .secret_reply = true,
             .answer = [&parts](const Call& call) { return look(parts, call); }},
            {.method = "POST",
             .pattern = "/v1/invitations/accept",
             .access = Access::open,
             .has_body = true,
             .secret_reply = true,
             .answer = [&](const Call& call) { return accept(parts, entrance, call); }}};
}

}  // namespace hopyard::api::v1
