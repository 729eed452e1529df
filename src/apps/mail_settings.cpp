#include "apps/mail_settings.h"

#include <map>

#include <nlohmann/json.hpp>

#include "base/read_file.h"
#include "http/message.h"

namespace hopyard::apps {
namespace {

using nlohmann::json;

Failure refuse_member(const std::string& path,
                      const std::string& member,
                      const std::string& rule,
                      std::string remedy) {
    Error error =
        refuse("/" + member, "mail_settings_invalid", path + ": " + member + ": " + rule, remedy)
            .value();
    error.owner = Owner::administrator;
    return pass(std::move(error));
}

Result<std::string> read_file(const std::string& settings,
                              const std::string& member,
                              const std::string& path) {
    auto text = hopyard::read_file(path);
    if (!text)
        return refuse_member(settings, member, path + " cannot be read", "Name a readable file.");
    return std::move(*text);
}

std::string without_line_end(std::string text) {
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    return text;
}

using Members = std::map<std::string, std::string>;

Result<Members> members_of(const std::string& path) {
    const auto text = hopyard::read_file(path);
    if (!text)
        return refuse("--mail", "file_unreadable", "cannot read " + path, "Check path and rights.");
    const json document = json::parse(*text, nullptr, false);
    if (!document.is_object())
        return refuse("--mail", "mail_settings_invalid", path + " is no JSON object", "Mend it.");
    Members members = {{"server", ""},
                       {"from", ""},
                       {"page", ""},
                       {"user", ""},
                       {"passwordFile", ""},
                       {"caFile", ""}};
    for (const auto& [name, value] : document.items()) {
        const auto known = members.find(name);
        if (known == members.end())
            return refuse_member(path, name, "is no member of this file", "Take it out.");
        if (!value.is_string()) return refuse_member(path, name, "must be a text", "Quote it.");
        known->second = value.get<std::string>();
    }
    return members;
}

}  // namespace

Result<MailSettings> load_mail_settings(const std::string& path) {
    ASSIGN_OR_RETURN(const Members members, members_of(path));
    MailSettings settings{.server = {.url = members.at("server"),
                                     .from = members.at("from"),
                                     .user = members.at("user")},
                          .page_url = members.at("page")};
    if (const std::string& file = members.at("passwordFile"); !file.empty()) {
        ASSIGN_OR_RETURN(std::string password, read_file(path, "passwordFile", file));
        settings.server.password = Secret(without_line_end(std::move(password)));
    }
    if (const std::string& file = members.at("caFile"); !file.empty()) {
        ASSIGN_OR_RETURN(settings.server.ca_pem, read_file(path, "caFile", file));
    }
    while (settings.page_url.ends_with('/')) settings.page_url.pop_back();
    if (!http::parse_url(settings.page_url))
        return refuse_member(path,
                             "page",
                             "must be the https address under which people reach the page",
                             "Links in mail begin with it: https://hopyard.example.org");
    if (const auto good = http::check(settings.server); !good) {
        Error error = good.error();
        error.message = path + ": " + error.message;
        return pass(std::move(error));
    }
    return settings;
}

}  // namespace hopyard::apps
