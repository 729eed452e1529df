// Virtual networks and ports of one instance on this machine. A network is a namespace with a
// bridge per subnet, the gateways' addresses and the metadata address; a port is a namespace of its
// own with `eth0`, its address and its security rules, joined to its subnet's bridge. Private
// addresses never appear outside their network, so two networks may have one range.
//
// The namespaces outlive this program and are found again by name; after a restart `recover` tells
// which ones should be there.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "localcloud/machine_host.h"
#include "localcloud/network/hub.h"
#include "localcloud/network/keyed_locks.h"
#include "localcloud/network/names.h"
#include "localcloud/network/tables.h"

namespace hopyard::localcloud::network {

/// Thread-safe; calls that concern different networks or ports do not wait for each other for long.
class Networks {
  public:
    Networks(Names names, Prefix public_range, bool outbound)
        : names_(names), public_range_(public_range), hub_(names, public_range, outbound) {}

    /// See MachineHost for all of these.
    Result<void> ensure_network(const NetworkSpec& spec);
    Result<void> remove_network(const std::string& id);
    Result<void> ensure_port(const PortSpec& spec);
    Result<void> remove_port(const std::string& id);
    Result<int> open_listener(const std::string& network,
                              const std::string& address,
                              std::uint16_t port);
    /// Goes on after a failure, and returns the first.
    Result<void> recover(const std::vector<NetworkSpec>& networks,
                         const std::vector<PortSpec>& ports);

    bool has_port(const std::string& id) const;
    const Names& names() const { return names_; }

  private:
    struct Network {
        NetworkSpec spec;
        Uplink uplink;
    };
    struct Port {
        PortSpec spec;
        bool complete = false;
    };

    Result<void> build_network(const NetworkSpec& spec);
    Result<void> set_bridges(const NetworkSpec& spec) const;
    Result<void> build_port(const PortSpec& spec, const Network& network);
    Result<void> link_port(const PortSpec& spec,
                           const Network& network,
                           const std::optional<Port>& before);
    Result<void> connect_port(const PortSpec& spec) const;
    Result<void> filter_port(const PortSpec& spec, const Network& network, bool with_translation);
    Result<void> translate(const Network& network, const std::string& script);
    Result<void> load_rules(const PortSpec& spec, const Network& network) const;
    Result<void> check_port(const PortSpec& spec) const;
    Result<void> unpublish(const PortSpec& spec, const Network& network);
    std::string translation_of(const Network& network) const;
    Result<void> drop_port(const std::string& id, const std::vector<std::string>& networks) const;
    Result<void> remove_unwanted(const std::vector<NetworkSpec>& networks,
                                 const std::vector<PortSpec>& ports);
    Result<Network> network_of(const std::string& id) const;
    std::optional<Port> find_port(const std::string& id) const;

    const Names names_;
    const Prefix public_range_;
    Hub hub_;
    KeyedLocks locks_;
    mutable std::mutex mutex_;                 ///< of the maps below, never held during work
    std::map<std::string, Network> networks_;  ///< complete ones
    std::map<std::string, Port> ports_;        ///< complete ones and those being made
};

}  // namespace hopyard::localcloud::network
