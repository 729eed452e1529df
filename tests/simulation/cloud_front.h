// One replica's way to the simulated cloud: requests take time, may be refused, lost on the way, or
// carried out although the reply never comes. What has left is carried out even when the replica
// that sent it dies. Tells the judge of every request.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "cloud/catalog.h"
#include "cloud/cloud.h"
#include "cloud/storage.h"
#include "simulation/ground.h"

namespace hopyard::simulation {

/// What a judge sees of requests.
/// The end of the offer of a spot machine.
inline constexpr std::string_view as_spot = " as spot";

struct Request {
    int replica = 0;
    std::string verb;  ///< "put", "remove", "start" …
    ResourceName name;
    std::string offer;  ///< of a machine that is put: its size, and whether as a spot machine
};

class RequestWatcher {
  public:
    virtual ~RequestWatcher() = default;
    virtual void request_leaves(const Request& request) = 0;
    /// Just before it takes effect.
    virtual void request_arrives(const Request& request) = 0;
    virtual void reply_received(const Request& request, const Error* error) = 0;
};

class CloudFront final : public cloud::Cloud, public cloud::Catalog, public cloud::Storage {
  public:
    CloudFront(Ground& ground, Fibers& fibers, RequestWatcher& watcher, int replica)
        : ground_(ground), fibers_(fibers), watcher_(watcher), replica_(replica) {}

    /// The replica is dead: what it sent last may still arrive for a moment.
    void cut() { wire_->cut_at = ground_.clock.now(); }

    // Cloud
    Result<Accepted> put(const cloud::PutRequest& request) override;
    Result<Accepted> remove(const ResourceName& name) override;
    Result<Accepted> power(const ResourceName& machine, cloud::PowerAction action) override;
    Result<Accepted> resize(const ResourceName& machine, const std::string& size) override;
    Result<cloud::OperationState> poll(const std::string& operation_url) override;
    Result<std::optional<Seen>> read(const ResourceName& name) override;
    Result<cloud::Listing> list(const InstallationId& installation) override;

    // Catalog
    Result<std::vector<cloud::Location>> locations() override;
    Result<std::vector<cloud::ResourceGroup>> groups() override;
    Result<std::vector<cloud::Size>> sizes(const std::string& location) override;
    Result<std::vector<cloud::Usage>> usages(const std::string& location) override;
    Result<std::vector<cloud::SshKey>> ssh_keys(const std::string& group) override;
    Result<std::vector<cloud::Identity>> identities(const std::string& group) override;
    Result<std::vector<cloud::StorageAccount>> accounts() override;
    Result<std::vector<cloud::Network>> networks() override;
    Result<std::vector<cloud::SecurityGroup>> security_groups(const std::string& group) override;
    Result<std::vector<cloud::Permission>> own_permissions(const std::string& group) override;
    Result<std::vector<cloud::Permission>> permissions_of(const std::string& principal_id,
                                                          const std::string& scope) override;

    // Storage
    Result<cloud::ContainerFacts> inspect(const cloud::ContainerName& name) override;
    Result<void> create_container(const cloud::ContainerName& name) override;
    Result<void> claim(const cloud::ContainerName& name, const std::string& owner) override;
    Result<cloud::ContainerGrant> grant(const cloud::ContainerName& name,
                                        const std::string& policy,
                                        Timestamp expires_at) override;
    Result<void> revoke(const cloud::ContainerName& name, const std::string& policy) override;

  private:
    struct Delays {
        Milliseconds there;
        Milliseconds back;
    };
    template <class T>
    Result<T> exchange(Request request, std::function<Result<T>()> effect);
    template <class T>
    Result<T> ask(std::function<T()> answer);
    template <class T>
    Result<T> store_exchange(const char* verb,
                             const cloud::ContainerName& name,
                             std::function<Result<T>()> effect);
    std::optional<Error> refused(const Request& request);
    Delays draw_delays();
    void obey(const std::string& key);

    /// Outlives the replica, with what is on it.
    struct Wire {
        std::optional<Timestamp> cut_at;
    };
    std::shared_ptr<Wire> wire_ = std::make_shared<Wire>();

    Ground& ground_;
    Fibers& fibers_;
    RequestWatcher& watcher_;
    const int replica_;
    Timestamp throttled_until_;
    Timestamp out_until_;
    /// Until when a request was told to wait.
    std::map<std::string, Timestamp> told_to_wait_;
};

}  // namespace hopyard::simulation
