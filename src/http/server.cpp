// Listeners and the life of a server. Sockets are made here by system calls, because a descriptor
// that a child process inherits would keep a port or a client busy for as long as the child lives.
#include "http/server.h"

#include <cerrno>
#include <cstring>
#include <future>
#include <map>
#include <thread>

#include <arpa/inet.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "http/core.h"

namespace hopyard::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// Connections taken in per wake-up, so that a flood does not starve those that exist.
constexpr int accepts_per_wake = 64;
constexpr Milliseconds accept_pause{100};

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = sizeof(sockaddr_storage);

    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    bool is_ipv6() const { return storage.ss_family == AF_INET6; }
    std::uint16_t port() const {
        return ntohs(is_ipv6() ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                               : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
    }
    std::string text() const;
};

std::string SocketAddress::text() const {
    char buffer[INET6_ADDRSTRLEN] = {};
    if (!is_ipv6()) {
        inet_ntop(AF_INET,
                  &reinterpret_cast<const sockaddr_in&>(storage).sin_addr,
                  buffer,
                  sizeof buffer);
        return buffer;
    }
    const auto& address = reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr;
    // A listener on "::" also takes IPv4; its peers are known by their IPv4 address everywhere
    // else.
    if (IN6_IS_ADDR_V4MAPPED(&address))
        inet_ntop(AF_INET, &address.s6_addr[12], buffer, sizeof buffer);
    else
        inet_ntop(AF_INET6, &address, buffer, sizeof buffer);
    return buffer;
}

std::optional<SocketAddress> address_of(const ListenerOptions& options) {
    SocketAddress address;
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    if (inet_pton(AF_INET, options.address.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(options.port);
        address.length = sizeof v4;
        return address;
    }
    if (inet_pton(AF_INET6, options.address.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(options.port);
        address.length = sizeof v6;
        return address;
    }
    return std::nullopt;
}

Failure listen_failed(const ListenerOptions& options, int cause) {
    const auto port = std::to_string(options.port);
    const auto where = "port " + port + " on " + options.address;
    const auto failure =
        [&](ErrorKind kind, std::string code, std::string message, std::string next) {
            auto made = fail(kind, std::move(code), std::move(message));
            made.value().owner = Owner::administrator;
            made.value().next_action = std::move(next);
            return made;
        };
    if (cause == EADDRINUSE)
        return failure(ErrorKind::conflict,
                       "port_in_use",
                       "Another program listens on " + where + " already.",
                       "Stop that program (\"ss -ltnp 'sport = :" + port +
                           "'\" names it) or choose another port.");
    if (cause == EACCES || cause == EPERM)
        return failure(ErrorKind::permission_denied,
                       "port_not_permitted",
                       "This user may not listen on " + where + ".",
                       "Choose a port from 1024 up, or grant CAP_NET_BIND_SERVICE.");
    if (cause == EADDRNOTAVAIL)
        return failure(ErrorKind::invalid_argument,
                       "address_not_here",
                       "The address " + options.address + " does not belong to this machine.",
                       "Choose an address that \"ip address\" shows, or 0.0.0.0 for all.");
    return failure(ErrorKind::unavailable,
                   "listen_failed",
                   "Cannot listen on " + where + ": " + std::strerror(cause) + ".",
                   "Mend the cause named in the message and start again.");
}

/// A listening, non-blocking, close-on-exec socket.
Result<int> open_socket(const ListenerOptions& options) {
    if (options.socket >= 0) {
        const int flags = fcntl(options.socket, F_GETFL);
        if (flags < 0 || fcntl(options.socket, F_SETFL, flags | O_NONBLOCK) < 0 ||
            fcntl(options.socket, F_SETFD, FD_CLOEXEC) < 0)
            return listen_failed(options, errno);
        return options.socket;
    }
    auto address = address_of(options);
    if (!address)
        return refuse("",
                      "address_malformed",
                      "\"" + options.address + "\" is no IP address.",
                      "Give an IPv4 or IPv6 address to listen on.");
    const int descriptor =
        ::socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return listen_failed(options, errno);
    const int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(descriptor, address->get(), address->length) < 0 ||
        ::listen(descriptor, SOMAXCONN) < 0) {
        const int cause = errno;
        ::close(descriptor);
        return listen_failed(options, cause);
    }
    return descriptor;
}

/// One listening socket. Everything but set_tls runs on the io thread, or before it runs.
class Listener : public std::enable_shared_from_this<Listener> {
  public:
    Listener(
        std::shared_ptr<Core> core, std::string name, bool ipv6, int descriptor, Handler handler)
        : core_(std::move(core)),
          name_(std::move(name)),
          handler_(std::make_shared<const Handler>(std::move(handler))),
          acceptor_(core_->io, ipv6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), descriptor),
          pause_(core_->io) {}

    void set_tls(std::shared_ptr<SSL_CTX> context) {
        const std::lock_guard lock(mutex_);
        tls_ = std::move(context);
    }

    void wait() {
        acceptor_.async_wait(asio::ip::tcp::acceptor::wait_read,
                             [self = shared_from_this()](error_code error) {
                                 if (!error && self->acceptor_.is_open()) self->accept_ready();
                             });
    }

    void close() {
        error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
    }

  private:
    void accept_ready() {
        for (int i = 0; i < accepts_per_wake; ++i) {
            SocketAddress from;
            const int descriptor = ::accept4(
                acceptor_.native_handle(), from.get(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (descriptor >= 0) {
                take(descriptor, from);
                continue;
            }
            if (errno == EAGAIN) break;
            // A client that gave up meanwhile is nobody's failure.
            if (errno == EINTR || errno == ECONNABORTED) continue;
            return rest(errno);
        }
        wait();
    }

    /// Out of descriptors or memory: the waiting client stays in the backlog until some are free.
    void rest(int cause) {
        log::warning("cannot accept connections",
                     {{"listener", name_}, {"cause", std::strerror(cause)}});
        pause_.expires_after(accept_pause);
        pause_.async_wait([self = shared_from_this()](error_code error) {
            if (!error && self->acceptor_.is_open()) self->accept_ready();
        });
    }

    void take(int descriptor, const SocketAddress& from) {
        const int on = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        // Finds clients that vanished without a word while their answer is waited for.
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        AcceptedSocket accepted{.descriptor = descriptor,
                                .is_ipv6 = from.is_ipv6(),
                                .peer = {.address = from.text(),
                                         .port = from.port(),
                                         .listener = name_,
                                         .certificate_subject = {}},
                                .handler = handler_,
                                .tls = tls()};
        try {
            serve_connection(core_, std::move(accepted));
        } catch (const std::exception& error) {
            log::warning("cannot serve a connection",
                         {{"listener", name_}, {"cause", error.what()}});
        }
    }

    std::shared_ptr<SSL_CTX> tls() {
        const std::lock_guard lock(mutex_);
        return tls_;
    }

    const std::shared_ptr<Core> core_;
    const std::string name_;
    const std::shared_ptr<const Handler> handler_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    std::mutex mutex_;
    std::shared_ptr<SSL_CTX> tls_;
};

}  // namespace

struct Server::State {
    explicit State(ServerOptions options) : core(std::make_shared<Core>(options)) {}

    /// Runs it where connections live and waits for its end.
    void on_io_thread(const std::function<void()>& work);
    void drain(Milliseconds grace);
    void finish();

    const std::shared_ptr<Core> core;
    asio::steady_timer grace_over{core->io};

    std::mutex mutex;
    std::map<std::string, std::shared_ptr<Listener>> listeners;  // guarded by mutex
    bool stopped = false;                                        // guarded by mutex

    std::mutex io_mutex;
    bool io_running = false;    // guarded by io_mutex
    std::thread::id io_thread;  // guarded by io_mutex
};

void Server::State::on_io_thread(const std::function<void()>& work) {
    std::future<void> done;
    {
        const std::lock_guard lock(io_mutex);
        if (!io_running || io_thread == std::this_thread::get_id()) return work();
        auto promise = std::make_shared<std::promise<void>>();
        done = promise->get_future();
        // Not core->post: what is queued before run_io ends is run by it in any case.
        asio::post(core->io, [&work, promise] {
            work();
            promise->set_value();
        });
    }
    done.wait();
}

void Server::State::drain(Milliseconds grace) {
    core->draining = true;
    {
        const std::lock_guard lock(mutex);
        for (auto& [name, listener] : listeners) listener->close();
        listeners.clear();
    }
    const auto winding = core->connections;
    for (auto* connection : winding) connection->wind_down();
    if (core->connections.empty()) return finish();
    core->on_drained = [this] { finish(); };
    grace_over.expires_after(grace);
    grace_over.async_wait([this](error_code error) {
        if (!error) finish();
    });
}

void Server::State::finish() {
    grace_over.cancel();
    core->finish();
}

Server::Server(ServerOptions options) : state_(std::make_shared<State>(options)) {}

Server::~Server() {
    {
        const std::lock_guard lock(state_->io_mutex);
        CHECK(!state_->io_running);
    }
    state_->drain(Milliseconds(0));
    state_->finish();
    // Handlers that are still queued hold the connections that hold the core: run them out.
    state_->core->io.restart();
    state_->core->io.run();
}

Result<std::uint16_t> Server::listen(ListenerOptions options, Handler handler) {
    std::shared_ptr<SSL_CTX> tls;
    if (options.tls) {
        ASSIGN_OR_RETURN(tls, make_tls_context(*options.tls));
    }
    const std::lock_guard lock(state_->mutex);
    if (state_->stopped)
        return fail(ErrorKind::cancelled, "server_stopped", "The server is being stopped.");
    if (state_->listeners.contains(options.name))
        return fail(ErrorKind::already_exists,
                    "listener_exists",
                    "There is a listener named \"" + options.name + "\" already.");
    ASSIGN_OR_RETURN(const int descriptor, open_socket(options));
    SocketAddress bound;
    if (getsockname(descriptor, bound.get(), &bound.length) < 0)
        return listen_failed(options, errno);
    std::shared_ptr<Listener> listener;
    try {
        listener = std::make_shared<Listener>(
            state_->core, options.name, bound.is_ipv6(), descriptor, std::move(handler));
    } catch (const boost::system::system_error& error) {
        if (options.socket < 0) ::close(descriptor);
        return listen_failed(options, error.code().value());
    }
    listener->set_tls(std::move(tls));
    state_->listeners.emplace(options.name, listener);
    state_->core->post([listener] { listener->wait(); });
    return bound.port();
}

void Server::close_listener(const std::string& name) {
    std::shared_ptr<Listener> listener;
    {
        const std::lock_guard lock(state_->mutex);
        const auto found = state_->listeners.find(name);
        if (found == state_->listeners.end()) return;
        listener = std::move(found->second);
        state_->listeners.erase(found);
    }
    state_->on_io_thread([&] {
        listener->close();
        const auto connections = state_->core->connections;
        for (auto* connection : connections)
            if (connection->listener() == name) connection->wind_down();
    });
}

Result<void> Server::set_tls(const std::string& name, TlsOptions tls) {
    ASSIGN_OR_RETURN(auto context, make_tls_context(tls));
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->listeners.find(name);
    if (found == state_->listeners.end())
        return fail(ErrorKind::not_found,
                    "no_such_listener",
                    "There is no listener named \"" + name + "\".");
    found->second->set_tls(std::move(context));
    return {};
}

void Server::run_io() {
    {
        const std::lock_guard lock(state_->io_mutex);
        CHECK(!state_->io_running);
        state_->io_running = true;
        state_->io_thread = std::this_thread::get_id();
    }
    auto& io = state_->core->io;
    while (true) {
        try {
            io.run();
            break;
        } catch (const std::exception& error) {
            log::error("a connection failed", {{"cause", error.what()}});
        }
    }
    const std::lock_guard lock(state_->io_mutex);
    state_->io_running = false;
    // What other threads queued between the last handler and now.
    io.restart();
    io.run();
}

void Server::run_worker() {
    state_->core->jobs.run();
}

void Server::stop(Milliseconds grace) {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopped = true;
    }
    auto state = state_;
    const std::lock_guard lock(state->io_mutex);
    if (state->io_running) {
        asio::post(state->core->io, [state, grace] { state->drain(grace); });
        return;
    }
    state->drain(Milliseconds(0));
    state->finish();
}

}  // namespace hopyard::http
