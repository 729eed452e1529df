#include "http/certificates.h"

#include <gtest/gtest.h>

namespace hopyard::http {
namespace {

const Timestamp now = *from_rfc3339("2026-11-24T00:00:00Z");
constexpr Seconds day{86'400};

CertificateRequest for_node(const std::string& name) {
    return {.common_name = name,
            .dns_names = {"head.internal"},
            .ip_addresses = {"10.0.0.4", "::1"},
            .server = true,
            .client = true,
            .now = now,
            .validity = day};
}

TEST(Certificates, AnIssuedCertificateCarriesTheNamesAskedFor) {
    const auto authority = make_authority("Hopyard test", now, 10 * day);
    const auto made = issue(authority, for_node("n-1"));
    ASSERT_TRUE(made);
    const auto facts = read_certificate(made->certificate_pem);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->common_name, "n-1");
    EXPECT_EQ(facts->dns_names, std::vector<std::string>{"head.internal"});
    EXPECT_EQ(facts->ip_addresses, (std::vector<std::string>{"10.0.0.4", "::1"}));
    EXPECT_EQ(facts->not_after, now + day);
    EXPECT_EQ(facts->serial.size(), 32u);
}

TEST(Certificates, NoTwoHaveOneSerialOrFingerprint) {
    const auto authority = make_authority("Hopyard test", now, 10 * day);
    const auto first = issue(authority, for_node("n-1"));
    const auto second = issue(authority, for_node("n-1"));
    EXPECT_NE(read_certificate(first->certificate_pem)->serial,
              read_certificate(second->certificate_pem)->serial);
}

TEST(Certificates, ASigningRequestGivesItsKeyAndNothingElse) {
    const auto authority = make_authority("Hopyard test", now, 10 * day);
    const auto request = make_signing_request("i-want-to-be-root");
    const auto signed_pem = sign(authority, request.signing_request_pem, for_node("n-7"));
    ASSERT_TRUE(signed_pem);
    EXPECT_EQ(read_certificate(*signed_pem)->common_name, "n-7");
}

TEST(Certificates, ASigningRequestThatWasTamperedWithIsRefused) {
    const auto authority = make_authority("Hopyard test", now, 10 * day);
    auto pem = make_signing_request("n-7").signing_request_pem;
    auto& letter = pem[pem.find("-----END") - 12];
    letter = letter == 'A' ? 'B' : 'A';
    const auto refused = sign(authority, pem, for_node("n-7"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument);
}

TEST(Certificates, MalformedInputIsRefused) {
    const auto authority = make_authority("Hopyard test", now, 10 * day);
    EXPECT_FALSE(sign(authority, "", for_node("n-7")));
    EXPECT_FALSE(sign(authority, "no PEM", for_node("n-7")));
    EXPECT_FALSE(
        read_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
    EXPECT_FALSE(read_certificate(""));
    EXPECT_FALSE(issue(KeyAndCertificate{Secret("x"), "y"}, for_node("n-7")));
    auto wrong = for_node("n-7");
    wrong.ip_addresses = {"10.0.0.400"};
    EXPECT_FALSE(issue(authority, wrong));
    wrong = for_node("n-7");
    wrong.dns_names = {"a,IP:10.0.0.1"};
    EXPECT_FALSE(issue(authority, wrong));
    EXPECT_FALSE(issue(authority, for_node(std::string(65, 'n'))));
    EXPECT_FALSE(issue(authority, for_node("")));
}

TEST(Certificates, AnAuthorityWithTheKeyOfAnotherIsRefused) {
    auto authority = make_authority("Hopyard test", now, 10 * day);
    authority.private_key_pem = make_authority("Hopyard test", now, 10 * day).private_key_pem;
    EXPECT_FALSE(issue(authority, for_node("n-1")));
}

}  // namespace
}  // namespace hopyard::http
