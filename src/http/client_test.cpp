#include <future>
#include <thread>

#include <fcntl.h>

#include "http/test_server.h"
#include "http/transport.h"

namespace hopyard::http {
namespace {

using namespace std::chrono_literals;

std::string url_of(std::uint16_t port, const std::string& target = "/") {
    return "http://127.0.0.1:" + std::to_string(port) + target;
}

/// A listening socket whose peer is scripted by the test, one connection at a time.
class Scripted {
  public:
    Scripted() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        socklen_t length = sizeof address;
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
        port = ntohs(address.sin_port);
    }
    ~Scripted() { ::close(listener_); }
    int accept() { return ::accept(listener_, nullptr, nullptr); }
    static void read_header(int descriptor) {
        std::string text;
        char c = 0;
        while (!text.ends_with("\r\n\r\n") && ::recv(descriptor, &c, 1, 0) == 1) text += c;
    }
    static void send(int descriptor, std::string_view text) {
        EXPECT_EQ(::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }

    std::uint16_t port = 0;

  private:
    int listener_;
};

TEST(Client, SendsMethodTargetHeadersAndBodyAsTheyAre) {
    RunningServer running;
    const auto port = running.listen(answering([](const Request& request) {
        std::string text = request.method + " " + request.target + " " + request.body + "\n";
        for (const auto& [name, value] : request.headers.all()) text += name + ": " + value + "\n";
        return text_response(200, text);
    }));
    Client client({.user_agent = "tester"});
    for (const std::string method : {"GET", "PUT", "POST", "PATCH", "DELETE"}) {
        const auto reply = client.send({.method = method,
                                        .url = url_of(port, "/a/../b/./%2e?x=%20y"),
                                        .headers = {{"X-One", "1"}, {"X-Empty", ""}},
                                        .body = "body"});
        ASSERT_TRUE(reply) << reply.error().message;
        EXPECT_TRUE(reply->body.starts_with(method + " /a/../b/./%2e?x=%20y body\n"))
            << reply->body;
        EXPECT_NE(reply->body.find("X-One: 1\n"), std::string::npos);
        EXPECT_NE(reply->body.find("X-Empty: \n"), std::string::npos);
        EXPECT_NE(reply->body.find("User-Agent: tester\n"), std::string::npos);
        EXPECT_EQ(reply->body.find("urlencoded"), std::string::npos);
        EXPECT_EQ(reply->body.find("Expect"), std::string::npos);
    }
    const auto empty = client.send({.method = "PUT", .url = url_of(port)});
    EXPECT_NE(empty->body.find("Content-Length: 0\n"), std::string::npos);
    const auto plain = client.send({.method = "DELETE", .url = url_of(port)});
    EXPECT_TRUE(plain->body.starts_with("DELETE / \n"));
}

TEST(Client, AHeadGivesTheHeaderAndNoBody) {
    RunningServer running;
    Client client({});
    const auto reply = client.send({.method = "HEAD", .url = url_of(running.listen(echo()))});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->headers.get("content-length"), "7");
    EXPECT_EQ(reply->body, "");
}

TEST(Client, KeepsItsConnectionBetweenCalls) {
    RunningServer running;
    const auto port = running.listen(answering([](const Request& request) {
        return text_response(200, std::to_string(request.peer.port));
    }));
    Client client({});
    const auto first = client.send({.url = url_of(port)});
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(client.send({.method = "POST", .url = url_of(port), .body = "x"})->body,
                  first->body);
}

TEST(Client, CarriesLargeBodiesBothWays) {
    RunningServer running({.body_bytes_max = 16u << 20});
    const auto port = running.listen(
        answering([](const Request& request) { return text_response(200, request.body); }));
    std::string body;
    for (int i = 0; body.size() < (10u << 20); ++i) body += std::to_string(i) + ",";
    Client client({});
    const auto reply = client.send({.method = "PUT", .url = url_of(port), .body = body});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_TRUE(reply->body == body);
}

TEST(Client, TakesLongHeaderLinesBothWays) {
    RunningServer running({.header_bytes_max = 64u << 10});
    const auto port = running.listen(answering([](const Request& request) {
        return Response{.headers = {{"X-Long", request.headers.get("X-Long")}}};
    }));
    Client client({});
    const std::string value(20'000, 'v');
    const auto reply = client.send({.url = url_of(port), .headers = {{"X-Long", value}}});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->headers.get("x-long"), value);
}

TEST(Client, ServesManyThreadsAtOnce) {
    RunningServer running({}, 4);
    const auto port = running.listen(echo());
    Client client({});
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 16; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                const auto target = "/" + std::to_string(t) + "/" + std::to_string(i);
                const auto reply = client.send({.url = url_of(port, target)});
                if (reply && reply->body == "GET " + target + " ") ++right;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(right, 16 * 20);
}

TEST(Client, ConnectsWhereItIsToldTo) {
    RunningServer running;
    const auto port = running.listen(answering(
        [](const Request& request) { return text_response(200, request.headers.get("host")); }));
    Client client({.connect_to = {{"acct.blob.internal:80", "127.0.0.1:" + std::to_string(port)}}});
    const auto reply = client.send({.url = "http://acct.blob.internal/x"});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->body, "acct.blob.internal");
}

TEST(Client, DoesNotUseAProxyForThisMachine) {
    RunningServer running;
    const auto port = running.listen(echo());
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    Client client({});
    const auto reply = client.send({.url = url_of(port)});
    unsetenv("http_proxy");
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 200);
}

TEST(Client, DoesNotFollowRedirects) {
    RunningServer running;
    const auto port = running.listen(answering([](const Request&) {
        return Response{.status = 302, .headers = {{"Location", "/elsewhere"}}};
    }));
    Client client({});
    const auto reply = client.send({.url = url_of(port)});
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 302);
    EXPECT_EQ(reply->headers.get("location"), "/elsewhere");
}

// --- failures

TEST(Client, NobodyListeningIsUnavailable) {
    std::uint16_t port = 0;
    {
        Scripted gone;
        port = gone.port;
    }
    Client client({});
    const auto reply = client.send({.url = url_of(port, "/x?sig=secret")});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(reply.error().code, "not_connected");
    EXPECT_NE(reply.error().message.find(std::to_string(port)), std::string::npos);
    EXPECT_EQ(reply.error().message.find("secret"), std::string::npos);
    EXPECT_FALSE(reply.error().next_action.empty());
}

TEST(Client, ANameWithoutAddressIsUnavailable) {
    Client client({});
    const auto reply = client.send({.url = "http://no-such-host.invalid./"});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::unavailable);
}

TEST(Client, NoReplyInTimeIsTimedOut) {
    Scripted silent;
    Client client({});
    const auto reply = client.send({.url = url_of(silent.port), .timeout = 50ms});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, ErrorKind::timed_out);
}

TEST(Client, TheStopTokenEndsACallAtOnce) {
    Scripted silent;
    std::stop_source stop;
    Client client({.stop = stop.get_token()});
    auto reply = std::async(std::launch::async, [&] {
        return client.send({.url = url_of(silent.port), .timeout = 60s});
    });
    const int descriptor = silent.accept();
    Scripted::read_header(descriptor);
    stop.request_stop();
    ASSERT_EQ(reply.wait_for(10s), std::future_status::ready);
    EXPECT_EQ(reply.get().error().kind, ErrorKind::cancelled);
    EXPECT_EQ(client.send({.url = url_of(silent.port)}).error().kind, ErrorKind::cancelled);
    ::close(descriptor);
}

TEST(Client, ABrokenReplyIsUnavailable) {
    for (const std::string_view reply :
         {"",
          "rubbish\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive5",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
        Scripted server;
        std::thread peer([&] {
            const int descriptor = server.accept();
            Scripted::read_header(descriptor);
            Scripted::send(descriptor, reply);
            ::close(descriptor);
        });
        Client client({});
        const auto outcome = client.send({.url = url_of(server.port)});
        peer.join();
        ASSERT_FALSE(outcome) << reply;
        EXPECT_EQ(outcome.error().kind, ErrorKind::unavailable) << reply;
    }
}

/// Two requests on one connection; the second is read and answered with the connection's end.
int times_second_was_sent(const std::string& method) {
    Scripted server;
    std::atomic<int> seen = 0;
    std::thread peer([&] {
        int descriptor = server.accept();
        Scripted::read_header(descriptor);
        Scripted::send(descriptor, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        Scripted::read_header(descriptor);
        ++seen;
        ::close(descriptor);
        descriptor = server.accept();  // a repetition, or the test's own farewell
        char first = 0;
        if (::recv(descriptor, &first, 1, 0) == 1 && first == method.front()) {
            ++seen;
            Scripted::read_header(descriptor);
            Scripted::send(descriptor, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
        ::close(descriptor);
    });
    Client client({});
    EXPECT_TRUE(client.send({.method = "GET", .url = url_of(server.port)}));
    const auto second = client.send({.method = method, .url = url_of(server.port)});
    EXPECT_TRUE(second || second.error().kind == ErrorKind::unavailable);
    { Wire farewell(server.port); }
    peer.join();
    return seen;
}

TEST(Client, NeverSendsAgainWhatChangesSomething) {
    for (const auto* method : {"POST", "PUT", "DELETE", "PATCH"})
        EXPECT_EQ(times_second_was_sent(method), 1) << method;
    EXPECT_EQ(times_second_was_sent("GET"), 2);
}

TEST(Client, AReplyOverTheLimitIsRefused) {
    RunningServer running;
    const auto port = running.listen(
        answering([](const Request&) { return text_response(200, std::string(2000, 'x')); }));
    Client client({.reply_bytes_max = 1000});
    const auto reply = client.send({.url = url_of(port)});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, "reply_too_large");
}

TEST(Client, MalformedRequestsAreNotSent) {
    Client client({});
    EXPECT_EQ(client.send({.url = "file:///etc/passwd"}).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(client.send({.url = "/relative"}).error().kind, ErrorKind::invalid_argument);
    EXPECT_EQ(client.send({.url = "http://a/", .headers = {{"X", "a\r\nY: b"}}}).error().kind,
              ErrorKind::invalid_argument);
    EXPECT_EQ(client.send({.method = "GET /x", .url = "http://a/"}).error().kind,
              ErrorKind::invalid_argument);
}

TEST(Client, ItsConnectionsAreNotInheritedByChildren) {
    RunningServer running;
    Client client({});
    ASSERT_TRUE(client.send({.url = url_of(running.listen(echo()))}));
    for (int descriptor = 3; descriptor < 256; ++descriptor) {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        // curl's own wake-up pair is AF_UNIX, and nobody waits for its end.
        const bool is_connection =
            getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
            address.ss_family != AF_UNIX;
        EXPECT_TRUE(!is_connection || (fcntl(descriptor, F_GETFD) & FD_CLOEXEC)) << descriptor;
    }
}

}  // namespace
}  // namespace hopyard::http
