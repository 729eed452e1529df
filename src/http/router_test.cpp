#include "http/router.h"

#include <gtest/gtest.h>

#include "http/exchange.h"

namespace hopyard::http {
namespace {

/// Keeps the answer instead of sending it.
class Caught final : public ReplySink {
  public:
    explicit Caught(Response& into) : into_(into) {}
    void reply(Response response) override { into_ = std::move(response); }
    void begin(int, Headers) override {}
    void append(std::string) override {}
    void end() override {}
    void cut() override {}

  private:
    Response& into_;
};

Response ask(const Router& router, std::string method, std::string target) {
    Response response;
    router.handle({.method = std::move(method), .target = std::move(target)},
                  Responder(std::make_shared<Exchange>(std::make_shared<Caught>(response),
                                                       std::make_shared<ReplyProgress>())));
    return response;
}

void add(Router& router, const std::string& method, const std::string& pattern) {
    router.add(method, pattern, [=](const Request&, const PathParameters& parameters) {
        std::string text = method + " " + pattern;
        for (const auto& [name, value] : parameters) text += " " + name + "=" + value;
        return text_response(200, text);
    });
}

Router clusters(Router::Case path_case = Router::Case::sensitive) {
    Router router(path_case);
    add(router, "GET", "/v1/clusters/{id}");
    add(router, "GET", "/v1/clusters/health");
    add(router, "DELETE", "/v1/clusters/{id}");
    add(router, "GET", "/v1/clusters/{id}/workers");
    add(router, "POST", "/v1/clusters");
    add(router, "GET", "/");
    return router;
}

TEST(Router, HandsParametersOnDecoded) {
    EXPECT_EQ(ask(clusters(), "GET", "/v1/clusters/c%2D7/workers?x=1").body,
              "GET /v1/clusters/{id}/workers id=c-7");
    EXPECT_EQ(ask(clusters(), "GET", "/v1/clusters/a%2Fb").body, "GET /v1/clusters/{id} id=a/b");
    EXPECT_EQ(ask(clusters(), "GET", "/").body, "GET /");
}

TEST(Router, PrefersLiteralSegmentsInAnyOrderOfRegistration) {
    EXPECT_EQ(ask(clusters(), "GET", "/v1/clusters/health").body, "GET /v1/clusters/health");
    Router other;
    add(other, "GET", "/a/b");
    add(other, "GET", "/a/{x}");
    EXPECT_EQ(ask(other, "GET", "/a/b").body, "GET /a/b");
    EXPECT_EQ(ask(other, "GET", "/a/c").body, "GET /a/{x} x=c");
}

TEST(Router, UnknownPathsAre404) {
    for (const auto* target :
         {"/v1", "/v1/clusters/", "/v1/clusters/a/b/c", "//", "/V1/clusters", "*"})
        EXPECT_EQ(ask(clusters(), "GET", target).status, 404) << target;
}

TEST(Router, AKnownPathWithAnotherMethodIs405WithAllow) {
    const auto reply = ask(clusters(), "PUT", "/v1/clusters/x");
    EXPECT_EQ(reply.status, 405);
    EXPECT_EQ(reply.headers.get("allow"), "DELETE, GET, HEAD");
    EXPECT_EQ(ask(clusters(), "GET", "/v1/clusters").headers.get("Allow"), "POST");
}

TEST(Router, AHeadFindsTheGetAndItsOwnRouteFirst) {
    auto router = clusters();
    EXPECT_EQ(ask(router, "HEAD", "/v1/clusters/x").body, "GET /v1/clusters/{id} id=x");
    add(router, "HEAD", "/v1/clusters/{name}");
    EXPECT_EQ(ask(router, "HEAD", "/v1/clusters/x").body, "HEAD /v1/clusters/{name} name=x");
    EXPECT_EQ(ask(router, "GET", "/v1/clusters/x").body, "GET /v1/clusters/{id} id=x");
}

TEST(Router, IgnoresTheCaseOfLiteralsWhenAsked) {
    EXPECT_EQ(ask(clusters(Router::Case::insensitive), "GET", "/V1/Clusters/AbC").body,
              "GET /v1/clusters/{id} id=AbC");
}

TEST(Router, LeavesTheRestToOtherwise) {
    auto router = clusters();
    router.otherwise(answering([](const Request&) { return text_response(418, "rest"); }));
    EXPECT_EQ(ask(router, "GET", "/nowhere").status, 418);
    EXPECT_EQ(ask(router, "PUT", "/v1/clusters/x").status, 405);
}

}  // namespace
}  // namespace hopyard::http
