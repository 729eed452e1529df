#include <future>
#include <mutex>

#include "http/server.h"
#include "http/test_server.h"
#include "http/transport.h"

namespace hopyard::http {
namespace {

using namespace std::chrono_literals;

/// A server whose handler starts a stream and hands it to the test.
struct Streaming {
    explicit Streaming(ServerOptions options = {}) : running(options) {
        port = running.listen([this](const Request&, Responder responder) {
            promise.set_value(responder.start(200, {{"Content-Type", "text/event-stream"}}));
        });
        url = "http://127.0.0.1:" + std::to_string(port) + "/";
    }
    std::promise<Stream> promise;
    RunningServer running;
    std::uint16_t port = 0;
    std::string url;
};

TEST(Stream, SendsPiecesAsTheyComeAndThenTheEnd) {
    Streaming server;
    Wire wire(server.port);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto stream = server.promise.get_future().get();
    const auto head = wire.read_until("\r\n\r\n");
    EXPECT_NE(head.find("Transfer-Encoding: chunked"), std::string::npos);
    EXPECT_TRUE(stream.write("hello"));
    EXPECT_EQ(wire.read_until("hello\r\n"), "5\r\nhello\r\n");
    EXPECT_TRUE(stream.write(""));
    EXPECT_TRUE(stream.write(std::string(300, 'x')));
    EXPECT_EQ(wire.read_until("\r\n"), "12c\r\n");
    EXPECT_TRUE(stream.is_open());
    stream.close();
    EXPECT_FALSE(stream.is_open());
    EXPECT_FALSE(stream.write("too late"));
    EXPECT_TRUE(wire.read_until("0\r\n\r\n").ends_with("x\r\n0\r\n\r\n"));
}

TEST(Stream, LeavesTheConnectionFitForTheNextRequest) {
    RunningServer running;
    const auto port = running.listen([](const Request& request, Responder responder) {
        auto stream = responder.start(200, {});
        stream.write(request.target);
    });
    Wire wire(port);
    for (const std::string target : {"/a", "/b"}) {
        wire.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_TRUE(wire.read_until("0\r\n\r\n").ends_with("2\r\n" + target + "\r\n0\r\n\r\n"));
    }
}

TEST(Stream, ReachesAnOldClientWithoutChunks) {
    Streaming server;
    Wire wire(server.port);
    wire.send("GET / HTTP/1.0\r\n\r\n");
    auto stream = server.promise.get_future().get();
    stream.write("one");
    stream.write("two");
    stream.close();
    const auto reply = wire.read_all();
    EXPECT_TRUE(reply.ends_with("\r\n\r\nonetwo")) << reply;
    EXPECT_NE(reply.find("Connection: close"), std::string::npos);
}

TEST(Stream, OfAHeadRequestTakesNoBody) {
    RunningServer running;
    std::atomic<bool> wrote = true;
    const auto port = running.listen([&](const Request& request, Responder responder) {
        auto stream = responder.start(200, {});
        if (request.method == "HEAD") {
            EXPECT_TRUE(eventually([&] { return !stream.is_open(); }));
            wrote = stream.write("body");
        } else {
            stream.write("body");
        }
    });
    Wire wire(port);
    wire.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto head = wire.read_until("\r\n\r\n");
    EXPECT_EQ(head.find("chunked"), std::string::npos);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(wire.read_until("0\r\n\r\n").starts_with("HTTP/1.1 200"));
    EXPECT_FALSE(wrote);
}

TEST(Stream, OutlivesTheIdleTimeoutWhenItsProducerIsSilent) {
    Streaming server({.idle_timeout = 30ms});
    Wire wire(server.port);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto stream = server.promise.get_future().get();
    wire.read_until("\r\n\r\n");
    EXPECT_EQ(std::promise<void>().get_future().wait_for(150ms), std::future_status::timeout);
    EXPECT_TRUE(stream.write("still here"));
    EXPECT_TRUE(wire.read_until("still here").ends_with("still here"));
}

TEST(Stream, LearnsThatItsClientLeft) {
    Streaming server;
    Wire wire(server.port);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto stream = server.promise.get_future().get();
    wire.read_until("\r\n\r\n");
    wire.close();
    EXPECT_TRUE(eventually([&] { return !stream.is_open(); }));
    EXPECT_FALSE(stream.write("x"));
}

TEST(Stream, CutsAClientThatReadsTooSlowly) {
    Streaming server;
    Wire wire(server.port, 4096);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto stream = server.promise.get_future().get();
    const std::string piece(1u << 20, 'x');
    int written = 0;
    while (stream.write(piece) && written < 100) ++written;
    EXPECT_GE(written, 8);
    EXPECT_LT(written, 100);
    EXPECT_FALSE(stream.is_open());
    EXPECT_FALSE(wire.read_all().ends_with("0\r\n\r\n"));
}

/// A server whose body comes from a source, and how many of its pieces were asked for.
struct Pulled {
    explicit Pulled(std::function<Result<std::optional<std::string>>(int)> piece) {
        port = running.listen([this, piece](const Request&, Responder responder) {
            responder.start(200, {}, [this, piece] { return piece(asked++); });
        });
    }
    std::atomic<int> asked = 0;
    RunningServer running;
    std::uint16_t port = 0;
};

TEST(PulledStream, ComesWholeAndLeavesTheConnectionFitForTheNextRequest) {
    Pulled server([](int number) -> Result<std::optional<std::string>> {
        return number % 4 == 3 ? std::nullopt : std::optional("piece " + std::to_string(number));
    });
    Wire wire(server.port);
    for (const std::string first : {"0", "4"}) {
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        const auto reply = wire.read_until("0\r\n\r\n");
        EXPECT_NE(reply.find("7\r\npiece " + first + "\r\n7\r\n"), std::string::npos) << reply;
    }
    EXPECT_EQ(server.asked, 8);
}

TEST(PulledStream, WaitsForAClientThatReadsSlowly) {
    Pulled server([](int number) -> Result<std::optional<std::string>> {
        if (number == 64) return std::nullopt;
        return std::string(1u << 18, 'x');
    });
    Wire wire(server.port, 4096);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    wire.read_until("\r\n\r\n");
    EXPECT_EQ(std::promise<void>().get_future().wait_for(200ms), std::future_status::timeout);
    EXPECT_LT(server.asked, 48);  // what the kernel takes, and one piece more
    EXPECT_TRUE(wire.read_all().ends_with("x\r\n0\r\n\r\n"));
    EXPECT_EQ(server.asked, 65);
}

TEST(PulledStream, IsCutOffWhereItsSourceFails) {
    Pulled server([](int number) -> Result<std::optional<std::string>> {
        if (number == 1) return fail(ErrorKind::internal, "no", "no");
        return std::string("half");
    });
    Wire wire(server.port);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto reply = wire.read_all();
    EXPECT_NE(reply.find("half"), std::string::npos);
    EXPECT_FALSE(reply.ends_with("0\r\n\r\n"));
}

TEST(PulledStream, IsLetGoOfWhenItsClientLeaves) {
    auto held = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = held;
    {
        RunningServer running;
        const auto port = running.listen([&](const Request&, Responder responder) {
            responder.start(200, {}, [held]() -> Result<std::optional<std::string>> {
                return std::string(1u << 20, 'x');
            });
        });
        Wire wire(port, 4096);
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        wire.read_until("\r\n\r\n");
        wire.close();
        EXPECT_TRUE(eventually([&] { return watched.use_count() <= 2; }));
    }
    held.reset();
    EXPECT_TRUE(watched.expired());
}

TEST(Stream, EndsWhenTheServerStops) {
    Streaming server;
    Wire wire(server.port);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto stream = server.promise.get_future().get();
    server.running.server.stop(1ms);
    server.running.join();
    EXPECT_FALSE(stream.is_open());
    EXPECT_FALSE(stream.write("x"));
}

TEST(ClientStream, HandsOnWhatComesUntilTheServerEnds) {
    Streaming server;
    auto opened = server.promise.get_future();
    std::thread producer([&] {
        auto stream = opened.get();
        for (int i = 0; i < 100; ++i) stream.write("piece ");
    });
    Client client({});
    std::string collected;
    const auto reply = client.stream({.url = server.url}, [&](std::string_view chunk) {
        collected += chunk;
        return true;
    });
    producer.join();
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->headers.get("content-type"), "text/event-stream");
    EXPECT_EQ(reply->body, "");
    EXPECT_EQ(collected.size(), 600u);
}

TEST(ClientStream, EndsWhenTheReaderHasEnough) {
    Streaming server;
    auto opened = server.promise.get_future();
    std::promise<Stream> kept;
    std::thread producer([&] {
        auto stream = opened.get();
        stream.write("first");
        kept.set_value(std::move(stream));
    });
    Client client({});
    const auto reply = client.stream({.url = server.url}, [](std::string_view) { return false; });
    EXPECT_TRUE(reply);
    auto stream = kept.get_future().get();
    producer.join();
    EXPECT_TRUE(eventually([&] { return !stream.is_open(); }));
}

TEST(ClientStream, CollectsTheBodyOfARefusal) {
    RunningServer running;
    const auto port = running.listen(
        answering([](const Request&) { return json_response(403, R"({"error":"no"})"); }));
    Client client({});
    const auto reply = client.stream({.url = "http://127.0.0.1:" + std::to_string(port)},
                                     [](std::string_view) { return ADD_FAILURE(), true; });
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 403);
    EXPECT_EQ(reply->body, R"({"error":"no"})");
}

}  // namespace
}  // namespace hopyard::http
