// The loops of every cloud account, each on a thread of its own with its own lease: a cloud that
// does not answer holds up nobody else's clusters.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "apps/connections.h"
#include "control/loops.h"

namespace hopyard::apps {

class AccountLoops final : public control::Wake {
  public:
    /// `options` are those of the installation's own account; the others differ in the account.
    AccountLoops(store::Store& store,
                 Connections& connections,
                 control::CallRunner& runner,
                 const Clock& clock,
                 Random& random,
                 control::LoopOptions options);
    /// After the last call that was handed to the runner has ended.
    ~AccountLoops() override;

    void wake() override;
    void wake_for(const ClusterId& cluster) override;
    /// Before start().
    void on_change(std::function<void()> told) { told_ = std::move(told); }

    void start();
    /// Begins and ends loops as accounts come, change and go; reads the store. Repeatable.
    void follow_accounts();
    /// Ends all threads and gives the leases back.
    void stop();

    struct Status {
        model::CloudAccountKey account;
        control::LoopStatus loops;
    };
    /// The installation's own account first.
    std::vector<Status> status() const;

  private:
    struct Running {
        std::shared_ptr<CloudLink> link;
        std::unique_ptr<control::Loops> loops;
        std::jthread thread;
    };
    void begin(const model::CloudAccountKey& key, std::shared_ptr<CloudLink> link);
    void end(Running running);
    void forget_ended();

    store::Store& store_;
    Connections& connections_;
    control::CallRunner& runner_;
    const Clock& clock_;
    Random& random_;
    const control::LoopOptions options_;
    std::function<void()> told_;

    mutable std::mutex mutex_;  ///< guards all below
    bool started_ = false;
    std::map<model::CloudAccountKey, Running> running_;
    std::vector<Running> ended_;  ///< whose last calls are still under way
};

}  // namespace hopyard::apps
