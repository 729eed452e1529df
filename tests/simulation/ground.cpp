#include "simulation/ground.h"

namespace hopyard::simulation {

Ground::Ground(std::uint64_t seed, Trace::Mode mode)
    : trace(mode, clock),
      faults(seed * 4),
      of_cloud(seed * 4 + 1),
      of_nodes(seed * 4 + 2),
      of_users(seed * 4 + 3),
      of_spot(~(seed * 4 + 3)) {}

bool Ground::dies_at(CrashPoint::Place place) {
    static constexpr std::array fault_of = {Fault::crash_before_commit,
                                            Fault::crash_after_commit,
                                            Fault::crash_before_call,
                                            Fault::crash_after_call};
    const auto index = static_cast<std::size_t>(place);
    const int number = passed[index]++;
    const bool chosen = crash_point && crash_point->place == place && crash_point->number == number;
    return faults.happens(fault_of[index]) || chosen;
}

}  // namespace hopyard::simulation
