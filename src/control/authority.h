// The installation's own certificate authority at work. Its key is handed in by the program, which
// keeps it sealed; what it signs lasts thirty days, and nodes renew in time.
#pragma once

#include "control/node_sessions.h"
#include "http/certificates.h"

namespace hopyard::control {

class InstallationAuthority final : public NodeAuthority {
  public:
    explicit InstallationAuthority(http::KeyAndCertificate authority);

    Result<Signed> sign(const std::string& signing_request_pem,
                        const NodeId& node,
                        const std::string& private_ip,
                        Timestamp now) override;
    std::string ca_pem() const override;
    Result<Page> issue_page(const NodeId& head,
                            const std::vector<std::string>& addresses,
                            Timestamp now) override;

  private:
    const http::KeyAndCertificate authority_;
};

}  // namespace hopyard::control
