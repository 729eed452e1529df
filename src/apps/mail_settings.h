// The file that `hopyard serve --mail` names: which mail server, and how to sign in to it.
//
//   {"server": "smtps://mail.example.org:465", "from": "hopyard@example.org",
//    "page": "https://hopyard.example.org",
//    "user": "hopyard", "passwordFile": "/etc/hopyard/mail-password", "caFile": "/etc/…/ca.pem"}
#pragma once

#include <string>

#include "base/result.h"
#include "http/mail.h"

namespace hopyard::apps {

struct MailSettings {
    http::MailServer server;
    std::string page_url;  ///< where people reach the page: links in mail begin with it
};

/// Reads the files that it names too. `invalid_argument`: member, rule and remedy.
Result<MailSettings> load_mail_settings(const std::string& path);

}  // namespace hopyard::apps
