// The steps of a decision in order, each with one sentence that holds its numbers. Private to this
// folder.
#pragma once

#include <string>
#include <vector>

#include "decide/scale/packing.h"

namespace hopyard::decide::scale {

/// Recalls, additions, removals.
std::vector<Step> steps_of(const Situation& situation,
                           const Packing& packing,
                           const std::vector<Balance>& balances);

/// "w3 leaves at …, unless it is used"
std::string leaves_at(const Worker& worker, Timestamp at);

/// What time alone changes in `adaptive`.
std::string weighed_again();

/// Rounded up.
model::Resources share_of(const model::Resources& size, double times);

}  // namespace hopyard::decide::scale
