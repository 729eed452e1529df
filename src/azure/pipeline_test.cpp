#include <gtest/gtest.h>

#include "azure/test_transport.h"
#include "azure/throttle.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using model::ResourceKind;

TEST(Token, IsAskedForOnceAndReusedUntilShortlyBeforeItsEnd) {
    TestCloud cloud;
    cloud.answer_with({reply(204)});
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(cloud.cloud().remove(machine_n1));
    EXPECT_EQ(cloud.manager.token_requests.size(), 1u);
    const auto& request = cloud.manager.token_requests.front();
    EXPECT_EQ(request.url, "https://login.microsoftonline.com/tenant-1/oauth2/v2.0/token");
    EXPECT_EQ(request.body,
              "grant_type=client_credentials&client_id=client-1&client_secret=secret-canary"
              "&scope=https%3A%2F%2Fmanagement.azure.com%2F.default");
    EXPECT_EQ(cloud.manager.last().headers.get("authorization"), "Bearer token-1");
    cloud.clock.move(std::chrono::minutes(54));
    EXPECT_TRUE(cloud.cloud().remove(machine_n1));
    EXPECT_EQ(cloud.manager.token_requests.size(), 1u);
    cloud.clock.move(std::chrono::minutes(2));
    EXPECT_TRUE(cloud.cloud().remove(machine_n1));
    EXPECT_EQ(cloud.manager.token_requests.size(), 2u);
}

TEST(Token, IsRenewedOnceWhenTheCloudRefusesIt) {
    TestCloud cloud;
    cloud.answer_with({refusal(401, "ExpiredAuthenticationToken"), reply(204)});
    EXPECT_TRUE(cloud.cloud().remove(machine_n1));
    EXPECT_EQ(cloud.manager.token_requests.size(), 2u);
    cloud.answer_with({refusal(401, "InvalidAuthenticationToken")});
    const auto refused = cloud.cloud().remove(machine_n1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::unauthenticated);
    EXPECT_EQ(cloud.manager.token_requests.size(), 3u);
    EXPECT_EQ(cloud.manager.requests.size(), 4u);
}

TEST(Token, AnOldOneServesWhileTheLoginServerIsDown) {
    TestCloud cloud;
    cloud.answer_with({reply(204)});
    EXPECT_TRUE(cloud.cloud().remove(machine_n1));
    cloud.manager.token_status = 503;
    cloud.clock.move(std::chrono::minutes(58));
    EXPECT_TRUE(cloud.cloud().remove(machine_n1));
    cloud.clock.move(std::chrono::minutes(3));
    const auto refused = cloud.cloud().remove(machine_n1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
}

TEST(Token, ARefusedSecretIsTheAdministratorsAndNeverShown) {
    TestCloud cloud;
    cloud.manager.token_status = 401;
    cloud.manager.token_reply =
        R"({"error":"invalid_client","error_description":"AADSTS7000215: bad secret\r\nTrace: 1"})";
    const auto refused = cloud.cloud().remove(machine_n1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::unauthenticated);
    EXPECT_EQ(refused.error().owner, Owner::administrator);
    EXPECT_NE(refused.error().message.find("AADSTS7000215"), std::string::npos);
    EXPECT_EQ(refused.error().message.find("secret-canary"), std::string::npos);
    EXPECT_EQ(refused.error().message.find("Trace"), std::string::npos);
}

TEST(Token, AMachinesOwnIdentityComesFromItsMetadata) {
    Options options = test_options();
    options.credentials = {.client_id = "id 1", .managed_identity = true};
    TestCloud cloud(options);
    cloud.manager.token_reply = R"({"access_token":"t","expires_in":"86400"})";
    cloud.answer_with({reply(204)});
    EXPECT_TRUE(cloud.cloud().remove(machine_n1));
    const auto& request = cloud.manager.token_requests.front();
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.url,
              "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
              "&resource=https%3A%2F%2Fmanagement.azure.com%2F&client_id=id%201");
    EXPECT_EQ(request.headers.get("metadata"), "true");
}

TEST(Pipeline, EveryRequestBearsVersionAndATracingId) {
    TestCloud cloud;
    cloud.answer_with({reply(204)});
    EXPECT_TRUE(cloud.cloud().remove(machine_n1));
    const std::string first = cloud.manager.last().headers.get("x-ms-client-request-id");
    EXPECT_EQ(cloud.manager.last().url,
              "https://management.azure.com/subscriptions/sub-1/resourceGroups/group/providers/"
              "Microsoft.Compute/virtualMachines/n1?api-version=2024-03-01");
    EXPECT_TRUE(cloud.cloud().remove(machine_n1));
    EXPECT_EQ(first.size(), 36u);
    EXPECT_NE(cloud.manager.last().headers.get("x-ms-client-request-id"), first);
}

TEST(Pipeline, AThrottledBucketIsHeldAndNoOther) {
    TestCloud cloud;
    cloud.answer_with({refusal(429, "TooManyRequests", "", {{"Retry-After", "30"}}), reply(204)});
    const cloud::ResourceName nic{ResourceKind::network_interface, "group", "", "i1"};
    EXPECT_EQ(cloud.cloud().remove(machine_n1).error().retry_after, Milliseconds(30'000));
    const auto held = cloud.cloud().remove(machine_n1);
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().kind, ErrorKind::rate_limited);
    EXPECT_GE(*held.error().retry_after, Seconds(30));
    EXPECT_LE(*held.error().retry_after, Seconds(34));
    EXPECT_EQ(cloud.manager.requests.size(), 1u);
    EXPECT_TRUE(cloud.cloud().remove(nic)) << "another provider";
    EXPECT_TRUE(cloud.cloud().power(machine_n1, cloud::PowerAction::start)) << "another kind";
    cloud.clock.move(Seconds(30));
    EXPECT_TRUE(cloud.cloud().remove(machine_n1));
}

TEST(Pipeline, TheFrontDoorsThrottlingHoldsAllProviders) {
    TestCloud cloud;
    cloud.answer_with({refusal(429,
                               "SubscriptionRequestsThrottled",
                               "",
                               {{"Retry-After", "Tue, 24 Nov 2026 02:18:40 GMT"},
                                {"x-ms-failure-cause", "gateway"}}),
                       reply(204)});
    EXPECT_EQ(cloud.cloud().remove(machine_n1).error().retry_after, Milliseconds(10'000));
    const cloud::ResourceName nic{ResourceKind::network_interface, "group", "", "i1"};
    EXPECT_EQ(cloud.cloud().remove(nic).error().code, "bucket_held");
}

TEST(Pipeline, A429WithoutATimeStillNamesOne) {
    TestCloud cloud;
    cloud.answer_with({reply(429, "<html>slow down</html>")});
    EXPECT_EQ(cloud.cloud().remove(machine_n1).error().retry_after, Milliseconds(5'000));
}

TEST(Pipeline, ABucketIsSubscriptionKindAndProvider) {
    const std::string base = "https://h/subscriptions/S/resourceGroups/g/providers/";
    const Bucket bucket = bucket_of("PUT", base + "Microsoft.Network/x/y?api-version=1", false);
    EXPECT_EQ(bucket.subscription, "s");
    EXPECT_EQ(bucket.provider, "microsoft.network");
    EXPECT_EQ(bucket.traffic, Traffic::write);
    EXPECT_EQ(bucket_of("GET", base, true).traffic, Traffic::look);
    EXPECT_EQ(bucket_of("DELETE", base, false).traffic, Traffic::remove);
    EXPECT_EQ(bucket_of("GET", "https://h/subscriptions/S/resources?x", false).provider, "");
}

TEST(Pipeline, PagesAreFollowedVerbatim) {
    TestCloud cloud;
    const std::string next =
        "https://management.azure.com:443/subscriptions/sub-1/resourcegroups?%24skiptoken=a%2Fb";
    cloud.answer_with({reply(200, R"({"value":[{"name":"a"}],"nextLink":")" + next + R"("})"),
                       reply(200, R"({"value":[{"name":"b"}]})")});
    const auto groups = cloud.connection->catalog().groups();
    ASSERT_TRUE(groups) << groups.error().message;
    ASSERT_EQ(groups->size(), 2u);
    EXPECT_EQ(cloud.manager.last().url, next);
}

TEST(Pipeline, PagesThatGoInACircleEnd) {
    TestCloud cloud;
    cloud.manager.answer = [](const http::OutgoingRequest& request) {
        const char* next = request.url.find("one") == std::string::npos ? "one" : "two";
        return http::json_response(
            200,
            std::string(R"({"value":[],"nextLink":"https://management.azure.com/)") + next +
                R"("})");
    };
    const auto groups = cloud.connection->catalog().groups();
    ASSERT_FALSE(groups);
    EXPECT_EQ(groups.error().kind, ErrorKind::unavailable);
    EXPECT_LE(cloud.manager.requests.size(), 4u);
}

TEST(Pipeline, OurTokenDoesNotFollowALinkToAnotherHost) {
    for (const char* elsewhere : {"https://evil.example/x",
                                  "http://management.azure.com/x",
                                  "https://xmanagement.azure.com/",
                                  "https://management.azure.com:8443/x",
                                  "//evil.example/x",
                                  "ftp://x",
                                  ""}) {
        TestCloud cloud;
        cloud.answer_with({reply(202, "", {{"Azure-AsyncOperation", elsewhere}})});
        const auto removed = cloud.cloud().remove(machine_n1);
        EXPECT_FALSE(removed) << elsewhere;
        EXPECT_EQ(cloud.manager.requests.size(), 1u);
    }
}

TEST(Pipeline, ALostReplyIsPassedOnWithWhatWasBeingDone) {
    TestCloud cloud;
    cloud.manager.answer = [](const http::OutgoingRequest&) -> Result<http::Response> {
        return fail(ErrorKind::unavailable, "connection_lost", "the connection was closed");
    };
    const auto put = cloud.cloud().put({{ResourceKind::public_address, "group", "", "a1"},
                                        "westeurope",
                                        {},
                                        cloud::WantedAddress{}});
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(cloud.manager.requests.size(), 1u) << "the loops repeat, not the pipeline";
    EXPECT_NE(put.error().message.find("PUT public address a1"), std::string::npos);
}

TEST(Pipeline, AReplyThatIsNotJsonIsNoAnswer) {
    for (const char* body : {"", "<html>", "[]", "{\"value\":7", "\"x\"", "{}"}) {
        TestCloud cloud;
        cloud.answer_with({reply(200, body)});
        const auto seen = cloud.cloud().read(machine_n1);
        ASSERT_FALSE(seen) << body;
        EXPECT_EQ(seen.error().kind, ErrorKind::unavailable) << body;
    }
}

TEST(Pipeline, AReplyAboutSomethingElseIsNoAnswer) {
    TestCloud cloud;
    cloud.answer_with({reply(200,
                             R"({"id":"/subscriptions/s/resourceGroups/g/providers/)"
                             R"(Microsoft.Compute/virtualMachines/other","properties":{}})")});
    EXPECT_FALSE(cloud.cloud().read(machine_n1));
}

}  // namespace
}  // namespace hopyard::azure
