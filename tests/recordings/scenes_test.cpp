// Recorded replies in the order in which our longer calls meet them.
#include <gtest/gtest.h>

#include "replay.h"

namespace hopyard::recordings {
namespace {

bool recordings_are_there() {
    return std::filesystem::is_directory(folder());
}

http::Response reply(const std::string& file, std::size_t index) {
    return load(file).at(index).reply;
}

TEST(Recordings, AnAccountIsMadeByPollingItsLocation) {
    if (!recordings_are_there()) return;
    const std::string file = "storage-account-create.json";
    Replayed replayed(
        {reply("storage-account-delete.json", 1), reply(file, 0), reply(file, 1), reply(file, 2)});
    const Timestamp before = replayed.clock.now();
    const auto made = replayed.connection->preparation().ensure_account("group", "westus2", "acct");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(*made, cloud::Made::made);
    EXPECT_EQ(replayed.clock.now() - before, Seconds(34)) << "it waits as long as it is told";
    ASSERT_EQ(replayed.transport.requests.size(), 4u);
    EXPECT_NE(replayed.transport.requests[3].url, replayed.transport.requests[2].url)
        << "the second poll goes to the new location";
}

TEST(Recordings, AnAccountThatTakesLongerThanAMinuteTimesOut) {
    if (!recordings_are_there()) return;
    const std::string file = "storage-account-create.json";
    Replayed replayed({reply("storage-account-delete.json", 1), reply(file, 0), reply(file, 1)});
    const auto made = replayed.connection->preparation().ensure_account("group", "westus2", "acct");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, ErrorKind::timed_out);
}

TEST(Recordings, ARoleAssignmentWaitsForTheDirectory) {
    if (!recordings_are_there()) return;
    const std::string file = "role-assignment-principal-not-found-400.json";
    Replayed replayed({reply("identity-create-update-delete.json", 2),
                       reply("role-assignment-create-delete.json", 3),
                       reply(file, 0),
                       reply(file, 0),
                       reply(file, 1)});
    const auto made =
        replayed.connection->preparation().ensure_storage_role("group", "identity", "acct");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(*made, cloud::Made::made);
    ASSERT_EQ(replayed.transport.requests.size(), 5u);
    EXPECT_EQ(replayed.transport.requests[2].url, replayed.transport.requests[4].url);
}

TEST(Recordings, APrincipalThatNeverAppearsEndsAfterThreeMinutes) {
    if (!recordings_are_there()) return;
    Replayed replayed({reply("identity-create-update-delete.json", 2),
                       reply("role-assignment-create-delete.json", 3),
                       reply("role-assignment-principal-not-found-400.json", 0)});
    const Timestamp before = replayed.clock.now();
    const auto made =
        replayed.connection->preparation().ensure_storage_role("group", "identity", "acct");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, "principal_not_found");
    EXPECT_EQ(replayed.clock.now() - before, std::chrono::minutes(3));
}

TEST(Recordings, AnExistingAssignmentUnderAnotherNameIsEnough) {
    if (!recordings_are_there()) return;
    Replayed replayed({reply("identity-create-update-delete.json", 2),
                       reply("role-assignment-create-delete.json", 3),
                       reply("role-assignment-exists-409.json", 0)});
    const auto made =
        replayed.connection->preparation().ensure_storage_role("group", "identity", "acct");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(*made, cloud::Made::existed);
}

TEST(Recordings, ThrottlingHoldsTheBucketAndLetsOthersThrough) {
    if (!recordings_are_there()) return;
    Replayed replayed({reply("identity-429.json", 0)});
    cloud::Preparation& preparation = replayed.connection->preparation();
    const auto first = preparation.ensure_identity("group", "westus", "one");
    const auto second = preparation.ensure_identity("group", "westus", "two");
    ASSERT_FALSE(first);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::rate_limited);
    EXPECT_EQ(second.error().code, "bucket_held");
    EXPECT_GE(*second.error().retry_after, Seconds(2));
    EXPECT_EQ(replayed.transport.requests.size(), 1u) << "the second was not sent";
    replayed.clock.move(Seconds(2));
    (void)preparation.ensure_identity("group", "westus", "one");
    EXPECT_EQ(replayed.transport.requests.size(), 2u);
}

TEST(Recordings, AMissingRightNamesActionAndScope) {
    if (!recordings_are_there()) return;
    Replayed replayed({reply("authorization-failed-403.json", 0)});
    const auto seen =
        replayed.connection->cloud().read({model::ResourceKind::machine, "group", "", "n1"});
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().kind, ErrorKind::permission_denied);
    EXPECT_NE(
        seen.error().message.find("Microsoft.Authorization/policyDefinitions/error_policy/read"),
        std::string::npos);
    EXPECT_NE(
        seen.error().message.find("/providers/Microsoft.Authorization/policyDefinitions/test"),
        std::string::npos);
}

}  // namespace
}  // namespace hopyard::recordings
