// Many connections of mutual TLS to one server on loopback, on one thread: each asks one thing at a
// time and takes the answer whole.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "base/time.h"
#include "http/certificates.h"

namespace hopyard::bench {

struct Reply {
    int status = 0;  ///< 0: the connection broke
    std::string body;
};

/// Whose name a connection bears.
struct Identity {
    std::shared_ptr<X509> certificate;
    std::shared_ptr<EVP_PKEY> key;
};
Identity identity_of(const http::KeyAndCertificate& own);

/// Whom clients trust. Shared: a context of its own for each of thousands would fill the memory.
std::shared_ptr<SSL_CTX> client_context(const std::string& authority_pem);

/// Kept open between requests; opened with the first one, and again after it broke.
class Connection {
  public:
    Connection(int epoll, std::uint16_t port, std::shared_ptr<SSL_CTX> context, Identity own)
        : epoll_(epoll), port_(port), context_(std::move(context)), own_(std::move(own)) {}
    ~Connection() { close(); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// One at a time. `done` may ask the next thing.
    void ask(std::string request, std::function<void(Reply)> done);
    bool is_asking() const { return static_cast<bool>(done_); }
    /// The socket is ready for something.
    void go_on();

  private:
    enum class Phase { closed, connecting, greeting, asking, hearing, idle };

    bool open();
    void close();
    void fail();
    bool greet();
    bool send();
    bool hear();
    void watch(bool to_write);

    const int epoll_;
    const std::uint16_t port_;
    const std::shared_ptr<SSL_CTX> context_;
    const Identity own_;
    int socket_ = -1;
    SSL* tls_ = nullptr;
    Phase phase_ = Phase::closed;
    std::string outbox_;
    std::string inbox_;
    std::function<void(Reply)> done_;
};

}  // namespace hopyard::bench
