// When to try again: the one place that knows (style E4).
#pragma once

#include "base/random.h"
#include "base/time.h"

namespace hopyard {

struct Backoff {
    Milliseconds first{50};
    Milliseconds most{1000};
};

/// The wait before attempt number `attempt` (0 = the first repeat): doubling from `first` to
/// `most`, then "equal jitter" (half fixed, half random), so that many who failed together do not
/// return together.
Milliseconds wait_before(const Backoff& backoff, int attempt, Random& random);

}  // namespace hopyard
