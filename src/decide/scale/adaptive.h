// What the mode `adaptive` weighs beside the rules of `standard`: whether an idle worker is worth
// keeping, and whether a request is better off waiting for what runs than for a new worker. Private
// to this folder.
//
// Everything is weighed in seconds of a worker. A second of a job's waiting counts as much as the
// workers that a job takes here in the mean, so that every job counts alike.
#pragma once

#include <cstdint>
#include <string>

#include "decide/scale/situation.h"

namespace hopyard::decide::scale {

class Adaptive {
  public:
    Adaptive(const Situation& situation, GroupName name, const Group& group);

    /// So many workers without work, of `most`, are worth keeping: to have them at once saves more,
    /// as often as so many are wanted, than they cost until then.
    int worth_keeping(int most) const;

    /// Of `count` equal requests that each miss so many workers: how many may wait for what runs,
    /// because that probably ends before new workers would be there. None once they waited for as
    /// long as a new worker takes.
    std::int64_t better_wait(int missing, std::int64_t count, Timestamp waiting_since);

    /// What was weighed changes with time.
    Timestamp look_again_at() const;
    Milliseconds boot() const { return boot_; }

  private:
    double rate_of_ends(int workers) const;
    std::int64_t sure_ends(int workers) const;

    const Situation& situation_;
    const GroupName name_;
    const model::Experience& experience_;
    const Milliseconds boot_;
    const double waiting_costs_;  ///< workers
    double claimed_ends_ = 0;     ///< per second, by requests that wait for them
    std::int64_t claimed_workers_ = 0;
};

}  // namespace hopyard::decide::scale
