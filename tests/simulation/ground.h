// What all parts of one simulation stand on.
#pragma once

#include "simulation/cloud_model.h"
#include "simulation/engine.h"
#include "simulation/faults.h"
#include "simulation/fibers.h"
#include "simulation/storage_model.h"
#include "simulation/trace.h"

namespace hopyard::simulation {

inline const InstallationId our_installation("11111111-2222-4333-8444-555555555555");
inline const OrganisationId our_organisation("default");
inline constexpr Timestamp day_one{Seconds(1'795'478'400)};

/// Kills the program at one chosen place, for sweeps over all of them.
struct CrashPoint {
    enum class Place { before_commit, after_commit, before_call, after_call } place;
    int number = 0;  ///< counted from 0 over the whole run
};

struct Ground {
    Ground(std::uint64_t seed, Trace::Mode mode);

    SimulatedClock clock{day_one};
    Queue queue{clock};
    Trace trace;
    Findings findings{clock, trace};
    Faults faults;
    // Streams of their own, so that a change in one does not shift what the others draw.
    SeededRandom of_cloud;
    SeededRandom of_nodes;
    SeededRandom of_users;
    SeededRandom of_spot;  ///< who wants spot machines, and which of them are taken back
    CloudModel cloud{queue, faults, of_cloud, findings, trace};
    StorageModel storage;

    std::optional<CrashPoint> crash_point;
    std::array<int, 4> passed{};  ///< how often each place was passed

    /// True when the program dies here.
    bool dies_at(CrashPoint::Place place);
};

}  // namespace hopyard::simulation
