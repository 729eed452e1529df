#include "http/message.h"

#include <gtest/gtest.h>

namespace hopyard::http {
namespace {

TEST(Headers, NamesCompareWithoutCase) {
    Headers headers{{"Content-Type", "a"}, {"content-type", "b"}};
    EXPECT_EQ(headers.get("CONTENT-TYPE"), "a");
    headers.set("content-TYPE", "c");
    EXPECT_EQ(headers.all().size(), 1u);
    EXPECT_EQ(headers.get("Content-Type"), "c");
    headers.remove("CONTENT-type");
    EXPECT_FALSE(headers.find("Content-Type"));
    EXPECT_EQ(headers.get("Content-Type"), "");
}

TEST(Request, SplitsPathAndQuery) {
    const Request request{.method = "GET", .target = "/a%20b/c?Api-Version=1&x=%41+b&flag&x=2"};
    EXPECT_EQ(request.path(), "/a%20b/c");
    EXPECT_EQ(request.query("api-version"), "1");
    EXPECT_EQ(request.query("x"), "A+b");
    EXPECT_EQ(request.query("flag"), "");
    EXPECT_FALSE(request.query("y"));
    EXPECT_FALSE((Request{.method = "GET", .target = "/"}.query("y")));
}

TEST(Url, ReadsWhatIsAbsolute) {
    const auto url = parse_url("HTTPS://acct.blob.internal:10000/a/../b?c=d#e");
    ASSERT_TRUE(url);
    EXPECT_EQ(url->scheme, "https");
    EXPECT_EQ(url->host, "acct.blob.internal");
    EXPECT_EQ(url->port, 10000);
    EXPECT_EQ(url->target, "/a/../b?c=d");
    EXPECT_EQ(parse_url("http://[::1]:81")->host, "::1");
    EXPECT_EQ(parse_url("http://[::1]:81")->port, 81);
    EXPECT_EQ(parse_url("http://a?b")->target, "/?b");
    EXPECT_EQ(parse_url("https://a")->port, 443);
    EXPECT_EQ(parse_url("http://a:/")->port, 80);
}

TEST(Url, RefusesTheRest) {
    for (const auto* text : {"",
                             "/a",
                             "ftp://a/",
                             "http://",
                             "http:///a",
                             "http://a:99999/",
                             "http://a:b/",
                             "http://u:p@a/",
                             "http://a b/",
                             "http://[::1/",
                             "http://[::1]x/",
                             "http://a/\r\nX: y",
                             "http://a:0/"})
        EXPECT_FALSE(parse_url(text)) << text;
}

}  // namespace
}  // namespace hopyard::http
