// Who may call: API keys (product.md D9). The key itself is shown once and never stored.
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace hopyard::model {

enum class Scope { read, operate, administer };  ///< each includes the ones before it

struct ApiKey {
    ApiKeyId id;
    OrganisationId organisation;
    std::string name;
    Scope scope = Scope::administer;
    std::string key_hash;  ///< hex SHA-256 of the whole key
    Timestamp created_at;
    std::optional<Timestamp> expires_at;
    bool revoked = false;
    std::int64_t version = 0;
    bool operator==(const ApiKey&) const = default;
};

}  // namespace hopyard::model
