// The pure rules of access: passwords, one-time codes, waits after guesses, roles.
#include <gtest/gtest.h>

#include "api/people/guesses.h"
#include "api/people/membership.h"
#include "api/people/passwords.h"
#include "api/people/totp.h"
#include "base/encoding.h"

namespace hopyard::api::people {
namespace {

std::string fault_of(const std::string& password) {
    const auto checked = check_password(
        "/new", Secret(password), {.name = "Ada Lovelace", .email = "countess@example.org"});
    if (checked) return "";
    EXPECT_EQ(checked.error().field, "/new");
    EXPECT_EQ(checked.error().message.find(password), std::string::npos);
    return checked.error().code;
}

TEST(PasswordRules, ask_for_length_and_nothing_of_composition) {
    EXPECT_EQ(fault_of("elevenchars"), "password_short");
    EXPECT_EQ(fault_of("twelve chars"), "");
    EXPECT_EQ(fault_of("öööööööööööö"), "") << "characters are counted, not bytes";
    EXPECT_EQ(fault_of("ööööööööööö"), "password_short");
    EXPECT_EQ(fault_of(std::string(128, 'z') + "q"), "password_long");
    EXPECT_EQ(fault_of(std::string(127, 'z') + "q"), "");
}

TEST(PasswordRules, refuse_the_common_ones_and_what_says_who_it_is) {
    EXPECT_EQ(fault_of("1qaz2wsx3edc"), "password_common");
    EXPECT_EQ(fault_of("UnBelievable"), "password_common");
    EXPECT_EQ(fault_of("xx-LOVELACE-xx"), "password_personal");
    EXPECT_EQ(fault_of("my countess 1815"), "password_personal");
    EXPECT_EQ(fault_of("adamantine rocks"), "") << "three letters say too little";
}

TEST(PasswordRules, know_three_thousand_common_ones_that_are_long_enough) {
    EXPECT_GE(common_count(), 3000u);
    EXPECT_TRUE(is_common("123456789987654321"));
    EXPECT_FALSE(is_common("# The most common"));
    EXPECT_FALSE(is_common(""));
}

TEST(Passwords, match_their_own_text_alone_and_nobody_matches) {
    Passwords passwords(HashCost::least);
    const auto one = passwords.hash(Secret("correct horse"));
    ASSERT_TRUE(one);
    EXPECT_TRUE(one->starts_with("$argon2id$"));
    EXPECT_NE(*one, *passwords.hash(Secret("correct horse"))) << "each has its own salt";
    EXPECT_TRUE(*passwords.matches(*one, Secret("correct horse")));
    EXPECT_FALSE(*passwords.matches(*one, Secret("correct hors")));
    EXPECT_FALSE(*passwords.matches("", Secret("nobody")));
    EXPECT_FALSE(*passwords.matches("garbage", Secret("correct horse")));
}

// RFC 6238 appendix B, the table of SHA-1: eight digits.
TEST(Totp, answers_the_vectors_of_its_standard) {
    const std::string key = "12345678901234567890";
    const std::pair<std::int64_t, const char*> vectors[] = {{59, "94287082"},
                                                            {1111111109, "07081804"},
                                                            {1111111111, "14050471"},
                                                            {1234567890, "89005924"},
                                                            {2000000000, "69279037"},
                                                            {20000000000, "65353130"}};
    for (const auto& [seconds, code] : vectors)
        EXPECT_EQ(hotp(key, static_cast<std::uint64_t>(totp_step(Timestamp(Seconds(seconds)))), 8),
                  code);
    // RFC 4226 appendix D.
    EXPECT_EQ(hotp(key, 0, 6), "755224");
    EXPECT_EQ(hotp(key, 9, 6), "520489");
}

TEST(Totp, takes_a_code_of_this_step_and_its_neighbours_once) {
    const Secret key("12345678901234567890");
    const Timestamp now{Seconds(300)};
    for (std::int64_t step = 0; step <= 20; ++step) {
        const std::string code = hotp(key.reveal(), static_cast<std::uint64_t>(step), 6);
        const auto found = match_totp(key, code, now, 0);
        EXPECT_EQ(found.has_value(), step >= 9 && step <= 11) << step;
        if (found) {
            EXPECT_EQ(*found, step);
            EXPECT_FALSE(match_totp(key, code, now, step)) << "used";
        }
    }
    EXPECT_FALSE(match_totp(key, "", now, 0));
}

TEST(Totp, is_told_to_the_app_with_issuer_and_account) {
    EXPECT_EQ(totp_uri(Secret("12345678901234567890"), "Hopyard", "ada@example.org"),
              "otpauth://totp/Hopyard:ada%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
              "&issuer=Hopyard&algorithm=SHA1&digits=6&period=30");
}

TEST(Guesses, wait_twice_as_long_each_time_and_never_for_ever) {
    const GuessLimit limit{.free = 3, .first = Milliseconds(10), .most = Milliseconds(50)};
    const int waits[] = {0, 0, 0, 10, 20, 40, 50, 50};
    for (int failures = 0; failures < 8; ++failures)
        EXPECT_EQ(wait_after(failures, limit).count(), waits[failures]) << failures;
    EXPECT_EQ(wait_after(1'000'000, limit).count(), 50);
}

TEST(Guesses, of_one_account_wait_whatever_the_address) {
    Guesses guesses;
    Timestamp now{Seconds(1000)};
    for (int i = 0; i < account_limit.free; ++i)
        EXPECT_TRUE(guesses.begin({"ada", "10.0.0." + std::to_string(i)}, now));
    const auto refused = guesses.begin({"ada", "10.0.0.99"}, now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::rate_limited);
    EXPECT_EQ(refused.error().retry_after, account_limit.first);
    EXPECT_TRUE(guesses.begin({"bob", "10.0.0.99"}, now));
    now += account_limit.first;
    EXPECT_TRUE(guesses.begin({"ada", "10.0.0.99"}, now)) << "the refused one did not count";
    guesses.right({"ada", "10.0.0.99"});
    EXPECT_TRUE(guesses.begin({"ada", "10.0.0.99"}, now));
}

TEST(Guesses, of_one_address_wait_whatever_the_account) {
    Guesses guesses;
    const Timestamp now{Seconds(1000)};
    for (int i = 0; i < address_limit.free; ++i)
        EXPECT_TRUE(guesses.begin({"a" + std::to_string(i), "10.0.0.1"}, now));
    EXPECT_FALSE(guesses.begin({"fresh", "10.0.0.1"}, now));
    EXPECT_TRUE(guesses.begin({"fresh", "10.0.0.2"}, now));
    EXPECT_TRUE(guesses.begin({"fresh", "10.0.0.1"}, now + Seconds(2 * 3600))) << "forgotten";
}

TEST(Guesses, of_one_network_of_ipv6_wait_whatever_the_address_in_it) {
    Guesses guesses;
    const Timestamp now{Seconds(1000)};
    for (int i = 0; i < address_limit.free; ++i)
        EXPECT_TRUE(
            guesses.begin({"a" + std::to_string(i), "2001:db8:1:2::" + std::to_string(i)}, now));
    EXPECT_FALSE(guesses.begin({"fresh", "2001:db8:1:2:ffff::1"}, now));
    EXPECT_TRUE(guesses.begin({"fresh", "2001:db8:1:3::1"}, now)) << "the next network";
    guesses.right({"fresh", "2001:db8:1:2::77"});
    guesses.undo({"a1", "2001:db8:1:2::78"});
    EXPECT_TRUE(guesses.begin({"fresher", "2001:db8:1:2::79"}, now));
}

TEST(Guesses, do_not_fill_the_memory) {
    Guesses guesses;
    for (int i = 0; i < 25'000; ++i)
        (void)guesses.begin({"a" + std::to_string(i), "b" + std::to_string(i)},
                            Timestamp(Milliseconds(i)));
    EXPECT_LE(guesses.remembered(), 20'000u);
}

Principal person(model::Role role) {
    return {
        .person = PersonId("p"), .role = role, .rights = model::rights_of(role, {true, {}, {}})};
}

// Every role of the caller, of the person, and wanted; with one owner and with two.
TEST(Membership, owners_alone_make_and_unmake_owners_and_the_last_one_stays) {
    using model::Role;
    const Role roles[] = {Role::member, Role::administrator, Role::owner};
    std::vector<Principal> callers = {{.key = ApiKeyId("k"), .scope = model::Scope::administer}};
    for (const Role role : roles) callers.push_back(person(role));
    for (const Principal& by : callers)
        for (const Role from : roles)
            for (const Role to : roles)
                for (const int owners : {1, 2}) {
                    const bool concerns_owner =
                        from != to && (from == Role::owner || to == Role::owner);
                    const bool is_owner = by.is_person() && by.role == Role::owner;
                    std::string expected;
                    if (concerns_owner && !is_owner) {
                        expected = "owner_needed";
                    } else if (from == Role::owner && to != Role::owner && owners == 1) {
                        expected = "last_owner";
                    }
                    const auto checked = check_role_change(by, {.role = from}, to, owners);
                    EXPECT_EQ(checked ? "" : checked.error().code, expected);
                }
}

TEST(Membership, removing_an_owner_is_unmaking_one) {
    using model::Role;
    const auto code = [](const Principal& by, Role of, int owners) {
        const auto checked = check_removal(by, {.role = of}, owners);
        return checked ? std::string() : checked.error().code;
    };
    EXPECT_EQ(code(person(Role::administrator), Role::administrator, 1), "");
    EXPECT_EQ(code(person(Role::administrator), Role::owner, 2), "owner_needed");
    EXPECT_EQ(code(person(Role::owner), Role::owner, 2), "");
    EXPECT_EQ(code(person(Role::owner), Role::owner, 1), "last_owner");
}

TEST(Membership, administrators_alone_invite_administrators_and_nobody_an_owner) {
    using model::Role;
    EXPECT_TRUE(check_invitation(person(Role::member), Role::member));
    EXPECT_EQ(check_invitation(person(Role::member), Role::administrator).error().code,
              "administrator_needed");
    EXPECT_TRUE(check_invitation(person(Role::administrator), Role::administrator));
    EXPECT_EQ(check_invitation(person(Role::owner), Role::owner).error().field, "/role");
}

}  // namespace
}  // namespace hopyard::api::people
