// Members, invitations and the organisation's switches.
#include "api/test_people.h"

namespace hopyard::api {
namespace {

using model::Role;
using nlohmann::json;

Browser owner(TestApi& api) {
    return signed_in(
        api, add_person(api, {.role = Role::owner, .name = "Olga", .email = "olga@example.org"}));
}

std::string token_of(const std::string& link) {
    return link.substr(link.find("#token=") + 7);
}

json newcomer(const std::string& token, const std::string& email = "eve@example.org") {
    return {{"token", token}, {"name", "Eve"}, {"email", email}, {"password", good_password}};
}

TEST(Invitations, bring_somebody_in_once) {
    TestApi api;
    Browser olga = owner(api), eve(api);
    const auto made = olga.ask("POST", "/v1/invitations", {{"role", "administrator"}});
    ASSERT_EQ(made->status, 201) << made->body;
    const std::string link = made->json()["link"];
    EXPECT_TRUE(link.starts_with("http://hopyard.test/invitation#token=")) << link;
    EXPECT_EQ(olga.get("/v1/invitations")->body.find(token_of(link)), std::string::npos);
    const json looked =
        eve.ask("POST", "/v1/invitations/look", {{"token", token_of(link)}})->json();
    EXPECT_EQ(looked["role"], "administrator");
    const auto joined = eve.ask("POST", "/v1/invitations/accept", newcomer(token_of(link)));
    ASSERT_EQ(joined->status, 201) << joined->body;
    EXPECT_EQ(joined->json()["person"]["role"], "administrator");
    EXPECT_EQ(eve.get("/v1/members")->json()["items"].size(), 2u);
    EXPECT_EQ(olga.get("/v1/invitations")->json()["items"].size(), 0u);
    const auto again =
        Browser(api).ask("POST", "/v1/invitations/accept", newcomer(token_of(link), "e2@x.org"));
    EXPECT_EQ(again->status, 404);
    EXPECT_EQ(again->json()["code"], "invitation_unknown");
}

TEST(Invitations, expire_are_withdrawn_and_hold_for_their_address_alone) {
    TestApi api;
    Browser olga = owner(api), eve(api);
    const auto invite = [&] {
        return olga
            .ask("POST", "/v1/invitations", {{"role", "member"}, {"email", "Eve@example.org"}})
            ->json();
    };
    const json first = invite(), second = invite(), third = invite();
    EXPECT_EQ(olga.ask("DELETE", "/v1/invitations/" + first["id"].get<std::string>())->status, 204);
    const auto accept = [&](const json& invitation, const std::string& email) {
        return eve.ask(
            "POST", "/v1/invitations/accept", newcomer(token_of(invitation["link"]), email));
    };
    EXPECT_EQ(accept(first, "eve@example.org")->status, 404);
    EXPECT_EQ(accept(second, "mallory@example.org")->json()["code"], "email_not_invited");
    EXPECT_EQ(accept(second, "eve@example.org")->status, 201);
    EXPECT_EQ(accept(third, "eve@example.org")->json()["code"], "email_taken");
    EXPECT_EQ(
        olga.ask("POST", "/v1/invitations", {{"role", "member"}, {"email", "eve@example.org"}})
            ->json()["code"],
        "already_member");
    api.clock.advance(model::invitation_validity);
    EXPECT_EQ(Browser(api)
                  .ask("POST", "/v1/invitations/look", {{"token", token_of(third["link"])}})
                  ->status,
              404);
}

TEST(Invitations, of_administrators_are_for_administrators) {
    TestApi api;
    Browser olga = owner(api);
    EXPECT_EQ(
        olga.ask("PATCH", "/v1/organisation", {{"permissions", {{"inviteMembers", true}}}})->status,
        200);
    Browser member = signed_in(api, add_person(api, {}));
    EXPECT_EQ(member.ask("POST", "/v1/invitations", {{"role", "member"}})->status, 201);
    EXPECT_EQ(member.ask("POST", "/v1/invitations", {{"role", "administrator"}})->status, 403);
    EXPECT_EQ(olga.ask("POST", "/v1/invitations", {{"role", "owner"}})->json()["field"], "/role");
    const std::string id =
        olga.ask("POST", "/v1/invitations", {{"role", "administrator"}})->json()["id"];
    EXPECT_EQ(member.ask("DELETE", "/v1/invitations/" + id)->status, 403);
}

TEST(Members, a_role_holds_from_the_next_request_on) {
    TestApi api;
    Browser olga = owner(api);
    const auto ada = add_person(api, {});
    Browser browser = signed_in(api, ada);
    const std::string one = "/v1/members/" + ada.id.value;
    EXPECT_EQ(browser.get("/v1/api-keys")->status, 403);
    EXPECT_EQ(olga.ask("PATCH", one, {{"role", "administrator"}})->json()["role"], "administrator");
    EXPECT_EQ(browser.get("/v1/api-keys")->status, 200);
    const auto refused = browser.ask("PATCH", one, {{"role", "owner"}});
    EXPECT_EQ(refused->status, 403);
    EXPECT_EQ(refused->json()["code"], "owner_needed");
    EXPECT_EQ(api.ask({.method = "PATCH", .target = one, .body = R"({"role":"owner"})"})->status,
              403)
        << "a key is no owner";
}

TEST(Members, the_last_owner_stays_and_others_leave_by_themselves) {
    TestApi api;
    Browser olga = owner(api);
    const std::string own = olga.get("/v1/session")->json()["person"]["id"];
    EXPECT_EQ(olga.ask("DELETE", "/v1/members/" + own)->json()["code"], "last_owner");
    EXPECT_EQ(olga.ask("PATCH", "/v1/members/" + own, {{"role", "member"}})->status, 409);
    const auto ada = add_person(api, {});
    Browser browser = signed_in(api, ada);
    EXPECT_EQ(browser.ask("DELETE", "/v1/members/" + own)->status, 403);
    EXPECT_EQ(browser.ask("DELETE", "/v1/members/" + ada.id.value)->status, 204);
    EXPECT_EQ(browser.cookie, "");
    const auto bob = add_person(api, {.role = Role::owner, .name = "B", .email = "b@example.org"});
    EXPECT_EQ(olga.ask("DELETE", "/v1/members/" + own)->status, 204);
    EXPECT_EQ(olga.get("/v1/session")->status, 401);
}

TEST(Members, whoever_is_removed_is_out_at_once_streams_included) {
    TestApi api;
    Browser olga = owner(api);
    const auto ada = add_person(api, {});
    Browser browser = signed_in(api, ada);
    const auto stream = browser.get("/v1/events");
    ASSERT_EQ(stream->status, 200);
    api.service.tick(api.clock.now());
    EXPECT_FALSE(stream->ended);
    EXPECT_EQ(olga.ask("DELETE", "/v1/members/" + ada.id.value)->status, 204);
    api.service.tick(api.clock.now());
    EXPECT_TRUE(stream->ended);
    EXPECT_EQ(browser.get("/v1/clusters")->status, 401);
    EXPECT_EQ(Browser(api).sign_in(ada.email)->json()["code"], "credentials_wrong");
}

TEST(Organisation, its_switches_hold_from_the_next_request_on) {
    TestApi api;
    Browser olga = owner(api);
    Browser member = signed_in(api, add_person(api, {}));
    const std::string id = api.create();
    const json defaults = member.get("/v1/organisation")->json()["permissions"];
    EXPECT_EQ(defaults,
              (json{{"inviteMembers", false}, {"manageClusters", true}, {"managePorts", false}}));
    EXPECT_EQ(member.ask("POST", "/v1/clusters/" + id + "/stop")->status, 202);
    const auto changed =
        olga.ask("PATCH", "/v1/organisation", {{"permissions", {{"manageClusters", false}}}});
    EXPECT_EQ(changed->json()["permissions"]["managePorts"], false) << "the rest stays";
    const auto refused = member.ask("DELETE", "/v1/clusters/" + id);
    EXPECT_EQ(refused->status, 403);
    EXPECT_EQ(refused->json()["code"], "permission_missing");
    EXPECT_EQ(olga.ask("PATCH", "/v1/organisation", {{"plan", "gold"}})->json()["field"], "/plan");
    EXPECT_EQ(
        olga.ask("PATCH", "/v1/organisation", {{"permissions", {{"x", true}}}})->json()["field"],
        "/permissions/x");
}

TEST(Organisation, the_activity_names_who_did_what) {
    TestApi api;
    Browser olga = owner(api);
    const auto ada = add_person(api, {});
    EXPECT_EQ(olga.ask("PATCH", "/v1/organisation", {{"name", "Lab"}})->status, 200);
    EXPECT_EQ(olga.ask("PATCH", "/v1/members/" + ada.id.value, {{"role", "owner"}})->status, 200);
    EXPECT_EQ(olga.ask("POST", "/v1/clusters", TestApi::spec())->status, 202);
    const json items = olga.get("/v1/activity")->json()["items"];
    std::map<std::string, std::string> actors;
    for (const json& entry : items) actors[entry["code"]] = entry["actor"];
    for (const char* code : {"organisation_changed", "member_role", "create_accepted"})
        EXPECT_EQ(actors[code], "Olga") << code << items.dump();
}

}  // namespace
}  // namespace hopyard::api
