#include "web/pages.h"

#include <gtest/gtest.h>

#include "http/exchange.h"

namespace hopyard::web {
namespace {

class Caught final : public http::ReplySink {
  public:
    explicit Caught(http::Response& into) : into_(into) {}
    void reply(http::Response response) override { into_ = std::move(response); }
    void begin(int, http::Headers) override {}
    void append(std::string) override {}
    void end() override {}
    void cut() override {}

  private:
    http::Response& into_;
};

const std::vector<Page> few = {
    {.path = "/index.html", .type = "text/html", .tag = "\"i\"", .plain = "index"},
    {.path = "/assets/a-1.js",
     .type = "text/javascript",
     .tag = "\"a\"",
     .immutable = true,
     .plain = "plain",
     .gzip = "gz",
     .brotli = "br"},
};

http::Response ask(const std::vector<Page>& pages,
                   const std::string& target,
                   http::Headers headers = {},
                   const std::string& method = "GET") {
    http::Response response;
    serve_pages(pages)(
        {.method = method, .target = target, .headers = std::move(headers)},
        http::Responder(std::make_shared<http::Exchange>(std::make_shared<Caught>(response),
                                                         std::make_shared<http::ReplyProgress>())));
    return response;
}

TEST(Pages, AnswersEveryViewWithTheIndex) {
    for (const char* target : {"/", "/clusters/c-1?tab=console", "/setup", "/index.html"}) {
        const auto response = ask(few, target);
        EXPECT_EQ(response.status, 200) << target;
        EXPECT_EQ(response.body, "index") << target;
        EXPECT_EQ(response.headers.get("Cache-Control"), "no-cache") << target;
    }
}

TEST(Pages, SendsAFileInTheSmallestFormThatIsAccepted) {
    const std::pair<const char*, const char*> accepted[] = {{"gzip, deflate, br", "br"},
                                                            {"gzip", "gz"},
                                                            {"br;q=0, gzip;q=0.5", "gz"},
                                                            {"br;q=0.0", "plain"},
                                                            {"brotli", "plain"},
                                                            {"", "plain"}};
    for (const auto& [list, body] : accepted) {
        const auto response = ask(few, "/assets/a-1.js", {{"Accept-Encoding", list}});
        EXPECT_EQ(response.body, body) << list;
        EXPECT_EQ(response.headers.get("Vary"), "Accept-Encoding");
        EXPECT_EQ(response.headers.get("Content-Type"), "text/javascript");
    }
}

TEST(Pages, LetsOnlyNamesWithADigestBeKeptForEver) {
    EXPECT_EQ(ask(few, "/assets/a-1.js").headers.get("Cache-Control"),
              "public, max-age=31536000, immutable");
    EXPECT_EQ(ask(few, "/").headers.get("Cache-Control"), "no-cache");
}

TEST(Pages, SendsNothingThatIsKnownAlready) {
    const auto response = ask(few, "/", {{"If-None-Match", "\"x\", W/\"i\""}});
    EXPECT_EQ(response.status, 304);
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.headers.get("ETag"), "\"i\"");
    EXPECT_EQ(ask(few, "/", {{"If-None-Match", "\"x\""}}).status, 200);
}

TEST(Pages, NeverAnswersTheFileOfAnotherBuildWithThePage) {
    EXPECT_EQ(ask(few, "/assets/a-0.js").status, 404);
}

TEST(Pages, RefusesToChangeAnything) {
    const auto response = ask(few, "/", {}, "POST");
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(response.headers.get("Allow"), "GET, HEAD");
}

TEST(Pages, ProtectsEveryAnswer) {
    for (const char* target : {"/", "/assets/a-1.js", "/assets/none.js"}) {
        const auto headers = ask(few, target).headers;
        const std::string policy = headers.get("Content-Security-Policy");
        EXPECT_NE(policy.find("script-src 'self';"), std::string::npos);
        EXPECT_NE(policy.find("style-src 'self';"), std::string::npos);
        EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
        EXPECT_EQ(headers.get("X-Content-Type-Options"), "nosniff");
        EXPECT_EQ(headers.get("Referrer-Policy"), "no-referrer");
    }
}

TEST(Pages, AProgramWithoutThePageSaysThatNothingIsThere) {
    EXPECT_EQ(ask({}, "/").status, 404);
}

TEST(Pages, WhatIsEmbeddedIsWhole) {
    for (const Page& page : embedded_pages()) {
        EXPECT_FALSE(page.plain.empty()) << page.path;
        if (page.type.starts_with("text/html")) {
            EXPECT_TRUE(page.plain.starts_with("<!doctype html>")) << page.plain;
            EXPECT_TRUE(page.plain.ends_with("</html>\n")) << page.plain;
        }
        if (!page.gzip.empty()) {
            EXPECT_EQ(page.gzip.substr(0, 2), "\x1f\x8b") << page.path;
        }
    }
}

}  // namespace
}  // namespace hopyard::web
