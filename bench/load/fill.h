// Clusters that run, as the planner leaves them once everything it asked for is carried out,
// written through the store. Nothing of them is in any cloud.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/cluster.h"
#include "store/store.h"

namespace hopyard::bench {

/// "c-00000042" of the 42nd, named "cluster-00042".
ClusterId cluster_id(int number);

/// What the cloud calls the machine of a node.
std::string machine_id(const NodeId& node);

/// `count` of them, of one head and `workers` each, and an administrator's key, which is returned.
Result<Secret> fill(store::Store& store, Random& random, Timestamp now, int count, int workers);

/// The heads of the first `count` clusters.
Result<std::vector<model::Node>> heads_of(store::Store& store, int count);

}  // namespace hopyard::bench
