#include "model/spec_json.h"

namespace hopyard::model {

std::string spec_example() {
    return R"(# A cluster: one head node and any number of workers. Every field of the twelve steps.
# Fields that show their default may be left out.

# Step 2: general
name: demo                      # 1 to 40 lower-case letters, digits and hyphens, a letter first
cloudAccount: default           # 'hopyard cloud-account list'
resourceGroup: hopyard          # must exist: 'hopyard cloud groups' lists them
location: ""                    # default: the resource group's
head:
  instanceType: Standard_D2s_v3 # 'hopyard cloud sizes --location …' lists them
  diskGb: 30
storage:
  account: hopyardstore         # 'hopyard cloud accounts'
  container: ""                 # default: made for this cluster; an existing one must be empty

# Step 3: workers, any number of groups
workers:
  - instanceType: Standard_D2s_v3
    diskGb: 30
    count: 2

# Workers that come and go with the work, beside those above or instead of them.
# autoscale:
#   mode: standard
#   general:
#     instanceType: Standard_D4s_v3
#     fallbackTypes: [Standard_D4_v3] # tried in this order when the cloud has no more of the first
#     diskGb: 30
#     spot: {maxPricePercent: 100, fallBackOnDemand: true} # leave it out for none
#     minWorkers: 0
#     maxWorkers: 10
#     standbyWorkers: 0.5         # kept free while anything runs: a number of workers
#     downscaleWaitSeconds: 300   # unused for so long before one leaves
#     standbyShape: {cpus: 2, memoryMb: 4096, gpus: 0, count: 1} # kept free too
#     schedule:                   # another minimum at some hours, in UTC
#       - {days: [mon, tue, wed, thu, fri], from: "08:00", to: "18:00", minWorkers: 2}
#   gpu:                          # the same fields; leave it out for no autoscaled GPU workers
#     instanceType: Standard_NC6s_v3

# Step 4 and 5: both must exist in the resource group
sshKey: hopyard
identity: hopyard               # needs Storage Blob Data Contributor on the account

# Step 6: days; 0 or at least 7
backupRetentionDays: 0

# Step 7 to 9: an empty name means "make one"
network:
  resourceGroup: ""             # default: the cluster's
  virtualNetwork: ""
  virtualNetworkCidr: ""        # default: the first free /16 of 10.0.0.0/8
  subnet: ""
  subnetCidr: ""                # default: the first /24 of the network
  securityGroup: ""
  publicIp: true                # of the head

# Step 10: disabled, managed or ldap
userManagement: disabled

# Step 11: put on every resource of the cluster
tags:
  team: ml

# Runs once on every machine, as root; must begin with "#!"
initScript:
  text: ""
  runFirst: false

# Ports of the head that are open to portSources (443 always is)
ports:
  featureStore: false
  onlineFeatureStore: false
  kafka: false
  ssh: false
portSources: []                 # CIDRs; empty: everybody

# How long the removal of a worker waits for running work: seconds, or never
drainTimeoutSeconds: 900
)";
}

}  // namespace hopyard::model
