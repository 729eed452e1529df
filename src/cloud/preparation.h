// Making what a first cluster needs and nobody made yet: `hopyard cloud prepare`. Each call is
// repeatable and says whether it did anything.
#pragma once

#include <string>

#include "base/result.h"

namespace hopyard::cloud {

enum class Made { existed, made };

class Preparation {
  public:
    virtual ~Preparation() = default;
    /// Registers the providers that clusters need; returns when the cloud has accepted it.
    virtual Result<Made> register_providers() = 0;
    virtual Result<Made> ensure_group(const std::string& group, const std::string& location) = 0;
    virtual Result<Made> ensure_ssh_key(const std::string& group,
                                        const std::string& location,
                                        const std::string& name,
                                        const std::string& public_key) = 0;
    virtual Result<Made> ensure_identity(const std::string& group,
                                         const std::string& location,
                                         const std::string& name) = 0;
    /// Waits until the cloud has made the account, at most one minute.
    virtual Result<Made> ensure_account(const std::string& group,
                                        const std::string& location,
                                        const std::string& name) = 0;
    /// Gives the identity the right to use blobs of the account.
    virtual Result<Made> ensure_storage_role(const std::string& group,
                                             const std::string& identity,
                                             const std::string& account) = 0;
};

}  // namespace hopyard::cloud
