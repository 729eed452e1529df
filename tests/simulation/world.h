// One simulation: a seed decides everything in it. Users live their clusters' lives while things go
// wrong; then the faults end, and within a while everything has to be as it was wanted; then all is
// terminated, and nothing may be left.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/ground.h"
#include "simulation/judge.h"
#include "simulation/nodes.h"
#include "simulation/replica.h"
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

class World final : public ControlPlane, public CommandRoom, public Mourner {
  public:
    explicit World(const WorldOptions& options);
    ~World() override;
    Outcome run();

  private:
    bool with_sessions(const std::function<void(control::NodeSessions&)>& call) override;
    bool run_command(std::function<void(control::Commands&)> command) override;
    void replica_died(int number) override;

    void start_replica(const std::string& holder);
    Replica* serving();
    Replica* replica(int number);
    void bury(int number);
    void take_over();
    void every_second();
    /// Runs until that time, or until something is found wrong.
    void run_until(Timestamp time);
    void run_while(const std::function<bool()>& goes_on, Milliseconds at_most);
    void end_faults();
    std::vector<std::string> differences();
    /// Waits until nothing differs any more, and then a little longer.
    void converge(const char* what);

    const WorldOptions options_;
    Ground ground_;
    SeededRandom of_control_;
    Fibers fibers_;
    std::unique_ptr<store::Store> store_;
    Judge judge_;
    Nodes nodes_;
    Users users_;
    std::vector<std::unique_ptr<Replica>> replicas_;
    int next_replica_ = 1;
    int serving_ = 0;
    std::string holder_ = "host-1";
    int hosts_ = 1;
    int crashes_ = 0;
    std::uint64_t steps_ = 0;
};

/// Runs a seed; one that fails is run again with its trace on, which has to find the same.
Outcome run_seed(const WorldOptions& options);

}  // namespace hopyard::simulation
