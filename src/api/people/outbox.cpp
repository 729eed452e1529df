#include "api/people/outbox.h"

#include <algorithm>

#include "api/keys.h"
#include "api/people/password_reset.h"
#include "base/backoff.h"
#include "base/log.h"

namespace hopyard::api::people {
namespace {

using model::MailKind;
using model::OutgoingMail;

constexpr Seconds worth_for{24LL * 3600};
/// Longer than a delivery may take (http::MailServer::timeout).
constexpr Seconds claimed_for{120};
constexpr Backoff resend{.first = Seconds(5), .most = Seconds(1800)};
constexpr int at_once = 10;

std::string text_name(const MailId& id) {
    return "mail/" + id.value + "/text";
}

}  // namespace

Outbox::Outbox(store::Store& store, Random& random, MailOptions options)
    : store_(store), random_(random), options_(std::move(options)) {}

Result<void> Outbox::check_on() const {
    if (is_on()) return {};
    return pass(Error{.kind = ErrorKind::conflict,
                      .code = "mail_off",
                      .message = "this installation sends no mail",
                      .owner = Owner::administrator,
                      .next_action = "Start 'hopyard serve' with --mail, or hand links over."});
}

OutgoingMail Outbox::row_of(const OrganisationId& organisation,
                            const std::string& to,
                            Timestamp now) {
    return {.id = MailId("m-" + random_word(random_, 16)),
            .organisation = organisation,
            .to = to,
            .created_at = now,
            .send_at = now,
            .expires_at = now + worth_for};
}

Result<void> Outbox::add(store::Transaction& t,
                         const OrganisationId& organisation,
                         const Message& message,
                         Timestamp now) {
    if (!is_on()) return {};
    OutgoingMail row = row_of(organisation, message.to, now);
    row.subject = message.subject;
    RETURN_IF_ERROR(t.put_secret(text_name(row.id), Secret(message.text)));
    return t.put(row);
}

Result<void> Outbox::notify(store::Transaction& t,
                            const model::Person& person,
                            const std::string& what,
                            Timestamp now) {
    return add(t,
               person.organisation,
               {.to = person.email,
                .subject = what,
                .text = "Hello " + person.name + ",\n\n" + what + " at " + to_rfc3339(now) +
                        ".\n\nIf it was not you, ask an administrator for a link that sets a new "
                        "password.\n\n" +
                        options_.page_url + "\n"},
               now);
}

Result<void> Outbox::add_password_reset(store::Transaction& t,
                                        const std::string& email,
                                        Timestamp now) {
    if (!is_on()) return {};
    OutgoingMail row = row_of(default_organisation(), email, now);
    row.kind = MailKind::password_reset;
    row.subject = "A new password for Hopyard";
    row.expires_at = now + model::password_reset_validity;
    return t.put(row);
}

/// The link is made here, so that none lies in the queue. Nothing for an address that is nobody's.
Result<std::optional<std::string>> Outbox::reset_text(store::Transaction& t,
                                                      OutgoingMail& mail,
                                                      Timestamp now) {
    ASSIGN_OR_RETURN(auto person, t.person_by_email(mail.to));
    if (!person) return std::nullopt;
    mail.organisation = person->organisation;
    mail.to = person->email;
    const Secret token = make_reset_token(*person, random_, now);
    RETURN_IF_ERROR(t.put(*person));
    return "Hello " + person->name +
           ",\n\nsomebody, probably you, asked for a new password. This link sets one; it works "
           "once, until " +
           to_rfc3339(*person->reset_expires_at) + ":\n\n" + reset_link(options_.page_url, token) +
           "\n\nIf it was not you, do nothing: your password stays as it is.\n";
}

/// Claims the message too: whoever else looks finds it is not due.
Result<std::optional<std::string>> Outbox::text_of(OutgoingMail& mail, Timestamp now) {
    std::optional<std::string> text;
    OutgoingMail claimed;
    RETURN_IF_ERROR(store_.write([&](store::Transaction& t) -> Result<void> {
        claimed = mail;
        claimed.send_at = now + claimed_for;
        if (claimed.kind == MailKind::password_reset) {
            ASSIGN_OR_RETURN(text, reset_text(t, claimed, now));
        } else {
            ASSIGN_OR_RETURN(const auto secret, t.secret(text_name(mail.id)));
            text = secret ? std::optional(secret->reveal()) : std::nullopt;
        }
        return text ? t.put(claimed) : t.erase(mail.id);
    }));
    mail = claimed;
    return text;
}

void Outbox::settle(OutgoingMail mail, const Result<void>& outcome, Timestamp now) {
    const bool for_good = !outcome && outcome.error().kind == ErrorKind::invalid_argument;
    const Timestamp next = now + wait_before(resend, mail.failed_attempts, random_);
    const bool drop = !outcome && (for_good || next >= mail.expires_at);
    const auto written = store_.write([&](store::Transaction& t) -> Result<void> {
        if (!outcome && !drop) {
            OutgoingMail later = mail;
            later.send_at = next;
            ++later.failed_attempts;
            later.last_failure = outcome.error().message;
            return t.put(later);
        }
        RETURN_IF_ERROR(t.erase_secrets(text_name(mail.id)));
        RETURN_IF_ERROR(t.erase(mail.id));
        if (outcome) return {};
        model::Activity entry{
            .at = now,
            .organisation = mail.organisation,
            .severity = model::Severity::warning,
            .code = "mail_dropped",
            .message = "Mail to " + mail.to + " was not delivered: \"" + mail.subject + "\"",
            .reason = for_good ? "it was refused" : "nobody took it in time",
            .actor = "hopyard",
            .error = outcome.error()};
        return t.append(entry);
    });
    if (!written)
        log::warning("what became of a mail could not be stored",
                     {{"mail", mail.id.value}, {"error", written.error().message}});
    if (!outcome)
        log::warning("a mail was not sent",
                     {{"mail", mail.id.value}, {"error", outcome.error().message}});
}

/// False when there is no use in going on.
bool Outbox::send_one(OutgoingMail mail, const Clock& clock, const std::stop_token& stop) {
    if (clock.now() >= mail.expires_at) {
        const std::string why =
            mail.last_failure.empty() ? "it waited too long" : mail.last_failure;
        settle(mail, fail(ErrorKind::timed_out, "mail_too_late", why), clock.now());
        return true;
    }
    const auto text = text_of(mail, clock.now());
    // Somebody else was faster, or the store is away.
    if (!text || !*text) return text.has_value();
    const Result<void> sent = options_.transport->send({.id = mail.id.value,
                                                        .to = mail.to,
                                                        .subject = mail.subject,
                                                        .text = **text,
                                                        .date = mail.created_at},
                                                       stop);
    settle(mail, sent, clock.now());
    return sent || sent.error().kind == ErrorKind::invalid_argument;
}

void Outbox::send_due(const Clock& clock, const std::stop_token& stop) {
    if (!is_on()) return;
    std::vector<OutgoingMail> due;
    const auto read = store_.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(due, t.due_mail(clock.now(), at_once));
        return {};
    });
    if (!read) return;
    for (const OutgoingMail& mail : due)
        if (stop.stop_requested() || !send_one(mail, clock, stop)) return;
}

}  // namespace hopyard::api::people
