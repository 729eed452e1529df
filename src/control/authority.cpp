#include "control/authority.h"

namespace hopyard::control {
namespace {

constexpr Seconds validity{30 * 24 * 3600};

}  // namespace

Result<NodeAuthority::PageFacts> NodeAuthority::read_page(const Secret& certificate_pem) const {
    ASSIGN_OR_RETURN(auto facts, http::read_certificate(certificate_pem.reveal()));
    return PageFacts{.addresses = std::move(facts.ip_addresses), .not_after = facts.not_after};
}

InstallationAuthority::InstallationAuthority(http::KeyAndCertificate authority)
    : authority_(std::move(authority)) {}

Result<NodeAuthority::Signed> InstallationAuthority::sign(const std::string& signing_request_pem,
                                                          const NodeId& node,
                                                          const std::string& private_ip,
                                                          Timestamp now) {
    // A head is a server to its workers and a client to us; a worker is a client.
    ASSIGN_OR_RETURN(auto certificate,
                     http::sign(authority_,
                                signing_request_pem,
                                {.common_name = node.value,
                                 .dns_names = {},
                                 .ip_addresses = {private_ip},
                                 .server = true,
                                 .client = true,
                                 .now = now,
                                 .validity = validity}));
    ASSIGN_OR_RETURN(const auto facts, http::read_certificate(certificate));
    return Signed{.certificate_pem = std::move(certificate),
                  .serial = facts.serial,
                  .expires_at = facts.not_after};
}

std::string InstallationAuthority::ca_pem() const {
    return authority_.certificate_pem;
}

Result<NodeAuthority::Page> InstallationAuthority::issue_page(
    const NodeId& head, const std::vector<std::string>& addresses, Timestamp now) {
    ASSIGN_OR_RETURN(auto issued,
                     http::issue(authority_,
                                 {.common_name = head.value,
                                  .dns_names = {},
                                  .ip_addresses = addresses,
                                  .server = true,
                                  .client = false,
                                  .now = now,
                                  .validity = validity}));
    return Page{.certificate_pem = Secret(issued.certificate_pem + authority_.certificate_pem),
                .key_pem = std::move(issued.private_key_pem)};
}

}  // namespace hopyard::control
