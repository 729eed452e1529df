// The minimum by the hours of the week, in UTC.
#pragma once

#include <optional>

#include "base/time.h"
#include "model/autoscale.h"

namespace hopyard::decide::scale {

/// The largest minimum of those entries that hold at that time; the policy's own when none does.
int min_workers_at(const model::ScaleSpec& policy, Timestamp now);

/// When an entry next begins or ends; none without a schedule.
std::optional<Timestamp> next_schedule_change(const model::ScaleSpec& policy, Timestamp now);

}  // namespace hopyard::decide::scale
