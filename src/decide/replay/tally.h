// What a replay counts while it runs. Private to this folder.
#pragma once

#include <vector>

#include "decide/replay/replay.h"

namespace hopyard::decide::replay {

struct Machine {
    model::GroupKey key;
    Timestamp asked_at;
    std::optional<Timestamp> left_at;
};

class Tally {
  public:
    Tally(const Trace& trace, Timestamp from);

    /// So it was since the last call.
    void pass_until(Timestamp now, const std::vector<scale::Worker>& workers, std::int64_t waiting);
    void began(const Job& job,
               Timestamp now,
               const scale::Group& general,
               const std::optional<scale::Group>& gpu);
    Outcome outcome(const std::vector<Machine>& machines) const;

  private:
    struct Part {
        Timestamp at;
        Milliseconds length{0};
        double workers = 0, used = 0, waiting = 0;  ///< times milliseconds
    };

    void add(Timestamp from, Timestamp to, double workers, double used, double waiting);
    void halve();

    const Timestamp from_;
    Timestamp now_;
    Milliseconds part_length_;
    std::vector<Part> parts_;
    std::vector<double> waits_s_;
    double waited_worker_s_ = 0;
    double used_hours_ = 0;
};

}  // namespace hopyard::decide::replay
