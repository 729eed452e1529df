// Inside connection.cpp: a TCP socket, plain or TLS, behind one pair of read and write, so that all
// above exists once.
//
// OpenSSL works on the socket itself. A connection that waits holds no buffer: bytes are read when
// they are there, into memory that all connections of the io thread share. (Asio's own TLS stream
// keeps 70 KiB for each connection, and thousands of nodes wait at a time.)
#pragma once

#include <cerrno>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include "http/core.h"

namespace hopyard::http {

/// `done` is called once, later, on the io thread; it keeps the owner of the socket alive.
class Socket {
  public:
    Socket(boost::asio::io_context& io, const AcceptedSocket& accepted) : plain_(io) {
        boost::system::error_code error;
        plain_.assign(accepted.is_ipv6 ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(),
                      accepted.descriptor,
                      error);
        if (!error) plain_.non_blocking(true, error);
        if (error) {
            ::close(accepted.descriptor);
            throw boost::system::system_error(error);
        }
        if (!accepted.tls) return;
        tls_.reset(SSL_new(accepted.tls.get()));
        BIO* bio = make_socket_bio(accepted.descriptor);
        if (!tls_ || bio == nullptr) {
            BIO_free(bio);
            throw std::bad_alloc();
        }
        SSL_set_bio(tls_.get(), bio, bio);
        SSL_set_mode(tls_.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                         SSL_MODE_RELEASE_BUFFERS);
        SSL_set_accept_state(tls_.get());
    }

    bool is_tls() const { return tls_ != nullptr; }
    SSL* tls() { return tls_.get(); }
    boost::asio::ip::tcp::socket& plain() { return plain_; }

    /// The buffer is used when bytes have come, and is free again once `done` has returned.
    template <class Done>
    void read_some(boost::asio::mutable_buffer into, Done done) {
        const auto step = [this, into](boost::system::error_code& error) -> std::size_t {
            if (!tls_) return plain_.read_some(into, error);
            return tls_step(
                [&](SSL* tls, std::size_t& bytes) {
                    return SSL_read_ex(tls, into.data(), into.size(), &bytes);
                },
                error);
        };
        // What TLS has taken in already is not announced by the socket.
        if (tls_ && SSL_has_pending(tls_.get()) == 1) {
            boost::asio::post(
                plain_.get_executor(),
                [this, step, done = std::move(done)]() mutable { go_on(step, std::move(done)); });
        } else {
            wait(Wait::wait_read, step, std::move(done));
        }
    }

    template <class Done>
    void write_some(boost::asio::const_buffer bytes, Done done) {
        if (!tls_) return plain_.async_write_some(bytes, std::move(done));
        start(
            [this, bytes](boost::system::error_code& error) {
                return tls_step(
                    [&](SSL* tls, std::size_t& sent) {
                        return SSL_write_ex(tls, bytes.data(), bytes.size(), &sent);
                    },
                    error);
            },
            std::move(done));
    }

    template <class Done>
    void handshake(Done done) {
        start(
            [this](boost::system::error_code& error) {
                return tls_step([](SSL* tls, std::size_t&) { return SSL_do_handshake(tls); },
                                error);
            },
            std::move(done));
    }

    /// Says that no more will be sent; does not wait for the other side to say so.
    template <class Done>
    void shut_down(Done done) {
        start(
            [this](boost::system::error_code& error) {
                return tls_step(
                    [](SSL* tls, std::size_t&) {
                        const int told = SSL_shutdown(tls);
                        return told == 0 ? 1 : told;
                    },
                    error);
            },
            std::move(done));
    }

  private:
    using Wait = boost::asio::ip::tcp::socket::wait_type;

    /// One try. would_block stands for a wait until the socket can be read, in_progress until it
    /// can be written.
    template <class Step>
    std::size_t tls_step(Step step, boost::system::error_code& error) {
        std::size_t bytes = 0;
        ERR_clear_error();
        errno = 0;
        const int outcome = step(tls_.get(), bytes);
        if (outcome > 0) return bytes;
        switch (SSL_get_error(tls_.get(), outcome)) {
            case SSL_ERROR_WANT_READ:
                error = boost::asio::error::would_block;
                break;
            case SSL_ERROR_WANT_WRITE:
                error = boost::asio::error::in_progress;
                break;
            case SSL_ERROR_ZERO_RETURN:
                error = boost::asio::error::eof;
                break;
            case SSL_ERROR_SYSCALL:
                error = errno == 0
                            ? boost::system::error_code(boost::asio::ssl::error::stream_truncated)
                            : boost::system::error_code(errno, boost::system::system_category());
                break;
            default: {
                const auto code = ERR_get_error();
                const bool truncated = ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
                error = truncated
                            ? boost::system::error_code(boost::asio::ssl::error::stream_truncated)
                            : boost::system::error_code(static_cast<int>(code),
                                                        boost::asio::error::get_ssl_category());
            }
        }
        ERR_clear_error();
        return 0;
    }

    /// Tries at once; `done` is called later all the same.
    template <class Step, class Done>
    void start(Step step, Done done) {
        boost::system::error_code error;
        const std::size_t bytes = step(error);
        if (const auto for_what = waits_for(error)) return wait(*for_what, step, std::move(done));
        boost::asio::post(plain_.get_executor(),
                          [done = std::move(done), error, bytes]() mutable { done(error, bytes); });
    }

    template <class Step, class Done>
    void go_on(Step step, Done done) {
        boost::system::error_code error;
        const std::size_t bytes = step(error);
        if (const auto for_what = waits_for(error)) return wait(*for_what, step, std::move(done));
        done(error, bytes);
    }

    template <class Step, class Done>
    void wait(Wait for_what, Step step, Done done) {
        plain_.async_wait(
            for_what,
            [this, step, done = std::move(done)](boost::system::error_code error) mutable {
                // Closed meanwhile: the descriptor may be somebody else's by now.
                if (error || !plain_.is_open()) {
                    if (!error) error = boost::asio::error::operation_aborted;
                    return done(error, std::size_t{0});
                }
                go_on(step, std::move(done));
            });
    }

    static std::optional<Wait> waits_for(boost::system::error_code error) {
        if (error == boost::asio::error::would_block) return Wait::wait_read;
        if (error == boost::asio::error::in_progress) return Wait::wait_write;
        return std::nullopt;
    }

    struct Free {
        void operator()(SSL* tls) const { SSL_free(tls); }
    };

    boost::asio::ip::tcp::socket plain_;
    std::unique_ptr<SSL, Free> tls_;
};

}  // namespace hopyard::http
