// The specification on the wire and in files. JSON in camelCase, YAML with the same names; unknown
// fields, wrong types and too deep nesting are refused with their JSON pointer. Writing and reading
// back gives an equal value.
//
//   name, resourceGroup, location, head {instanceType, diskGb}, workers [{instanceType, diskGb,
//   count, spot {maxPricePercent, fallBackOnDemand}}], autoscale {mode ("standard"|"adaptive"),
//   general {instanceType, fallbackTypes, diskGb, spot, minWorkers, maxWorkers, standbyWorkers,
//   downscaleWaitSeconds, standbyShape {cpus, memoryMb, gpus, count}, schedule [{days ["mon"], from
//   "08:00", to, minWorkers}]}, gpu {the same}}, storage {account, container}, sshKey,
//   identity, backupRetentionDays, network {resourceGroup, virtualNetwork, virtualNetworkCidr,
//   subnet, subnetCidr, securityGroup, publicIp}, userManagement ("disabled"|"managed"|"ldap"),
//   tags {name: value}, initScript {text, runFirst}, ports {featureStore, onlineFeatureStore,
//   kafka, ssh}, portSources ["10.0.0.0/8"], drainTimeoutSeconds (number or "never"), wire {…}
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/spec.h"

namespace hopyard::model {

std::string spec_to_json(const ClusterSpec& spec);
/// `invalid_argument` with the field. Limits: 1 MiB, 32 levels.
Result<ClusterSpec> spec_from_json(std::string_view text);
/// The policy by itself, as in `autoscale` of a specification.
std::string to_json(const AutoscaleSpec& spec);
Result<AutoscaleSpec> autoscale_from_json(std::string_view text);
Result<ClusterSpec> spec_from_yaml(std::string_view text);
std::string spec_to_yaml(const ClusterSpec& spec);
/// A commented YAML file with every field of the twelve steps and its default.
std::string spec_example();

}  // namespace hopyard::model
