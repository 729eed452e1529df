// People for tests: a browser that keeps its cookie and says where it asks from, and somebody of
// any role in any organisation, signed in.
#pragma once

#include <string>

#include "api/people/entrance.h"
#include "api/people/sessions.h"
#include "api/test_rig.h"

namespace hopyard::api {

inline constexpr const char* good_password = "four plain words here";

class Browser {
  public:
    explicit Browser(TestApi& api, std::string address = "10.0.0.7")
        : api_(api), address_(std::move(address)) {}

    std::shared_ptr<Caught> ask(const std::string& method,
                                const std::string& target,
                                const nlohmann::json& body = nullptr,
                                const std::string& site = "same-origin") {
        Ask ask{.method = method,
                .target = target,
                .body = body.is_null() ? "" : body.dump(),
                .headers = {{"Authorization", ""},
                            {"Host", "hopyard.test"},
                            {"User-Agent", "Test browser"}},
                .address = address_};
        if (!site.empty()) ask.headers.emplace_back("Sec-Fetch-Site", site);
        if (!cookie.empty()) ask.headers.emplace_back("Cookie", "theme=dark; " + cookie);
        auto caught = api_.ask(std::move(ask));
        if (const std::string set = caught->headers.get("Set-Cookie"); !set.empty())
            cookie = set.find("Max-Age=0") == std::string::npos ? set.substr(0, set.find(';')) : "";
        return caught;
    }
    std::shared_ptr<Caught> get(const std::string& target) { return ask("GET", target); }
    std::shared_ptr<Caught> sign_in(const std::string& email,
                                    const std::string& password = good_password,
                                    const std::string& code = "") {
        nlohmann::json body = {{"email", email}, {"password", password}};
        if (!code.empty()) body["code"] = code;
        return ask("POST", "/v1/session", body);
    }

    std::string cookie;

  private:
    TestApi& api_;
    std::string address_;
};

struct Somebody {
    model::Role role = model::Role::member;
    OrganisationId organisation = default_organisation();
    std::string name = "Ada Lovelace";
    std::string email = "countess@example.org";
};

/// A row as it would be after joining; its password is good_password.
inline model::Person add_person(TestApi& api, const Somebody& who) {
    static people::Passwords passwords(people::HashCost::least);
    static const std::string hash = *passwords.hash(Secret(good_password));
    model::Person row{.id = PersonId("p-" + random_word(api.random, 8)),
                      .organisation = who.organisation,
                      .name = who.name,
                      .email = who.email,
                      .role = who.role,
                      .password_hash = hash,
                      .joined_at = api.clock.now()};
    const auto written = api.store->write([&](store::Transaction& t) { return t.put(row); });
    EXPECT_TRUE(written) << written.error().message;
    return row;
}

/// Signed in without the password's cost.
inline Browser signed_in(TestApi& api, const model::Person& person) {
    Browser browser(api);
    const auto written = api.store->write([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto made,
                         people::begin_session(
                             t, api.random, person, SessionId(), http::Request{}, api.clock.now()));
        browser.cookie = people::cookie_name(false) + "=" + made.token.reveal();
        return {};
    });
    EXPECT_TRUE(written);
    return browser;
}

}  // namespace hopyard::api
