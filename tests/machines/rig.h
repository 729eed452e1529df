// An instance of its own on the real machine, for one test: its names collide with nobody's, and
// what it made is gone afterwards, also when the test failed.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "localcloud/compute/lxc_machine_host.h"
#include "localcloud/network/descriptor.h"
#include "traces.h"

namespace hopyard::tests {

class Rig {
  public:
    Rig();
    ~Rig();
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    localcloud::compute::LxcMachineHost& host() { return *host_; }
    const std::string& instance() const { return instance_; }
    const std::string& public_range() const { return options_.public_range; }
    /// The nth address of the public range.
    std::string public_address(int number) const;
    std::filesystem::path state() const { return options_.state; }
    localcloud::network::Names names() const { return {instance_}; }

    /// Forgets all, as a killed program does, and starts over with nothing in memory.
    void restart_program();
    /// The init of every machine started from now on: a shell script.
    void set_program(const std::string& script);
    localcloud::compute::HostOptions options() const { return options_; }

    localcloud::NetworkSpec network(const std::string& id) const;
    localcloud::PortSpec port(const std::string& id, const std::string& network, int number) const;
    localcloud::MachineSpec machine(const std::string& id, const std::string& port) const;

    /// The outermost process of that port's machine, 0 when there is none.
    pid_t init_of(const std::string& port) const;
    /// Runs a command in the machine of that port; its output, or the error's text.
    std::string in_machine(const std::string& port, const std::vector<std::string>& command) const;

  private:
    std::string instance_;
    localcloud::compute::HostOptions options_;
    std::unique_ptr<localcloud::compute::LxcMachineHost> host_;
    std::jthread watcher_;
};

/// Rules that let everything in and out.
std::vector<localcloud::SecurityRule> open_rules();

/// A TCP listener inside a namespace; the host's own for an empty name.
localcloud::network::Descriptor listen_in(const std::string& name,
                                          const std::string& address,
                                          std::uint16_t port);

struct Attempt {
    std::string from;  ///< namespace; the host's own when empty
    std::string to;
    std::uint16_t port = 0;
    std::string own_address = {};  ///< to bind to
    int user = 0;
};
/// Connects to `listener`'s address and says whom the listener saw ("10.0.0.5"), or why nobody
/// came: "timed out", "unreachable", "refused".
std::string caller_seen(const Attempt& attempt, const localcloud::network::Descriptor& listener);

}  // namespace hopyard::tests
