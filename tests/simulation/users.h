// The people who use the installation: they create clusters, change their minds at bad moments,
// submit jobs. What was promised to them is written down as wishes, for the judge.
#pragma once

#include <string>
#include <vector>

#include "control/commands.h"
#include "simulation/ground.h"
#include "simulation/judge.h"
#include "simulation/nodes.h"

namespace hopyard::simulation {

/// Runs a command on a replica that serves, on a fiber of it: a command asks the cloud and waits.
/// `command` may never return, when the replica dies. False when no replica serves.
class CommandRoom {
  public:
    virtual ~CommandRoom() = default;
    virtual bool run_command(std::function<void(control::Commands&)> command) = 0;
};

class Users {
  public:
    Users(Ground& ground, CommandRoom& room, Judge& judge, Nodes& nodes, store::Store& store);

    /// `clusters` lives; each begins at a time of its own and sees a few commands.
    void begin(int clusters);
    /// From now on only what brings things to rest: failed clusters are retried.
    void calm_down() { calm_ = true; }
    void retry_what_failed();
    void terminate_all();
    /// Everything that anybody planned to do is done.
    bool done() const;
    /// Wishes as far as they are certain: a command whose answer got lost is looked up.
    std::vector<Wish> wishes();
    std::size_t lives() const { return people_.size(); }

  private:
    /// Somebody with one cluster.
    struct Person {
        int number = 0;
        model::ClusterSpec spec;
        std::optional<Wish> wish;
        /// What the wish would be if the command whose answer never came was carried out.
        std::optional<Wish> maybe;
        bool waits_for_answer = false;
        Timestamp asked_at;
        int commands_left = 0;
        int jobs_left = 0;
    };
    using Answer = std::function<void(const Result<model::Cluster>&)>;

    model::ClusterSpec draw_spec(int number);
    void create(Person& person);
    void act(Person& person);
    void next_act(Person& person);
    void work(Person& person);
    void draw_command(Person& person);
    void change_workers(Person& person);
    void change_ports(Person& person);
    void change_power(Person& person);
    void restart_one(Person& person);
    /// `hoped` is the wish when it succeeds.
    void ask(Person& person,
             const char* what,
             Wish hoped,
             std::function<Result<model::Cluster>(control::Commands&)> command);
    void judge_answer(Person& person, const char* what, const Result<model::Cluster>& answer);
    void find_out(Person& person);

    Ground& ground_;
    CommandRoom& room_;
    Judge& judge_;
    Nodes& nodes_;
    store::Store& store_;
    std::vector<std::unique_ptr<Person>> people_;
    bool calm_ = false;
};

}  // namespace hopyard::simulation
