// When which cluster is planned next. What a step costs grows with the clusters that are due, not
// with those that rest.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace hopyard::control {

/// Not thread-safe.
class Agenda {
  public:
    /// Not later than then; it may be on the agenda for an earlier time.
    void put(const ClusterId& cluster, Timestamp at);
    /// Those whose time has come, which are taken off, in the order of their times.
    std::vector<ClusterId> take_due(Timestamp now);
    /// When the first of them is due.
    std::optional<Timestamp> next() const;
    void erase(const ClusterId& cluster);
    void clear();

  private:
    std::map<ClusterId, Timestamp> at_;
    std::set<std::pair<Timestamp, ClusterId>> in_order_;  ///< the same
};

}  // namespace hopyard::control
