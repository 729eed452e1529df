// Mail to people, and passwords that were lost: who gets a link, what it does, and what becomes of
// messages that nobody takes.
#include "api/people/password_reset.h"
#include "api/test_people.h"

namespace hopyard::api {
namespace {

using model::Role;
using nlohmann::json;

constexpr const char* fresh_password = "an altogether new sentence";

/// The token of the first link in a text.
std::string token_in(const std::string& text) {
    const std::size_t at = text.find("#token=") + 7;
    return text.substr(at, text.find_first_of("\n\"", at) - at);
}

struct MailRig {
    explicit MailRig(HasMail has_mail = HasMail::yes)
        : api(has_mail),
          ada(add_person(api, {.role = Role::owner, .name = "Ada", .email = "ada@example.org"})),
          browser(api) {}
    void deliver() { api.service.send_mail({}); }
    auto ask_for_link(const std::string& email) {
        return browser.ask("POST", "/v1/password-resets", {{"email", email}});
    }
    auto use(const std::string& token, const std::string& password = fresh_password) {
        return browser.ask(
            "POST", "/v1/password-resets/use", {{"token", token}, {"password", password}});
    }
    std::vector<model::Activity> activity() {
        std::vector<model::Activity> entries;
        EXPECT_TRUE(api.store->read([&](store::Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(auto page, t.activity({.organisation = default_organisation()}));
            entries = page.entries;
            return {};
        }));
        return entries;
    }
    std::size_t queued() {
        std::size_t count = 0;
        EXPECT_TRUE(api.store->read([&](store::Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(const auto due, t.due_mail(api.clock.now() + Seconds(9'999'999), 99));
            count = due.size();
            return {};
        }));
        return count;
    }

    TestApi api;
    model::Person ada;
    Browser browser;
};

TEST(PasswordReset, a_link_comes_by_mail_sets_a_password_once_and_ends_every_session) {
    MailRig rig;
    Browser before = signed_in(rig.api, rig.ada);
    ASSERT_EQ(rig.ask_for_link("ADA@example.org")->status, 202);
    EXPECT_TRUE(rig.api.mail.sent.empty()) << "no request waits for the mail server";
    rig.deliver();
    ASSERT_EQ(rig.api.mail.sent.size(), 1u);
    const http::Mail mail = rig.api.mail.sent[0];
    EXPECT_EQ(mail.to, "ada@example.org");
    EXPECT_NE(mail.text.find(std::string(page_url) + "/new-password#token="), std::string::npos)
        << "the link leads to the page that was configured: " << mail.text;
    const std::string token = token_in(mail.text);
    EXPECT_EQ(
        rig.browser.ask("POST", "/v1/password-resets/look", {{"token", token}})->json()["email"],
        "ada@example.org");
    ASSERT_EQ(rig.use(token)->status, 204);
    EXPECT_EQ(before.get("/v1/session")->status, 401);
    EXPECT_EQ(rig.use(token)->json()["code"], "reset_unknown");
    EXPECT_EQ(rig.browser.sign_in("ada@example.org")->status, 401);
    EXPECT_EQ(rig.browser.sign_in("ada@example.org", fresh_password)->status, 201);
    rig.deliver();
    ASSERT_EQ(rig.api.mail.sent.size(), 2u);
    EXPECT_EQ(rig.api.mail.sent[1].subject, "Your password was set anew");
}

TEST(PasswordReset, the_same_is_said_of_who_is_nobody_and_nothing_is_sent) {
    MailRig rig;
    const auto known = rig.ask_for_link("ada@example.org");
    const auto unknown = rig.ask_for_link("eve@example.org");
    EXPECT_EQ(known->status, unknown->status);
    EXPECT_EQ(known->body, unknown->body);
    EXPECT_EQ(rig.queued(), 2u);
    rig.deliver();
    EXPECT_EQ(rig.api.mail.sent.size(), 1u);
    EXPECT_EQ(rig.queued(), 0u);
}

TEST(PasswordReset, asking_is_slowed_down_and_locks_nobody_out) {
    MailRig rig;
    for (int i = 0; i < 5; ++i) ASSERT_EQ(rig.ask_for_link("ada@example.org")->status, 202);
    const auto refused = rig.ask_for_link("ada@example.org");
    EXPECT_EQ(refused->status, 429);
    EXPECT_FALSE(refused->headers.get("Retry-After").empty());
    EXPECT_EQ(rig.browser.sign_in("ada@example.org")->status, 201);
}

TEST(PasswordReset, a_link_holds_for_an_hour_and_only_the_newest_does) {
    MailRig rig;
    const auto link = [&] {
        return token_in(signed_in(rig.api, rig.ada)
                            .ask("POST", "/v1/members/" + rig.ada.id.value + "/password-reset")
                            ->body);
    };
    const std::string first = link(), second = link();
    EXPECT_EQ(rig.use(first)->status, 404);
    EXPECT_EQ(rig.use(rig.ada.id.value + ".")->status, 404);
    EXPECT_EQ(rig.use(second, "short")->json()["field"], "/password");
    EXPECT_EQ(rig.use(second, "it is ada@example.org")->json()["code"], "password_personal");
    rig.api.clock.advance(model::password_reset_validity);
    EXPECT_EQ(rig.use(second)->status, 404);
}

TEST(PasswordReset, one_time_codes_stay_in_force) {
    MailRig rig;
    ASSERT_TRUE(rig.api.store->write([&](store::Transaction& t) -> Result<void> {
        rig.ada.totp = true;
        return t.put(rig.ada);
    }));
    ASSERT_EQ(rig.ask_for_link("ada@example.org")->status, 202);
    rig.deliver();
    const auto used = rig.use(token_in(rig.api.mail.sent.at(0).text));
    EXPECT_EQ(used->status, 204);
    EXPECT_TRUE(rig.browser.cookie.empty()) << "nobody is signed in by a link";
    EXPECT_EQ(rig.browser.sign_in("ada@example.org", fresh_password)->json()["code"],
              "code_needed");
}

TEST(PasswordReset, an_owners_link_is_made_by_owners_alone) {
    MailRig rig;
    const model::Person grace = add_person(
        rig.api, {.role = Role::administrator, .name = "Grace", .email = "grace@example.org"});
    Browser administrator = signed_in(rig.api, grace);
    const std::string of_owner = "/v1/members/" + rig.ada.id.value + "/password-reset";
    EXPECT_EQ(administrator.ask("POST", of_owner)->json()["code"], "owner_needed");
    EXPECT_EQ(rig.api.post(of_owner)->json()["code"], "owner_needed");
    const auto made =
        administrator.ask("POST", "/v1/members/" + grace.id.value + "/password-reset");
    ASSERT_EQ(made->status, 201) << made->body;
    EXPECT_TRUE(made->json()["link"].get<std::string>().starts_with("http://hopyard.test/"));
    EXPECT_EQ(rig.activity().front().code, "member_reset");
    EXPECT_EQ(rig.use(token_in(made->body))->status, 204);
}

TEST(PasswordReset, whoever_runs_the_program_makes_a_link_for_a_locked_out_owner) {
    MailRig rig(HasMail::no);
    const auto made = people::make_reset_token_for(
        *rig.api.store, rig.api.random, "Ada@example.org", rig.api.clock.now());
    ASSERT_TRUE(made);
    EXPECT_EQ(rig.use(made->reveal())->status, 204);
    EXPECT_EQ(people::make_reset_token_for(
                  *rig.api.store, rig.api.random, "eve@example.org", rig.api.clock.now())
                  .error()
                  .code,
              "no_such_member");
}

TEST(PeoplesMail, capabilities_and_sign_in_say_whether_there_is_any) {
    for (const HasMail has_mail : {HasMail::yes, HasMail::no}) {
        MailRig rig(has_mail);
        const bool is_on = has_mail == HasMail::yes;
        EXPECT_EQ(rig.api.get("/v1/capabilities")->json()["features"]["mail"], is_on);
        EXPECT_EQ(rig.browser.get("/v1/sign-in")->json()["mail"], is_on);
        EXPECT_EQ(rig.ask_for_link("ada@example.org")->status, is_on ? 202 : 409);
        EXPECT_EQ(rig.queued(), is_on ? 1u : 0u);
    }
}

TEST(PeoplesMail, an_invitation_goes_to_its_address_and_its_link_is_shown_as_well) {
    MailRig rig;
    const auto invite = [&](const json& body) {
        return signed_in(rig.api, rig.ada).ask("POST", "/v1/invitations", body);
    };
    EXPECT_EQ(invite({{"role", "member"}, {"mail", true}})->json()["code"], "mail_without_address");
    const auto made = invite({{"role", "member"}, {"email", "eve@example.org"}, {"mail", true}});
    ASSERT_EQ(made->status, 201) << made->body;
    EXPECT_EQ(made->json()["mailed"], true);
    rig.deliver();
    ASSERT_EQ(rig.api.mail.sent.size(), 1u);
    EXPECT_EQ(rig.api.mail.sent[0].to, "eve@example.org");
    EXPECT_EQ(token_in(rig.api.mail.sent[0].text), token_in(made->body));
    EXPECT_EQ(invite({{"role", "member"}, {"email", "eve@example.org"}})->json()["mailed"], false);
    EXPECT_EQ(rig.queued(), 0u);
}

TEST(PeoplesMail, whose_password_changes_is_told) {
    MailRig rig;
    const auto changed =
        signed_in(rig.api, rig.ada)
            .ask("PUT", "/v1/me/password", {{"current", good_password}, {"new", fresh_password}});
    ASSERT_EQ(changed->status, 204) << changed->body;
    rig.deliver();
    ASSERT_EQ(rig.api.mail.sent.size(), 1u);
    EXPECT_EQ(rig.api.mail.sent[0].subject, "Your password was changed");
}

TEST(PeoplesMail, is_tried_again_ever_later_and_arrives_once) {
    MailRig rig;
    rig.api.mail.failure = Error{.kind = ErrorKind::unavailable, .code = "not_connected"};
    ASSERT_EQ(rig.ask_for_link("ada@example.org")->status, 202);
    rig.deliver();
    rig.deliver();
    EXPECT_EQ(rig.api.mail.attempts, 1) << "not before its time";
    rig.api.clock.advance(Seconds(6));
    rig.deliver();
    EXPECT_EQ(rig.api.mail.attempts, 2);
    rig.api.mail.failure.reset();
    rig.api.clock.advance(Seconds(11));
    rig.deliver();
    rig.api.clock.advance(Seconds(3'000));
    rig.deliver();
    EXPECT_EQ(rig.api.mail.sent.size(), 1u);
    EXPECT_EQ(rig.queued(), 0u);
}

TEST(PeoplesMail, that_nobody_takes_is_dropped_and_the_activity_says_why) {
    for (const ErrorKind kind : {ErrorKind::unavailable, ErrorKind::invalid_argument}) {
        MailRig rig;
        rig.api.mail.failure = Error{.kind = kind, .code = "x", .message = "550 no such mailbox"};
        const auto made = signed_in(rig.api, rig.ada)
                              .ask("POST",
                                   "/v1/invitations",
                                   {{"role", "member"}, {"email", "e@x.org"}, {"mail", true}});
        ASSERT_EQ(made->status, 201);
        int rounds = 0;
        for (; rig.queued() > 0 && rounds < 500; ++rounds) {
            rig.deliver();
            rig.api.clock.advance(Seconds(600));
        }
        const model::Activity entry = rig.activity().front();
        EXPECT_EQ(entry.code, "mail_dropped");
        EXPECT_NE(entry.message.find("e@x.org"), std::string::npos);
        EXPECT_EQ(entry.error->message, "550 no such mailbox");
        EXPECT_EQ(entry.message.find(token_in(made->body)), std::string::npos);
        if (kind == ErrorKind::invalid_argument) {
            EXPECT_EQ(rounds, 1) << "what is refused for good is not tried again";
        } else {
            EXPECT_GT(rounds, 40) << "it is tried for a day";
        }
        ASSERT_TRUE(rig.api.store->read([&](store::Transaction& t) -> Result<void> {
            ASSIGN_OR_RETURN(const auto due, t.due_mail(rig.api.clock.now(), 9));
            EXPECT_TRUE(due.empty());
            return {};
        }));
    }
}

}  // namespace
}  // namespace hopyard::api
