#include <gtest/gtest.h>

#include "http/certificates.h"
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
    return (request.secure ? "secure " : "plain ") + request.peer.certificate_subject + " " +
           (request.peer.certificate_pem.empty() ? "none"
                                                 : *fingerprint(request.peer.certificate_pem));
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
        EXPECT_EQ(reply->body, "secure  none ");
    }
}

TEST(Tls, CarriesLargeBodiesBothWays) {
    TlsServer server(tls(server_certificate()));
    Client client(trusting(authorities().ours));
    const std::string body(3u << 20, 'x');
    const auto reply = client.send({.method = "PUT", .url = server.url, .body = body});
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->body, "secure  none " + body);
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
    EXPECT_EQ(reply->body, "secure n-17 " + *fingerprint(certificate.certificate_pem) + " ");
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
    EXPECT_EQ(bare.send({.url = server.url})->body, "secure  none ");
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
