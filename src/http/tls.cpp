// Handshake material of the server (OpenSSL, no Asio).
#include <cerrno>
#include <cstdint>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "http/core.h"
#include "http/pem.h"

namespace hopyard::http {

namespace {

Failure refuse_tls(std::string code, std::string message) {
    ERR_clear_error();
    auto failure = fail(ErrorKind::invalid_argument, std::move(code), std::move(message));
    failure.value().owner = Owner::administrator;
    failure.value().next_action =
        "Give the listener a PEM certificate chain and the private key "
        "that belongs to its first certificate.";
    return failure;
}

Result<void> use_chain(SSL_CTX* context, const TlsOptions& options) {
    const auto chain = read_certificates(options.certificate_chain_pem);
    if (chain.empty())
        return refuse_tls("certificate_malformed", "The certificate of the listener is not PEM.");
    const auto key = read_private_key(options.private_key_pem);
    if (!key) return refuse_tls("private_key_malformed", "The private key is not PEM.");
    if (SSL_CTX_use_certificate(context, chain.front().get()) != 1)
        return refuse_tls("certificate_unusable", "The certificate of the listener is unusable.");
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
        return refuse_tls("private_key_mismatch",
                          "The private key does not belong to the listener's certificate.");
    for (std::size_t i = 1; i < chain.size(); ++i) {
        if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1)
            return refuse_tls("certificate_unusable", "A certificate of the chain is unusable.");
    }
    return {};
}

Result<void> ask_clients(SSL_CTX* context, const TlsOptions& options) {
    if (options.client_certificates == ClientCertificates::none) return {};
    const auto authorities = read_certificates(options.client_ca_pem);
    if (authorities.empty())
        return refuse_tls("client_ca_malformed",
                          "The authority of client certificates is not PEM.");
    for (const auto& authority : authorities) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
        SSL_CTX_add_client_CA(context, authority.get());
    }
    const bool required = options.client_certificates == ClientCertificates::required;
    SSL_CTX_set_verify(
        context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
    // A resumed session would keep a certificate alive that the authority of today does not know.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return {};
}

// --- a socket for OpenSSL: its own would raise SIGPIPE where the client is gone ------------------

int descriptor_of(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int told(BIO* bio, ssize_t bytes, int retry) {
    BIO_clear_retry_flags(bio);
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
    return static_cast<int>(bytes);
}

int read_socket(BIO* bio, char* into, int size) {
    const auto bytes = ::recv(descriptor_of(bio), into, static_cast<std::size_t>(size), 0);
    if (bytes == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return told(bio, bytes, BIO_FLAGS_READ);
}

int write_socket(BIO* bio, const char* from, int size) {
    const auto bytes =
        ::send(descriptor_of(bio), from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    return told(bio, bytes, BIO_FLAGS_WRITE);
}

long control_socket(BIO* bio, int what, long, void*) {
    if (what == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return what == BIO_CTRL_FLUSH;
}

const BIO_METHOD* make_socket_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "hopyard");
    BIO_meth_set_read(method, read_socket);
    BIO_meth_set_write(method, write_socket);
    BIO_meth_set_ctrl(method, control_socket);
    return method;
}

}  // namespace

Result<std::shared_ptr<SSL_CTX>> make_tls_context(const TlsOptions& options) {
    std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    if (!context) return fail(ErrorKind::internal, "tls_failed", "OpenSSL made no context.");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(
        context.get(),
        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    RETURN_IF_ERROR(use_chain(context.get(), options));
    RETURN_IF_ERROR(ask_clients(context.get(), options));
    ERR_clear_error();
    return context;
}

BIO* make_socket_bio(int descriptor) {
    static const BIO_METHOD* const method = make_socket_method();
    BIO* bio = BIO_new(method);
    if (bio == nullptr) return nullptr;
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)));
    BIO_set_init(bio, 1);
    return bio;
}

std::string take_peer_subject(SSL* tls) {
    const CertificatePointer certificate(SSL_get1_peer_certificate(tls));
    if (!certificate) return {};
    // What else it sent has been looked at: most send the authority too, 5 KiB a connection.
    STACK_OF(X509)* const others = SSL_get_peer_cert_chain(tls);
    while (X509* other = sk_X509_pop(others)) X509_free(other);
    return common_name(X509_get_subject_name(certificate.get()));
}

}  // namespace hopyard::http
