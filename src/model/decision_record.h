// One decision of the autoscaler as it is kept: what it was made from and what it came to, so that
// it can be explained later and made again offline.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace hopyard::model {

/// So many are kept of each cluster, the newest.
inline constexpr int decision_records_max = 100;

struct DecisionRecord {
    ClusterId cluster;
    OrganisationId organisation;
    Timestamp at;
    std::string situation_json;  ///< decide/scale/record.h
    std::string decision_json;
    bool operator==(const DecisionRecord&) const = default;
};

}  // namespace hopyard::model
