// One running `hopyard serve`: the real commands, loops and node sessions, put together as the
// program does it, on the simulated cloud and the shared store.
#pragma once

#include <memory>
#include <string>

#include "api/service.h"
#include "cloud/one_cloud.h"
#include "control/commands.h"
#include "control/loops.h"
#include "control/node_sessions.h"
#include "simulation/cloud_front.h"
#include "simulation/ground.h"
#include "simulation/watched_store.h"

namespace hopyard::simulation {

/// Whom a replica tells that it is no more.
class Mourner {
  public:
    virtual ~Mourner() = default;
    virtual void replica_died(int number) = 0;
};

struct ReplicaParts {
    Ground& ground;
    Fibers& fibers;
    store::Store& store;
    RequestWatcher& requests;
    StoreWatcher& changes;
    Mourner& mourner;
    Random& random;  ///< the control plane's own
};

class Replica final : public control::Wake, public control::CallRunner {
  public:
    /// `holder` is its name in the lease.
    Replica(const ReplicaParts& parts, int number, const std::string& holder);
    ~Replica() override;

    int number() const { return number_; }
    bool dead() const { return dead_; }
    /// Nothing of it runs any more, from now on. Fibers are ended by whoever owns them.
    void die() {
        dead_ = true;
        front_.cut();
    }
    void stand_still(Timestamp until) { still_until_ = until; }
    bool stands_still() const { return still_until_ > parts_.ground.clock.now(); }

    /// Carries out a request of a person. On a fiber: it may ask the cloud and wait.
    void serve(const http::Request& request, http::Responder responder);
    control::Commands& commands() { return *commands_; }
    control::NodeSessions& sessions() { return *sessions_; }
    /// Calls it; false when the replica died of it.
    bool survives(const std::function<void()>& call);
    std::uint64_t steps() const { return steps_; }

  private:
    void wake() override;
    void wake_for(const ClusterId& cluster) override;
    void run(std::function<void()> call) override;
    void step_at(Timestamp time);
    /// The thread of the loops is woken, which takes a moment.
    void step_soon();
    void step();
    void tick();
    void tick_soon();
    void tick_at(Timestamp time);
    /// Runs at that time, or when it moves again, unless it is dead by then.
    void later(Timestamp time, std::function<void()> task);

    ReplicaParts parts_;
    const int number_;
    bool dead_ = false;
    Timestamp still_until_;
    std::optional<Timestamp> next_step_;
    std::optional<Timestamp> next_tick_;
    Timestamp next_silence_;
    std::uint64_t steps_ = 0;
    Timestamp busy_since_;
    int busy_steps_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

    WatchedStore store_;
    WatchedStore loops_store_;
    CloudFront front_;
    std::unique_ptr<control::NodeAuthority> authority_;
    std::unique_ptr<control::Loops> loops_;
    std::unique_ptr<control::NodeSessions> sessions_;
    std::unique_ptr<control::Commands> commands_;
    cloud::OneCloud clouds_;
    std::unique_ptr<api::Service> service_;  ///< made when somebody asks: many die before that
};

}  // namespace hopyard::simulation
