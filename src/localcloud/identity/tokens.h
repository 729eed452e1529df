// The directory of this cloud: one tenant, one service principal, the managed identities, and the
// tokens that prove who somebody is. A token is a JSON web token signed with RS256 by a key that
// never leaves the state; its issuer has the form that Azurite expects of Azure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace hopyard::localcloud {

/// Who may ask for tokens with a secret of its own.
struct ServicePrincipal {
    std::string tenant;
    std::string client_id;
    std::string object_id;
    Secret client_secret;
};

struct TokenRequest {
    std::string object_id;
    std::string client_id;
    std::string audience;  ///< "https://management.azure.com"
    Timestamp now;
};

/// What a valid token says.
struct TokenClaims {
    std::string object_id;
    std::string audience;
    Timestamp expires_at;
};

class TokenIssuer {
  public:
    static constexpr Seconds lifetime{3599};

    /// A new signing key, PEM.
    static Secret make_key();
    static Result<std::unique_ptr<TokenIssuer>> from_key(const Secret& key_pem, std::string tenant);
    ~TokenIssuer();

    Secret issue(const TokenRequest& request) const;
    /// Nothing when the token is malformed, not ours, or expired.
    std::optional<TokenClaims> verify(const std::string& token, Timestamp now) const;
    const std::string& tenant() const { return tenant_; }
    std::string issuer() const { return "https://sts.windows.net/" + tenant_ + "/"; }
    /// `{"keys": […]}` (RFC 7517)
    std::string key_set() const;

  private:
    struct Key;
    TokenIssuer(std::unique_ptr<Key> key, std::string tenant);

    std::unique_ptr<Key> key_;
    std::string tenant_;
};

}  // namespace hopyard::localcloud
