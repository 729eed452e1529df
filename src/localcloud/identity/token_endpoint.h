// The sign-in endpoint: OpenID discovery, the key set, and tokens for client credentials. Speaks as
// login.microsoftonline.com does, errors included; it needs no token itself.
#pragma once

#include <optional>

#include "http/message.h"
#include "localcloud/identity/tokens.h"

namespace hopyard::localcloud {

class TokenEndpoint {
  public:
    TokenEndpoint(const TokenIssuer& issuer, ServicePrincipal principal, const Clock& clock)
        : issuer_(issuer), principal_(std::move(principal)), clock_(clock) {}

    /// Nothing when the path is not one of the endpoint's.
    std::optional<http::Response> answer(const http::Request& request,
                                         const std::string& base_url) const;

  private:
    http::Response discovery(const std::string& tenant, const std::string& base_url) const;
    http::Response token(const http::Request& request, const std::string& tenant) const;

    const TokenIssuer& issuer_;
    ServicePrincipal principal_;
    const Clock& clock_;
};

/// The audience a scope or resource asks for: "https://management.azure.com/.default" →
/// "https://management.azure.com".
std::string audience_of(std::string scope);

}  // namespace hopyard::localcloud
