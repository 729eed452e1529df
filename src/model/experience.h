// What the past of a cluster has taught its autoscaler about one group, for the mode `adaptive`:
// how often so many workers at once are wanted again, how long they are then used, when in the
// week, and how long a worker takes to come. Small and bounded, whatever happened. Plain values;
// how it is learned and used is decide/scale.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"

namespace hopyard::model {

/// How often a span of time ended at which age: by ages that double, the first up to 5 s, the last
/// without end. Old ones count less and less.
struct Ages {
    static constexpr std::size_t count = 16;
    std::array<std::int64_t, count> ended{};    ///< thousandths
    std::array<std::int64_t, count> lived_s{};  ///< spent at that age
    bool operator==(const Ages&) const = default;
};

struct Experience {
    /// Workers that were wanted at once, by how many: 1, 2, 3, 4, then up to 8, 16 …
    struct Size {
        int workers = 0;
        Timestamp last;  ///< wanted or no longer used
        Ages returns;    ///< from then until so many were wanted again
        Ages runs;       ///< from when they were wanted until they were not used any more
        bool operator==(const Size&) const = default;
    };
    /// So many more are used since then.
    struct Rise {
        int workers = 0;
        Timestamp since;
        bool operator==(const Rise&) const = default;
    };

    Timestamp since;                   ///< it learns
    std::optional<Milliseconds> boot;  ///< until a worker came, in the mean of the last few
    int demand = 0;                    ///< workers that are used or that waiting work takes
    std::int64_t mean_rise = 1000;     ///< thousandths of a worker
    Ages returns;                      ///< of all sizes
    Ages runs;
    std::vector<Size> sizes;                ///< ascending
    std::vector<Rise> rises;                ///< that are not over, the oldest first; at most 64
    std::array<std::int64_t, 168> hours{};  ///< rises by hour of the week in UTC, from Monday
    bool operator==(const Experience&) const = default;
};

}  // namespace hopyard::model
