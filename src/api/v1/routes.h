// Our own API under /v1, by resource. Each function returns what it serves as data; bodies of one
// resource lie in one .cpp file, and its description in openapi/.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/cluster_texts.h"
#include "api/gate.h"
#include "api/orphans.h"
#include "api/people/entrance.h"

namespace hopyard::api::v1 {

/// One thing that must be well: the cloud, the loops.
struct Condition {
    std::string name;
    std::optional<Error> problem;  ///< nothing while it is well; told to who has a key
    std::optional<Timestamp> since;
};

struct General {
    std::string version;
    bool mail = false;  ///< there is a mail server
    std::function<std::vector<Condition>()> conditions;
    std::function<std::vector<Gauge>()> gauges;
};

/// version, health, capabilities, openapi.json.
std::vector<Endpoint> general_endpoints(Parts& parts, const General& general);
/// /metrics.
std::vector<Endpoint> metrics_endpoints(Parts& parts, Metrics& metrics, const General& general);
/// Clusters as they are, made and deleted; their activity.
std::vector<Endpoint> cluster_endpoints(Parts& parts, ClusterTexts& texts);
/// What may be changed of a cluster: power, workers, ports, types.
std::vector<Endpoint> change_endpoints(Parts& parts);
/// 202 with what is stored now; of a cluster that is gone already, with what the command last saw.
Result<http::Response> accepted(Parts& parts,
                                const Call& call,
                                const Result<model::Cluster>& changed);
/// What a cluster is made of in the cloud.
std::vector<Endpoint> resource_endpoints(Parts& parts);
/// Acts on one node, and its log.
std::vector<Endpoint> node_endpoints(Parts& parts);
std::vector<Endpoint> key_endpoints(Parts& parts);
/// Takes a saved price list; answers the locations it had prices for.
using PriceImport = std::function<Result<std::vector<std::string>>(std::string_view pages)>;
/// Look-ups, preparation, prices and orphans. `orphans` may be null, `import_prices` empty.
std::vector<Endpoint> cloud_endpoints(Parts& parts,
                                      Orphans* orphans,
                                      const PriceImport& import_prices);
/// What machines ran, by day and in all.
std::vector<Endpoint> usage_endpoints(Parts& parts);
/// Cloud accounts: made, tried and removed, and the role they need.
std::vector<Endpoint> cloud_account_endpoints(Parts& parts);
/// Signing in and out, the first owner, one's sessions.
std::vector<Endpoint> sign_in_endpoints(Parts& parts,
                                        people::Entrance& entrance,
                                        const General& general);
/// Links that set a new password: asked for, made for a member, used.
std::vector<Endpoint> password_reset_endpoints(Parts& parts, people::Entrance& entrance);
/// What people change about themselves.
std::vector<Endpoint> me_endpoints(Parts& parts, people::Entrance& entrance);
std::vector<Endpoint> organisation_endpoints(Parts& parts);
std::vector<Endpoint> member_endpoints(Parts& parts);
std::vector<Endpoint> invitation_endpoints(Parts& parts, people::Entrance& entrance);
/// The autoscaler: policy, demand, decisions.
std::vector<Endpoint> autoscale_endpoints(Parts& parts);
/// How much of this process one simulation may take.
struct SimulationLimits {
    std::size_t jobs = 200'000;
    Seconds time{60};
};
/// A policy tried on a recorded workload; ends when its client leaves.
std::vector<Endpoint> simulate_endpoints(Parts& parts, const SimulationLimits& limits);
/// What a later version serves: refused in words instead of being unknown.
std::vector<Endpoint> refused_endpoints();

}  // namespace hopyard::api::v1
