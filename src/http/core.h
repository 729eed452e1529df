// Inside the server: what listeners and connections share. The io context runs on one thread, which
// is the only one that touches connections; other threads reach them with post().
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <openssl/types.h>

#include "http/server.h"

namespace hopyard::http {

/// What the core needs to know of a connection; io thread only.
class LiveConnection {
  public:
    virtual ~LiveConnection() = default;
    virtual const std::string& listener() const = 0;
    /// Closes at once when idle, otherwise after the answer under way.
    virtual void wind_down() = 0;
    virtual void close() = 0;
};

/// Requests waiting for a thread that runs their handler. Listeners take turns: however many wait
/// at one, a request at another is next.
class Jobs {
  public:
    void push(const std::string& listener, std::function<void()> job);
    std::size_t waiting(const std::string& listener) const;
    /// Runs jobs until end(). Any number of threads.
    void run();
    /// Drops what waits and lets run() return.
    void end();

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    using Queue = std::deque<std::function<void()>>;
    std::function<void()> take();  ///< needs the mutex, and somebody who waits

    std::map<std::string, Queue> queues_;  ///< by listener
    std::deque<Queue*> turns_;             ///< those in which somebody waits, the next one first
    bool ended_ = false;
};

struct Core {
    explicit Core(ServerOptions given) : options(given) {}

    /// Runs it on the io thread, later. Dropped when the io thread has ended. Thread-safe.
    void post(std::function<void()> work);
    /// From the io thread: the connection is closed.
    void forget(LiveConnection* connection);
    /// From the io thread: closes everything, so that run_io ends.
    void finish();

    const ServerOptions options;
    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        io.get_executor()};
    Jobs jobs;

    // io thread only
    std::array<char, 16384> scratch;  ///< where bytes are read to before they are taken over
    std::unordered_set<LiveConnection*> connections;
    bool draining = false;
    std::function<void()> on_drained;  ///< called when draining and the last connection closed

    std::mutex mutex;
    bool ended = false;  ///< guarded by mutex: post() drops
};

struct AcceptedSocket {
    int descriptor = -1;  ///< non-blocking, close-on-exec; ownership passes on
    bool is_ipv6 = false;
    Peer peer;
    std::shared_ptr<const Handler> handler;
    std::shared_ptr<SSL_CTX> tls;  ///< null for plain
};

/// connection.cpp: serves requests on that socket until it closes. io thread only. Throws, with the
/// socket closed, when the system has no room for one more.
void serve_connection(std::shared_ptr<Core> core, AcceptedSocket socket);

/// tls.cpp: what handshakes are made with; `invalid_argument` when the material does not fit.
Result<std::shared_ptr<SSL_CTX>> make_tls_context(const TlsOptions& options);
/// tls.cpp: reads and writes that socket, which never blocks; never raises SIGPIPE. Null without
/// memory.
BIO* make_socket_bio(int descriptor);
/// tls.cpp: whose the client certificate of a finished handshake is; "" when there was none. What
/// the client sent beside it is forgotten.
std::string take_peer_subject(SSL* tls);

/// core.cpp: frees what an empty buffer holds, but for a little: thousands of connections wait for
/// each that works.
void give_back(std::string& empty);

/// core.cpp: status line and header fields of a reply, with the framing the connection decided on.
enum class Framing { none, length, chunked, until_close };
struct ReplyHead {
    int status = 200;
    Framing framing = Framing::length;
    std::size_t body_bytes = 0;
    bool keep_alive = true;
};
std::string format_head(const ReplyHead& head, const Headers& headers);
/// RFC 9112 section 7.1.
std::string format_chunk(const std::string& bytes);

}  // namespace hopyard::http
