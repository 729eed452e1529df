#include "load/tls_client.h"

#include <charconv>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace hopyard::bench {
namespace {

using BioPointer = std::unique_ptr<BIO, decltype(&BIO_free)>;

BioPointer reading(const std::string& pem) {
    return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free};
}

/// The reply at the beginning of the bytes, if it is there whole.
std::optional<Reply> whole_reply(const std::string& bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string::npos || bytes.size() < 12) return std::nullopt;
    std::size_t length = 0;
    for (const char* name : {"\r\nContent-Length: ", "\r\ncontent-length: "}) {
        const std::size_t at = bytes.find(name);
        if (at == std::string::npos || at > end) continue;
        const char* digits = bytes.data() + at + std::string_view(name).size();
        std::from_chars(digits, bytes.data() + end, length);
    }
    if (bytes.size() < end + 4 + length) return std::nullopt;
    Reply reply{.body = bytes.substr(end + 4, length)};
    std::from_chars(bytes.data() + 9, bytes.data() + 12, reply.status);
    return reply;
}

}  // namespace

void Connection::ask(std::string request, std::function<void(Reply)> done) {
    CHECK(!done_);
    done_ = std::move(done);
    outbox_ = std::move(request);
    inbox_.clear();
    if (phase_ == Phase::closed && !open()) return fail();
    if (phase_ == Phase::idle) phase_ = Phase::asking;
    watch(true);
}

bool Connection::open() {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return false;
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int connected = ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to);
    if (connected != 0 && errno != EINPROGRESS) return false;
    tls_ = SSL_new(context_.get());
    SSL_use_certificate(tls_, own_.certificate.get());
    SSL_use_PrivateKey(tls_, own_.key.get());
    SSL_set_fd(tls_, socket_);
    SSL_set_connect_state(tls_);
    epoll_event event{.events = EPOLLOUT, .data = {.ptr = this}};
    phase_ = Phase::connecting;
    return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket_, &event) == 0;
}

void Connection::close() {
    if (tls_ != nullptr) SSL_free(tls_);
    if (socket_ >= 0) ::close(socket_);
    tls_ = nullptr;
    socket_ = -1;
    phase_ = Phase::closed;
}

void Connection::fail() {
    close();
    if (auto done = std::exchange(done_, nullptr)) done({});
}

void Connection::watch(bool to_write) {
    if (socket_ < 0) return;
    epoll_event event{.events = to_write ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.ptr = this}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket_, &event);
}

bool Connection::greet() {
    const int done = SSL_do_handshake(tls_);
    if (done == 1) {
        phase_ = Phase::asking;
        return true;
    }
    const int why = SSL_get_error(tls_, done);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) fail();
    if (socket_ >= 0) watch(why == SSL_ERROR_WANT_WRITE);
    return false;
}

bool Connection::send() {
    const int sent = SSL_write(tls_, outbox_.data(), static_cast<int>(outbox_.size()));
    if (sent == static_cast<int>(outbox_.size())) {
        phase_ = Phase::hearing;
        watch(false);
        return true;
    }
    if (SSL_get_error(tls_, sent) != SSL_ERROR_WANT_WRITE) fail();
    return false;
}

bool Connection::hear() {
    char chunk[16384];
    const int heard = SSL_read(tls_, chunk, sizeof chunk);
    if (heard <= 0) {
        if (SSL_get_error(tls_, heard) != SSL_ERROR_WANT_READ) fail();
        return false;
    }
    inbox_.append(chunk, static_cast<std::size_t>(heard));
    auto reply = whole_reply(inbox_);
    if (!reply) return true;
    inbox_ = {};
    outbox_ = {};
    phase_ = Phase::idle;
    std::exchange(done_, nullptr)(std::move(*reply));
    return false;
}

void Connection::go_on() {
    if (phase_ == Phase::connecting) phase_ = Phase::greeting;
    if (phase_ == Phase::greeting && !greet()) return;
    if (phase_ == Phase::asking && !send()) return;
    while (phase_ == Phase::hearing && hear()) {
    }
    // The other side may only say that it leaves.
    if (phase_ == Phase::idle) {
        char byte;
        const int heard = SSL_read(tls_, &byte, 1);
        if (heard <= 0 && SSL_get_error(tls_, heard) != SSL_ERROR_WANT_READ) close();
    }
}

Identity identity_of(const http::KeyAndCertificate& own) {
    const auto certificate = reading(own.certificate_pem);
    const auto key = reading(own.private_key_pem.reveal());
    return {
        .certificate = {PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr), X509_free},
        .key = {PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr), EVP_PKEY_free}};
}

std::shared_ptr<SSL_CTX> client_context(const std::string& authority_pem) {
    std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    const auto pem = reading(authority_pem);
    const std::unique_ptr<X509, decltype(&X509_free)> authority(
        PEM_read_bio_X509(pem.get(), nullptr, nullptr, nullptr), X509_free);
    CHECK(authority);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    return context;
}

}  // namespace hopyard::bench
