// The stage of a simulation without its play: cloud, store, machines, judge, and the replicas of
// the control plane, which die, stand still and are started again.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/front_door.h"
#include "simulation/ground.h"
#include "simulation/judge.h"
#include "simulation/nodes.h"
#include "simulation/replica.h"
#include "simulation/users.h"

namespace hopyard::simulation {

struct StageOptions {
    std::uint64_t seed = 0;
    Trace::Mode trace = Trace::Mode::off;
    std::optional<CrashPoint> crash;
    bool calm = false;  ///< no faults but the crash
};

class Stage final : public ControlPlane, public FrontDoor, public Mourner {
  public:
    explicit Stage(const StageOptions& options);
    ~Stage() override;

    Ground ground;
    std::unique_ptr<store::Store> store;
    Judge judge;
    Nodes nodes;

    void begin();
    /// A replica that serves, either of two; null while there is none.
    Replica* serving();
    /// Another one serves beside it, until one of both dies, or stands still and goes on.
    void add_second();
    /// Its lease runs out while it stands still; another replica takes over, and later the first
    /// one moves again, with everything in its head as it was.
    void take_over();
    void replica_died(int number) override;
    bool with_sessions(const std::function<void(control::NodeSessions&)>& call) override;
    bool ask(http::Request request, Answer answer) override;
    /// A command without the API, on a fiber of a replica that serves. It may never return, when
    /// the replica dies. False when none serves.
    bool run_command(std::function<void(control::Commands&)> command);

    /// Runs until that time, or until something is found wrong.
    void run_until(Timestamp time);
    void run_for(Milliseconds span) { run_until(ground.clock.now() + span); }
    /// Asks every four seconds.
    void run_while(const std::function<bool()>& goes_on, Milliseconds at_most);
    void end_faults();

    int crashes() const { return crashes_; }
    std::uint64_t steps() const;

  private:
    int start_replica(const std::string& holder);
    Replica* replica(int number);
    Replica* awake(int number);
    void bury(int number);
    void stand_still(Replica& one, Milliseconds for_how_long);
    void part();

    bool dies_ = false;  ///< programs die of faults from now on
    SeededRandom of_control_;
    Fibers fibers_;
    std::vector<std::unique_ptr<Replica>> replicas_;
    int next_replica_ = 1;
    int serving_ = 0;
    int second_ = 0;  ///< 0: there is none
    Secret key_;
    std::string holder_ = "host-1";
    int hosts_ = 1;
    int crashes_ = 0;
    std::uint64_t steps_ = 0;
};

}  // namespace hopyard::simulation
