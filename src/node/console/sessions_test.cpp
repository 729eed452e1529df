#include "node/console/sessions.h"

#include <crypt.h>
#include <gtest/gtest.h>

namespace hopyard::node::console {
namespace {

std::string hash_of(const std::string& password) {
    crypt_data data{};
    return crypt_r(password.c_str(), "$5$rounds=1000$saltsalt$", &data);
}

class TestClock final : public Clock {
  public:
    Timestamp now() const override { return now_; }
    void pass(Milliseconds time) { now_ += time; }

  private:
    Timestamp now_{Seconds(1'000'000'000)};
};

std::vector<nodewire::User> two_users() {
    return {{.name = "ada", .administrator = true, .password_hash = hash_of("correct")},
            {.name = "robot"}};
}

struct Door {
    TestClock clock;
    SeededRandom random{3};
    Sessions sessions{clock, random};
    std::vector<nodewire::User> users = two_users();

    Result<Secret> enter(const std::string& user,
                         const std::string& password,
                         const std::string& address = "10.0.0.9") {
        return sessions.sign_in(users,
                                {.user = user, .password = Secret(password), .address = address});
    }
};

TEST(Password, FitsItsOwnHashOnly) {
    const auto hash = hash_of("correct");
    EXPECT_TRUE(password_fits(Secret("correct"), hash));
    EXPECT_FALSE(password_fits(Secret("Correct"), hash));
    EXPECT_FALSE(password_fits(Secret(""), hash));
    EXPECT_FALSE(password_fits(Secret(std::string("correct\0more", 12)), hash));
    for (const char* locked : {"", "!", "*", "x", "!$5$abc$def", "$9$unknown"}) {
        EXPECT_FALSE(password_fits(Secret("correct"), locked)) << locked;
        EXPECT_FALSE(password_fits(Secret(locked), locked)) << locked;
    }
    EXPECT_FALSE(password_fits(Secret("*"), "$9$unknown"));
    EXPECT_FALSE(password_fits(Secret("x"), "*0"));
}

TEST(Session, BelongsToWhoSignedIn) {
    Door door;
    const auto token = door.enter("ada", "correct");
    ASSERT_TRUE(token);
    const auto session = door.sessions.find(door.users, *token);
    ASSERT_TRUE(session);
    EXPECT_EQ(session->user, "ada");
    EXPECT_TRUE(session->administrator);
    EXPECT_GE(session->form_token.size(), 32u);
    EXPECT_NE(door.enter("ada", "correct")->reveal(), token->reveal());
    EXPECT_FALSE(door.sessions.find(door.users, Secret("guess")));
    EXPECT_FALSE(door.sessions.find(door.users, Secret("")));
}

TEST(Session, IsRefusedWithoutSayingWhatWasWrong) {
    Door door;
    const auto wrong = door.enter("ada", "wrong").error();
    EXPECT_EQ(wrong.kind, ErrorKind::unauthenticated);
    EXPECT_EQ(door.enter("nobody", "correct").error(), wrong);
    EXPECT_EQ(door.enter("robot", "").error(), wrong);
}

TEST(Session, EndsByTimeBySigningOutAndWithItsAccount) {
    Door door;
    const auto token = *door.enter("ada", "correct");
    for (int i = 0; i < 5; ++i) {
        door.clock.pass(Sessions::idle_most - Seconds(1));
        EXPECT_TRUE(door.sessions.find(door.users, token)) << i;
    }
    door.clock.pass(Sessions::idle_most);
    EXPECT_FALSE(door.sessions.find(door.users, token));

    const auto used = *door.enter("ada", "correct");
    for (Seconds age{0}; age < Sessions::lifetime; age += Seconds(3'600)) {
        EXPECT_TRUE(door.sessions.find(door.users, used));
        door.clock.pass(Seconds(3'600));
    }
    EXPECT_FALSE(door.sessions.find(door.users, used));

    const auto out = *door.enter("ada", "correct");
    door.sessions.sign_out(out);
    EXPECT_FALSE(door.sessions.find(door.users, out));

    const auto changed = *door.enter("ada", "correct");
    door.users[0].password_hash = hash_of("another");
    EXPECT_FALSE(door.sessions.find(door.users, changed));
    const auto removed = *door.enter("ada", "another");
    door.users.clear();
    EXPECT_FALSE(door.sessions.find(door.users, removed));
}

TEST(Guessing, WaitsLongerEachTimeAndTheRightPasswordToo) {
    Door door;
    for (int i = 0; i < Sessions::free_tries; ++i) {
        EXPECT_EQ(door.enter("ada", "wrong").error().kind, ErrorKind::unauthenticated) << i;
    }
    Milliseconds before{0};
    for (int i = 0; i < 4; ++i) {
        const auto refused = door.enter("ada", "correct");
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::rate_limited);
        const auto wait = refused.error().retry_after.value();
        EXPECT_GT(wait, before);
        before = wait;
        door.clock.pass(wait);
        EXPECT_EQ(door.enter("ada", "wrong").error().kind, ErrorKind::unauthenticated);
    }
}

TEST(Guessing, FromAnywhereIsCountedByAccountAndNeverShutsItsOwnerOutForLong) {
    Door door;
    for (int i = 0; i < 200; ++i) {
        (void)door.enter("ada", "wrong", "10.0.1." + std::to_string(i));
        door.clock.pass(Seconds(1));
    }
    const auto refused = door.enter("ada", "correct", "10.9.9.9");
    ASSERT_FALSE(refused);
    EXPECT_LE(refused.error().retry_after.value(), Seconds(30));
    door.clock.pass(*refused.error().retry_after);
    EXPECT_TRUE(door.enter("ada", "correct", "10.9.9.10"));
}

TEST(Guessing, OfManyNamesIsCountedByAddress) {
    Door door;
    int looked_at = 0;
    for (int i = 0; i < 100; ++i) {
        const auto refused = door.enter("user" + std::to_string(i), "wrong");
        looked_at += refused.error().kind == ErrorKind::unauthenticated ? 1 : 0;
    }
    EXPECT_EQ(looked_at, Sessions::free_tries);
    EXPECT_TRUE(door.enter("ada", "correct", "10.0.0.10"));
}

TEST(Guessing, IsForgivenByTheRightPassword) {
    Door door;
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < Sessions::free_tries - 1; ++i) (void)door.enter("ada", "wrong");
        EXPECT_TRUE(door.enter("ada", "correct")) << round;
    }
}

TEST(Guessing, ThatCanNeverFitIsNotLookedAt) {
    Door door;
    EXPECT_EQ(door.enter("ada", std::string(10'000, 'x')).error().kind, ErrorKind::unauthenticated);
    EXPECT_EQ(door.enter(std::string(10'000, 'x'), "x").error().kind, ErrorKind::unauthenticated);
}

}  // namespace
}  // namespace hopyard::node::console
