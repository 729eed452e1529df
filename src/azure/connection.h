// One connection to Azure, or to what speaks Azure's REST: the factory of this module. It reads no
// file and no environment; config.h does.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/secret.h"
#include "base/time.h"
#include "cloud/catalog.h"
#include "cloud/cloud.h"
#include "cloud/preparation.h"
#include "cloud/prices.h"
#include "cloud/roles.h"
#include "cloud/storage.h"
#include "http/transport.h"

namespace hopyard::azure {

/// Exactly one way is used: the secret, else the federated token, else the machine's own identity.
struct Credentials {
    std::string client_id;  ///< of a managed identity: empty for the machine's own one
    Secret client_secret;
    std::string federated_token_file;  ///< read anew for every token
    bool managed_identity = false;
};

struct MachineImage {
    std::string publisher = "Debian";
    std::string offer = "debian-12";
    std::string sku = "12-gen2";
    std::string version = "latest";
};

struct Options {
    std::string login_url = "https://login.microsoftonline.com";
    std::string resource_manager_url = "https://management.azure.com";
    /// Of the token that is asked for; the local cloud takes this one too.
    std::string scope = "https://management.azure.com/.default";
    std::string metadata_url = "http://169.254.169.254";
    std::string prices_url = "https://prices.azure.com";
    cloud::PriceOrigin price_origin = cloud::PriceOrigin::published;
    std::string subscription;
    std::string tenant;
    Credentials credentials;

    MachineImage image;
    std::string disk_type = "StandardSSD_LRS";  ///< every size takes it; premium is not for all
    /// cloud-init's first words on a machine ("#cloud-config …"): customData. At most 64 KiB.
    std::string machine_setup;

    /// The blob service as the control plane reaches it, "{account}" replaced; empty: as the
    /// account says itself.
    std::string blob_endpoint;
    /// The same as machines reach it; empty: like the control plane.
    std::string machine_blob_endpoint;

    /// Every exchange with the Resource Manager is written there, without secrets; empty: none.
    std::string capture_directory;
    /// How Preparation waits; tests move a clock instead.
    std::function<void(Milliseconds)> sleep;
};

class Connection {
  public:
    /// `manager` also carries token requests. Everything passed must outlive the connection.
    Connection(Options options,
               http::Transport& manager,
               http::Transport& blob,
               const Clock& clock,
               Random& random);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    cloud::Cloud& cloud();
    cloud::Catalog& catalog();
    cloud::Storage& storage();
    cloud::Preparation& preparation();
    cloud::PriceSource& prices();
    const cloud::RoleWriter& roles() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace hopyard::azure
