// What a user asks of the autoscaler (product.md B1, D4, D5, D15): two groups of workers, each with
// its own type, bounds, standby and wait. Rules of a well-formed policy are in validate.h; what
// follows from a policy is decide/scale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/demand.h"
#include "model/group_key.h"

namespace hopyard::model {

/// That many times that much is kept free, so that a whole typical job fits at once.
struct StandbyShape {
    Resources each;
    int count = 1;
    bool operator==(const StandbyShape&) const = default;
};

/// Another minimum and standby at some hours of the week, in UTC.
struct ScheduleEntry {
    std::vector<int> days;  ///< 0 = Monday … 6 = Sunday; empty: every day
    int from_minute = 0;    ///< of the day, 0 to 1439
    int to_minute = 0;  ///< exclusive; 1440 = midnight; less than `from_minute`: into the next day
    int min_workers = 0;
    bool operator==(const ScheduleEntry&) const = default;
};

/// One autoscaled group.
struct ScaleSpec {
    std::string instance_type;
    /// Taken in this order when the cloud refuses those before.
    std::vector<std::string> fallback_types;
    std::int64_t disk_gb = 30;
    std::optional<SpotSpec> spot;
    int min_workers = 0;
    int max_workers = 10;
    double standby_workers = 0.5;               ///< a number of workers, not a share of them
    std::int64_t downscale_wait_s = 300;        ///< unused for that long before it leaves
    std::optional<StandbyShape> standby_shape;  ///< beside `standby_workers`
    std::vector<ScheduleEntry> schedule;
    bool operator==(const ScaleSpec&) const = default;
};

/// `standard` is the documented rules to the letter; `adaptive` keeps the same bounds and standby
/// and uses what those rules ignore.
enum class AutoscaleMode { standard, adaptive };

struct AutoscaleSpec {
    AutoscaleMode mode = AutoscaleMode::standard;
    ScaleSpec general;
    std::optional<ScaleSpec> gpu;
    bool operator==(const AutoscaleSpec&) const = default;
};

/// The keys of the group's workers, in order of preference: where it falls back, every type on
/// demand comes after every type as spot.
std::vector<GroupKey> keys_of(const ScaleSpec& group);
/// Every instance type that the policy names, each once.
std::vector<std::string> types_of(const AutoscaleSpec& spec);

}  // namespace hopyard::model
