// A cloud for the tests of the loops: it keeps state, takes time, refuses what the real one refuses
// (what is in use, what is not there), throttles, loses replies after doing the work, and answers
// stale and short lists, all as the test asks. Time is the test's.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cloud/cloud.h"
#include "cloud/storage.h"

namespace hopyard::control {

class TestClock final : public Clock {
  public:
    Timestamp now() const override { return now_; }
    void advance(Milliseconds span) { now_ += span; }
    void set(Timestamp time) { now_ = time; }

  private:
    Timestamp now_{Seconds(1'795'478'400)};
};

struct TestThing {
    cloud::Seen seen;
    cloud::Wanted wanted;
    std::string operation;  ///< under way
    bool deleting = false;
    Timestamp on_since;
    int boots = 0;
};

class TestCloud final : public cloud::Cloud, public cloud::Storage {
  public:
    explicit TestCloud(const Clock& clock) : clock_(clock) {}

    Milliseconds machine_time = Seconds(20);  ///< of making, starting, stopping, deleting one
    Milliseconds network_time{0};             ///< 0: done with the reply
    std::optional<Milliseconds> look_after;   ///< what the cloud asks for
    bool unreachable = false;
    bool lists_everything = false;      ///< a filter by tag that is not exact
    std::function<void()> before_call;  ///< may throw: the program dies, nothing was done
    std::function<void()> after_call;   ///< may throw: all was done, nobody read the reply

    /// What happens to the next call of that verb ("put machine", "remove", "start", "list", …).
    struct Fault {
        Error error;
        bool after_work = false;
    };
    void fail_next(const std::string& verb, Fault fault) { faults_[verb].push_back(fault); }
    /// The operation of the next put of a machine ends with that.
    void fail_next_creation(Error error) { creation_failures_.push_back(std::move(error)); }
    void throttle(Milliseconds span) { throttled_until_ = clock_.now() + span; }
    /// Lists show the cloud as it was then, until told otherwise.
    void freeze_list();
    void thaw_list() { frozen_.reset(); }
    void hide_from_list(const std::string& name) { hidden_.insert(name); }
    void show_in_list(const std::string& name) { hidden_.erase(name); }
    void forget_operations() { operations_.clear(); }
    /// Without anybody asking.
    void vanish(const std::string& name);
    void power_off(const std::string& name);
    void add(const cloud::Seen& seen) { things_[seen.name].seen = seen; }

    /// Verbs and names of all calls, in their order: "put machine demo-1-head".
    std::vector<std::string> log;
    int count(const std::string& beginning) const;
    const std::map<cloud::ResourceName, TestThing>& things() const { return things_; }
    const TestThing* find(const std::string& name) const;
    std::map<cloud::ContainerName, std::string> claims;
    std::set<std::string> policies;
    /// Lets operations end whose time has come. Done by every call, too.
    void settle();
    std::optional<Timestamp> next_end() const;

    Result<cloud::Accepted> put(const cloud::PutRequest& request) override;
    Result<cloud::Accepted> remove(const cloud::ResourceName& name) override;
    Result<cloud::Accepted> power(const cloud::ResourceName& machine,
                                  cloud::PowerAction action) override;
    Result<cloud::Accepted> resize(const cloud::ResourceName& machine,
                                   const std::string& size) override;
    Result<cloud::OperationState> poll(const std::string& operation_url) override;
    Result<std::optional<cloud::Seen>> read(const cloud::ResourceName& name) override;
    Result<cloud::Listing> list(const InstallationId& installation) override;

    Result<cloud::ContainerFacts> inspect(const cloud::ContainerName& name) override;
    Result<void> create_container(const cloud::ContainerName& name) override;
    Result<void> claim(const cloud::ContainerName& name, const std::string& owner) override;
    Result<cloud::ContainerGrant> grant(const cloud::ContainerName& name,
                                        const std::string& policy,
                                        Timestamp expires_at) override;
    Result<void> revoke(const cloud::ContainerName& name, const std::string& policy) override;

  private:
    struct Operation {
        cloud::ResourceName name;
        std::string verb;
        Timestamp ends_at;
        bool ended = false;
        std::optional<Error> failure;
    };
    /// Runs the work of a call between the faults that were asked for.
    template <class T, class Work>
    Result<T> guarded(const std::string& verb, const std::string& name, Work work);
    cloud::Accepted begin(TestThing& thing, const std::string& verb, Milliseconds span);
    void end(Operation& operation);
    void drop(const cloud::ResourceName& name);
    std::optional<Error> in_use(const cloud::ResourceName& name) const;
    std::optional<Error> lacks(const cloud::Wanted& wanted) const;

    const Clock& clock_;
    std::map<cloud::ResourceName, TestThing> things_;
    std::map<std::string, Operation> operations_;
    std::map<std::string, std::deque<Fault>> faults_;
    std::deque<Error> creation_failures_;
    Timestamp throttled_until_;
    std::optional<std::vector<cloud::Seen>> frozen_;
    std::set<std::string> hidden_;
    int next_id_ = 1;
};

}  // namespace hopyard::control
