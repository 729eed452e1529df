// One simulation: a seed decides everything in it. Users live their clusters' lives while things go
// wrong; then the faults end, and within a while everything has to be as it was wanted; then all is
// terminated, and nothing may be left.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/stage.h"
#include "simulation/users.h"

namespace hopyard::simulation {

struct WorldOptions {
    std::uint64_t seed = 0;
    int lives = 0;  ///< clusters; 0: the seed decides
    Trace::Mode trace = Trace::Mode::off;
    std::optional<CrashPoint> crash;
    /// No faults but the crash.
    bool calm = false;
};

struct Outcome {
    std::uint64_t seed = 0;
    std::vector<std::string> findings;  ///< empty: all is well
    std::vector<std::string> last_events;
    std::vector<std::string> rows;  ///< as they stand at the end of a run that failed
    std::size_t lives = 0;
    Milliseconds simulated{0};
    std::uint64_t steps = 0;
    std::uint64_t reports = 0;
    std::array<int, 4> passed{};  ///< crash points, by place
    int crashes = 0;
};

class World {
  public:
    explicit World(const WorldOptions& options);
    Outcome run();

  private:
    void every_second();
    std::vector<std::string> differences();
    /// Waits until nothing differs any more, and then a little longer.
    void converge(const char* what);

    const WorldOptions options_;
    Stage stage_;
    Users users_;
};

/// Runs a seed; one that fails is run again with its trace on, which has to find the same.
Outcome run_seed(const WorldOptions& options);

}  // namespace hopyard::simulation
