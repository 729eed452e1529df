// Mail to people. What is to be sent is stored together with what it tells of, so that nothing
// that was acknowledged is lost; it is sent by a thread of its own, so that no request waits for a
// mail server. A message is tried again, ever later, until it is worth nothing any more; then it
// is dropped, and the activity says why. Several replicas may send: each message is claimed first,
// and comes twice only when who sent it died before saying so.
#pragma once

#include <stop_token>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "http/mail.h"
#include "model/access.h"
#include "model/outgoing_mail.h"
#include "store/store.h"

namespace hopyard::api::people {

struct MailOptions {
    http::MailTransport* transport = nullptr;  ///< null: no mail
    /// Where people reach the page: links in mail begin with it. Never taken from a request:
    /// whoever asks for somebody else's link would choose where it leads.
    std::string page_url;
};

struct Message {
    std::string to;
    std::string subject;
    std::string text;
};

class Outbox {
  public:
    Outbox(store::Store& store, Random& random, MailOptions options);

    bool is_on() const { return options_.transport != nullptr; }
    const std::string& page_url() const { return options_.page_url; }
    /// `conflict` ("mail_off") while there is no mail server.
    Result<void> check_on() const;

    /// These write in the caller's transaction, and write nothing while there is no mail server.
    Result<void> add(store::Transaction& t,
                     const OrganisationId& organisation,
                     const Message& message,
                     Timestamp now);
    /// Tells somebody what was changed about how they sign in ("Your password was changed").
    Result<void> notify(store::Transaction& t,
                        const model::Person& person,
                        const std::string& what,
                        Timestamp now);
    /// A link to whoever has that address, if anybody. The same work for nobody.
    Result<void> add_password_reset(store::Transaction& t, const std::string& email, Timestamp now);

    /// Sends what is due, one after the other; waits for the mail server.
    void send_due(const Clock& clock, const std::stop_token& stop);

  private:
    model::OutgoingMail row_of(const OrganisationId& organisation,
                               const std::string& to,
                               Timestamp now);
    bool send_one(model::OutgoingMail mail, const Clock& clock, const std::stop_token& stop);
    Result<std::optional<std::string>> text_of(model::OutgoingMail& mail, Timestamp now);
    Result<std::optional<std::string>> reset_text(store::Transaction& t,
                                                  model::OutgoingMail& mail,
                                                  Timestamp now);
    void settle(model::OutgoingMail mail, const Result<void>& outcome, Timestamp now);

    store::Store& store_;
    Random& random_;
    const MailOptions options_;
};

}  // namespace hopyard::api::people
