// For tests: a machine host and a blob service with state in memory. The host takes time, when told
// to, and fails after the work was done, when told to.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "localcloud/machine_host.h"
#include "localcloud/storage/blob_accounts.h"

namespace hopyard::localcloud::testing {

class FakeMachineHost final : public MachineHost {
  public:
    Result<void> ensure_network(const NetworkSpec& network) override;
    Result<void> remove_network(const std::string& id) override;
    Result<void> ensure_port(const PortSpec& port) override;
    Result<void> remove_port(const std::string& id) override;
    Result<void> ensure_machine(const MachineSpec& machine) override;
    Result<void> start_machine(const std::string& id) override;
    Result<void> stop_machine(const std::string& id, Milliseconds grace) override;
    Result<void> remove_machine(const std::string& id) override;
    MachineStatus machine_status(const std::string& id) override;
    void on_change(std::function<void(const std::string&)> callback) override;
    Result<void> recover(const Wanted& wanted) override;
    Result<int> open_listener(const std::string& network,
                              const std::string& address,
                              std::uint16_t port) override;
    Capacity capacity() override { return offered; }

    /// The machine ends by itself.
    void crash(const std::string& id);
    /// The next start does its work and then says that it failed.
    void fail_next_start(Error error);
    /// Every start waits until release().
    void hold_starts();
    void release();

    Capacity offered{.cores = 64, .memory_mb = 19'200, .disk_free_gb = 100};
    std::map<std::string, NetworkSpec> networks;
    std::map<std::string, PortSpec> ports;
    std::map<std::string, MachineSpec> machines;
    std::set<std::string> running;
    std::map<std::string, std::uint16_t> listeners;  ///< by network: where it listens on loopback
    int recoveries = 0;
    std::mutex mutex;

  private:
    std::condition_variable changed_;
    bool held_ = false;
    std::optional<Error> next_start_;
    std::function<void(const std::string&)> callback_;
};

class FakeBlobs final : public BlobAccounts {
  public:
    std::string endpoint(const std::string& account) const override;
    Result<void> ensure(const BlobAccount& account) override;
    Result<void> remove(const std::string& account) override;
    Result<bool> create_container(const std::string& account,
                                  const std::string& container) override;
    Result<std::optional<Container>> find_container(const std::string& account,
                                                    const std::string& container) override;
    Result<bool> delete_container(const std::string& account,
                                  const std::string& container) override;
    Result<std::vector<Container>> list_containers(const std::string& account) override;

    std::map<std::string, std::set<std::string>> accounts;
    std::mutex mutex;
};

}  // namespace hopyard::localcloud::testing
