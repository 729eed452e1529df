#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "http/certificates.h"
#include "http/pem.h"
#include "http/test_server.h"
#include "http/transport.h"

namespace hopyard::http {
namespace {

constexpr Seconds day{86'400};
/// Certificates are judged by the real clock on both ends.
const Timestamp now = SystemClock().now();

struct Authorities {
    KeyAndCertificate ours = make_authority("Ours", now, day);
    KeyAndCertificate other = make_authority("Other", now, day);
};
const Authorities& authorities() {
    static const Authorities made;
    return made;
}

KeyAndCertificate server_certificate(const KeyAndCertificate& authority = authorities().ours,
                                     std::vector<std::string> addresses = {"127.0.0.1"}) {
    return *issue(authority,
                  {.common_name = "server",
                   .dns_names = {"control.internal"},
                   .ip_addresses = std::move(addresses),
                   .now = now,
                   .validity = day});
}

KeyAndCertificate client_certificate(const KeyAndCertificate& authority, Seconds validity = day) {
    return *issue(
        authority,
        {.common_name = "n-17", .server = false, .client = true, .now = now, .validity = validity});
}

TlsOptions tls(const KeyAndCertificate& certificate,
               ClientCertificates clients = ClientCertificates::none) {
    return {.certificate_chain_pem = certificate.certificate_pem,
            .private_key_pem = certificate.private_key_pem,
            .client_certificates = clients,
            .client_ca_pem = authorities().ours.certificate_pem};
}

std::string who_asks(const Request& request) {
    const std::string& subject = request.peer.certificate_subject;
    return (request.secure ? "secure " : "plain ") + (subject.empty() ? "nobody" : subject);
}

struct TlsServer {
    explicit TlsServer(const TlsOptions& options) {
        port = running.listen(answering([](const Request& request) {
                                  return text_response(200, who_asks(request) + " " + request.body);
                              }),
                              {.name = "tls", .tls = options});
        url = "https://127.0.0.1:" + std::to_string(port) + "/";
    }
    RunningServer running;
    std::uint16_t port = 0;
    std::string url;
};

ClientOptions trusting(const KeyAndCertificate& authority) {
    return {.ca_pem = authority.certificate_pem};
}

ClientOptions showing(const KeyAndCertificate& certificate) {
    return {.ca_pem = authorities().ours.certificate_pem,
            .certificate_pem = certificate.certificate_pem,
            .private_key_pem = certificate.private_key_pem};
}

TEST(Tls, ServesAClientThatTrustsItsAuthority) {
    TlsServer server(tls(server_certificate()));
    Client client(trusting(authorities().ours));
    for (int i = 0; i < 3; ++i) {
        const auto reply = client.send({.url = server.url});
        ASSERT_TRUE(reply) << reply.error().message;
        EXPECT_EQ(reply->body, "secure nobody ");
    }
}

TEST(Tls, CarriesLargeBodiesBothWays) {
    TlsServer server(tls(server_certificate()));
    Client client(trusting(authorities().ours));
    const std::string body(3u << 20, 'x');
    const auto reply = client.send({.method = "PUT", .url = server.url, .body = body});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->body, "secure nobody " + body);
}

TEST(Tls, AClientWithAnotherAuthorityRefusesTheServer) {
    TlsServer server(tls(server_certificate()));
    for (const auto& options : {trusting(authorities().other), ClientOptions{}}) {
        Client client(options);
        const auto reply = client.send({.url = server.url});
        ASSERT_FALSE(reply);
        EXPECT_EQ(reply.error().kind, ErrorKind::unavailable);
        EXPECT_EQ(reply.error().code, "tls_failed");
    }
}

TEST(Tls, ACertificateForAnotherAddressIsRefused) {
    TlsServer server(tls(server_certificate(authorities().ours, {"10.0.0.1"})));
    Client client(trusting(authorities().ours));
    EXPECT_EQ(client.send({.url = server.url}).error().code, "tls_failed");
    const auto to = "127.0.0.1:" + std::to_string(server.port);
    Client named({.ca_pem = authorities().ours.certificate_pem,
                  .connect_to = {{"control.internal:443", to}}});
    EXPECT_TRUE(named.send({.url = "https://control.internal/"}));
}

TEST(Tls, TheClientCertificateIsRequiredAndKnownToTheHandler) {
    TlsServer server(tls(server_certificate(), ClientCertificates::required));
    const auto certificate = client_certificate(authorities().ours);
    Client client(showing(certificate));
    const auto reply = client.send({.url = server.url});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->body, "secure n-17 ");
    Client bare(trusting(authorities().ours));
    const auto refused = bare.send({.url = server.url});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
}

TEST(Tls, AClientCertificateOfAnotherAuthorityOrTimeOrUseIsRefused) {
    for (const auto mode : {ClientCertificates::required, ClientCertificates::optional}) {
        TlsServer server(tls(server_certificate(), mode));
        for (const auto& certificate : {client_certificate(authorities().other),
                                        client_certificate(authorities().ours, Seconds(-60)),
                                        server_certificate()}) {
            Client client(showing(certificate));
            EXPECT_FALSE(client.send({.url = server.url}));
        }
    }
}

TEST(Tls, AnOptionalClientCertificateMayBeMissing) {
    TlsServer server(tls(server_certificate(), ClientCertificates::optional));
    Client bare(trusting(authorities().ours));
    EXPECT_EQ(bare.send({.url = server.url})->body, "secure nobody ");
    Client client(showing(client_certificate(authorities().ours)));
    EXPECT_TRUE(client.send({.url = server.url})->body.starts_with("secure n-17 "));
}

TEST(Tls, ANewCertificateServesNewConnectionsAndSparesOldOnes) {
    TlsServer server(tls(server_certificate()));
    Client before(trusting(authorities().ours));
    ASSERT_TRUE(before.send({.url = server.url}));
    ASSERT_TRUE(server.running.server.set_tls("tls", tls(server_certificate(authorities().other))));
    EXPECT_TRUE(before.send({.url = server.url}));
    Client old_trust(trusting(authorities().ours));
    EXPECT_FALSE(old_trust.send({.url = server.url}));
    Client new_trust(trusting(authorities().other));
    EXPECT_TRUE(new_trust.send({.url = server.url}));
}

TEST(Tls, MaterialThatDoesNotFitIsRefused) {
    TlsServer server(tls(server_certificate()));
    const auto certificate = server_certificate();
    const auto set = [&](const TlsOptions& options) {
        return server.running.server.set_tls("tls", options);
    };
    auto wrong = tls(certificate);
    wrong.private_key_pem = server_certificate().private_key_pem;
    EXPECT_EQ(set(wrong).error().code, "private_key_mismatch");
    wrong.private_key_pem = Secret("no key");
    EXPECT_EQ(set(wrong).error().code, "private_key_malformed");
    wrong.certificate_chain_pem = "no certificate";
    EXPECT_EQ(set(wrong).error().code, "certificate_malformed");
    wrong = tls(certificate, ClientCertificates::required);
    wrong.client_ca_pem.clear();
    EXPECT_EQ(set(wrong).error().code, "client_ca_malformed");
    EXPECT_EQ(server.running.server.set_tls("nobody", tls(certificate)).error().kind,
              ErrorKind::not_found);
    Server other({});
    EXPECT_FALSE(other.listen({.name = "x", .tls = wrong}, echo()));
}

/// A client of OpenSSL itself, which can do what no library of ours asks it for.
class RawClient {
  public:
    RawClient(std::uint16_t port, const KeyAndCertificate& own) : wire_(port) {
        const auto certificate = read_certificates(own.certificate_pem);
        const auto key = read_private_key(own.private_key_pem);
        SSL_CTX_use_certificate(context_.get(), certificate.front().get());
        SSL_CTX_use_PrivateKey(context_.get(), key.get());
        SSL_CTX_add1_chain_cert(context_.get(),
                                read_certificates(authorities().ours.certificate_pem)[0].get());
        tls_.reset(SSL_new(context_.get()));
        SSL_set_fd(tls_.get(), wire_.descriptor());
        EXPECT_EQ(SSL_connect(tls_.get()), 1);
    }
    void change_keys() {
        EXPECT_EQ(SSL_key_update(tls_.get(), SSL_KEY_UPDATE_REQUESTED), 1);
        EXPECT_EQ(SSL_do_handshake(tls_.get()), 1);
    }
    /// The end of the reply's body.
    std::string post(const std::string& body) {
        const std::string request =
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + body;
        EXPECT_EQ(SSL_write(tls_.get(), request.data(), static_cast<int>(request.size())),
                  static_cast<int>(request.size()));
        std::string reply;
        char chunk[16384];
        while (!reply.ends_with(body)) {
            const int bytes = SSL_read(tls_.get(), chunk, sizeof chunk);
            if (bytes <= 0) return "cut off";
            reply.append(chunk, static_cast<std::size_t>(bytes));
        }
        return reply.substr(reply.find("\r\n\r\n") + 4);
    }

  private:
    struct Free {
        void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
        void operator()(SSL* tls) const { SSL_free(tls); }
    };
    Wire wire_;
    std::unique_ptr<SSL_CTX, Free> context_{SSL_CTX_new(TLS_client_method())};
    std::unique_ptr<SSL, Free> tls_;
};

TEST(Tls, AConnectionWhoseChainIsForgottenGoesOnThroughNewKeys) {
    TlsServer server(tls(server_certificate(), ClientCertificates::required));
    const auto certificate = client_certificate(authorities().ours);
    RawClient first(server.port, certificate);
    RawClient second(server.port, certificate);
    const std::string body(200'000, 'x');
    for (int round = 0; round < 3; ++round) {
        for (RawClient* client : {&first, &second})
            EXPECT_EQ(client->post(body), "secure n-17 " + body);
        first.change_keys();
    }
}

TEST(Tls, APlainRequestOrRubbishIsClosedSilently) {
    TlsServer server(tls(server_certificate()));
    Wire wire(server.port);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(wire.read_all().find("HTTP/1.1 200"), std::string::npos);
    Client client(trusting(authorities().ours));
    EXPECT_TRUE(client.send({.url = server.url}));
}

TEST(Tls, AClientThatDoesNotShakeHandsIsClosedInTime) {
    RunningServer running({.idle_timeout = Milliseconds(30)});
    const auto port = running.listen(echo(), {.tls = tls(server_certificate())});
    Wire wire(port);
    EXPECT_EQ(wire.read_all(), "");
}

TEST(Tls, ABodyOverTheLimitIsAnsweredBeforeTheConnectionEnds) {
    RunningServer running({.body_bytes_max = 1000});
    const auto port = running.listen(echo(), {.tls = tls(server_certificate())});
    Client client(trusting(authorities().ours));
    const auto reply = client.send({.method = "PUT",
                                    .url = "https://127.0.0.1:" + std::to_string(port) + "/",
                                    .body = std::string(3u << 20, 'x')});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 413);
}

}  // namespace
}  // namespace hopyard::http
