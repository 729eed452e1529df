// What the resource providers (arm/) ask of this machine: networks, addresses, rules and machines,
// as plain values. compute/ and network/ implement it with LXC, network namespaces and nftables;
// the tests of arm/ implement it with state in memory that takes time and fails.
//
// Every call is idempotent: repeating it with the same arguments changes nothing and succeeds.
// Calls block for at most some seconds, and may come from any thread. Nothing here knows Azure's
// words.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace hopyard::localcloud {

/// One virtual network: a network namespace with bridges, gateways and the metadata address.
struct NetworkSpec {
    std::string id;                     ///< short, unique on this machine: [a-z0-9]{1,8}
    std::vector<std::string> prefixes;  ///< "10.0.0.0/16"
    struct Subnet {
        std::string prefix;  ///< "10.0.0.0/24"; its first address is the gateway
        bool operator==(const Subnet&) const = default;
    };
    std::vector<Subnet> subnets;
    bool operator==(const NetworkSpec&) const = default;
};

/// One rule as it stands in a security group, already in the order of priority.
struct SecurityRule {
    enum class Direction { inbound, outbound } direction = Direction::inbound;
    enum class Access { allow, deny } access = Access::allow;
    std::string name;
    std::string protocol = "*";             ///< "Tcp", "Udp", "Icmp", "*"
    std::vector<std::string> sources;       ///< CIDR, address, "*", "VirtualNetwork", "Internet"
    std::vector<std::string> source_ports;  ///< "22", "8000-8100", "*"
    std::vector<std::string> destinations;
    std::vector<std::string> destination_ports;
    bool operator==(const SecurityRule&) const = default;
};

/// One network interface: a namespace of its own, joined to its subnet's bridge.
struct PortSpec {
    std::string id;             ///< short, unique on this machine: [a-z0-9]{1,8}
    std::string network;        ///< NetworkSpec::id
    std::string address;        ///< "10.0.0.4"
    std::string subnet_prefix;  ///< "10.0.0.0/24"
    std::string mac;            ///< "02:00:0a:00:00:04"
    std::optional<std::string> public_address;
    std::vector<SecurityRule> rules;  ///< the defaults included: what no rule allows is dropped
    bool operator==(const PortSpec&) const = default;
};

struct MachineSpec {
    std::string id;    ///< UUID: the machine's id for its whole life
    std::string name;  ///< hostname
    std::string port;  ///< PortSpec::id
    int vcpus = 1;     ///< CPU shares and, where the host has as many cores, a quota
    std::int64_t memory_mb = 1024;
    std::int64_t disk_gb = 30;   ///< size of the root disk as the machine sees it
    std::string ssh_public_key;  ///< of the machine's administrator
    std::string admin_user;
    bool operator==(const MachineSpec&) const = default;
};

enum class MachineState { absent, stopped, starting, running, stopping, failed };

struct MachineStatus {
    MachineState state = MachineState::absent;
    std::string detail;  ///< why it failed, for a person
};

class MachineHost {
  public:
    virtual ~MachineHost() = default;

    virtual Result<void> ensure_network(const NetworkSpec& network) = 0;
    virtual Result<void> remove_network(const std::string& id) = 0;
    virtual Result<void> ensure_port(const PortSpec& port) = 0;
    virtual Result<void> remove_port(const std::string& id) = 0;

    /// Makes disk and configuration; does not start. `capacity_unavailable` when the host has less
    /// free disk than its floor.
    virtual Result<void> ensure_machine(const MachineSpec& machine) = 0;
    /// Returns when the machine's init runs.
    virtual Result<void> start_machine(const std::string& id) = 0;
    /// Asks init to stop, waits for that long, then kills. The disk stays.
    virtual Result<void> stop_machine(const std::string& id, Milliseconds grace) = 0;
    /// Stops at once if need be, and deletes the disk.
    virtual Result<void> remove_machine(const std::string& id) = 0;
    virtual MachineStatus machine_status(const std::string& id) = 0;
    /// Called, from any thread, when a machine stopped or failed by itself.
    virtual void on_change(std::function<void(const std::string& machine_id)> callback) = 0;

    /// Brings what lies on this machine in line with what should be: makes what is missing, removes
    /// what bears our instance id and is not listed, starts the machines in `running` that are
    /// down. At start, after a crash of the program and after a reboot of the host alike.
    struct Wanted {
        std::vector<NetworkSpec> networks;
        std::vector<PortSpec> ports;
        std::vector<MachineSpec> machines;
        std::vector<std::string> running;  ///< MachineSpec::id
    };
    virtual Result<void> recover(const Wanted& wanted) = 0;

    /// A listening socket inside that network's namespace, for example on 169.254.169.254 or on the
    /// gateway. The caller owns it, and closes it before remove_network.
    virtual Result<int> open_listener(const std::string& network,
                                      const std::string& address,
                                      std::uint16_t port) = 0;

    struct Capacity {
        int cores = 1;
        std::int64_t memory_mb = 0;
        std::int64_t disk_free_gb = 0;
    };
    virtual Capacity capacity() = 0;
};

}  // namespace hopyard::localcloud
