#include "azure/errors.h"

#include <set>

#include <gtest/gtest.h>

#include "azure/retry_after.h"
#include "azure/test_transport.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using Kind = ErrorKind;
const Timestamp now = *from_rfc3339("2026-11-24T02:18:30Z");

Error of(int status,
         const std::string& code,
         const std::string& message = "text",
         std::string_view method = "GET") {
    return error_of("GET machine n1", method, refusal(status, code, message), now);
}

struct Row {
    int status;
    const char* code;
    Kind kind;
};

/// The table of the contract, code by code.
const std::vector<Row>& contract() {
    static const std::vector<Row> rows{
        {400, "InvalidParameter", Kind::invalid_argument},
        {400, "InvalidRequestContent", Kind::invalid_argument},
        {400, "InvalidRequestFormat", Kind::invalid_argument},
        {400, "InvalidTemplate", Kind::invalid_argument},
        {400, "InvalidTemplateDeployment", Kind::invalid_argument},
        {400, "LinkedInvalidPropertyId", Kind::invalid_argument},
        {400, "LocationRequired", Kind::invalid_argument},
        {400, "AccountNameInvalid", Kind::invalid_argument},
        {400, "NicReservedForAnotherVm", Kind::conflict},
        {400, "NicInUse", Kind::conflict},
        {400, "InUseSubnetCannotBeDeleted", Kind::conflict},
        {400, "InUseNetworkSecurityGroupCannotBeDeleted", Kind::conflict},
        {400, "PublicIPAddressCannotBeDeleted", Kind::conflict},
        {400, "PrincipalNotFound", Kind::conflict},
        {400, "InvalidResourceReference", Kind::conflict},
        {400, "ReferencedResourceNotProvisioned", Kind::conflict},
        {401, "AuthenticationFailed", Kind::unauthenticated},
        {401, "ExpiredAuthenticationToken", Kind::unauthenticated},
        {401, "InvalidAuthenticationToken", Kind::unauthenticated},
        {401, "InvalidAuthenticationTokenTenant", Kind::unauthenticated},
        {403, "AuthorizationFailed", Kind::permission_denied},
        {403, "LinkedAuthorizationFailed", Kind::permission_denied},
        {403, "RequestDisallowedByPolicy", Kind::permission_denied},
        {403, "ReadOnlyDisabledSubscription", Kind::permission_denied},
        {404, "ResourceNotFound", Kind::not_found},
        {404, "ResourceGroupNotFound", Kind::not_found},
        {404, "ParentResourceNotFound", Kind::not_found},
        {404, "SubscriptionNotFound", Kind::not_found},
        {404, "NotFound", Kind::not_found},
        {409, "AnotherOperationInProgress", Kind::conflict},
        {409, "Conflict", Kind::conflict},
        {409, "RetryableError", Kind::conflict},
        {409, "ResourceGroupBeingDeleted", Kind::conflict},
        {409, "OperationPreempted", Kind::conflict},
        {409, "StorageAccountOperationInProgress", Kind::conflict},
        {409, "AttachDiskWhileBeingDetached", Kind::conflict},
        {409, "OperationNotAllowed", Kind::conflict},
        {409, "QuotaExceeded", Kind::quota_exceeded},
        {409, "ResourceQuotaExceeded", Kind::quota_exceeded},
        {409, "SkuNotAvailable", Kind::capacity_unavailable},
        {409, "ZonalAllocationFailed", Kind::capacity_unavailable},
        {409, "AllocationFailed", Kind::capacity_unavailable},
        {409, "OverconstrainedAllocationRequest", Kind::capacity_unavailable},
        {409, "OverconstrainedZonalAllocationRequest", Kind::capacity_unavailable},
        {400, "VMPriorityCannotBeApplied", Kind::capacity_unavailable},
        {400, "AzureSpotFeatureNotEnabledForSubscription", Kind::capacity_unavailable},
        {400, "AzureSpotIsNotSupportedForThisVMSize", Kind::capacity_unavailable},
        {409, "SpotPriceGreaterThanProvidedMaxPrice", Kind::capacity_unavailable},
        {400, "VariablePriceGreaterThanProvidedMaxPrice", Kind::capacity_unavailable},
        {409, "PropertyChangeNotAllowed", Kind::already_exists},
        {409, "InvalidResourceLocation", Kind::already_exists},
        {409, "StorageAccountAlreadyTaken", Kind::already_exists},
        {409, "RoleAssignmentExists", Kind::already_exists},
        {409, "MissingSubscriptionRegistration", Kind::permission_denied},
        {412, "PreconditionFailed", Kind::conflict},
        {429, "TooManyRequests", Kind::rate_limited},
        {429, "SubscriptionRequestsThrottled", Kind::rate_limited},
        {429, "RetryableErrorDueToAnotherOperation", Kind::conflict},
        {500, "InternalServerError", Kind::unavailable},
        {503, "ServiceUnavailable", Kind::unavailable},
        {504, "GatewayTimeout", Kind::timed_out},
    };
    return rows;
}

TEST(AzureErrors, EachCodeOfTheContractHasItsMeaning) {
    for (const Row& row : contract())
        EXPECT_EQ(to_string(of(row.status, row.code).kind), to_string(row.kind)) << row.code;
}

TEST(AzureErrors, TheCodeCountsMoreThanTheStatus) {
    for (const Row& row : contract()) {
        if (row.kind == Kind::not_found || row.code == std::string("InvalidTemplateDeployment"))
            continue;
        EXPECT_EQ(to_string(of(400, row.code).kind), to_string(row.kind)) << row.code;
        EXPECT_EQ(to_string(error_of_code("doing", row.code, "").kind), to_string(row.kind));
    }
}

TEST(AzureErrors, EveryFailureHasAnOwnerAndMostANextAction) {
    for (const ErrorRow& row : error_table()) {
        if (row.kind == Kind::not_found || row.kind == Kind::already_exists) continue;
        EXPECT_FALSE(row.next_action.empty()) << row.code;
    }
}

TEST(AzureErrors, TheTableNamesEachCodeOnce) {
    std::set<std::string> names;
    for (const ErrorRow& row : error_table())
        EXPECT_TRUE(names.insert(to_lower(row.code)).second) << row.code;
}

TEST(AzureErrors, WithoutACodeTheStatusDecides) {
    const auto kind = [](int status) {
        return error_of("doing", "GET", reply(status, "<html>oops</html>"), now).kind;
    };
    EXPECT_EQ(kind(400), Kind::invalid_argument);
    EXPECT_EQ(kind(401), Kind::unauthenticated);
    EXPECT_EQ(kind(403), Kind::permission_denied);
    EXPECT_EQ(kind(408), Kind::timed_out);
    EXPECT_EQ(kind(409), Kind::conflict);
    EXPECT_EQ(kind(412), Kind::conflict);
    EXPECT_EQ(kind(418), Kind::invalid_argument);
    EXPECT_EQ(kind(429), Kind::rate_limited);
    EXPECT_EQ(kind(302), Kind::unavailable);
    for (const int status : {500, 502, 503, 599}) EXPECT_EQ(kind(status), Kind::unavailable);
}

TEST(AzureErrors, AReservedInterfaceIsFreeAfterThreeMinutes) {
    EXPECT_EQ(of(400, "NicReservedForAnotherVm").retry_after, Milliseconds(180'000));
}

TEST(AzureErrors, A404ThatIsNotTheCloudsProvesNothing) {
    const Error error = error_of("doing", "GET", reply(404, "<h1>Not found</h1>"), now);
    EXPECT_EQ(error.kind, Kind::unavailable);
    EXPECT_FALSE(says_absent(error));
    EXPECT_FALSE(says_absent(of(404, "SubscriptionNotFound")));
    EXPECT_TRUE(says_absent(of(404, "ResourceNotFound")));
    EXPECT_TRUE(says_absent(of(404, "ResourceGroupNotFound")));
}

TEST(AzureErrors, WhatAPutRefersToMayAppearYet) {
    EXPECT_EQ(of(404, "NotFound", "Resource nic not found", "PUT").kind, Kind::conflict);
    EXPECT_EQ(of(404, "ResourceGroupNotFound", "", "PUT").kind, Kind::not_found);
}

TEST(AzureErrors, TheQuotaTextIsRead) {
    const std::string text =
        "Operation could not be completed as it results in exceeding approved "
        "standardDSv3Family Cores quota. Additional details - Deployment Model: Resource "
        "Manager, Location: westeurope, Current Limit: 10, Current Usage: 8, Additional "
        "Required: 4, (Minimum) New Limit Required: 12. Submit a request";
    EXPECT_EQ(quota_shortage(text),
              (QuotaShortage{"standardDSv3Family Cores", "westeurope", 10, 8, 4, 12}));
    const Error error = of(409, "OperationNotAllowed", text);
    EXPECT_EQ(error.kind, Kind::quota_exceeded);
    EXPECT_EQ(error.code, "quota_exceeded");
    EXPECT_NE(error.message.find("limit 10, in use 8, 4 more wanted"), std::string::npos);
    EXPECT_NE(error.next_action.find("at least 12"), std::string::npos);
    EXPECT_EQ(quota_shortage("exceeding approved nothing"), std::nullopt);
}

TEST(AzureErrors, ARefusedActionOnALinkedThingNamesBoth) {
    const Error error =
        of(403,
           "LinkedAuthorizationFailed",
           "The client 'c' with object id 'o' has permission to perform action "
           "'Microsoft.Compute/virtualMachines/write' on scope '/subscriptions/s/vm'; however, it "
           "does not have permission to perform action(s) "
           "'Microsoft.Network/networkInterfaces/join/action' on the linked scope(s) "
           "'/subscriptions/s/nic' (respectively) or the linked scope(s) are invalid.");
    EXPECT_NE(error.message.find("Microsoft.Network/networkInterfaces/join/action"),
              std::string::npos);
    EXPECT_NE(error.message.find("/subscriptions/s/nic"), std::string::npos);
}

TEST(AzureErrors, ADetailExplainsAVagueCode) {
    const auto error =
        error_of("doing",
                 "PUT",
                 reply(400,
                       R"({"error":{"code":"Unheard","message":"outer","details":[{"code":"x"},)"
                       R"({"code":"SkuNotAvailable","message":"inner"}]}})"),
                 now);
    EXPECT_EQ(error.kind, Kind::capacity_unavailable);
    EXPECT_NE(error.message.find("inner"), std::string::npos);
}

TEST(AzureErrors, TheRequestIdStandsInTheMessage) {
    const auto error = error_of(
        "doing", "GET", refusal(500, "X", "m", {{"x-ms-correlation-request-id", "corr-7"}}), now);
    EXPECT_NE(error.message.find("corr-7"), std::string::npos);
}

TEST(AzureErrors, TheBlobServiceSpeaksXml) {
    const auto error = error_of(
        "doing",
        "PUT",
        reply(409,
              "\xEF\xBB\xBF<?xml version=\"1.0\"?><Error><Code>ContainerBeingDeleted</Code>"
              "<Message>gone soon</Message></Error>"),
        now);
    EXPECT_EQ(error.kind, Kind::conflict);
    EXPECT_EQ(error.code, "container_being_deleted");
    EXPECT_NE(error.message.find("gone soon"), std::string::npos);
    EXPECT_EQ(
        error_of("doing", "HEAD", reply(404, "", {{"x-ms-error-code", "BlobNotFound"}}), now).code,
        "blob_not_found");
}

TEST(AzureErrors, SpoiltBodiesAreTolerated) {
    const std::string deep(100'000, '[');
    const std::string xml_bomb = "<?xml version=\"1.0\"?><Error><Code>";
    for (const std::string& body : {std::string(),
                                    std::string("null"),
                                    std::string("[]"),
                                    std::string("{\"error\":7}"),
                                    std::string("{\"error\":{\"code\":7,\"message\":[]}}"),
                                    deep,
                                    xml_bomb,
                                    std::string("\xff\xfe\x00", 3)})
        EXPECT_EQ(error_of("doing", "GET", reply(500, body), now).kind, Kind::unavailable);
}

TEST(AzureErrors, OurCodesAreWordsWithUnderscores) {
    EXPECT_EQ(to_our_code("NicReservedForAnotherVm"), "nic_reserved_for_another_vm");
    EXPECT_EQ(to_our_code("PublicIPAddressInUse"), "public_ip_address_in_use");
    EXPECT_EQ(to_our_code("A b/C"), "a_b_c");
}

TEST(RetryAfter, IsSecondsOrADate) {
    EXPECT_EQ(parse_retry_after("17", now), Milliseconds(17'000));
    EXPECT_EQ(parse_retry_after(" 0 ", now), Milliseconds(0));
    EXPECT_EQ(parse_retry_after("Tue, 24 Nov 2026 02:19:00 GMT", now), Milliseconds(30'000));
    EXPECT_EQ(parse_retry_after("Tue, 24 Nov 2026 02:18:00 GMT", now), Milliseconds(0));
    EXPECT_EQ(parse_retry_after("99999999999999999999", now), Milliseconds(3'600'000));
    for (const char* wrong : {"",
                              "soon",
                              "-1",
                              "1.5",
                              "Tue, 99 Nov 2026 02:19:00 GMT",
                              "Tue, 24 Foo 2026 02:19:00 GMT"})
        EXPECT_EQ(parse_retry_after(wrong, now), std::nullopt) << wrong;
}

TEST(RetryAfter, WritesTheDateThatItReads) {
    EXPECT_EQ(to_http_date(now), "Tue, 24 Nov 2026 02:18:30 GMT");
    EXPECT_EQ(parse_http_date(to_http_date(now)), now);
}

TEST(RetryAfter, ZeroMeansOnesOwnPace) {
    EXPECT_EQ(look_after({{"Retry-After", "0"}}, now), std::nullopt);
    EXPECT_EQ(look_after({{"Retry-After", "2"}}, now), Milliseconds(2000));
}

}  // namespace
}  // namespace hopyard::azure
