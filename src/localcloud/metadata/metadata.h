// The instance metadata service: what a machine may learn at 169.254.169.254 about itself, its user
// data and tokens of its identities. Who asks is known by the network of the listener and the
// source address, which the port filter of the machine makes true; no header can claim another
// identity.
//
// As on Azure a request needs `Metadata: true` and no X-Forwarded-For, so that a proxy or a web
// page cannot be talked into asking.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"
#include "http/message.h"
#include "localcloud/arm/ledger.h"
#include "localcloud/identity/tokens.h"

namespace hopyard::localcloud {

class Metadata {
  public:
    Metadata(const Ledger& ledger, const TokenIssuer& issuer, const Clock& clock)
        : ledger_(ledger), issuer_(issuer), clock_(clock) {}

    /// `network`: the short id of the network whose listener took the request.
    http::Response answer(const http::Request& request, const std::string& network) const;

    static constexpr const char* address = "169.254.169.254";
    static constexpr std::uint16_t port = 80;

  private:
    struct Caller {
        Resource machine;
        Resource interface;
    };
    std::optional<Caller> caller_of(const std::string& address_text,
                                    const std::string& network) const;
    Json document_of(const Caller& caller) const;
    http::Response instance(const http::Request& request,
                            const Caller& caller,
                            const std::string& path) const;
    http::Response token(const http::Request& request, const Caller& caller) const;

    const Ledger& ledger_;
    const TokenIssuer& issuer_;
    const Clock& clock_;
};

}  // namespace hopyard::localcloud
