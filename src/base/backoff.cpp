#include "base/backoff.h"

#include <algorithm>

namespace hopyard {

Milliseconds wait_before(const Backoff& backoff, int attempt, Random& random) {
    Milliseconds wait = backoff.first;
    for (int i = 0; i < attempt && wait < backoff.most; ++i) wait *= 2;
    wait = std::min(wait, backoff.most);
    const auto half = wait.count() / 2;
    return Milliseconds(
        half + static_cast<std::int64_t>(below(random, static_cast<std::uint64_t>(half) + 1)));
}

}  // namespace hopyard
