// A customer of the local cloud: the real client of azure/, connected by the cloud.json that the
// program wrote, with names for what a small cluster has. Accepted requests are followed to their
// end.
#pragma once

#include <memory>
#include <string>

#include "azure/config.h"
#include "azure/connection.h"
#include "base/random.h"
#include "http/transport.h"

namespace hopyard::tests {

inline constexpr const char* location = "westeurope";
inline constexpr const char* group = "team";
inline constexpr const char* account = "teamdata01";
inline constexpr const char* public_key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJzP3fVn2mZmYyXc5w8Rk3mC0mF0mFt6mYQ0wQx3u2d a@b";

using cloud::ResourceKind;
using cloud::ResourceName;

class Customer {
  public:
    explicit Customer(const std::string& cloud_file);

    cloud::Cloud& cloud() { return connection_->cloud(); }
    cloud::Catalog& catalog() { return connection_->catalog(); }
    cloud::Storage& storage() { return connection_->storage(); }
    cloud::Preparation& preparation() { return connection_->preparation(); }
    const InstallationId& installation() const { return installation_; }

    /// Everything `cloud prepare` makes; expects each to be made for the first time.
    void prepare();
    /// Polls until the operation ended.
    Result<void> settle(Result<cloud::Accepted> accepted);
    /// How often the last settled operation was looked at.
    int looks() const { return looks_; }
    Result<void> put(const ResourceName& name, cloud::Wanted wanted);
    Result<void> remove(const ResourceName& name) { return settle(cloud().remove(name)); }
    std::optional<cloud::Seen> read(const ResourceName& name);

    /// A network 10.20.0.0/16 with the subnet "nodes" and the group "rules" of those rules.
    void make_network(const std::vector<cloud::SecurityRule>& rules);
    /// Interface and machine; with a public address when wanted.
    struct Machine {
        std::string name;
        bool is_public = false;
        std::int64_t disk_gb = 30;
        std::string user_data;
    };
    Result<void> make_machine(const Machine& machine);
    Result<void> make_interface(const Machine& machine);
    Result<void> make_machine_on_interface(const Machine& machine);
    std::string private_address(const std::string& machine);
    std::string public_address(const std::string& machine);

  private:
    azure::Config config_;
    SystemClock clock_;
    SystemRandom random_;
    InstallationId installation_;
    int looks_ = 0;
    std::unique_ptr<http::Client> manager_, blob_;
    std::unique_ptr<azure::Connection> connection_;
};

ResourceName network_name();
ResourceName subnet_name();
ResourceName rules_name();
ResourceName machine_name(const std::string& name);
ResourceName interface_name(const std::string& machine);
ResourceName address_name(const std::string& machine);

}  // namespace hopyard::tests
