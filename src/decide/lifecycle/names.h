// Names of everything that is made for a cluster. They are chosen before the first call and derive
// from the cluster's name and id, the role, the ordinal and the generation. A machine's name is
// never used twice: a late list, a lost reply or an old lease can then never mean another machine.
#pragma once

#include <string>
#include <vector>

#include "model/cluster.h"
#include "model/resource.h"

namespace hopyard::decide {

/// "demo-ab12cd34": the beginning of every name.
std::string name_stem(const model::Cluster& cluster);
NodeId head_id(const model::Cluster& cluster, std::int64_t generation);
NodeId worker_id(const model::Cluster& cluster, int ordinal, std::int64_t generation);

/// What a cluster stands on: its own network, security group and address, or the user's.
struct SharedNames {
    model::ResourceName network;
    model::ResourceName subnet;
    model::ResourceName security_group;
    model::ResourceName public_address;
    bool makes_network = true;
    bool makes_subnet = false;  ///< alone, in a network of the user
    bool makes_security_group = true;
    bool makes_public_address = true;
};
SharedNames shared_names(const model::Cluster& cluster);

model::ResourceName machine_name(const model::Cluster& cluster, const model::Node& node);
/// The head's interface belongs to the cluster, so that its address outlives its machine.
model::ResourceName interface_name(const model::Cluster& cluster, const model::Node& node);
/// A rule of ours in a security group of the user.
model::ResourceName rule_name(const model::Cluster& cluster,
                              const model::ResourceName& group,
                              const std::string& what);

/// The names that the user left to us, filled in: stored with the cluster.
model::NetworkSpec network_with_names(const model::Cluster& cluster);

}  // namespace hopyard::decide
