// What tells one group of workers from another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hopyard::model {

/// Workers are spot machines: cheaper, and the cloud may take them back at any time (product.md
/// D14).
struct SpotSpec {
    int max_price_percent = 100;      ///< of the price on demand; from 100 on: without a limit
    bool fall_back_on_demand = true;  ///< where the cloud has no spot machine to give
    auto operator<=>(const SpotSpec&) const = default;
};

/// What tells one worker group from another (control-api.md 4.2).
struct GroupKey {
    std::string instance_type;
    std::int64_t disk_gb = 30;
    std::optional<SpotSpec> spot;
    auto operator<=>(const GroupKey&) const = default;
};

}  // namespace hopyard::model
