// One head and two workers with one engine's daemons, and the interface of the head's manager at
// hand. The cluster is made once for an engine; every test finds it as it was made.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine.h"
#include "http/transport.h"
#include "lab.h"
#include "node/workload/workload.h"

namespace hopyard::test {

using node::workload::Arranged;
using nodewire::Member;
using nodewire::Orders;
using nodewire::Report;

const nodewire::WorkloadNode* find(const Report& report, const std::string& name);
/// Of a machine that nobody speaks of: as one that is not there.
nodewire::WorkloadNode state_of(const Report& report, const std::string& name);
bool is_idle(const Report& report, const std::string& name);

class Cluster {
  public:
    /// Both workers with two cores and 1 GiB; a size that may come has sixteen cores and four GPUs.
    Cluster(const Engine& engine, std::string directory);
    ~Cluster();

    /// As made: both workers are there, open and idle, and nothing waits. False when it isn't so in
    /// time.
    bool refresh();

    // The interface, called where it is used.
    Result<void> become(const std::string& machine);
    bool is_running(const std::string& machine);
    Result<Report> look();
    /// From the last look, to the orders.
    Result<Arranged> arrange();
    void stop(const std::string& machine);
    int events();

    /// Looks and arranges until a look fits.
    bool sees(const std::function<bool(const Report&)>& fits);
    /// The last look, for what it says beyond that.
    const Report& report() const { return report_; }
    /// In the orders, which are not said by that.
    void set_state(const std::string& worker, Member::State state, std::int64_t drain = 0);

    bool submit(const std::vector<Work>& works);
    void end(const std::string& work);
    /// How often work of that name has begun (or ended) on that machine.
    int count(const std::string& machine, const std::string& what, const std::string& work);
    bool begins(const std::string& machine, const std::string& work);
    void kill_worker(const std::string& worker);
    /// Its machine boots and becomes a worker.
    Result<void> bring_worker(const std::string& worker);

    Orders orders;

  private:
    Result<http::Response> call(const std::string& machine,
                                const std::string& method,
                                const std::string& target,
                                const std::string& body = "");
    Orders orders_of(const std::string& machine) const;

    const Engine& engine_;
    const std::string directory_;
    Lab lab_;
    http::Client client_;
    Report report_;
    std::set<std::string> alive_;
    std::vector<std::string> submitted_;  ///< names
};

}  // namespace hopyard::test
