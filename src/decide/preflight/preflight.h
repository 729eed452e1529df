// Whether a cluster can be made as asked, from facts that were gathered before: pure. Each finding
// says what, where, whose and what next. A fact that could not be read makes its checks
// "unchecked", never "fine".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "decide/preflight/facts.h"
#include "model/spec.h"

namespace hopyard::decide {

enum class Weight {
    blocking,   ///< the cluster is refused
    warning,    ///< made all the same
    unchecked,  ///< the fact could not be read
};

struct Finding {
    Weight weight = Weight::blocking;
    Error error;  ///< code, message, field, owner, next action
};

/// A resource that would be made.
struct PlannedResource {
    std::string kind;    ///< "machine", "virtual_network" …
    std::string name;    ///< final, or with the cluster's id left open as "<id>"
    std::string detail;  ///< "Standard_D4_v3, 4 vCPU, 16 GiB, 64 GB disk"
};

struct QuotaLine {
    std::string name;
    std::int64_t used = 0;
    std::int64_t needed = 0;
    std::int64_t limit = 0;
};

/// What the machines of the cluster cost by the hour, with the autoscaler's minimum and without
/// disks, addresses and traffic.
struct Cost {
    double head_per_hour = 0;
    double workers_per_hour = 0;
    cloud::Price of;  ///< currency, origin and age of the figures
    double per_hour() const { return head_per_hour + workers_per_hour; }
    /// A month has 730 hours, as Azure counts.
    double per_month() const { return per_hour() * 730; }
};

struct Preflight {
    std::vector<Finding> findings;  ///< in the order of the twelve steps
    std::vector<PlannedResource> resources;
    std::vector<QuotaLine> quotas;
    std::optional<Cost> cost;  ///< nothing when one of its sizes has no price
    /// The specification with every default filled in, as it would be stored.
    model::ClusterSpec spec;
    bool refused() const;
    /// The first finding that blocks; with it, in cause and remedy, every other. Only when refused.
    Error refusal() const;
};

/// Weighs a specification against the facts and fills in its defaults. Repeatable: equal input,
/// equal output. `<id>` stands for the cluster's id in names that are not chosen yet.
Preflight weigh(const model::ClusterSpec& spec, const Facts& facts);

}  // namespace hopyard::decide
