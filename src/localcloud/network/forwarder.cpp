#include "localcloud/network/forwarder.h"

#include <cerrno>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace hopyard::localcloud::network {
namespace {

constexpr std::size_t buffer_bytes = 65536;
constexpr std::size_t connection_limit = 4096;

/// What an event is about: the number of a listener or connection, and which part of it. An event
/// for something that has gone meanwhile finds no such number.
enum Part : std::uint64_t { caller_part = 0, host_part = 1, listener_part = 2, wake_part = 3 };
std::uint64_t token_of(std::uint64_t number, std::uint64_t part) {
    return number << 2 | part;
}

void set_option(int socket, int level, int option) {
    const int on = 1;
    setsockopt(socket, level, option, &on, sizeof on);
}

}  // namespace

Forwarder::Forwarder()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    CHECK(epoll_.is_open() && wake_.is_open());
    std::uint32_t before = 0;
    watch(wake_.get(), token_of(0, wake_part), before, EPOLLIN);
}

Forwarder::~Forwarder() = default;

void Forwarder::watch(int socket,
                      std::uint64_t token,
                      std::uint32_t& before,
                      std::uint32_t now) const {
    if (before == now) return;
    epoll_event event{};
    event.events = now;
    event.data.u64 = token;
    // Without interest a socket is taken out: the kernel would go on reporting that it hung up.
    const int operation = before == 0 ? EPOLL_CTL_ADD : now == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    epoll_ctl(epoll_.get(), operation, socket, &event);
    before = now;
}

std::uint64_t Forwarder::add(Descriptor listener, std::uint16_t port) {
    const std::lock_guard lock(mutex_);
    const auto number = next_++;
    std::uint32_t before = 0;
    watch(listener.get(), token_of(number, listener_part), before, EPOLLIN);
    listeners_[number] = {.socket = std::move(listener), .port = port};
    return number;
}

void Forwarder::remove(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    listeners_.erase(number);
    std::vector<std::uint64_t> its;
    for (const auto& [id, connection] : connections_)
        if (connection.listener == number) its.push_back(id);
    for (const auto id : its) drop(id, true);
}

std::size_t Forwarder::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
}

void Forwarder::run(std::stop_token stop) {
    const std::stop_callback on_stop(stop, [this] {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto ignored = write(wake_.get(), &one, sizeof one);
    });
    std::array<epoll_event, 256> events{};
    while (!stop.stop_requested()) {
        const int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
        const std::lock_guard lock(mutex_);
        for (int index = 0; index < count; ++index)
            serve(events[static_cast<std::size_t>(index)].data.u64,
                  events[static_cast<std::size_t>(index)].events);
    }
    std::uint64_t count = 0;
    [[maybe_unused]] const auto ignored = read(wake_.get(), &count, sizeof count);
}

void Forwarder::serve(std::uint64_t token, std::uint32_t events) {
    const auto number = token >> 2;
    switch (token & 3) {
        case listener_part:
            accept_all(number);
            break;
        case caller_part:
        case host_part:
            advance(number, token & 1, events);
            break;
        default:
            break;
    }
}

void Forwarder::accept_all(std::uint64_t number) {
    const auto found = listeners_.find(number);
    if (found == listeners_.end()) return;
    auto& listener = found->second;
    while (true) {
        const bool full = connections_.size() >= connection_limit;
        const int socket =
            full ? -1
                 : accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket >= 0) {
            begin(number, Descriptor(socket), listener.port);
            continue;
        }
        if (!full && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (full || errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            // Callers wait in the listener's queue until a connection has ended.
            std::uint32_t before = EPOLLIN;
            watch(listener.socket.get(), token_of(number, listener_part), before, 0);
            listener.paused = true;
        }
        return;
    }
}

void Forwarder::resume_listeners() {
    for (auto& [number, listener] : listeners_) {
        if (!listener.paused) continue;
        std::uint32_t before = 0;
        watch(listener.socket.get(), token_of(number, listener_part), before, EPOLLIN);
        listener.paused = false;
    }
}

void Forwarder::begin(std::uint64_t listener, Descriptor caller, std::uint16_t port) {
    const auto number = next_++;
    auto& connection = connections_[number];
    connection.listener = listener;
    Descriptor host(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool begun =
        host.is_open() &&
        (connect(host.get(), reinterpret_cast<sockaddr*>(&place), sizeof place) == 0 ||
         errno == EINPROGRESS);
    for (const int socket : {caller.get(), host.get()}) {
        set_option(socket, IPPROTO_TCP, TCP_NODELAY);
        // A machine that was killed says no goodbye.
        set_option(socket, SOL_SOCKET, SO_KEEPALIVE);
    }
    connection.sides[caller_part].socket = std::move(caller);
    connection.sides[host_part].socket = std::move(host);
    if (!begun) return drop(number, true);
    show_interest(number, connection);
}

void Forwarder::advance(std::uint64_t number, std::size_t side, std::uint32_t events) {
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    auto& connection = found->second;
    if ((events & EPOLLERR) != 0) return drop(number, true);
    if (connection.connecting && side == host_part && (events & EPOLLOUT) != 0)
        connection.connecting = false;
    if (!move(connection, caller_part) || !move(connection, host_part)) return drop(number, true);
    if (connection.sides[0].flow.passed_on && connection.sides[1].flow.passed_on)
        return drop(number, false);
    show_interest(number, connection);
}

/// Moves what can be moved from one side to the other. False when either side has failed.
bool Forwarder::move(Connection& connection, std::size_t from) const {
    auto& flow = connection.sides[from].flow;
    const int source = connection.sides[from].socket.get();
    const int target = connection.sides[1 - from].socket.get();
    if (connection.connecting) return true;
    std::array<char, buffer_bytes> piece;
    bool moves = true;
    // A share at a time: other connections want theirs, and what is left is reported again.
    for (int share = 0; moves && share < 16; ++share) {
        moves = false;
        if (!flow.ended && flow.bytes.size() < buffer_bytes) {
            const auto count = recv(source, piece.data(), buffer_bytes - flow.bytes.size(), 0);
            if (count > 0) flow.bytes.append(piece.data(), static_cast<std::size_t>(count));
            if (count == 0) flow.ended = true;
            if (count < 0 && errno != EAGAIN && errno != EINTR) return false;
        }
        if (!flow.bytes.empty()) {
            const auto count = send(target, flow.bytes.data(), flow.bytes.size(), MSG_NOSIGNAL);
            if (count < 0 && errno != EAGAIN && errno != EINTR) return false;
            if (count > 0) flow.bytes.erase(0, static_cast<std::size_t>(count));
            moves = count > 0;
        }
    }
    if (flow.ended && flow.bytes.empty() && !flow.passed_on) {
        shutdown(target, SHUT_WR);
        flow.passed_on = true;
    }
    return true;
}

void Forwarder::show_interest(std::uint64_t number, Connection& connection) {
    for (const std::size_t side : {caller_part, host_part}) {
        const auto& outgoing = connection.sides[side].flow;
        const auto& incoming = connection.sides[1 - side].flow;
        std::uint32_t interest = 0;
        if (connection.connecting) {
            if (side == host_part) interest = EPOLLOUT;
        } else {
            if (!outgoing.ended && outgoing.bytes.size() < buffer_bytes) interest |= EPOLLIN;
            if (!incoming.bytes.empty()) interest |= EPOLLOUT;
        }
        watch(connection.sides[side].socket.get(),
              token_of(number, side),
              connection.sides[side].interest,
              interest);
    }
}

void Forwarder::drop(std::uint64_t number, bool reset) {
    const auto found = connections_.find(number);
    if (found == connections_.end()) return;
    if (reset) {
        // Whoever is left hears that it failed, not that all was said.
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        for (const auto& side : found->second.sides)
            setsockopt(side.socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    connections_.erase(found);
    resume_listeners();
}

}  // namespace hopyard::localcloud::network
