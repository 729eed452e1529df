// Inside connection.cpp: a TCP socket, plain or TLS, behind one pair of read and write, so that all
// above exists once.
#pragma once

#include <optional>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <unistd.h>

#include "http/core.h"

namespace hopyard::http {

class Socket {
  public:
    Socket(boost::asio::io_context& io, const AcceptedSocket& accepted) : plain_(io) {
        boost::system::error_code error;
        plain_.assign(accepted.is_ipv6 ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(),
                      accepted.descriptor,
                      error);
        if (error) {
            ::close(accepted.descriptor);
            throw boost::system::system_error(error);
        }
        if (!accepted.tls) return;
        SSL_CTX_up_ref(accepted.tls.get());  // Asio's context drops one reference
        boost::asio::ssl::context context(accepted.tls.get());
        tls_.emplace(plain_, context);
    }

    bool is_tls() const { return tls_.has_value(); }
    boost::asio::ip::tcp::socket& plain() { return plain_; }
    boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>& tls() { return *tls_; }

    template <class Done>
    void read_some(boost::asio::mutable_buffer into, Done&& done) {
        if (tls_)
            tls_->async_read_some(into, std::forward<Done>(done));
        else
            plain_.async_read_some(into, std::forward<Done>(done));
    }
    template <class Done>
    void write_some(boost::asio::const_buffer bytes, Done&& done) {
        if (tls_)
            tls_->async_write_some(bytes, std::forward<Done>(done));
        else
            plain_.async_write_some(bytes, std::forward<Done>(done));
    }

  private:
    boost::asio::ip::tcp::socket plain_;
    std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
};

}  // namespace hopyard::http
