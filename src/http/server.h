// The way in: listeners, plain or TLS, and the handlers they lead to. One thread runs the sockets
// (run_io), any number run the handlers (run_worker); the program owns those threads. A handler
// that cannot answer yet keeps its Responder and returns, so a waiting client holds a socket and no
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"

namespace hopyard::http {

class Exchange;  // exchange.h

/// Gives the next piece of a body, nothing at its end. After an error the client is cut off, so
/// that it does not take the part for the whole.
using Source = std::function<Result<std::optional<std::string>>()>;

/// A reply whose body is sent piece by piece (chunked). Thread-safe; copies share the connection.
class Stream {
  public:
    explicit Stream(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
    /// Queues the bytes. False when the client is gone or its queue is over the limit (it was then
    /// cut off).
    bool write(std::string bytes);
    void close();
    bool is_open() const;
    /// Bytes that wait for the client to read.
    std::size_t queued() const;

  private:
    std::shared_ptr<Exchange> exchange_;
};

/// The right to answer one request, once. Thread-safe; may outlive the handler. Dropped unanswered,
/// it answers 500.
class Responder {
  public:
    explicit Responder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
    void respond(Response response);
    /// Sends status and headers now and the body later.
    Stream start(int status, Headers headers);
    /// The same for a body that is there already, but too large to be held at once: a piece is
    /// asked for when the one before is sent, on a thread that runs handlers.
    void start(int status, Headers headers, Source source);
    /// The client closed its end: an answer would reach nobody.
    bool is_gone() const;

  private:
    std::shared_ptr<Exchange> exchange_;
};

using Handler = std::function<void(const Request&, Responder)>;
/// Makes a Handler of a plain function.
Handler answering(std::function<Response(const Request&)> function);

enum class ClientCertificates {
    none,      ///< not asked for
    optional,  ///< asked for; one that does not verify is refused
    required,  ///< the handshake fails without
};

struct TlsOptions {
    std::string certificate_chain_pem;
    Secret private_key_pem;
    ClientCertificates client_certificates = ClientCertificates::none;
    std::string client_ca_pem;
};

struct ListenerOptions {
    std::string name;
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0 = any free one
    /// A listening socket opened elsewhere (another network namespace); address and port are then
    /// not used. The server owns it once listen() succeeded.
    int socket = -1;
    std::optional<TlsOptions> tls;
};

struct ServerOptions {
    std::size_t body_bytes_max = 4u << 20;     ///< more is answered 413
    std::size_t header_bytes_max = 32u << 10;  ///< more is answered 431
    /// Requests of one listener that wait for a worker; more are answered 503.
    std::size_t queue_max = 1024;
    Milliseconds idle_timeout{75'000};  ///< between two requests, and for the whole of one
};

class Server {
  public:
    explicit Server(ServerOptions options);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Opens a listener and returns its port. `conflict` when the address is in use, with the
    /// remedy. May be called before and while run_io runs; so may close_listener.
    Result<std::uint16_t> listen(ListenerOptions options, Handler handler);
    void close_listener(const std::string& name);
    /// Replaces the certificate of a TLS listener; connections under way keep theirs.
    Result<void> set_tls(const std::string& name, TlsOptions tls);

    /// Runs the sockets until stop(). Exactly one thread.
    void run_io();
    /// Runs handlers until stop(). Any number of threads.
    void run_worker();
    /// Stops accepting, lets requests under way finish for that long, then ends run_io and
    /// run_worker. Returns at once; both have returned before the Server is destroyed. Streams that
    /// nobody closes last for the whole grace. Thread-safe; may be called again with a shorter
    /// grace.
    void stop(Milliseconds grace = Milliseconds(2'000));

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace hopyard::http
