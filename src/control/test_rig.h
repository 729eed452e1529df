// The loops on a store in memory, a cloud that takes time and nodes that boot and report: a whole
// control plane in one thread, for the tests of the loops.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/random.h"
#include "control/loops.h"
#include "control/secrets.h"
#include "control/test_cloud.h"
#include "store/open.h"

namespace hopyard::control {

inline const InstallationId test_installation("11111111-2222-4333-8444-555555555555");

/// Runs calls when told, so that a test can act while calls are under way.
class TestRunner final : public CallRunner {
  public:
    void run(std::function<void()> call) override { waiting.push_back(std::move(call)); }
    bool run_one();
    std::deque<std::function<void()>> waiting;
};

class Rig {
  public:
    Rig();

    TestClock clock;
    std::function<void()> on_commit;  ///< may throw: the program dies before the commit
    std::unique_ptr<store::Store> store;
    TestCloud cloud{clock};
    TestRunner runner;
    SeededRandom random{7};
    LoopOptions options;
    std::unique_ptr<Loops> loops;
    Milliseconds boot_time = Seconds(10);
    std::set<std::string> mute;  ///< machines that never report
    int steps = 0;

    /// As after a crash or a restart of the program.
    void restart();

    model::Cluster example(int workers);
    ClusterId create(const model::Cluster& cluster);
    /// Changes the cluster's row as a command would, and wakes the loops.
    void change(const ClusterId& id, const std::function<void(model::Cluster&)>& edit);
    void change_nodes(const ClusterId& id, const std::function<void(model::Node&)>& edit);

    /// Runs until it is so, or fails after that long. True when it came to be.
    bool until(const std::function<bool()>& so, Milliseconds patience = Seconds(3600));
    bool until_phase(const ClusterId& id, model::Phase phase, Milliseconds span = Seconds(3600));
    bool until_gone(const ClusterId& id, Milliseconds patience = Seconds(3600));
    void run_for(Milliseconds span);
    /// One step, all calls it makes, and the nodes.
    Timestamp round();

    std::optional<model::Cluster> cluster(const ClusterId& id);
    std::vector<model::Node> nodes(const ClusterId& id);
    std::vector<model::Resource> resources(const ClusterId& id);
    std::vector<model::Activity> activity(const ClusterId& id);
    bool told(const ClusterId& id, const std::string& code);
    std::optional<Secret> secret(const std::string& name);
    model::Node node(const ClusterId& id, const std::string& part);

  private:
    /// What machines that are on say of themselves; true when a row changed.
    bool nodes_report();
    Timestamp next_event() const;
};

}  // namespace hopyard::control
