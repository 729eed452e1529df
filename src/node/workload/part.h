// The part that gives the machine its place in the workload manager, and on the head keeps the
// manager's machines what the orders say and tells the board how they are. It looks when something
// happened: new orders, a worker's report, a line in the manager's log; and slowly in between.
#pragma once

#include <chrono>
#include <stop_token>

#include "base/random.h"
#include "node/board.h"
#include "node/workload/workload.h"

namespace hopyard::node::workload {

class WorkloadPart {
  public:
    WorkloadPart(Board& board, WorkloadManager& manager, Random& random)
        : board_(board), manager_(manager), random_(random) {}

    /// Carries out orders until stopped; the manager's services then still run.
    void run(std::stop_token stop);

  private:
    /// What a worker waits for before it takes jobs; empty when nothing.
    std::string waits_for(const nodewire::Orders& orders) const;
    Result<Milliseconds> step(const nodewire::Orders& orders, std::stop_token stop);
    Result<Milliseconds> look_and_arrange(const nodewire::Orders& orders);
    std::set<std::string> alive_workers(const nodewire::Orders& orders) const;
    void say(std::int64_t applied, std::string stage, std::optional<Error> failure = {});

    Board& board_;
    WorkloadManager& manager_;
    Random& random_;
    std::int64_t applied_ = 0;
    Drains drains_;            ///< that the manager was told of
    int unsettled_looks_ = 0;  ///< in a row
    std::chrono::steady_clock::time_point next_look_;
};

}  // namespace hopyard::node::workload
