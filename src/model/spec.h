// What a user asks for: the twelve steps of creating a cluster as one plain value. The same value
// is the body of POST /v1/clusters, the YAML file of `hopyard cluster create -f`, and what is
// stored. Parsing and validation are in spec_json.h and validate.h; nothing here reads a clock or a
// cloud.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/autoscale.h"
#include "model/cloud_account.h"
#include "model/group_key.h"

namespace hopyard::model {

/// Tags of the user, kept sorted by name.
struct Tag {
    std::string name;
    std::string value;
    bool operator==(const Tag&) const = default;
};

struct HeadSpec {
    std::string instance_type;
    std::int64_t disk_gb = 30;
    bool operator==(const HeadSpec&) const = default;
};

struct WorkerGroupSpec {
    GroupKey key;
    int count = 1;
    bool operator==(const WorkerGroupSpec&) const = default;
};

struct StorageSpec {
    std::string account;
    std::string container;  ///< empty in a request: "hopyard-" and the cluster's id
    bool operator==(const StorageSpec&) const = default;
};

/// Step 7 to 9. An empty name means "make one"; a CIDR is only read then.
struct NetworkSpec {
    std::string resource_group;  ///< empty: the cluster's own
    std::string virtual_network;
    std::string virtual_network_cidr;  ///< empty: the first free /16 of 10.0.0.0/8 (product.md D7)
    std::string subnet;
    std::string subnet_cidr;  ///< empty: the first /24 of the network
    std::string security_group;
    bool public_ip = true;
    bool operator==(const NetworkSpec&) const = default;
};

enum class UserManagement { disabled, managed, ldap };

/// The four switches of the existing wire plus the page itself (product.md D18).
struct Ports {
    bool feature_store = false;
    bool online_feature_store = false;
    bool kafka = false;
    bool ssh = false;
    bool operator==(const Ports&) const = default;
};

struct InitScript {
    std::string text;        ///< byte-exact; empty for none; else begins with "#!"
    bool run_first = false;  ///< before everything else on the machine
    bool operator==(const InitScript&) const = default;
};

/// How long a removal waits for running work (product.md D3).
struct DrainTimeout {
    static constexpr std::int64_t never = -1;
    std::int64_t seconds = 900;  ///< 0 = at once, `never` = for ever
    bool operator==(const DrainTimeout&) const = default;
};

struct ClusterSpec {
    std::string name;
    std::string cloud_account = default_cloud_account;
    std::string resource_group;
    std::string location;  ///< empty in a request: the resource group's
    HeadSpec head;
    std::vector<WorkerGroupSpec> workers;  ///< by count; beside those of the autoscaler
    std::optional<AutoscaleSpec> autoscale;
    StorageSpec storage;
    std::string ssh_key;   ///< name of an sshPublicKeys resource of the group
    std::string identity;  ///< name of a user-assigned identity of the group
    int backup_retention_days = 0;
    NetworkSpec network;
    UserManagement user_management = UserManagement::disabled;
    std::vector<Tag> tags;
    InitScript init_script;
    Ports ports;
    std::vector<std::string> port_sources;  ///< CIDRs; empty: any
    DrainTimeout drain_timeout;
    /// Fields of the existing wire that we store and echo but do not act on (product.md D14), as a
    /// JSON object in its own spelling: "version", "os", "ronDB", "issueLetsEncrypt", ...
    std::string wire_json = "{}";
    bool operator==(const ClusterSpec&) const = default;
};

}  // namespace hopyard::model
