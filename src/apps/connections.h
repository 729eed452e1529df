// The connections to clouds: the one that the installation was started with, and one for each cloud
// account that was added. A connection is made when it is first needed, and made anew when its
// account was changed, here or by another replica.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "azure/config.h"
#include "azure/connection.h"
#include "base/random.h"
#include "base/time.h"
#include "cloud/clouds.h"
#include "control/prices.h"
#include "http/transport.h"
#include "store/store.h"

namespace hopyard::apps {

/// One connection and all it is made of; the members are in the order in which they need each
/// other. What its catalog does later keeps it alive until then.
struct CloudLink : std::enable_shared_from_this<CloudLink> {
    CloudLink(const azure::Config& config,
              store::Store& store,
              const Clock& clock,
              Random& random,
              control::PricedCatalog::RunLater later);

    http::Client manager;
    http::Client blob;
    azure::Connection connection;
    control::PricedCatalog catalog;
    cloud::Connected connected;
    std::int64_t version = 0;  ///< of the account's row
};

class Connections final : public cloud::Clouds {
  public:
    /// `later` runs on threads that end before this object does; `on_change` is told of changed().
    Connections(azure::Config own,
                store::Store& store,
                const Clock& clock,
                Random& random,
                control::PricedCatalog::RunLater later);
    /// Before the first request.
    void on_change(std::function<void()> told) { told_ = std::move(told); }

    CloudLink& own() { return *own_; }
    Result<std::shared_ptr<CloudLink>> link(const model::CloudAccountKey& key);

    Result<std::shared_ptr<const cloud::Connected>> of(const OrganisationId& organisation,
                                                       const std::string& account) override;
    Result<std::shared_ptr<const cloud::Connected>> connect(const model::CloudAccount& account,
                                                            const Secret& client_secret) override;
    void changed() override;

  private:
    Result<std::shared_ptr<CloudLink>> open(const model::CloudAccount& account,
                                            const Secret& client_secret);

    const azure::Config own_config_;
    store::Store& store_;
    const Clock& clock_;
    Random& random_;
    const control::PricedCatalog::RunLater later_;
    std::function<void()> told_;
    std::shared_ptr<CloudLink> own_;
    std::mutex mutex_;
    std::map<model::CloudAccountKey, std::shared_ptr<CloudLink>> links_;  ///< guarded by mutex_
};

}  // namespace hopyard::apps
