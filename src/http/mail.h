// Sending mail: one message to one address, by SMTP (RFC 5321) through libcurl. To send is to hand
// over: the server answered that it has taken the message. Whoever calls repeats what may be
// repeated.
//
// TLS is required: from the first byte with smtps://, by STARTTLS (RFC 3207) with smtp://. Only a
// server on loopback for which no authority is named may do without.
#pragma once

#include <stop_token>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace hopyard::http {

struct MailServer {
    std::string url;   ///< "smtps://mail.example.org:465", "smtp://mail.example.org:587"
    std::string from;  ///< address that messages come from
    std::string user;  ///< empty: without authentication
    Secret password;
    std::string ca_pem;            ///< trusted instead of the system's authorities when not empty
    Milliseconds timeout{60'000};  ///< of a whole delivery
};

struct Mail {
    std::string id;  ///< the same whenever it is sent again: letters, digits, hyphens
    std::string to;
    std::string subject;
    std::string text;  ///< UTF-8, lines end with "\n"
    Timestamp date;
};

/// LOCAL@DOMAIN that can stand in an SMTP command: printable ASCII without quotes, blanks and the
/// signs that begin or end an address.
bool is_mail_address(const std::string& text);

/// `invalid_argument` at /server, /from or /user: rule and remedy.
Result<void> check(const MailServer& server);

/// As it travels (RFC 5322, RFC 2045, RFC 2047): ASCII, lines end with CRLF.
std::string message_of(const Mail& mail, const std::string& from);

class MailTransport {
  public:
    virtual ~MailTransport() = default;
    /// Waits until the server has taken it. `invalid_argument` ("mail_refused"): it never will.
    /// Everything else may be tried again: `unauthenticated`, `unavailable`, `timed_out`,
    /// `cancelled`.
    virtual Result<void> send(const Mail& mail, std::stop_token stop) = 0;
};

/// One connection for each message. Thread-safe.
class SmtpClient final : public MailTransport {
  public:
    /// `server` was checked.
    explicit SmtpClient(MailServer server);
    Result<void> send(const Mail& mail, std::stop_token stop) override;

  private:
    const MailServer server_;
};

}  // namespace hopyard::http
