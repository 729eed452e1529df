// The workload manager of one cluster as it matters here: which nodes it knows, which answer, what
// runs where. Lies on the head's disk: it survives a restart of the head and is lost with the disk.
// After reference/local-nodes.md: a node that registers takes work again by itself
// (ReturnToService=2), one that does not answer for two minutes is down and its work goes back to
// the queue.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "nodewire/wire.h"
#include "simulation/ground.h"

namespace hopyard::simulation {

class SlurmModel {
  public:
    /// `changed` is called when a report would say something else.
    SlurmModel(Queue& queue, std::function<void()> changed);
    ~SlurmModel();

    /// Whether the head runs, and with it whoever gives out work.
    void set_running(bool running);
    void apply(const std::vector<nodewire::Member>& members);
    /// The worker's daemon is there; a new boot has forgotten what ran before.
    void answers(const std::string& node, const std::string& boot_id);
    /// It does not answer from now on.
    void falls_silent(const std::string& node);

    struct JobShape {
        int nodes = 1;
        int cpus_each = 1;
        Milliseconds runs_for{0};
    };
    void submit(JobShape shape);

    std::vector<nodewire::WorkloadNode> report() const;
    /// What waits and may begin, equal jobs as one.
    model::Demand demand() const;
    int running_jobs() const;
    int pending_jobs() const;
    std::vector<JobShape> waiting() const;
    /// Jobs that have something on it.
    int jobs_on(const std::string& node) const;
    bool knows(const std::string& node) const { return nodes_.contains(node); }
    bool takes_work(const std::string& node) const;
    std::vector<std::string> nodes() const;
    std::uint64_t finished_jobs() const { return finished_; }

  private:
    struct Node {
        nodewire::Member::State state = nodewire::Member::State::expected;
        std::int64_t drain = -1;  ///< which one is in force
        int cpus = 1;
        bool registered = false;
        bool responding = false;
        bool down = true;
        std::string boot_id;
        std::uint64_t silence = 0;  ///< counts the times it fell silent
    };
    struct Job {
        JobShape shape;
        std::set<std::string> on;
        std::uint64_t run = 0;
        Timestamp submitted_at;
        Timestamp not_before;
    };

    void schedule();
    bool place(Job& job);
    void requeue_on(const std::string& node);
    void finish(int id, std::uint64_t run);
    int allocated_cpus(const std::string& node) const;
    bool is_free(const std::string& name, const Node& node, int cpus) const;

    Queue& queue_;
    std::function<void()> changed_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    bool running_ = false;
    std::map<std::string, Node> nodes_;
    std::map<int, Job> jobs_;
    int next_job_ = 1;
    std::uint64_t finished_ = 0;
};

}  // namespace hopyard::simulation
