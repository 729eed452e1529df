// What preflight weighs: everything the cloud said, gathered before. A fact that could not be read
// is the error of reading it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cloud/catalog.h"
#include "cloud/storage.h"

namespace hopyard::decide {

struct Facts {
    Result<std::vector<cloud::ResourceGroup>> groups;
    Result<std::vector<cloud::Size>> sizes;    ///< of the cluster's location
    Result<std::vector<cloud::Usage>> usages;  ///< of the cluster's location
    Result<std::vector<cloud::SshKey>> ssh_keys;
    Result<std::vector<cloud::Identity>> identities;
    Result<std::vector<cloud::StorageAccount>> accounts;
    Result<std::vector<cloud::Network>> networks;  ///< of the whole subscription
    Result<std::vector<cloud::SecurityGroup>> security_groups;
    Result<std::vector<cloud::Permission>> own_permissions;       ///< in the cluster's group
    Result<std::vector<cloud::Permission>> network_permissions;   ///< in the network's, if another
    Result<std::vector<cloud::Permission>> identity_permissions;  ///< at the storage account
    Result<cloud::ContainerFacts> container;
    cloud::NeededRights needed;
    bool name_taken = false;
    bool container_taken = false;  ///< by a cluster that has not claimed it yet
    std::string container_owner;   ///< who we would claim the container as
    /// Asked only when the request names a location.
    std::optional<Result<std::vector<cloud::Location>>> locations;
};

}  // namespace hopyard::decide
