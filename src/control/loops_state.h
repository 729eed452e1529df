// What the loops hold in memory, and the parts they are made of. Private to loops*.cpp.
//
// Everything here can be lost: which calls are under way, when to look at operations, what was seen
// and which clusters are worth a plan are found again from the store and from the cloud.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "control/agenda.h"
#include "control/executor.h"
#include "control/loops.h"
#include "control/observer.h"
#include "control/sweep.h"
#include "decide/lifecycle/plan.h"

namespace hopyard::control {

/// A cloud may hold a look until something happens; the other calls need threads, too.
inline constexpr std::size_t looks_at_once_max = 16;

/// The cloud throttles kinds of requests apart; what is held is not sent before its time.
struct Bucket {
    enum class Traffic { put, remove, act, read, list, look, storage } traffic = Traffic::put;
    bool of_machines = false;  ///< machines and disks, else networks
    auto operator<=>(const Bucket&) const = default;
};
Bucket bucket_of(const decide::Call& call);

/// A call with all it needs, so that whoever runs it reads nothing.
struct Job {
    ClusterId cluster;
    decide::Call call;
    std::optional<cloud::PutRequest> request;
    cloud::ContainerName container;
    std::optional<Timestamp> unsure_until;  ///< of the right on it, before this call
    store::Lease fence;
};

struct Loops::State {
    State(store::Store& the_store,
          cloud::Cloud& the_cloud,
          cloud::Storage& the_storage,
          CallRunner& the_runner,
          const Clock& the_clock,
          Random& the_random,
          LoopOptions the_options);

    store::Store& store;
    cloud::Cloud& cloud;
    cloud::Storage& storage;
    CallRunner& runner;
    const Clock& clock;
    Random& random;
    const LoopOptions options;
    const Origin origin;
    const std::string lease_name;

    /// What is known of one cluster.
    struct Known {
        bool waits_for_list = false;
        bool storage_busy = false;
        std::int64_t version = 0;  ///< of its row when it was last planned
        int plans_at_once = 0;     ///< that changed rows, at one time
        std::vector<Expected> expected;
        std::vector<model::ResourceName> rows;
        std::int64_t row_versions = -1;  ///< the sum of them when `rows` and `expected` were noted
        std::set<NodeId> tokens_erased;
    };
    /// An operation to look at.
    struct Pending {
        ClusterId cluster;
        model::PendingOperation::Verb verb = model::PendingOperation::Verb::put;
        std::string url;
        Timestamp look_at;
        int attempt = 0;
        bool under_way = false;
    };

    mutable std::mutex mutex;  ///< guards all below; never held during a call or a transaction
    std::condition_variable_any woken;
    bool wake_asked = false;
    Timestamp stepped_at;
    bool all_due = true;
    std::function<void()> changed;
    std::optional<store::Lease> lease;
    Timestamp listening_since;
    Timestamp look_around_at;
    std::map<ClusterId, Known> clusters;
    Agenda agenda;                  ///< of the same clusters
    std::int64_t looked_up_to = 0;  ///< the stamp up to which changes of clusters were seen
    std::set<ClusterId> elsewhere;  ///< clusters of other accounts, which they never leave
    std::map<model::ResourceName, Pending> pending;
    std::set<model::ResourceName> busy;
    std::map<model::ResourceName, std::pair<Timestamp, int>> read_again_at;  ///< after failed reads
    std::map<Bucket, Timestamp> held;
    std::size_t calls_under_way = 0;
    Observer observer;
    Sweeper sweeper;

    bool list_under_way = false;
    Timestamp list_at;
    std::optional<Timestamp> list_began;
    int list_failures = 0;

    std::optional<Error> cloud_problem;
    std::optional<Timestamp> cloud_problem_since;
    bool outage_told = false;

    // --- loops.cpp
    bool runs_here(const model::Cluster& cluster) const;
    Timestamp step();
    Timestamp next_step(Timestamp now) const;
    std::optional<Timestamp> next_look() const;
    bool keep_lease(Timestamp now);
    void start_anew(Timestamp now);
    void tell_of_outages(Timestamp now);
    void mark_due(const ClusterId& cluster);
    /// Has it planned at the next step. Needs the mutex; repeatable.
    void plan_soon(const ClusterId& cluster) { agenda.put(cluster, Timestamp()); }
    /// Takes back all that is known of it. Needs the mutex; repeatable.
    void forget_cluster(const ClusterId& cluster);
    void mark_all_due();
    void notify();
    void tell_changed();
    void tell(LoopEvent what, std::string_view outcome) const {
        if (options.on_event) options.on_event(what, outcome);
    }
    Result<void> write(const store::Lease& fence, const store::Store::Body& body);

    // --- loops_plan.cpp
    void plan_what_is_due(Timestamp now);
    void look_around(Timestamp now);
    void plan_cluster(const ClusterId& id);
    struct UnderWay {
        std::set<model::ResourceName> busy;
        bool storage_busy = false;
    };
    UnderWay under_way(const ClusterId& id);
    Result<std::optional<decide::Snapshot>> read_rows(const ClusterId& id);
    void add_sightings(decide::Snapshot& snapshot);
    Result<void> store_rows(const store::Lease& fence,
                            const decide::Snapshot& before,
                            decide::RowChanges& rows,
                            const std::map<NodeId, Secret>& tokens);
    void note_planned(const decide::Snapshot& before, const decide::Plan& plan);
    void note_rows(Known& known, const decide::Snapshot& before, const decide::RowChanges& changes);
    void enlist(const model::Resource& row);
    void forget(const decide::Snapshot& before, const decide::RowChanges& rows);
    void erase_used_tokens(const store::Lease& fence, const decide::Snapshot& snapshot);
    std::map<model::ResourceName, cloud::PutRequest> compose(const decide::Snapshot& before,
                                                             const decide::Plan& plan);
    void send(const store::Lease& fence, const decide::Snapshot& before, const decide::Plan& plan);

    // --- loops_calls.cpp
    void hand_over(Job job);
    bool still_holds(const store::Lease& fence) const;
    void perform(const Job& job);
    bool perform_read(const Job& job);
    void perform_storage(const Job& job);
    Result<cloud::Accepted> ask(const Job& job);
    void store_outcome(const Job& job, const Result<cloud::Accepted>& outcome);
    void finish(const Job& job);
    void hold(const Bucket& bucket, const Error& error);
    bool is_held(const Bucket& bucket, Timestamp now) const;
    void note_reach(const Error* error);
    Timestamp look_time(Timestamp began, int attempt, std::optional<Milliseconds> asked);
    Result<void> put_learned(store::Transaction& transaction,
                             const model::Resource& row,
                             const cloud::Seen& seen);

    // --- loops_looks.cpp
    void list_when_due(Timestamp now);
    void perform_list();
    void look_at_operations(Timestamp now);
    void perform_look(const model::ResourceName& name, const Pending& look, store::Lease fence);
    void look_through_resource(const model::ResourceName& name,
                               const Pending& look,
                               const store::Lease& fence);
    /// Keeps how long the cloud took to make that resource.
    static Result<void> note_made(store::Transaction& t,
                                  const model::Resource& row,
                                  Milliseconds took);
    void store_look(const model::ResourceName& name,
                    const Pending& look,
                    const store::Lease& fence,
                    const std::function<void(model::Resource&)>& apply);
    void look_later(const model::ResourceName& name,
                    Timestamp began,
                    std::optional<Milliseconds> asked,
                    std::string url);
    void sweep(Timestamp now);
    void sweep_one(const Suspect& suspect);
};

}  // namespace hopyard::control
