// One decision of the autoscaler as it is kept: what it was made from and what it came to, so that
// it can be explained later and made again offline.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace hopyard::model {

/// So many are kept of each cluster, the newest.
inline constexpr int decision_records_max = 100;

struct DecisionRecord {
    std::int64_t number = 0;  ///< of the cluster's, from 1; given by the store
    ClusterId cluster;
    OrganisationId organisation;
    Timestamp at;
    std::string situation_json;  ///< decide/scale/record.h
    std::string decision_json;
    bool operator==(const DecisionRecord&) const = default;
};

/// For the store.
std::string to_json(const DecisionRecord& record);
Result<DecisionRecord> decision_record_from_json(std::string_view text);

}  // namespace hopyard::model
