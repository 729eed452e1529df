// How much was used: runs of machines, cut at midnight (UTC) and summed by day, cluster and size.
// Pure: a run that is under way counts until `now`. Where the clock was set back so that a run
// seems to begin later than now, it counts nothing rather than less than nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/machine_run.h"

namespace hopyard::decide {

using Day = std::chrono::sys_days;

/// From the first to the last, both of them whole.
struct Days {
    Day first;
    Day last;
    Timestamp begin() const { return first; }
    Timestamp end() const { return last + std::chrono::days(1); }
    bool operator==(const Days&) const = default;
};

/// "2026-11-28". Nothing for what is no day of the calendar from 1970 to 9999, or in other words.
std::optional<Day> day_from(std::string_view text);
std::string to_string(Day day);

struct DayShare {
    Day day;
    Milliseconds ran{0};
    bool operator==(const DayShare&) const = default;
};
/// What of a run falls on each of the days, in order; days with nothing are left out.
std::vector<DayShare> shares_of(const model::MachineRun& run, const Days& days, Timestamp now);

/// One cluster's machines of one size on one day, spot machines by themselves.
struct UsageLine {
    Day day;
    ClusterId cluster;
    std::string cluster_name;
    std::string location;
    std::string instance_type;
    bool spot = false;
    Milliseconds ran{0};    ///< of all machines together
    Milliseconds vcpus{0};  ///< the same, each machine as often as it has vCPUs
    bool operator==(const UsageLine&) const = default;
};
/// In the order of day, cluster and size, spot machines last.
std::vector<UsageLine> usage_of(const std::vector<model::MachineRun>& runs,
                                const Days& days,
                                Timestamp now);

/// All that a cluster's machines ran, by size.
struct ClusterUsage {
    struct Size {
        std::string instance_type;
        Milliseconds ran{0};
        Milliseconds vcpus{0};
        bool spot = false;  ///< those are summed by themselves
        bool operator==(const Size&) const = default;
    };
    ClusterId cluster;
    std::string cluster_name;
    std::string location;
    Timestamp since;  ///< when its first machine began to run
    std::vector<Size> sizes;
};
/// In the order of clusters' ids and of sizes' names.
std::vector<ClusterUsage> totals_of(const std::vector<model::MachineRun>& runs, Timestamp now);

double hours(Milliseconds time);

}  // namespace hopyard::decide
