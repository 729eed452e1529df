// The people who use the installation: they create clusters, change their minds at bad moments,
// submit jobs. What was promised to them is written down as wishes, for the judge.
//
// Everything they ask goes over the API, as our command line does it. A request that nobody
// answered is repeated with the same Idempotency-Key, and has to have been carried out exactly
// once; or, after a while, its cluster is looked at, and has to be as before or as asked.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/front_door.h"
#include "simulation/ground.h"
#include "simulation/judge.h"
#include "simulation/nodes.h"

namespace hopyard::simulation {

class Users {
  public:
    Users(Ground& ground, FrontDoor& door, Judge& judge, Nodes& nodes, store::Store& store);

    /// `clusters` lives; each begins at a time of its own and sees a few commands.
    void begin(int clusters);
    /// From now on only what brings things to rest: failed clusters are retried.
    void calm_down() { calm_ = true; }
    void retry_what_failed();
    void terminate_all();
    /// Everything that anybody planned to do is done.
    bool done() const;
    /// Nobody waits for an answer any more.
    bool certain() const;
    std::vector<Wish> wishes() const;
    std::size_t lives() const { return people_.size(); }

  private:
    /// What somebody asked and does not know the outcome of.
    struct Asked {
        std::string what;
        http::Request request;
        Wish hoped;       ///< what the wish is when it is carried out
        std::string key;  ///< of idempotency
        int attempt = 0;
        bool unheard = false;     ///< of some attempt nobody knows what became of it
        bool looks = false;       ///< waits to see the cluster itself
        bool stale_etag = false;  ///< has to be refused
        /// Workers become static ones or the autoscaler's by it: how many is the reply's to say.
        bool hands_over = false;
    };
    /// Somebody with one cluster.
    struct Person {
        int number = 0;
        model::ClusterSpec spec;
        std::optional<Wish> wish;
        std::string etag;  ///< of the newest reply; empty: not known
        std::optional<Asked> asked;
        int commands_left = 0;
        int jobs_left = 0;
    };
    struct Shown;

    model::ClusterSpec draw_spec(int number);
    void create(Person& person);
    void act(Person& person);
    void next_act(Person& person);
    void work(Person& person);
    void draw_command(Person& person);
    void change_workers(Person& person);
    void change_ports(Person& person);
    void change_power(Person& person);
    void change_autoscale(Person& person);
    void act_on_one(Person& person);
    void terminate(Person& person);
    // user_requests.cpp
    /// `hoped` is the wish when it succeeds.
    void ask(Person& person,
             std::string what,
             Wish hoped,
             std::string method,
             std::string path,
             std::string body = {},
             bool hands_over = false);
    void choose_precondition(Person& person);
    void send(Person& person);
    void wait_and_send(Person& person);
    void nobody_answered(Person& person);
    void answered(Person& person, const http::Response& response);
    void succeeded(Person& person, const http::Response& response);
    void refused(Person& person, const http::Response& response);
    void look_later(Person& person);
    void look(Person& person);
    void seen(Person& person, const http::Response& response);
    void settle(Person& person, bool carried_out);

    Ground& ground_;
    FrontDoor& door_;
    Judge& judge_;
    Nodes& nodes_;
    store::Store& store_;
    std::vector<std::unique_ptr<Person>> people_;
    bool calm_ = false;
    int keys_ = 0;
};

}  // namespace hopyard::simulation
