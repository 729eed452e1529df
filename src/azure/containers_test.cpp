#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "azure/blob_signing.h"
#include "azure/blob_xml.h"
#include "azure/test_transport.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

const std::string key = to_base64("0123456789abcdef0123456789abcdef");
const cloud::ContainerName box{"acct1", "box"};

/// One account with one container: checks signatures, keeps blobs and policies, hands out empty
/// pages.
class BlobServer {
  public:
    std::string key_now = key;
    bool exists = false;
    std::map<std::string, std::string> blobs;
    std::string policies;
    int acl_writes = 0;

    Result<http::Response> answer(const http::OutgoingRequest& request) {
        auto unsigned_request = request;
        unsigned_request.headers.remove("Authorization");
        const auto wanted = shared_key_authorization("acct1", Secret(key_now), unsigned_request);
        if (request.headers.get("Authorization") != *wanted)
            return error(403, "AuthenticationFailed");
        if (request.headers.get("x-ms-version") != "2023-11-03") return error(400, "InvalidHeader");
        const std::string& url = request.url;
        const bool is_container = url.find("restype=container") != std::string::npos;
        if (is_container && request.method == "PUT" && url.find("comp=acl") == std::string::npos)
            return create();
        if (!exists) return error(404, "ContainerNotFound");
        if (url.find("comp=list") != std::string::npos) return page(url);
        if (url.find("comp=acl") != std::string::npos) return acl(request);
        if (is_container) return reply(200);
        return blob(request);
    }

  private:
    static http::Response error(int status, const std::string& code) {
        return reply(status, "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code></Error>");
    }
    http::Response create() {
        if (exists) return error(409, "ContainerAlreadyExists");
        exists = true;
        return reply(201);
    }
    /// The first page is empty and has a successor, as Azure may do.
    http::Response page(const std::string& url) {
        const std::string head = "<?xml version=\"1.0\"?><EnumerationResults><Blobs>";
        if (url.find("marker=") == std::string::npos)
            return reply(200, head + "</Blobs><NextMarker>a/b</NextMarker></EnumerationResults>");
        std::string names;
        for (const auto& [name, content] : blobs) names += "<Blob><Name>" + name + "</Name></Blob>";
        return reply(200, head + names + "</Blobs><NextMarker/></EnumerationResults>");
    }
    http::Response acl(const http::OutgoingRequest& request) {
        if (request.method == "GET")
            return reply(200, policies, {{"x-ms-blob-public-access", "blob"}});
        if (request.headers.get("x-ms-blob-public-access") != "blob") return error(400, "Lost");
        policies = request.body;
        ++acl_writes;
        return reply(200);
    }
    http::Response blob(const http::OutgoingRequest& request) {
        const auto start = request.url.find("/box/") + 5;
        const std::string name = request.url.substr(start, request.url.find('?') - start);
        if (request.method == "GET")
            return blobs.contains(name) ? reply(200, blobs[name]) : error(404, "BlobNotFound");
        if (blobs.contains(name) && request.headers.get("If-None-Match") == "*")
            return error(409, "BlobAlreadyExists");
        blobs[name] = request.body;
        return reply(201);
    }
};

struct WithBlobs : TestCloud {
    explicit WithBlobs(Options options = test_options()) : TestCloud(std::move(options)) {
        blob.answer = [this](const auto& request) { return server.answer(request); };
        manager.answer = [this](const http::OutgoingRequest& request) -> Result<http::Response> {
            if (request.url.find("/listKeys") != std::string::npos)
                return reply(keys_status,
                             keys_status == 200 ? R"({"keys":[{"value":")" + server.key_now +
                                                      R"(","permissions":"FULL"}]})"
                                                : R"({"error":{"code":"AuthorizationFailed"}})");
            return reply(200,
                         R"({"value":[{"name":"acct1","id":"/subscriptions/sub-1/)"
                         R"(resourceGroups/g/providers/Microsoft.Storage/storageAccounts/)"
                         R"(acct1","properties":{"primaryEndpoints":{"blob":)"
                         R"("https://acct1.blob.example/"}}}]})");
        };
    }
    cloud::Storage& storage() { return connection->storage(); }
    int keys_status = 200;
    BlobServer server;
};

TEST(Containers, AContainerIsEmptyButForTheClaim) {
    WithBlobs cloud;
    EXPECT_FALSE(cloud.storage().inspect(box)->exists);
    EXPECT_TRUE(cloud.storage().create_container(box));
    EXPECT_TRUE(cloud.storage().create_container(box));
    EXPECT_TRUE(cloud.storage().claim(box, "i/c-1"));
    const auto facts = cloud.storage().inspect(box);
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_TRUE(facts->exists && facts->empty);
    EXPECT_EQ(facts->claimed_by, "i/c-1");
    cloud.server.blobs["x"] = "y";
    EXPECT_FALSE(cloud.storage().inspect(box)->empty) << "behind an empty page";
}

TEST(Containers, AClaimIsTheFirstOnes) {
    WithBlobs cloud;
    cloud.server.exists = true;
    EXPECT_TRUE(cloud.storage().claim(box, "i/c-1"));
    EXPECT_TRUE(cloud.storage().claim(box, "i/c-1"));
    const auto lost = cloud.storage().claim(box, "i/c-2");
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, ErrorKind::already_exists);
    EXPECT_NE(lost.error().message.find("i/c-1"), std::string::npos);
}

TEST(Containers, AGrantOutlivesItsProlongationAndEndsWithItsPolicy) {
    WithBlobs cloud;
    cloud.server.exists = true;
    cloud.server.policies = write_policies({{"theirs", "2026-01-01", "2027-01-01", "r"}});
    const Timestamp end = cloud.clock.now() + std::chrono::hours(1);
    const auto first = cloud.storage().grant(box, "c-1", end);
    ASSERT_TRUE(first) << first.error().message;
    const auto second = cloud.storage().grant(box, "c-1", end + std::chrono::hours(1));
    EXPECT_EQ(first->sas_url.reveal(), second->sas_url.reveal());
    EXPECT_TRUE(first->sas_url.reveal().starts_with(
        "https://acct1.blob.example/box?sv=2020-12-06&sr=c&si=c-1&spr=https&sig="));
    EXPECT_EQ(first->blob_endpoint, "https://acct1.blob.example");
    EXPECT_EQ(read_policies(cloud.server.policies),
              (std::vector<AccessPolicy>{{"theirs", "2026-01-01", "2027-01-01", "r"},
                                         {"c-1", "", "2026-11-24T04:18:30.000Z", "racwdl"}}));
    EXPECT_TRUE(cloud.storage().revoke(box, "c-1"));
    EXPECT_EQ(read_policies(cloud.server.policies)->size(), 1u);
    EXPECT_TRUE(cloud.storage().revoke(box, "c-1"));
    EXPECT_EQ(cloud.server.acl_writes, 3) << "nothing to revoke, nothing written";
}

TEST(Containers, FivePoliciesAreAllThatFit) {
    WithBlobs cloud;
    cloud.server.exists = true;
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(cloud.storage().grant(box, "p" + std::to_string(i), cloud.clock.now()));
    EXPECT_EQ(cloud.storage().grant(box, "p5", cloud.clock.now()).error().code,
              "too_many_access_policies");
    EXPECT_TRUE(cloud.storage().grant(box, "p0", cloud.clock.now()));
}

TEST(Containers, RevokingInAMissingContainerSucceeds) {
    WithBlobs cloud;
    EXPECT_TRUE(cloud.storage().revoke(box, "c-1"));
}

TEST(Containers, ARotatedKeyIsReadAnewOnce) {
    WithBlobs cloud;
    EXPECT_TRUE(cloud.storage().create_container(box));
    cloud.server.key_now = to_base64("another key of the account......");
    EXPECT_TRUE(cloud.storage().inspect(box)->exists);
    cloud.blob.answer = [](const auto&) {
        return reply(403,
                     "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code></Error>");
    };
    const std::size_t before = cloud.blob.requests.size();
    EXPECT_FALSE(cloud.storage().inspect(box));
    EXPECT_EQ(cloud.blob.requests.size(), before + 1) << "the same key is not tried twice";
}

TEST(Containers, AnAccountWithoutKeysSaysWhatToChange) {
    WithBlobs cloud;
    cloud.blob.answer = [](const auto&) {
        return reply(403, "", {{"x-ms-error-code", "KeyBasedAuthenticationNotPermitted"}});
    };
    const auto facts = cloud.storage().inspect(box);
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().kind, ErrorKind::permission_denied);
    EXPECT_NE(facts.error().next_action.find("shared key"), std::string::npos);
}

TEST(Containers, MachinesMayReachTheServiceElsewhere) {
    Options options = test_options();
    options.machine_blob_endpoint = "http://169.254.169.254:10000/{account}/";
    WithBlobs cloud(options);
    cloud.server.exists = true;
    const auto grant = cloud.storage().grant(box, "c-1", cloud.clock.now());
    ASSERT_TRUE(grant);
    EXPECT_TRUE(grant->sas_url.reveal().starts_with(
        "http://169.254.169.254:10000/acct1/box?sv=2020-12-06&sr=c&si=c-1&sig="));
}

TEST(Containers, AnUnknownAccountIsNotFound) {
    WithBlobs cloud;
    EXPECT_EQ(cloud.storage().inspect({"other", "box"}).error().code, "account_not_found");
}

TEST(Containers, PagesWithoutEndAreNoAnswer) {
    WithBlobs cloud;
    cloud.blob.answer = [](const http::OutgoingRequest& request) {
        return reply(200,
                     request.url.find("comp=list") == std::string::npos
                         ? ""
                         : "<EnumerationResults><Blobs/><NextMarker>m</NextMarker>"
                           "</EnumerationResults>");
    };
    EXPECT_EQ(cloud.storage().inspect(box).error().kind, ErrorKind::unavailable);
}

TEST(Signing, TheTextFollowsTheOrderOfTheService) {
    http::OutgoingRequest request{.method = "PUT",
                                  .url =
                                      "http://127.0.0.1:10000/acct1/box?restype=container"
                                      "&comp=acl&b=2&B=1&c=a%2Fb"};
    request.headers = {{"X-Ms-Date", "Tue, 24 Nov 2026 02:18:30 GMT"},
                       {"Content-Type", "application/xml"},
                       {"x-ms-blob-public-access", "blob"},
                       {"If-None-Match", "*"}};
    EXPECT_EQ(shared_key_text("acct1", request),
              "PUT\n\n\n\n\napplication/xml\n\n\n\n*\n\n\n"
              "x-ms-blob-public-access:blob\nx-ms-date:Tue, 24 Nov 2026 02:18:30 GMT\n"
              "/acct1/acct1/box\nb:1,2\nc:a/b\ncomp:acl\nrestype:container");
    request.body = "12345";
    EXPECT_TRUE(shared_key_text("acct1", request).starts_with("PUT\n\n\n5\n\n"));
}

TEST(Signing, TheSignatureIsTheOneThatAzuriteAccepts) {
    const auto query = policy_signature("acct1", "box", Secret(key), "hopyard-c-1", false);
    ASSERT_TRUE(query);
    EXPECT_EQ(query->reveal(),
              "sv=2020-12-06&sr=c&si=hopyard-c-1&"
              "sig=xg7swnu%2FaLY7mi%2BmNINoyO2X3fGFoF5ZtaWoDH8Ek%2BY%3D");
}

TEST(Signing, AKeyThatIsNotBase64IsNoKey) {
    EXPECT_FALSE(policy_signature("a", "b", Secret("!!"), "p", false));
    EXPECT_FALSE(policy_signature("a", "b", Secret(), "p", false));
}

}  // namespace
}  // namespace hopyard::azure
