// For the tests of this module: a server on loopback with its threads, and a client that speaks
// bytes.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"

namespace hopyard::http {

/// Runs a server with one io thread and some workers until it dies.
class RunningServer {
  public:
    explicit RunningServer(ServerOptions options = {}, int workers = 2) : server(options) {
        threads_.emplace_back([this] { server.run_io(); });
        for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { server.run_worker(); });
    }
    ~RunningServer() {
        server.stop(Milliseconds(0));
        join();
    }
    void join() {
        for (auto& thread : threads_) thread.join();
        threads_.clear();
    }
    std::uint16_t listen(Handler handler, ListenerOptions options = {}) {
        if (options.name.empty()) options.name = "test";
        const auto port = server.listen(options, std::move(handler));
        EXPECT_TRUE(port) << port.error().message;
        return port ? *port : 0;
    }

    Server server;

  private:
    std::vector<std::thread> threads_;
};

/// A TCP connection to loopback that sends and reads exactly what it is told.
class Wire {
  public:
    explicit Wire(std::uint16_t port, int receive_buffer = 0)
        : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (receive_buffer > 0)
            setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ =
            ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    ~Wire() { close(); }
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    bool connected() const { return connected_; }
    int descriptor() const { return descriptor_; }
    void close() {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = -1;
    }
    void end_sending() { ::shutdown(descriptor_, SHUT_WR); }
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    /// Everything until the server closes.
    std::string read_all() {
        while (read_some()) continue;
        return std::exchange(received_, {});
    }
    /// Everything up to and with that text; what came so far when the server closes before.
    std::string read_until(std::string_view text) {
        while (true) {
            const auto found = received_.find(text);
            if (found != std::string::npos) {
                auto part = received_.substr(0, found + text.size());
                received_.erase(0, found + text.size());
                return part;
            }
            if (!read_some()) return std::exchange(received_, {});
        }
    }

  private:
    bool read_some() {
        pollfd waiting{descriptor_, POLLIN, 0};
        if (::poll(&waiting, 1, 20'000) <= 0) return false;
        char buffer[4096];
        const auto count = ::recv(descriptor_, buffer, sizeof buffer, 0);
        if (count <= 0) return false;
        received_.append(buffer, static_cast<std::size_t>(count));
        return true;
    }

    int descriptor_;
    bool connected_ = false;
    std::string received_;
};

/// Waits for what another thread brings about soon; false when it does not.
template <class Condition>
bool eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::yield();
    }
    return true;
}

inline Handler echo() {
    return answering([](const Request& request) {
        return text_response(200, request.method + " " + request.target + " " + request.body);
    });
}

}  // namespace hopyard::http
