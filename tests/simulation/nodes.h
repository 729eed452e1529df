// The machines of all clusters as the control plane sees them: what the node program and the
// workload manager on them say. A machine boots, enrols with its one-time token, takes orders,
// becomes its role, reports; a worker does all of it through its head. What is on its disk (that it
// is enrolled, the queue of the head) survives a loss of power; a new machine starts with nothing.
//
// A partition is between a machine and whoever is upstream of it, a head's or a worker's.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "control/node_sessions.h"
#include "simulation/ground.h"
#include "simulation/slurm_model.h"

namespace hopyard::simulation {

/// Where heads find the control plane: whichever replica answers right now.
class ControlPlane {
  public:
    virtual ~ControlPlane() = default;
    /// Calls it with the node sessions of a replica that serves. False when none does, or when it
    /// died of the call: then the caller hears nothing.
    virtual bool with_sessions(const std::function<void(control::NodeSessions&)>& call) = 0;
};

class Nodes final : public MachineWatcher {
  public:
    Nodes(Ground& ground, ControlPlane& control_plane);
    ~Nodes() override;

    void machine_on(const Thing& machine) override;
    void machine_off(const Thing& machine) override;
    void machine_gone(const Thing& machine) override;

    /// The replica that served them is gone: heads look for another.
    void connections_lost();
    /// Faults of machines and links go on from here, once a second of simulated time.
    void draw_faults();
    /// Every link holds again, everybody is as fast as usual.
    void heal();
    void cut_off_head(const ClusterId& cluster, Milliseconds for_how_long);
    void submit_job(const ClusterId& cluster, SlurmModel::JobShape shape);

    // For the judge.
    /// The workload manager of a cluster; null when no head ever ran, or its disk is gone.
    const SlurmModel* slurm(const ClusterId& cluster) const;
    /// Jobs that this machine, by its own id, is really working on.
    int jobs_on_machine(const std::string& machine_id) const;
    struct View {
        std::string node;
        std::string cluster;
        bool is_head = false;
        bool enrolled = false;
        bool ready = false;
        std::int64_t applied_revision = 0;
        std::int64_t init_script_runs = 0;
    };
    std::optional<View> view(const std::string& machine_id) const;
    std::uint64_t reports_sent() const { return reports_; }
    /// A token that was used is worth nothing to another machine: tries it, true when refused.
    bool stolen_token_is_refused(control::NodeSessions& sessions);

  private:
    struct Machine;
    using Shared = std::shared_ptr<Machine>;

    void later(const Shared& machine, Milliseconds delay, std::function<void()> task);
    Milliseconds pace(const Machine& machine, Milliseconds least, Milliseconds most);
    Shared head_of(const std::string& cluster) const;
    Shared manager_of(const std::string& cluster) const;
    bool linked(const Machine& machine) const;

    void boot(const Shared& machine);
    void enrol(const Shared& machine);
    void enrolled(const Shared& machine);
    void connect(const Shared& head);
    void fetch_orders(const Shared& head);
    void take_orders(const Shared& head, nodewire::Orders orders);
    void offer_orders(const Shared& head);
    void take_part(const Shared& worker);
    void become(const Shared& machine);
    void register_with_head(const Shared& worker);
    void lose_link(const Shared& machine);
    void regain_link(const Shared& machine);
    void cut_off(const Shared& machine, Milliseconds for_how_long);
    void say_something_new(const Shared& machine);
    void report(const Shared& head);
    nodewire::Report compose(const Machine& machine) const;
    void report_again(const Shared& head, Milliseconds delay);

    Ground& ground_;
    ControlPlane& control_plane_;
    std::map<std::string, Shared> machines_;  ///< by the machine's own id
    std::uint64_t reports_ = 0;
    std::uint64_t next_boot_ = 1;
    std::uint64_t next_machine_ = 1;
    bool healed_ = false;
};

}  // namespace hopyard::simulation
