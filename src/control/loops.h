// The loops: what is stored and what the cloud shows become plans (decide/lifecycle), and plans
// become calls. step() never waits for the cloud: every call goes through a CallRunner and its
// outcome is stored by whoever ran it, in a transaction under the lease, before anybody is woken.
//
// Only the replica that holds the lease plans and calls; the others wait for it. What a call did is
// told by its row and by the next look at the cloud, so nothing here has to survive a crash:
// sightings and calls under way are memory, names, intents and operations are in the store.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "cloud/cloud.h"
#include "cloud/storage.h"
#include "control/commands.h"
#include "decide/lifecycle/snapshot.h"
#include "store/store.h"

namespace hopyard::control {

/// Where calls to the cloud run: on threads in the program, in line or later in the simulation.
class CallRunner {
  public:
    virtual ~CallRunner() = default;
    virtual void run(std::function<void()> call) = 0;
};

enum class LoopEvent {
    step,  ///< "leading", or "standby" while another replica holds the lease
    plan,  ///< of one cluster: "stored", or the kind of the error
    call   ///< to the cloud: "done", or the kind of the error
};

struct LoopOptions {
    InstallationId installation;
    /// Whose clusters these loops carry. Loops of several accounts run side by side, each with its
    /// own lease.
    model::CloudAccountKey account;
    std::string holder;       ///< this replica's name in the lease
    std::string node_url;     ///< where heads reach the node listener; into their user data
    std::string node_ca_pem;  ///< the installation's authority; into the user data
    decide::Timing timing;
    Milliseconds lease_validity = Seconds(15);
    Milliseconds list_every = Seconds(15);        ///< of all resources that bear our tag
    Milliseconds orphan_patience = Seconds(600);  ///< product.md D11
    Milliseconds orphan_disk_patience = Seconds(24 * 3600);
    bool sweep_removes = true;  ///< false after a database was restored: only reports (D11)
    /// Told of everything that is done, for whoever counts; on any thread, and must not block.
    std::function<void(LoopEvent what, std::string_view outcome)> on_event;
};

/// What health and metrics tell.
struct LoopStatus {
    bool holds_lease = false;
    std::optional<Error> cloud_problem;  ///< the last call that reached no cloud, until one does
    std::optional<Timestamp> cloud_problem_since;
    Timestamp stepped_at;  ///< when the last step began; before the first, when they were made
    std::size_t calls_under_way = 0;
};

class Loops final : public Wake {
  public:
    /// Everything passed must outlive the loops. Calls that were handed to `runner` end before the
    /// loops are destroyed.
    Loops(store::Store& store,
          cloud::Cloud& cloud,
          cloud::Storage& storage,
          CallRunner& runner,
          const Clock& clock,
          Random& random,
          LoopOptions options);
    ~Loops() override;

    /// Any thread.
    void wake() override;
    void wake_for(const ClusterId& cluster) override;
    /// Called, on any thread, after something was stored that nodes or watchers may want to see.
    void on_change(std::function<void()> callback);

    /// One round: keeps the lease, lists and polls what is due, plans for every cluster that may
    /// need it, stores, sends. Returns when to come back at the latest. One thread at a time.
    Timestamp step();
    /// Returns when somebody woke the loops, at that time, or when stopped.
    void wait(Timestamp until, std::stop_token stop);
    /// Gives the lease back, so that another replica goes on at once.
    void release();

    LoopStatus status() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace hopyard::control
