// Where an organisation's clusters run, and how the control plane signs in there (product.md A1,
// rows 3, 12 and 13). A client secret lies sealed beside the rows and is never told again.
//
// The connection that the installation was started with (cloud.json) is no row: every organisation
// has it under the name `default_cloud_account`.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace hopyard::model {

inline constexpr const char* default_cloud_account = "default";

/// How the control plane proves to the cloud who it is.
enum class CloudSignIn {
    client_secret,      ///< an application and its secret
    workload_identity,  ///< an application and the token that the platform gives this process
    managed_identity    ///< the identity of the machine that this process runs on
};

struct CloudAccount {
    OrganisationId organisation;
    std::string name;  ///< clusters refer to it, so it never changes; see is_cloud_account_name
    std::string subscription;
    std::string tenant;  ///< empty for a managed identity
    CloudSignIn sign_in = CloudSignIn::client_secret;
    std::string client_id;  ///< of a managed identity: empty for the machine's own one
    Timestamp created_at;
    std::int64_t version = 0;
    bool operator==(const CloudAccount&) const = default;
};

/// Which connection to a cloud is meant: the organisation is empty for the installation's own.
struct CloudAccountKey {
    OrganisationId organisation;
    std::string name = default_cloud_account;
    auto operator<=>(const CloudAccountKey&) const = default;
};
CloudAccountKey cloud_account_key(const OrganisationId& organisation, const std::string& name);

/// 1 to 32 of a-z, 0-9 and "-", beginning with a letter and not ending with "-".
bool is_cloud_account_name(const std::string& name);
/// 8-4-4-4-12 hexadecimal digits, as Azure writes subscriptions, tenants and applications.
bool is_guid(const std::string& text);

/// Where the client secret lies in the store.
std::string cloud_account_secret(const OrganisationId& organisation, const std::string& name);

}  // namespace hopyard::model
