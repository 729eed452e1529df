// The file `cloud.json`: which cloud, and how to sign in. This is where the environment is read,
// too.
#pragma once

#include <string>
#include <string_view>

#include "azure/connection.h"
#include "base/result.h"
#include "http/transport.h"

namespace hopyard::azure {

struct Config {
    enum class Kind { azure, local } kind = Kind::azure;
    Options options;
    /// For the client to the Resource Manager, and for the one to the blob service.
    http::ClientOptions manager_client;
    http::ClientOptions blob_client;
};

/// Members: kind ("azure", "local"), resourceManagerUrl, loginUrl, scope, metadataUrl,
/// pricesUrl, subscriptionId, tenantId, clientId, one of clientSecret | federatedTokenFile |
/// managedIdentity (true), caFile, diskType, image {publisher, offer, sku, version}, machineSetup
/// or machineSetupFile, blobEndpoint, machineBlobEndpoint (both with "{account}"), blobConnectTo
/// {"host:port": "host:port"}. Unknown members are named in the log. Errors: `invalid_argument`
/// with the member as field. AZURE_FEDERATED_TOKEN_FILE stands in when no way to sign in is given;
/// HOPYARD_CAPTURE_CLIENT names a directory for Options::capture_directory.
Result<Config> parse_config(std::string_view json);
/// The file with which the platform of this process lets it sign in (workload identity), as the
/// environment names it. Errors: `invalid_argument` when it names none.
Result<std::string> federated_token_file();
/// Reads the file. A file with a secret that everybody may read is refused.
Result<Config> load_config(const std::string& path);

}  // namespace hopyard::azure
