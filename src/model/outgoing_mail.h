// Mail that waits to be sent. What it says may hold a link that lets somebody in, so the text is no
// part of the row: it lies sealed beside it, or is written only when the mail is sent.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace hopyard::model {

enum class MailKind {
    message,         ///< subject and text as they were stored
    password_reset,  ///< to whoever has that address; the link is made when it is sent
};

struct OutgoingMail {
    MailId id;
    OrganisationId organisation;
    MailKind kind = MailKind::message;
    std::string to;  ///< address of e-mail
    std::string subject;
    Timestamp created_at;
    Timestamp send_at;     ///< not before
    Timestamp expires_at;  ///< worth nothing afterwards: dropped
    int failed_attempts = 0;
    std::string last_failure;  ///< why it was not taken; empty before the first attempt
    std::int64_t version = 0;
    bool operator==(const OutgoingMail&) const = default;
};

}  // namespace hopyard::model
