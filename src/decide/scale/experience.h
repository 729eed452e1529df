// How the autoscaler learns from what it sees, and what follows from that: how probably so many
// workers are wanted within some time, or are free again. Pure.
//
// Spans are kept as their hazard by age (the life-table estimate: so many ended, of so much time
// spent at that age), each size of rise by itself and drawn towards that of all sizes as long as it
// was seen rarely.
#pragma once

#include "model/experience.h"

namespace hopyard::decide::scale {

/// A worker takes that long to come as long as none was seen to: what clouds take.
inline constexpr Milliseconds boot_unseen = Seconds(285);

/// What became known: how many workers are used or taken by what waits. Nothing changes but when
/// that did.
model::Experience learn(model::Experience experience, int demand, Timestamp now);

/// A worker came, that long after it was asked for: the mean follows the last few.
model::Experience learn_boot(model::Experience experience, Milliseconds took);

/// How often `size` is to be expected to be wanted again between now and then.
double expected_returns(const model::Experience& experience,
                        const model::Experience::Size& size,
                        Timestamp now,
                        Milliseconds within);

/// How probably the rise is over between now and then, from 0 to 1.
double chance_of_end(const model::Experience& experience,
                     const model::Experience::Rise& rise,
                     Timestamp now,
                     Milliseconds within);

/// In thousandths: how much more is wanted in this hour of the week than in the mean of all; 1000
/// before two weeks were seen.
std::int64_t hour_factor(const model::Experience& experience, Timestamp now);

}  // namespace hopyard::decide::scale
