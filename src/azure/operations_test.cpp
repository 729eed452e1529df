#include <gtest/gtest.h>

#include "azure/test_transport.h"

namespace hopyard::azure {
namespace {

using Status = cloud::OperationState::Status;
const std::string base = "https://management.azure.com";

Result<cloud::OperationState> poll(const std::string& url, http::Response answer) {
    TestCloud cloud;
    cloud.answer_with({std::move(answer)});
    return cloud.cloud().poll(url);
}

Result<cloud::Accepted> put(http::Response answer) {
    TestCloud cloud;
    cloud.answer_with({std::move(answer)});
    return cloud.cloud().put({machine_n1, "westeurope", {}, cloud::WantedMachine{}});
}

TEST(Operations, TheStatusDocumentComesBeforeTheLocation) {
    const auto accepted = put(reply(
        202,
        "",
        {{"Azure-AsyncOperation", base + "/a"}, {"Location", base + "/b"}, {"Retry-After", "10"}}));
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->operation->url, "status:" + base + "/a");
    EXPECT_EQ(accepted->operation->look_after, Milliseconds(10'000));
}

TEST(Operations, A200MayBeUnfinished) {
    EXPECT_TRUE(put(reply(200, "{}", {{"azure-asyncoperation", base + "/a"}}))->operation);
    const auto by_state = put(reply(201, R"({"properties":{"provisioningState":"Creating"}})"));
    ASSERT_TRUE(by_state->operation);
    EXPECT_TRUE(by_state->operation->url.starts_with("resource:" + base + "/subscriptions/sub-1"));
    EXPECT_FALSE(put(reply(200, R"({"properties":{"provisioningState":"Succeeded"}})"))->operation);
}

TEST(Operations, TheLocationOfANewThingIsNoOperation) {
    EXPECT_FALSE(put(reply(201, "{}", {{"Location", "/subscriptions/x"}}))->operation);
}

TEST(Operations, ARelativeLocationIsJoinedToOurAddress) {
    EXPECT_EQ(put(reply(202, "", {{"Location", "/x?y=1"}}))->operation->url,
              "location:" + base + "/x?y=1");
}

TEST(Operations, LongHeadersAreKeptWhole) {
    const std::string url = base + "/x?s=" + std::string(8000, 'a');
    EXPECT_EQ(put(reply(202, "", {{"Azure-AsyncOperation", url}}))->operation->url,
              "status:" + url);
}

TEST(Operations, OfferTheIdForSupport) {
    EXPECT_EQ(put(reply(200, "{}", {{"x-ms-request-id", "r"}}))->request_id, "r");
    EXPECT_EQ(
        put(reply(200, "{}", {{"x-ms-request-id", "r"}, {"x-ms-correlation-request-id", "c"}}))
            ->request_id,
        "c");
}

TEST(Operations, AnyWordButThreeMeansRunning) {
    for (const char* word : {"InProgress", "Running", "Accepted", "Creating", "Whatever"})
        EXPECT_EQ(poll("status:" + base + "/a",
                       reply(200, std::string(R"({"status":")") + word + R"("})"))
                      ->status,
                  Status::running);
    EXPECT_EQ(poll("status:" + base + "/a", reply(200, R"({"status":"Succeeded"})"))->status,
              Status::succeeded);
}

TEST(Operations, AZeroWaitMeansTheCallersOwnPace) {
    const auto state = poll("status:" + base + "/a",
                            reply(200, R"({"status":"InProgress"})", {{"Retry-After", "0"}}));
    EXPECT_EQ(state->look_after, std::nullopt);
}

TEST(Operations, AFailedOneSaysWhy) {
    struct Case {
        const char* code;
        ErrorKind kind;
    };
    for (const Case& one :
         {Case{"AllocationFailed", ErrorKind::capacity_unavailable},
          Case{"OverconstrainedZonalAllocationRequest", ErrorKind::capacity_unavailable},
          Case{"QuotaExceeded", ErrorKind::quota_exceeded},
          Case{"OSProvisioningTimedOut", ErrorKind::timed_out},
          Case{"InternalExecutionError", ErrorKind::unavailable}}) {
        const auto state = poll("status:" + base + "/a",
                                reply(200,
                                      std::string(R"({"status":"Failed","error":{"code":")") +
                                          one.code + R"(","message":"words"}})"));
        ASSERT_TRUE(state);
        EXPECT_EQ(state->status, Status::failed);
        EXPECT_EQ(state->failure->kind, one.kind) << one.code;
        EXPECT_NE(state->failure->message.find("words"), std::string::npos);
    }
    const auto cancelled = poll("status:" + base + "/a", reply(200, R"({"status":"Canceled"})"));
    EXPECT_EQ(cancelled->status, Status::failed);
    EXPECT_EQ(cancelled->failure->code, "operation_cancelled");
}

TEST(Operations, ALocationIsDoneWhenItIsNo202) {
    const auto running =
        poll("location:" + base + "/a", reply(202, "", {{"Location", base + "/b"}}));
    EXPECT_EQ(running->status, Status::running);
    EXPECT_EQ(running->url, "location:" + base + "/b");
    for (const int status : {200, 201, 204})
        EXPECT_EQ(poll("location:" + base + "/a", reply(status))->status, Status::succeeded);
    const auto failed = poll("location:" + base + "/a", refusal(409, "SkuNotAvailable"));
    EXPECT_EQ(failed->status, Status::failed);
    EXPECT_EQ(failed->failure->kind, ErrorKind::capacity_unavailable);
}

TEST(Operations, AResourceIsLookedAtByItsState) {
    const std::string url = "resource:" + base + "/x";
    EXPECT_EQ(poll(url, reply(200, R"({"properties":{"provisioningState":"Updating"}})"))->status,
              Status::running);
    EXPECT_EQ(poll(url, reply(200, R"({"properties":{}})"))->status, Status::succeeded);
    EXPECT_EQ(poll(url, reply(200, R"({"properties":{"provisioningState":"Failed"}})"))->status,
              Status::failed);
}

TEST(Operations, AForgottenOneIsNotFound) {
    for (const char* way : {"status:", "location:", "resource:"}) {
        const auto state = poll(way + base + "/a", refusal(404, "NotFound"));
        ASSERT_FALSE(state);
        EXPECT_EQ(state.error().kind, ErrorKind::not_found);
    }
}

TEST(Operations, ALookThatFailsSaysNothingOfTheOperation) {
    for (const char* way : {"status:", "location:", "resource:"}) {
        for (const int status : {401, 403, 408, 429, 500, 503}) {
            const auto state = poll(way + base + "/a", reply(status, "<html>"));
            ASSERT_FALSE(state) << way << status;
        }
    }
    for (const char* body : {"", "{", "[]", "{}", "<html>"})
        EXPECT_EQ(poll("status:" + base + "/a", reply(200, body)).error().kind,
                  ErrorKind::unavailable);
}

TEST(Operations, AStoredUrlOfAnotherCloudIsRefused) {
    for (const char* url : {"", "status:", "status:https://evil.example/a", "sim://1", "/a"}) {
        TestCloud cloud;
        EXPECT_FALSE(cloud.cloud().poll(url)) << url;
        EXPECT_TRUE(cloud.manager.requests.empty());
    }
}

}  // namespace
}  // namespace hopyard::azure
