// What a cloud says of itself and of the caller: the facts that preflight weighs and the look-ups
// of the API. Reads only; every call may be repeated. A list is complete: paging is followed
// inside.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cloud/cloud.h"
#include "cloud/prices.h"

namespace hopyard::cloud {

struct Location {
    std::string name;
    std::string display_name;
};

struct ResourceGroup {
    std::string name;
    std::string location;
};

struct Size {
    std::string name;
    std::string family;  ///< joins to Usage::name
    int vcpus = 0;
    std::int64_t memory_mb = 0;
    std::int64_t counted_memory_mb = 0;  ///< what one takes of the quota Usage::memory
    int gpus = 0;
    bool nvme = false;
    std::string unavailable;     ///< why it cannot be had here; empty when it can
    std::optional<Price> price;  ///< only of a catalog that knows prices
};

/// A quota of a whole location, or of a family of sizes.
struct Usage {
    static constexpr const char* cores = "cores";
    static constexpr const char* spot_cores = "lowPriorityCores";  ///< in place of the other cores
    static constexpr const char* machines = "virtualMachines";
    static constexpr const char* memory = "localMemoryMB";  ///< of clouds that count memory
    static constexpr const char* interfaces = "NetworkInterfaces";
    static constexpr const char* networks = "VirtualNetworks";
    static constexpr const char* security_groups = "NetworkSecurityGroups";
    static constexpr const char* addresses = "PublicIPAddresses";
    static constexpr const char* static_addresses = "StaticPublicIPAddresses";

    std::string name;
    std::string display_name;
    std::int64_t used = 0;
    std::int64_t limit = 0;
};

struct SshKey {
    std::string name;
    std::string public_key;
};

struct Identity {
    std::string name;
    std::string id;  ///< the cloud's full id, for WantedMachine::identity
    std::string principal_id;
};

struct StorageAccount {
    std::string name;
    std::string resource_group;
    std::string location;
    std::string id;
    std::string blob_endpoint;
};

struct Subnet {
    std::string name;
    std::string cidr;
    std::string security_group;  ///< native id or ""
};

struct Network {
    std::string name;
    std::string resource_group;
    std::string location;
    std::vector<std::string> cidrs;
    std::vector<Subnet> subnets;
};

struct SecurityGroup {
    std::string name;
    std::string resource_group;
    std::string location;
    std::vector<SecurityRule> rules;  ///< own and default rules, by direction and priority
};

/// One entry of somebody's rights. An action is allowed by an entry when a pattern of `actions`
/// matches and none of `not_actions` does; "*" matches any run of characters, case does not count.
struct Permission {
    std::vector<std::string> actions;
    std::vector<std::string> not_actions;
    std::vector<std::string> data_actions;
    std::vector<std::string> not_data_actions;
};
bool allows(const std::vector<Permission>& permissions, const std::string& action);
bool allows_data(const std::vector<Permission>& permissions, const std::string& data_action);

/// One action that the control plane needs, with its purpose: "create machines".
struct NeededRight {
    std::string action;
    std::string purpose;
};

/// What a cluster's life takes, by what is made for it; in the cloud's own words, so that whoever
/// grants rights can copy them.
struct NeededRights {
    std::vector<NeededRight> always;
    std::vector<NeededRight> for_network;
    std::vector<NeededRight> for_subnet;  ///< made in a network that is there
    std::vector<NeededRight> for_security_group;
    std::vector<NeededRight> for_security_rules;  ///< made in a security group that is there
    std::vector<NeededRight> for_public_address;
    std::vector<NeededRight> in_network_group;  ///< when the network's group is not the cluster's
    /// Without these a fact stays unchecked, and that is said.
    std::vector<NeededRight> for_checks;
    /// The same, of the whole subscription: sizes and quotas belong to no group.
    std::vector<NeededRight> of_subscription;
    std::vector<NeededRight> identity_data;  ///< data actions of the identity at the account
};

class Catalog {
  public:
    virtual ~Catalog() = default;
    virtual Result<std::vector<Location>> locations() = 0;
    virtual Result<std::vector<ResourceGroup>> groups() = 0;
    virtual Result<std::vector<Size>> sizes(const std::string& location) = 0;
    virtual Result<std::vector<Usage>> usages(const std::string& location) = 0;
    virtual Result<std::vector<SshKey>> ssh_keys(const std::string& group) = 0;
    virtual Result<std::vector<Identity>> identities(const std::string& group) = 0;
    virtual Result<std::vector<StorageAccount>> accounts() = 0;
    virtual Result<std::vector<Network>> networks() = 0;
    virtual Result<std::vector<SecurityGroup>> security_groups(const std::string& group) = 0;
    /// What the caller may do in that group.
    virtual Result<std::vector<Permission>> own_permissions(const std::string& group) = 0;
    /// What a principal may do at that scope (the cloud's full id), from its role assignments there
    /// and above.
    virtual Result<std::vector<Permission>> permissions_of(const std::string& principal_id,
                                                           const std::string& scope) = 0;
};

}  // namespace hopyard::cloud
