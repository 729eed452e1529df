#include "decide/lifecycle/spot.h"

#include <algorithm>
#include <cmath>

namespace hopyard::decide {

double max_spot_price(const model::SpotSpec& spot, const std::optional<double>& on_demand) {
    constexpr double no_limit = -1;
    if (!on_demand || spot.max_price_percent >= 100) return no_limit;
    constexpr double steps = 100'000;
    // 0.07 * 100'000 is 7000.000000000001: a step is not lost to what binary fractions lack.
    constexpr double rounding = 1e-6;
    const double price = *on_demand * spot.max_price_percent / 100;
    return std::max(1.0, std::floor(price * steps + rounding)) / steps;
}

model::GroupKey offer_of(const model::Node& node) {
    model::GroupKey offer = node.group;
    if (!node.is_spot()) offer.spot.reset();
    return offer;
}

bool is_same_offer(const model::GroupKey& one, const model::GroupKey& other) {
    return one.instance_type == other.instance_type && one.spot == other.spot;
}

bool may_be_on_demand(const model::GroupKey& group) {
#ifdef HOPYARD_DEFECT_spot_fall_back_unasked
    (void)group;
    return true;
#else
    return !group.spot || group.spot->fall_back_on_demand;
#endif
}

bool falls_back(const model::Node& refused, const Error& error) {
    const bool has_none =
        error.kind == ErrorKind::capacity_unavailable || error.kind == ErrorKind::quota_exceeded;
    return has_none && refused.is_spot() && may_be_on_demand(refused.group);
}

}  // namespace hopyard::decide
