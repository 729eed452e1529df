// Simulated time. Everything that happens in a simulation is a task in one queue; the clock jumps
// from task to task. Tasks of one moment run in the order in which they were put in, so a seed
// decides everything.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "base/time.h"

namespace hopyard::simulation {

class SimulatedClock final : public Clock {
  public:
    explicit SimulatedClock(Timestamp start) : now_(start) {}
    Timestamp now() const override { return now_; }
    void set(Timestamp time) { now_ = time; }

  private:
    Timestamp now_;
};

class Queue {
  public:
    using Task = std::function<void()>;
    explicit Queue(SimulatedClock& clock) : clock_(clock) {}

    Timestamp now() const { return clock_.now(); }
    /// A time that has passed means now.
    void at(Timestamp time, Task task);
    void after(Milliseconds delay, Task task) { at(now() + delay, std::move(task)); }
    /// Runs the next task that is due by then. False when there is none; the clock is then there.
    bool run_next(Timestamp until);

  private:
    struct Entry {
        Timestamp time;
        std::uint64_t sequence;
        mutable Task task;
        bool operator<(const Entry& other) const {
            return std::tie(other.time, other.sequence) < std::tie(time, sequence);
        }
    };
    SimulatedClock& clock_;
    std::priority_queue<Entry> entries_;
    std::uint64_t next_sequence_ = 0;
};

}  // namespace hopyard::simulation
