#include "control/authority.h"

#include <crypt.h>
#include <gtest/gtest.h>

#include "control/passwords.h"

namespace hopyard::control {
namespace {

const Timestamp now{Seconds(1'795'478'400)};
constexpr Seconds month{30 * 24 * 3600};

InstallationAuthority authority() {
    return InstallationAuthority(http::make_authority("Hopyard", now, month * 120));
}

TEST(Authority, signs_a_node_under_the_name_it_was_given) {
    InstallationAuthority ours = authority();
    const auto request = http::make_signing_request("somebody-else");
    const auto certificate =
        ours.sign(request.signing_request_pem, NodeId("demo-w1"), "10.1.0.5", now);
    ASSERT_TRUE(certificate);
    const auto facts = http::read_certificate(certificate->certificate_pem);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->common_name, "demo-w1");
    EXPECT_EQ(facts->ip_addresses, std::vector<std::string>{"10.1.0.5"});
    EXPECT_EQ(facts->serial, certificate->serial);
    EXPECT_EQ(certificate->expires_at, now + month);
}

TEST(Authority, refuses_what_is_no_signing_request) {
    InstallationAuthority ours = authority();
    const auto outcome = ours.sign("hello", NodeId("demo-w1"), "10.1.0.5", now);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, ErrorKind::invalid_argument);
}

TEST(Authority, makes_a_page_for_both_addresses_with_its_chain) {
    InstallationAuthority ours = authority();
    const auto page = ours.issue_page(NodeId("demo-head"), {"203.0.113.7", "10.1.0.4"}, now);
    ASSERT_TRUE(page);
    const auto facts = http::read_certificate(page->certificate_pem.reveal());
    EXPECT_EQ(facts->ip_addresses, (std::vector<std::string>{"203.0.113.7", "10.1.0.4"}));
    EXPECT_NE(page->certificate_pem.reveal().find(ours.ca_pem()), std::string::npos);
    EXPECT_NE(page->key_pem.reveal().find("PRIVATE KEY"), std::string::npos);
}

TEST(PasswordHash, is_what_crypt_makes_of_the_password) {
    SeededRandom random(3);
    const std::string hash = password_hash(Secret("correct horse"), random);
    EXPECT_TRUE(hash.starts_with("$6$"));
    crypt_data work{};
    EXPECT_EQ(crypt_r("correct horse", hash.c_str(), &work), hash);
    EXPECT_NE(crypt_r("wrong horse", hash.c_str(), &work), hash);
    EXPECT_NE(password_hash(Secret("correct horse"), random), hash) << "the salt is fresh";
}

}  // namespace
}  // namespace hopyard::control
