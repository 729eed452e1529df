// MachineHost with LXC system containers, network namespaces and nftables. Needs root.
//
// On disk: STATE/machines/NAME/ (disk.img, LXC's config, logs) and STATE/layers/HASH/ (node
// programs). Nothing else is remembered: what runs is found again by name and namespace, what
// should be there is told by `recover`, which is called first after a start of the program.
// Machines outlive the program.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "localcloud/compute/container.h"
#include "localcloud/compute/disk.h"
#include "localcloud/compute/layers.h"
#include "localcloud/machine_host.h"
#include "localcloud/network/networks.h"

namespace hopyard::localcloud::compute {

struct HostOptions {
    std::filesystem::path state;  ///< directory; made when missing
    std::string instance;         ///< 1 to 8 of [a-z0-9]; part of every name on this machine
    std::filesystem::path image;  ///< made by tools/build-image
    std::filesystem::path node_program;
    std::string public_range{network::default_public_range};  ///< one per instance on this machine
    bool outbound = true;                                     ///< where the host forwards; see Hub
    int core_overcommit = 32;        ///< cores offered per core of the host
    double memory_share = 0.8;       ///< of the host's memory
    std::int64_t disk_floor_gb = 5;  ///< below that much free space no disk is made
};

/// Thread-safe. What concerns one machine is done one after the other, machines beside each other.
class LxcMachineHost final : public MachineHost {
  public:
    /// Checks what was configured: `unavailable` or `invalid_argument` say what to mend.
    static Result<std::unique_ptr<LxcMachineHost>> create(const HostOptions& options);

    /// Watches over running machines until stopped; the program gives it a thread. Without it,
    /// nobody is told that a machine ended by itself.
    void run(std::stop_token stop);

    Result<void> ensure_network(const NetworkSpec& network) override;
    Result<void> remove_network(const std::string& id) override;
    Result<void> ensure_port(const PortSpec& port) override;
    Result<void> remove_port(const std::string& id) override;
    Result<void> ensure_machine(const MachineSpec& machine) override;
    Result<void> start_machine(const std::string& id) override;
    Result<void> stop_machine(const std::string& id, Milliseconds grace) override;
    Result<void> remove_machine(const std::string& id) override;
    MachineStatus machine_status(const std::string& id) override;
    void on_change(std::function<void(const std::string& machine_id)> callback) override;
    Result<void> recover(const Wanted& wanted) override;
    Result<int> open_listener(const std::string& network,
                              const std::string& address,
                              std::uint16_t port) override;
    Capacity capacity() override;

    /// What the machine's init printed last, for a person who wonders why it does not come up.
    std::string console_tail(const std::string& id) const;

  private:
    struct Machine {
        MachineSpec spec;
        MachineState state = MachineState::stopped;
        std::string detail;
        std::string layer;                   ///< the program it runs with
        std::optional<Container> container;  ///< from start to settled end
    };

    LxcMachineHost(HostOptions options, network::Prefix public_range);

    std::string name_of(const std::string& id) const { return names_.machine(id); }
    std::filesystem::path directory_of(const std::string& id) const;
    Result<Machine> machine_of(const std::string& id) const;
    void change(const std::string& id, MachineState state, std::string detail);
    void keep(const std::string& id, std::optional<Container> container);

    Result<Container> bring_up(const std::string& id, const MachineSpec& spec);
    Result<void> write_config(const std::string& id, const MachineSpec& spec);
    void clear_away(const std::string& id, const Machine& machine);
    Result<void> delete_files(const std::string& id);
    void drop_unused_layers();

    Result<void> adopt(const MachineSpec& spec,
                       std::map<std::uint64_t, std::vector<pid_t>>& processes);
    void remove_unwanted_machines(const Wanted& wanted);
    std::vector<std::pair<std::string, Process>> watched() const;
    void note_end(const std::string& id, pid_t init);
    void wake();

    const HostOptions options_;
    const network::Names names_;
    network::Networks networks_;
    Layers layers_;
    network::Descriptor wake_;
    network::KeyedLocks locks_;
    std::mutex layers_mutex_;   ///< from choosing a layer to recording who uses it
    mutable std::mutex mutex_;  ///< of what follows, never held during work
    std::map<std::string, Machine> machines_;
    std::function<void(const std::string&)> on_change_;
};

}  // namespace hopyard::localcloud::compute
