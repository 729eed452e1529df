// From resources to what the machine host is asked for. Reads the ledger, derives networks, ports
// and machines, and has them made; it writes nothing. Two callers may ask for the same port at
// once: the one that applies last has read last, so what stands is what the ledger says.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "localcloud/arm/catalog.h"
#include "localcloud/arm/ledger.h"
#include "localcloud/machine_host.h"

namespace hopyard::localcloud {

class Fabric {
  public:
    Fabric(Ledger& ledger, const Catalog& catalog, MachineHost& host)
        : ledger_(ledger), catalog_(catalog), host_(host) {}

    /// What wants to know that a network stands (it may be told again) or is about to go.
    std::function<void(const NetworkSpec&)> on_network_up;
    std::function<void(const std::string& id)> on_network_down;

    Result<void> apply_network(const std::string& network_id);
    Result<void> remove_network(const std::string& short_id);
    /// The ports of those interfaces that have a machine; others have none on this host.
    Result<void> apply_ports(const std::vector<std::string>& interface_ids);
    Result<void> remove_port(const std::string& short_id);
    /// Network, port and disk; not the start.
    Result<void> ensure_machine(const std::string& machine_id);

    /// Everything that should stand, for the start of the program.
    MachineHost::Wanted wanted() const;
    /// Calls on_network_up for all networks.
    void announce_networks() const;

    /// The id by which the host knows the machine.
    static std::string host_id(const Resource& machine);
    static std::string interface_of(const Resource& machine);
    MachineHost& host() { return host_; }

    /// Interfaces whose rules follow from that security group, directly or through a subnet.
    std::vector<std::string> interfaces_of_group(const std::string& group_id) const;
    std::vector<std::string> interfaces_of_network(const std::string& network_id) const;

  private:
    NetworkSpec network_spec(const Resource& network) const;
    std::optional<PortSpec> port_spec(const Resource& interface) const;
    std::optional<MachineSpec> machine_spec(const Resource& machine) const;

    Ledger& ledger_;
    const Catalog& catalog_;
    MachineHost& host_;
    /// One of a few locks for each id, so that ten machines get their ports side by side.
    std::mutex& lock_of(const std::string& id);
    std::array<std::mutex, 16> applying_;
};

/// The network and the subnet's name of a subnet's id.
std::string network_of_subnet(const std::string& subnet_id);
/// The subnet's object within its network; null when it is not there.
const Json* subnet_in(const Resource& network, const std::string& subnet_id);
/// The machine that uses the interface, "" when none does.
std::string machine_of(const Ledger& ledger, const std::string& interface_id);

}  // namespace hopyard::localcloud
