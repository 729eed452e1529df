// A recorded workload, run again on a simulated cluster whose workers the real autoscaler asks for
// and lets go: what it would have cost, and how long jobs would have waited. What is simulated is
// the rest: machines take their time to come, and jobs begin by the time they were submitted, each
// as soon as there is room for all of it; one that does not fit yet is overtaken by those that do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "decide/replay/trace.h"
#include "decide/scale/scale.h"

namespace hopyard::decide::replay {

struct Setup {
    model::AutoscaleMode mode = model::AutoscaleMode::standard;
    scale::Group general;
    std::optional<scale::Group> gpu;
    /// From being asked for until it takes work, in turn for one worker after the other. Not empty.
    std::vector<Milliseconds> boots{Seconds(285)};
    /// What is counted begins here; before, the cluster only runs and learns.
    std::optional<Timestamp> count_from;
    /// Whoever waits is told how much of the trace is over, from 0 to 1; false ends the run.
    std::function<bool(double)> progress;
};

/// Of the jobs that were submitted in the time that counts.
struct Waiting {
    std::int64_t jobs = 0;  ///< that began
    double mean_s = 0;
    double median_s = 0;
    double p95_s = 0;
    double longest_s = 0;
    /// Waiting times the workers it waited for: what it would have cost to have had them idle.
    double worker_s = 0;
};

/// What workers of one kind were paid for, from being asked for until they left.
struct Use {
    model::GroupKey key;
    double hours = 0;
    std::int64_t boots = 0;
};

/// The mean over one part of the time.
struct Moment {
    Timestamp at;        ///< the part's begin
    double workers = 0;  ///< paid for
    double used = 0;     ///< of them: with a job
    double waiting = 0;  ///< jobs
};

struct Outcome {
    std::vector<Use> uses;
    Waiting waiting;
    double used_hours = 0;          ///< of workers with a job
    std::int64_t never_met = 0;     ///< jobs that no allowed worker could hold
    std::int64_t left_waiting = 0;  ///< jobs for which no worker ever came
    std::int64_t decisions = 0;
    std::vector<Moment> course;  ///< in at most 400 equal parts
    bool ended_early = false;    ///< by `progress`

    double hours() const;
};

/// Repeatable. Costs about what its decisions cost.
Outcome replay(const Trace& trace, const Setup& setup);

}  // namespace hopyard::decide::replay
