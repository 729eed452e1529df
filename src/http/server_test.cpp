#include "http/server.h"

#include <future>
#include <thread>

#include "http/test_server.h"
#include "http/transport.h"

namespace hopyard::http {
namespace {

using namespace std::chrono_literals;

std::string get(std::string_view target, std::string_view more = "") {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(more) + "\r\n";
}

std::string answer_to(std::uint16_t port, std::string_view bytes) {
    Wire wire(port);
    wire.send(bytes);
    wire.end_sending();
    return wire.read_all();
}

TEST(Server, KeepsAConnectionOpenBetweenRequests) {
    RunningServer running;
    Wire wire(running.listen(echo()));
    for (int i = 0; i < 3; ++i) {
        wire.send(get("/" + std::to_string(i)));
        const auto reply = wire.read_until("GET /" + std::to_string(i) + " ");
        EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
        EXPECT_NE(reply.find("Connection: keep-alive\r\n"), std::string::npos);
        EXPECT_NE(reply.find("\r\nDate: "), std::string::npos);
    }
}

TEST(Server, AnswersPipelinedRequestsInTheirOrder) {
    RunningServer running({}, 4);
    const auto port = running.listen(echo());
    std::string all;
    for (int i = 0; i < 50; ++i) all += get("/" + std::to_string(i));
    all += get("/last", "Connection: close\r\n");
    const auto reply = answer_to(port, all);
    std::size_t at = 0;
    for (int i = 0; i < 50; ++i) {
        at = reply.find("GET /" + std::to_string(i) + " ", at);
        ASSERT_NE(at, std::string::npos) << i;
    }
    EXPECT_NE(reply.find("GET /last ", at), std::string::npos);
}

TEST(Server, TakesABodyWithAnyMethod) {
    RunningServer running;
    const auto port = running.listen(echo());
    for (const std::string method : {"DELETE", "PATCH", "PUT", "GET", "PROPFIND"}) {
        const auto reply =
            answer_to(port, method + " /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
        EXPECT_TRUE(reply.ends_with(method + " /x body")) << reply;
    }
    const auto chunked = answer_to(port,
                                   "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked"
                                   "\r\n\r\n2\r\nbo\r\n2;x=y\r\ndy\r\n0\r\n\r\n");
    EXPECT_TRUE(chunked.ends_with("POST /x body")) << chunked;
}

TEST(Server, TakesARequestThatComesByteByByte) {
    RunningServer running;
    Wire wire(running.listen(echo()));
    for (const char c :
         std::string("\r\nPOST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"))
        wire.send(std::string_view(&c, 1));
    EXPECT_TRUE(wire.read_until("abc").ends_with("POST /slow abc"));
}

TEST(Server, SaysContinueToAClientThatAsks) {
    RunningServer running;
    Wire wire(running.listen(echo()));
    wire.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(wire.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    wire.send("ok");
    EXPECT_TRUE(wire.read_until(" ok").ends_with("PUT /x ok"));
}

TEST(Server, AnswersHeadWithoutABodyButWithItsLength) {
    RunningServer running;
    const auto port = running.listen(answering([](const Request& request) {
        if (request.target == "/blob")
            return Response{.status = 200, .headers = {{"Content-Length", "12345"}}, .body = ""};
        return text_response(200, "seven b");
    }));
    const auto reply = answer_to(port, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(reply.find("Content-Length: 7\r\n"), std::string::npos);
    EXPECT_TRUE(reply.ends_with("\r\n\r\n")) << reply;
    const auto blob = answer_to(port, "HEAD /blob HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(blob.find("Content-Length: 12345\r\n"), std::string::npos);
}

TEST(Server, SendsNoBodyWithAStatusThatHasNone) {
    RunningServer running;
    Wire wire(running.listen(answering([](const Request&) { return text_response(204, "body"); })));
    wire.send(get("/") + get("/"));
    const auto first = wire.read_until("\r\n\r\n");
    EXPECT_TRUE(first.starts_with("HTTP/1.1 204 No Content\r\n"));
    EXPECT_EQ(first.find("Content-Length"), std::string::npos);
    EXPECT_TRUE(wire.read_until("\r\n\r\n").starts_with("HTTP/1.1 204"));
}

TEST(Server, ClosesAfterAnHttp10RequestUnlessAskedToKeep) {
    RunningServer running;
    const auto port = running.listen(echo());
    Wire wire(port);
    wire.send("GET /a HTTP/1.0\r\n\r\n");
    EXPECT_NE(wire.read_all().find("Connection: close"), std::string::npos);
    Wire kept(port);
    kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(kept.read_until("GET /a ").find("Connection: keep-alive"), std::string::npos);
}

TEST(Server, RefusesWhatIsNotHttp) {
    RunningServer running;
    const auto port = running.listen(echo());
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"rubbish\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
         "0\r\n\r\n",
         "400"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
        {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"},
        {"\x16\x03\x01\x02\x01\x01\x01\x01\x01\x01\x01\r\n\r\n", "400"},
    };
    for (const auto& [bytes, status] : cases) {
        const auto reply = answer_to(port, bytes);
        EXPECT_TRUE(reply.starts_with("HTTP/1.1 " + status)) << bytes << "\n->\n" << reply;
        EXPECT_NE(reply.find(R"({"error":{"code":")"), std::string::npos);
        EXPECT_NE(reply.find("Connection: close"), std::string::npos);
    }
}

TEST(Server, RefusesAHeaderOverTheLimit) {
    RunningServer running({.header_bytes_max = 4096});
    const auto port = running.listen(echo());
    Wire wire(port);
    wire.send(get("/", "X: " + std::string(8000, 'x') + "\r\n"));
    EXPECT_TRUE(wire.read_all().starts_with("HTTP/1.1 431 "));
    EXPECT_TRUE(answer_to(port, get("/", "X: " + std::string(3000, 'x') + "\r\n"))
                    .starts_with("HTTP/1.1 200"));
}

TEST(Server, AnEndlessChunkExtensionDoesNotFillTheMemory) {
    RunningServer running({.header_bytes_max = 4096});
    Wire wire(running.listen(echo()));
    wire.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x=");
    wire.send(std::string(200'000, 'x'));
    EXPECT_TRUE(wire.read_all().starts_with("HTTP/1.1 400"));
}

TEST(Server, RefusesABodyOverTheLimitAndTheClientLearnsIt) {
    RunningServer running({.body_bytes_max = 1000});
    const auto port = running.listen(echo());
    Client client({});
    const auto url = "http://127.0.0.1:" + std::to_string(port) + "/";
    const auto large =
        client.send({.method = "PUT", .url = url, .body = std::string(3u << 20, 'x')});
    ASSERT_TRUE(large) << large.error().message;
    EXPECT_EQ(large->status, 413);
    EXPECT_EQ(client.send({.method = "PUT", .url = url, .body = std::string(1000, 'x')})->status,
              200);
    const auto chunked = answer_to(port,
                                   "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                                   "\r\n7d0\r\n" +
                                       std::string(2000, 'x') + "\r\n0\r\n\r\n");
    EXPECT_TRUE(chunked.starts_with("HTTP/1.1 413")) << chunked;
}

TEST(Server, RefusesRequestsWhenTooManyWait) {
    RunningServer running({.queue_max = 1}, 0);
    const auto port = running.listen(echo());
    Wire first(port);
    Wire second(port);
    Wire third(port);
    for (Wire* wire : {&first, &second, &third}) wire->send(get("/"));
    // Two of the three are refused, whichever; nobody answers the one that waits.
    std::atomic<int> refused = 0;
    std::vector<std::thread> readers;
    for (Wire* wire : {&first, &second, &third})
        readers.emplace_back([wire, &refused] {
            const auto reply = wire->read_until("}}");
            if (reply.starts_with("HTTP/1.1 503") &&
                reply.find("Retry-After: 1\r\n") != std::string::npos)
                ++refused;
        });
    EXPECT_TRUE(eventually([&] { return refused == 2; }));
    running.server.stop(0ms);
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(refused, 2);
}

TEST(Server, RefusesNobodyAtOneListenerBecauseTooManyWaitAtAnother) {
    RunningServer running({.queue_max = 1}, 0);
    struct Listener {
        std::uint16_t port;
        std::atomic<int> refused = 0;
        Wire first{port}, second{port};
    };
    Listener crowded{.port = running.listen(echo(), {.name = "crowded"})};
    Listener quiet{.port = running.listen(echo(), {.name = "quiet"})};
    std::vector<std::thread> readers;
    for (Listener* listener : {&crowded, &quiet}) {
        for (Wire* wire : {&listener->first, &listener->second}) {
            wire->send(get("/"));
            readers.emplace_back([wire, &refused = listener->refused] {
                if (wire->read_until("}}").starts_with("HTTP/1.1 503")) ++refused;
            });
        }
        EXPECT_TRUE(eventually([&] { return listener->refused == 1; })) << "one has to wait";
    }
    running.server.stop(0ms);
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(crowded.refused, 1);
    EXPECT_EQ(quiet.refused, 1);
}

TEST(Server, AnswersLaterFromAnotherThread) {
    RunningServer running({.idle_timeout = 50ms});
    std::promise<Responder> waiting;
    auto parked = waiting.get_future();
    const auto port = running.listen(
        [&](const Request&, Responder responder) { waiting.set_value(std::move(responder)); });
    Wire wire(port);
    wire.send(get("/"));
    {
        auto responder = parked.get();
        // Longer than the idle timeout, which does not count while the answer is ours to give.
        EXPECT_EQ(std::promise<void>().get_future().wait_for(200ms), std::future_status::timeout);
        EXPECT_FALSE(responder.is_gone());
        responder.respond(text_response(200, "late"));
        responder.respond(text_response(200, "twice"));
    }
    EXPECT_TRUE(wire.read_until("late").ends_with("\r\n\r\nlate"));
    EXPECT_EQ(wire.read_all(), "");
}

TEST(Server, NoticesAClientThatLeavesWhileItsAnswerIsWaitedFor) {
    RunningServer running;
    std::promise<Responder> waiting;
    auto parked = waiting.get_future();
    const auto port = running.listen(
        [&](const Request&, Responder responder) { waiting.set_value(std::move(responder)); });
    Wire wire(port);
    wire.send(get("/"));
    auto responder = parked.get();
    EXPECT_FALSE(responder.is_gone());
    wire.close();
    EXPECT_TRUE(eventually([&] { return responder.is_gone(); }));
    responder.respond(text_response(200, "nobody reads this"));
}

TEST(Server, AResponderDroppedUnansweredAnswers500) {
    RunningServer running;
    const auto port = running.listen([](const Request& request, Responder) {
        if (request.target == "/throw") throw std::runtime_error("planted");
    });
    Wire wire(port);
    for (const auto* target : {"/drop", "/throw", "/drop"}) {
        wire.send(get(target));
        EXPECT_TRUE(wire.read_until("}}").starts_with("HTTP/1.1 500"));
    }
}

TEST(Server, AHeaderValueCannotStartAnotherReply) {
    RunningServer running;
    const auto port = running.listen(answering([](const Request&) {
        Response response = text_response(200, "x");
        response.headers.add("X-Bad", "a\r\nSet-Cookie: b");
        response.headers.add("Content-Length", "100");
        response.headers.add("Transfer-Encoding", "chunked");
        return response;
    }));
    const auto reply = answer_to(port, get("/"));
    EXPECT_EQ(reply.find("Set-Cookie"), std::string::npos);
    EXPECT_EQ(reply.find("chunked"), std::string::npos);
    EXPECT_NE(reply.find("Content-Length: 1\r\n"), std::string::npos);
}

TEST(Server, TellsWhoAsked) {
    RunningServer running;
    const auto port =
        running.listen(answering([](const Request& request) {
                           return text_response(200,
                                                request.peer.address + " " + request.peer.listener +
                                                    " " + (request.peer.port ? "port" : "none") +
                                                    (request.secure ? " secure" : " plain"));
                       }),
                       {.name = "people"});
    EXPECT_TRUE(answer_to(port, get("/")).ends_with("127.0.0.1 people port plain"));
}

TEST(Server, UnderstandsTheAbsoluteForm) {
    RunningServer running;
    const auto port = running.listen(echo());
    EXPECT_TRUE(answer_to(port, get("http://a/x?y=1")).ends_with("GET /x?y=1 "));
}

// --- time

TEST(Server, ClosesAnIdleConnectionSilently) {
    RunningServer running({.idle_timeout = 30ms});
    const auto port = running.listen(echo());
    Wire fresh(port);
    EXPECT_EQ(fresh.read_all(), "");
    Wire used(port);
    used.send(get("/"));
    EXPECT_TRUE(used.read_all().ends_with("GET / "));
}

TEST(Server, AnswersARequestThatTakesTooLongWith408) {
    RunningServer running({.idle_timeout = 30ms});
    const auto port = running.listen(echo());
    Wire header(port);
    header.send("GET / HTTP/1.1\r\nHo");
    EXPECT_TRUE(header.read_all().starts_with("HTTP/1.1 408"));
    Wire body(port);
    body.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123");
    EXPECT_TRUE(body.read_all().starts_with("HTTP/1.1 408"));
}

TEST(Server, CutsAClientThatDoesNotReadItsAnswer) {
    RunningServer running({.idle_timeout = 100ms});
    std::promise<Responder> waiting;
    auto parked = waiting.get_future();
    const auto port = running.listen([&](const Request&, Responder responder) {
        responder.respond(text_response(200, std::string(32u << 20, 'x')));
        waiting.set_value(std::move(responder));
    });
    Wire wire(port, 4096);
    wire.send(get("/"));
    const auto responder = parked.get();
    EXPECT_TRUE(eventually([&] { return responder.is_gone(); }));
}

// --- many, and the end

TEST(Server, ServesTwoHundredConnectionsAtOnce) {
    RunningServer running({}, 4);
    std::mutex mutex;
    std::vector<Responder> parked;
    const auto port = running.listen([&](const Request&, Responder responder) {
        const std::lock_guard lock(mutex);
        parked.push_back(std::move(responder));
    });
    std::vector<std::unique_ptr<Wire>> wires;
    for (int i = 0; i < 200; ++i) {
        wires.push_back(std::make_unique<Wire>(port));
        ASSERT_TRUE(wires.back()->send(get("/" + std::to_string(i))));
    }
    ASSERT_TRUE(eventually([&] {
        const std::lock_guard lock(mutex);
        return parked.size() == 200;
    }));
    for (auto& responder : parked) responder.respond(text_response(200, "done"));
    parked.clear();
    for (auto& wire : wires) EXPECT_TRUE(wire->read_until("done").ends_with("\r\n\r\ndone"));
}

TEST(Server, StopLetsARequestUnderWayFinish) {
    RunningServer running;
    std::promise<Responder> waiting;
    auto parked = waiting.get_future();
    const auto port = running.listen(
        [&](const Request&, Responder responder) { waiting.set_value(std::move(responder)); });
    Wire wire(port);
    Wire idle(port);
    wire.send(get("/"));
    auto responder = parked.get();
    running.server.stop(20s);
    EXPECT_EQ(idle.read_all(), "");
    EXPECT_FALSE(Wire(port).connected());
    responder.respond(text_response(200, "finished"));
    const auto reply = wire.read_all();
    EXPECT_TRUE(reply.ends_with("finished")) << reply;
    EXPECT_NE(reply.find("Connection: close"), std::string::npos);
    wire.close();
    running.join();
}

TEST(Server, StopEndsWhatOutlastsTheGrace) {
    std::promise<Responder> waiting;
    auto parked = waiting.get_future();
    std::optional<RunningServer> running(std::in_place);
    const auto port = running->listen(
        [&](const Request&, Responder responder) { waiting.set_value(std::move(responder)); });
    Wire wire(port);
    wire.send(get("/"));
    auto responder = parked.get();
    running->server.stop(10ms);
    running->join();
    EXPECT_EQ(wire.read_all(), "");
    EXPECT_TRUE(responder.is_gone());
    running.reset();
    responder.respond(text_response(200, "after the server is gone"));
}

TEST(Server, MayBeStoppedBeforeItRunsOrNeverRun) {
    Server never({});
    ASSERT_TRUE(never.listen({.name = "a"}, echo()));
    Server stopped({});
    ASSERT_TRUE(stopped.listen({.name = "a"}, echo()));
    stopped.stop();
    stopped.run_io();
    stopped.run_worker();
    EXPECT_EQ(stopped.listen({.name = "b"}, echo()).error().kind, ErrorKind::cancelled);
}

// --- listeners

TEST(Listener, APortInUseIsAConflictWithARemedy) {
    RunningServer running;
    const auto port = running.listen(echo());
    Server other({});
    const auto refused = other.listen({.name = "x", .port = port}, echo());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
    EXPECT_EQ(refused.error().code, "port_in_use");
    EXPECT_NE(refused.error().message.find(std::to_string(port)), std::string::npos);
    EXPECT_NE(refused.error().next_action.find("ss -ltnp"), std::string::npos);
    EXPECT_EQ(refused.error().owner, Owner::administrator);
}

TEST(Listener, AWrongAddressOrNameIsRefused) {
    Server server({});
    EXPECT_EQ(server.listen({.name = "x", .address = "nowhere"}, echo()).error().code,
              "address_malformed");
    EXPECT_EQ(server.listen({.name = "x", .address = "192.0.2.77"}, echo()).error().code,
              "address_not_here");
    ASSERT_TRUE(server.listen({.name = "x"}, echo()));
    EXPECT_EQ(server.listen({.name = "x"}, echo()).error().kind, ErrorKind::already_exists);
}

TEST(Listener, MayBeOpenedAndClosedWhileTheServerRuns) {
    RunningServer running;
    const auto first = running.listen(echo(), {.name = "first"});
    const auto second = running.listen(
        answering([](const Request&) { return text_response(200, "second"); }), {.name = "second"});
    Wire kept(second);
    kept.send(get("/"));
    EXPECT_TRUE(kept.read_until("second").ends_with("second"));
    running.server.close_listener("second");
    EXPECT_EQ(kept.read_all(), "");
    EXPECT_FALSE(Wire(second).connected());
    EXPECT_TRUE(answer_to(first, get("/")).ends_with("GET / "));
    running.listen(echo(), {.name = "second", .port = second});
    EXPECT_TRUE(answer_to(second, get("/")).ends_with("GET / "));
    running.server.close_listener("no such listener");
}

TEST(Listener, TakesASocketOpenedElsewhere) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(descriptor, 16), 0);
    RunningServer running;
    const auto port = running.listen(echo(), {.name = "inherited", .socket = descriptor});
    EXPECT_TRUE(answer_to(port, get("/x")).ends_with("GET /x "));
    EXPECT_FALSE(running.server.listen({.name = "broken", .socket = 9999}, echo()));
}

TEST(Listener, ServesIpv6OrSaysThatThisMachineHasNone) {
    RunningServer running;
    const auto port = running.server.listen({.name = "six", .address = "::1"}, echo());
    if (!port) {
        EXPECT_TRUE(port.error().code == "address_not_here" ||
                    port.error().code == "listen_failed");
        return;
    }
    Client client({});
    const auto reply = client.send({.url = "http://[::1]:" + std::to_string(*port) + "/six"});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->body, "GET /six ");
}

}  // namespace
}  // namespace hopyard::http
