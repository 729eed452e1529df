#include "localcloud/network/forwarder.h"

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

namespace hopyard::localcloud::network {
namespace {

Descriptor listener(int flags = 0) {
    Descriptor socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&place), sizeof place), 0);
    EXPECT_EQ(listen(socket_.get(), 512), 0);
    return socket_;
}

std::uint16_t port_of(const Descriptor& socket_) {
    sockaddr_in place{};
    socklen_t size = sizeof place;
    getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&place), &size);
    return ntohs(place.sin_port);
}

Descriptor call(std::uint16_t port) {
    Descriptor socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_.get(), reinterpret_cast<sockaddr*>(&place), sizeof place), 0);
    return socket_;
}

void send_all(const Descriptor& socket_, const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto count =
            send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        ASSERT_GT(count, 0);
        sent += static_cast<std::size_t>(count);
    }
}

/// Up to the end, or up to a failure, which is then the last word.
std::string receive_all(const Descriptor& socket_) {
    std::string all;
    std::vector<char> piece(100000);
    while (true) {
        const auto count = recv(socket_.get(), piece.data(), piece.size(), 0);
        if (count == 0) return all;
        if (count < 0) return all + "<" + (errno == ECONNRESET ? "reset" : "failed") + ">";
        all.append(piece.data(), static_cast<std::size_t>(count));
    }
}

/// A forwarder at work between `entrance` and a host's listener.
struct Line {
    Forwarder forwarder;
    Descriptor host = listener();
    std::uint16_t entrance = 0;
    std::uint64_t number = 0;
    std::jthread thread;

    Line() {
        auto in = listener(SOCK_NONBLOCK);
        entrance = port_of(in);
        number = forwarder.add(std::move(in), port_of(host));
        thread = std::jthread([this](std::stop_token stop) { forwarder.run(stop); });
    }
    Descriptor accepted() const {
        return Descriptor(accept4(host.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
};

TEST(Forwarder, PassesBothDirectionsOn) {
    Line line;
    const auto caller = call(line.entrance);
    const auto host = line.accepted();
    send_all(caller, "question");
    char buffer[64];
    EXPECT_EQ(recv(host.get(), buffer, 8, MSG_WAITALL), 8);
    send_all(host, "answer");
    EXPECT_EQ(recv(caller.get(), buffer, 6, MSG_WAITALL), 6);
    EXPECT_EQ(std::string(buffer, 6), "answer");
}

TEST(Forwarder, AnAnswerMayFollowTheEndOfTheQuestion) {
    Line line;
    const auto caller = call(line.entrance);
    auto host = line.accepted();
    send_all(caller, "question");
    shutdown(caller.get(), SHUT_WR);
    EXPECT_EQ(receive_all(host), "question");
    send_all(host, "answer");
    host = {};
    EXPECT_EQ(receive_all(caller), "answer");
}

TEST(Forwarder, TheHostMayEndFirst) {
    Line line;
    auto caller = call(line.entrance);
    const auto host = line.accepted();
    send_all(host, "greeting");
    shutdown(host.get(), SHUT_WR);
    EXPECT_EQ(receive_all(caller), "greeting");
    send_all(caller, "thanks");
    caller = {};
    EXPECT_EQ(receive_all(host), "thanks");
}

TEST(Forwarder, LosesNothingOfMuchInBothDirectionsAtOnce) {
    Line line;
    const auto caller = call(line.entrance);
    const auto host = line.accepted();
    std::string there, back;
    for (int index = 0; index < 1000000; ++index) there += std::to_string(index) + ",";
    for (int index = 0; index < 1000000; ++index) back += std::to_string(index * 7) + ";";
    std::jthread caller_talks([&] {
        send_all(caller, there);
        shutdown(caller.get(), SHUT_WR);
    });
    std::jthread host_talks([&] {
        send_all(host, back);
        shutdown(host.get(), SHUT_WR);
    });
    std::string heard;
    std::jthread host_listens([&] { heard = receive_all(host); });
    EXPECT_TRUE(receive_all(caller) == back);
    host_listens.join();
    EXPECT_TRUE(heard == there);
}

TEST(Forwarder, ARefusedConnectionIsResetAtTheCaller) {
    Line line;
    const auto closed = port_of(listener());
    auto in = listener(SOCK_NONBLOCK);
    const auto entrance = port_of(in);
    line.forwarder.add(std::move(in), closed);
    const auto caller = call(entrance);
    EXPECT_EQ(receive_all(caller), "<reset>");
    EXPECT_EQ(line.forwarder.connections(), 0U);
}

TEST(Forwarder, AResetOfOneSideResetsTheOther) {
    Line line;
    const auto caller = call(line.entrance);
    auto host = line.accepted();
    send_all(host, "half");
    char buffer[4];
    ASSERT_EQ(recv(caller.get(), buffer, 4, MSG_WAITALL), 4);
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(host.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    host = {};
    EXPECT_EQ(receive_all(caller), "<reset>");
}

TEST(Forwarder, RemovalClosesListenerAndConnections) {
    Line line;
    const auto caller = call(line.entrance);
    const auto host = line.accepted();
    line.forwarder.remove(line.number);
    EXPECT_EQ(line.forwarder.connections(), 0U);
    EXPECT_EQ(receive_all(caller), "<reset>");
    Descriptor late(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(line.entrance);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(late.get(), reinterpret_cast<sockaddr*>(&place), sizeof place), -1);
    EXPECT_EQ(errno, ECONNREFUSED);
    line.forwarder.remove(line.number);
}

TEST(Forwarder, ServesManyConnectionsAtOnce) {
    Line line;
    std::vector<Descriptor> callers, hosts;
    for (int index = 0; index < 200; ++index) {
        callers.push_back(call(line.entrance));
        hosts.push_back(line.accepted());
        send_all(callers.back(), std::to_string(index));
        shutdown(callers.back().get(), SHUT_WR);
    }
    EXPECT_EQ(line.forwarder.connections(), 200U);
    for (auto& host : hosts) {
        const auto heard = receive_all(host);
        send_all(host, "got " + heard);
        host = {};
    }
    for (int index = 0; index < 200; ++index)
        EXPECT_EQ(receive_all(callers[static_cast<std::size_t>(index)]),
                  "got " + std::to_string(index));
}

}  // namespace
}  // namespace hopyard::localcloud::network
