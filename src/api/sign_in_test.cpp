// Coming in and going out: the first owner, passwords, one-time codes, sessions, other sites.
#include "api/people/totp.h"
#include "api/test_people.h"
#include "base/encoding.h"

namespace hopyard::api {
namespace {

using model::Role;
using nlohmann::json;

json newcomer(const Secret& token) {
    return {{"token", token.reveal()},
            {"name", "Ada Lovelace"},
            {"email", "countess@example.org"},
            {"password", good_password}};
}

TEST(Setup, makes_the_first_owner_once_and_signs_in) {
    TestApi api;
    Browser browser(api);
    EXPECT_EQ(browser.get("/v1/sign-in")->json()["setUp"], false);
    const Secret token = **people::make_setup_token(*api.store, api.random);
    const auto made = browser.ask("POST", "/v1/setup", newcomer(token));
    ASSERT_EQ(made->status, 201) << made->body;
    EXPECT_EQ(made->json()["person"]["role"], "owner");
    EXPECT_EQ(made->json()["may"]["administer"], true);
    EXPECT_EQ(browser.get("/v1/session")->json(), made->json());
    EXPECT_EQ(browser.get("/v1/sign-in")->json()["setUp"], true);
    EXPECT_EQ(browser.get("/v1/clusters")->status, 200);
    const auto again = Browser(api).ask("POST", "/v1/setup", newcomer(token));
    EXPECT_EQ(again->status, 401);
    EXPECT_EQ(again->json()["code"], "setup_token_unknown");
    EXPECT_FALSE(people::make_setup_token(*api.store, api.random)->has_value());
}

TEST(Setup, a_new_link_voids_the_one_before_and_no_token_is_none) {
    TestApi api;
    Browser browser(api);
    EXPECT_EQ(browser.ask("POST", "/v1/setup", newcomer(Secret("guess")))->status, 401);
    const Secret first = **people::make_setup_token(*api.store, api.random);
    const Secret second = **people::make_setup_token(*api.store, api.random);
    EXPECT_EQ(browser.ask("POST", "/v1/setup", newcomer(first))->status, 401);
    json short_password = newcomer(second);
    short_password["password"] = "short";
    const auto refused = browser.ask("POST", "/v1/setup", short_password);
    EXPECT_EQ(refused->status, 400);
    EXPECT_EQ(refused->json()["field"], "/password");
    EXPECT_EQ(refused->json()["code"], "password_short");
    EXPECT_EQ(browser.ask("POST", "/v1/setup", newcomer(second))->status, 201);
}

TEST(SignIn, a_wrong_address_and_a_wrong_password_look_the_same) {
    TestApi api;
    add_person(api, {});
    const auto password = Browser(api).sign_in("countess@example.org", "another password");
    const auto address = Browser(api).sign_in("nobody@example.org");
    for (const auto& refused : {password, address}) {
        EXPECT_EQ(refused->status, 401);
        EXPECT_EQ(refused->json()["code"], "credentials_wrong");
        EXPECT_EQ(refused->headers.get("Set-Cookie"), "");
    }
    EXPECT_EQ(password->json()["detail"], address->json()["detail"]);
    EXPECT_EQ(Browser(api).sign_in("Countess@Example.org")->status, 201);
}

TEST(SignIn, sets_a_cookie_that_scripts_and_other_sites_do_not_see) {
    TestApi api;
    add_person(api, {});
    const std::string body =
        json{{"email", "countess@example.org"}, {"password", good_password}}.dump();
    for (const bool secure : {false, true}) {
        const auto made = api.ask({.method = "POST",
                                   .target = "/v1/session",
                                   .body = body,
                                   .headers = {{"Authorization", ""}},
                                   .secure = secure});
        ASSERT_EQ(made->status, 201);
        const std::string cookie = made->headers.get("Set-Cookie");
        EXPECT_TRUE(cookie.starts_with(secure ? "__Host-hopyard-session=" : "hopyard-session="));
        for (const char* part : {"; HttpOnly", "; SameSite=Strict", "; Path=/"})
            EXPECT_NE(cookie.find(part), std::string::npos) << cookie;
        EXPECT_EQ(cookie.find("; Secure") != std::string::npos, secure);
        const std::string token = cookie.substr(cookie.find('=') + 1, 43);
        const auto stored = api.store->read([&](store::Transaction& t) -> Result<void> {
            EXPECT_FALSE(*t.session_by_hash(token));
            EXPECT_TRUE(*t.session_by_hash(to_hex(sha256(token))));
            return {};
        });
        EXPECT_TRUE(stored);
    }
}

TEST(SignIn, makes_a_new_session_each_time_and_ends_the_one_before) {
    TestApi api;
    add_person(api, {});
    Browser browser(api);
    ASSERT_EQ(browser.sign_in("countess@example.org")->status, 201);
    Browser thief(api);
    thief.cookie = browser.cookie;
    ASSERT_EQ(browser.sign_in("countess@example.org")->status, 201);
    EXPECT_NE(browser.cookie, thief.cookie);
    EXPECT_EQ(browser.get("/v1/session")->status, 200);
    const auto refused = thief.get("/v1/session");
    EXPECT_EQ(refused->status, 401);
    EXPECT_EQ(refused->json()["code"], "session_missing");
}

TEST(SignIn, waits_after_five_failures_and_lets_in_afterwards) {
    TestApi api;
    add_person(api, {});
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(Browser(api).sign_in("countess@example.org", "wrong password")->status, 401);
    const auto refused = Browser(api, "10.9.9.9").sign_in("countess@example.org");
    EXPECT_EQ(refused->status, 429);
    EXPECT_EQ(refused->json()["code"], "too_many_attempts");
    EXPECT_EQ(refused->headers.get("Retry-After"), "2");
    api.clock.advance(Seconds(2));
    EXPECT_EQ(Browser(api, "10.9.9.9").sign_in("countess@example.org")->status, 201);
}

TEST(Sessions, end_when_idle_after_a_week_and_at_signing_out) {
    TestApi api;
    const auto ada = add_person(api, {});
    Browser idle = signed_in(api, ada), busy = signed_in(api, ada), leaving = signed_in(api, ada);
    EXPECT_EQ(leaving.ask("DELETE", "/v1/session")->status, 204);
    EXPECT_EQ(leaving.cookie, "");
    for (int hours = 0; hours < 7 * 24; hours += 6) {
        EXPECT_EQ(busy.get("/v1/session")->status, 200) << hours;
        api.clock.advance(Seconds(6 * 3600));
    }
    EXPECT_EQ(busy.get("/v1/session")->status, 401);
    EXPECT_EQ(idle.get("/v1/session")->status, 401);
}

TEST(Sessions, are_listed_and_ended_by_their_own_person_alone) {
    TestApi api;
    const auto ada = add_person(api, {});
    const auto bob = add_person(api, {.name = "Bob", .email = "bob@example.org"});
    Browser one = signed_in(api, ada), two = signed_in(api, ada), other = signed_in(api, bob);
    const auto listed = one.get("/v1/sessions")->json()["items"];
    ASSERT_EQ(listed.size(), 2u);
    std::string mine, second;
    for (const json& each : listed) (each["current"] ? mine : second) = each["id"];
    EXPECT_EQ(other.ask("DELETE", "/v1/sessions/" + second)->status, 404);
    EXPECT_EQ(two.get("/v1/session")->status, 200);
    EXPECT_EQ(one.ask("DELETE", "/v1/sessions/" + second)->status, 204);
    EXPECT_EQ(two.get("/v1/session")->status, 401);
    EXPECT_EQ(one.ask("DELETE", "/v1/sessions/" + mine)->status, 204);
    EXPECT_EQ(one.cookie, "");
}

TEST(OtherSites, cannot_make_a_browser_change_anything) {
    TestApi api;
    Browser browser = signed_in(api, add_person(api, {.role = Role::owner}));
    const json change = {{"name", "Mallory"}};
    for (const char* site : {"cross-site", "same-site", "none", ""}) {
        const auto refused = browser.ask("PATCH", "/v1/me", change, site);
        EXPECT_EQ(refused->status, 403) << site;
        EXPECT_EQ(refused->json()["code"], "cross_site");
    }
    EXPECT_EQ(browser.ask("PATCH", "/v1/me", change)->status, 200);
    EXPECT_EQ(browser.ask("GET", "/v1/session", nullptr, "none")->status, 200)
        << "a look changes nothing";
    const auto with_origin = [&](const std::string& origin) {
        return api
            .ask({.method = "PATCH",
                  .target = "/v1/me",
                  .body = change.dump(),
                  .headers = {{"Authorization", ""},
                              {"Host", "hopyard.test:8080"},
                              {"Origin", origin},
                              {"Cookie", browser.cookie}}})
            ->status;
    };
    EXPECT_EQ(with_origin("http://hopyard.test:8080"), 200);
    EXPECT_EQ(with_origin("http://evil.test"), 403);
    EXPECT_EQ(with_origin("http://hopyard.test"), 403) << "another port is another origin";
    EXPECT_EQ(with_origin("null"), 403);
}

TEST(OtherSites, cannot_sign_a_browser_in_and_programs_need_no_origin) {
    TestApi api;
    add_person(api, {});
    Browser browser(api);
    const json body = {{"email", "countess@example.org"}, {"password", good_password}};
    EXPECT_EQ(browser.ask("POST", "/v1/session", body, "cross-site")->status, 403);
    EXPECT_EQ(browser.ask("POST", "/v1/session", body, "")->status, 201);
}

TEST(OtherSites, are_no_matter_to_keys_and_a_key_wins_over_a_cookie) {
    TestApi api;
    Browser browser = signed_in(api, add_person(api, {}));
    const auto both = api.ask({.method = "PATCH",
                               .target = "/v1/organisation",
                               .body = R"({"name":"Lab"})",
                               .headers = {{"x-api-key", api.administrator.reveal()},
                                           {"Cookie", browser.cookie},
                                           {"Sec-Fetch-Site", "cross-site"}}});
    EXPECT_EQ(both->status, 200) << both->body;
}

struct WithCodes {
    Secret secret;
    std::vector<std::string> recovery;
};

/// As the page does it; the app's secret is read back from where it lies sealed.
WithCodes set_up_codes(TestApi& api, Browser& browser) {
    WithCodes made;
    EXPECT_EQ(browser.ask("POST", "/v1/me/totp")->status, 201);
    const PersonId id(browser.get("/v1/session")->json()["person"]["id"].get<std::string>());
    const auto read = api.store->read([&](store::Transaction& t) -> Result<void> {
        made.secret = **t.secret(people::wanted_totp_secret_name(id));
        return {};
    });
    EXPECT_TRUE(read);
    EXPECT_EQ(browser.ask("PUT", "/v1/me/totp", {{"code", "000"}})->json()["code"],
              "totp_code_wrong");
    const std::string code =
        people::hotp(made.secret.reveal(), people::totp_step(api.clock.now()), 6);
    const auto done = browser.ask("PUT", "/v1/me/totp", {{"code", code}});
    EXPECT_EQ(done->status, 200) << done->body;
    made.recovery = done->json()["recoveryCodes"].get<std::vector<std::string>>();
    return made;
}

TEST(OneTimeCodes, are_asked_for_after_the_password_and_work_once) {
    TestApi api;
    Browser browser = signed_in(api, add_person(api, {}));
    const WithCodes codes = set_up_codes(api, browser);
    EXPECT_EQ(codes.recovery.size(), 10u);
    Browser other(api);
    EXPECT_EQ(other.sign_in("countess@example.org", "wrong password")->json()["code"],
              "credentials_wrong");
    EXPECT_EQ(other.sign_in("countess@example.org")->json()["code"], "code_needed");
    EXPECT_EQ(other.sign_in("countess@example.org", good_password, "123")->json()["code"],
              "code_wrong");
    const auto code = [&] {
        return people::hotp(codes.secret.reveal(), people::totp_step(api.clock.now()), 6);
    };
    EXPECT_EQ(other.sign_in("countess@example.org", good_password, code())->status, 401)
        << "used when it was set up";
    api.clock.advance(Seconds(30));
    EXPECT_EQ(other.sign_in("countess@example.org", good_password, code())->status, 201);
    EXPECT_EQ(other.sign_in("countess@example.org", good_password, code())->status, 401);
}

TEST(OneTimeCodes, recovery_codes_work_once_each_however_they_are_written) {
    TestApi api;
    Browser browser = signed_in(api, add_person(api, {}));
    const WithCodes codes = set_up_codes(api, browser);
    std::string loose = codes.recovery.at(3);
    std::erase(loose, '-');
    Browser other(api);
    EXPECT_EQ(other.sign_in("countess@example.org", good_password, loose)->status, 201);
    EXPECT_EQ(other.sign_in("countess@example.org", good_password, loose)->status, 401);
    EXPECT_EQ(other.sign_in("countess@example.org", good_password, codes.recovery.at(4))->status,
              201);
}

TEST(OneTimeCodes, another_device_and_none_take_the_password) {
    TestApi api;
    Browser browser = signed_in(api, add_person(api, {}));
    set_up_codes(api, browser);
    EXPECT_EQ(browser.ask("POST", "/v1/me/totp")->json()["field"], "/password");
    const json wrong = {{"password", "not the password"}}, right = {{"password", good_password}};
    EXPECT_EQ(browser.ask("POST", "/v1/me/totp", wrong)->json()["code"], "password_wrong");
    EXPECT_EQ(browser.ask("POST", "/v1/me/totp", right)->status, 201);
    EXPECT_EQ(browser.ask("DELETE", "/v1/me/totp", wrong)->status, 400);
    EXPECT_EQ(browser.ask("DELETE", "/v1/me/totp", right)->status, 204);
    EXPECT_EQ(Browser(api).sign_in("countess@example.org")->status, 201);
}

TEST(OneTimeCodes, that_the_organisation_requires_come_before_everything_else) {
    TestApi api;
    Browser browser = signed_in(api, add_person(api, {.role = Role::owner}));
    EXPECT_EQ(browser.ask("PATCH", "/v1/organisation", {{"requireTotp", true}})->status, 200);
    EXPECT_EQ(browser.get("/v1/session")->json()["mustSetUpTotp"], true);
    const auto refused = browser.get("/v1/clusters");
    EXPECT_EQ(refused->status, 403);
    EXPECT_EQ(refused->json()["code"], "totp_needed");
    set_up_codes(api, browser);
    EXPECT_EQ(browser.get("/v1/clusters")->status, 200);
    const auto kept = browser.ask("DELETE", "/v1/me/totp", {{"password", good_password}});
    EXPECT_EQ(kept->status, 409);
    EXPECT_EQ(kept->json()["code"], "totp_required");
}

TEST(Me, a_new_password_takes_the_old_one_and_ends_the_other_sessions) {
    TestApi api;
    const auto ada = add_person(api, {});
    Browser browser = signed_in(api, ada), other = signed_in(api, ada);
    const auto put = [&](const char* current, const char* wanted) {
        return browser.ask("PUT", "/v1/me/password", {{"current", current}, {"new", wanted}});
    };
    EXPECT_EQ(put("not the password", "another good one")->json()["field"], "/current");
    EXPECT_EQ(put(good_password, "lovelace and co")->json()["code"], "password_personal");
    EXPECT_EQ(put(good_password, "1qaz2wsx3edc")->json()["field"], "/new");
    EXPECT_EQ(other.get("/v1/session")->status, 200);
    EXPECT_EQ(put(good_password, "another good one")->status, 204);
    EXPECT_EQ(browser.get("/v1/session")->status, 200);
    EXPECT_EQ(other.get("/v1/session")->status, 401);
    EXPECT_EQ(Browser(api).sign_in("countess@example.org")->status, 401);
    EXPECT_EQ(Browser(api).sign_in("countess@example.org", "another good one")->status, 201);
}

TEST(Me, a_name_and_an_address_are_changed_unless_somebody_has_the_address) {
    TestApi api;
    add_person(api, {.name = "Bob", .email = "bob@example.org"});
    Browser browser = signed_in(api, add_person(api, {}));
    const auto changed = browser.ask("PATCH", "/v1/me", {{"name", " Ada King "}});
    EXPECT_EQ(changed->json()["name"], "Ada King");
    EXPECT_EQ(changed->json()["email"], "countess@example.org");
    const auto taken = browser.ask("PATCH", "/v1/me", {{"email", "BOB@example.org"}});
    EXPECT_EQ(taken->status, 409);
    EXPECT_EQ(taken->json()["field"], "/email");
    for (const char* bad : {"", "ada", "@x", "ada@", "a b@x", "a@b@c", "a@b\n"})
        EXPECT_EQ(browser.ask("PATCH", "/v1/me", {{"email", bad}})->status, 400) << bad;
    EXPECT_EQ(browser.ask("PATCH", "/v1/me", {{"role", "owner"}})->status, 400);
}

}  // namespace
}  // namespace hopyard::api
