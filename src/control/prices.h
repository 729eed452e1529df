// A catalog whose sizes bear their prices. The list of a location is kept in the store, so that it
// is asked for once a day and not at all where an administrator brought one. A list that cannot be
// had, or takes longer than a moment, is no reason to fail or to wait: the sizes then have the
// prices of before, or none.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cloud/catalog.h"
#include "store/store.h"

namespace hopyard::control {

/// The list of a location that is kept, however old; nothing when there is none.
Result<std::optional<cloud::PriceList>> kept_prices(store::Transaction& t,
                                                    const std::string& location);

class PricedCatalog final : public cloud::Catalog {
  public:
    /// Calls it soon, on another thread, while this object lives.
    using RunLater = std::function<void(std::function<void()>)>;

    PricedCatalog(cloud::Catalog& catalog,
                  cloud::PriceSource& source,
                  store::Store& store,
                  const Clock& clock,
                  RunLater run_later)
        : catalog_(catalog),
          source_(source),
          store_(store),
          clock_(clock),
          run_later_(std::move(run_later)) {}

    Result<std::vector<cloud::Size>> sizes(const std::string& location) override;
    /// Keeps a list that an administrator saved from the vendor's public one, in place of asking
    /// for it, until the next import. Returns the locations it had. `invalid_argument` when there
    /// is no price in it.
    Result<std::vector<std::string>> import_prices(std::string_view pages);

    Result<std::vector<cloud::Location>> locations() override { return catalog_.locations(); }
    Result<std::vector<cloud::ResourceGroup>> groups() override { return catalog_.groups(); }
    Result<std::vector<cloud::Usage>> usages(const std::string& location) override {
        return catalog_.usages(location);
    }
    Result<std::vector<cloud::SshKey>> ssh_keys(const std::string& group) override {
        return catalog_.ssh_keys(group);
    }
    Result<std::vector<cloud::Identity>> identities(const std::string& group) override {
        return catalog_.identities(group);
    }
    Result<std::vector<cloud::StorageAccount>> accounts() override { return catalog_.accounts(); }
    Result<std::vector<cloud::Network>> networks() override { return catalog_.networks(); }
    Result<std::vector<cloud::SecurityGroup>> security_groups(const std::string& group) override {
        return catalog_.security_groups(group);
    }
    Result<std::vector<cloud::Permission>> own_permissions(const std::string& group) override {
        return catalog_.own_permissions(group);
    }
    Result<std::vector<cloud::Permission>> permissions_of(const std::string& principal_id,
                                                          const std::string& scope) override {
        return catalog_.permissions_of(principal_id, scope);
    }

  private:
    /// The list that is in force; nothing when there is none.
    std::optional<cloud::PriceList> list_of(const std::string& location);
    bool may_ask(const std::string& location, Timestamp now);
    void refresh(const std::string& location);
    std::optional<cloud::PriceList> stored(const std::string& location);
    void keep(const cloud::PriceList& list);

    cloud::Catalog& catalog_;
    cloud::PriceSource& source_;
    store::Store& store_;
    const Clock& clock_;
    const RunLater run_later_;
    std::mutex mutex_;
    /// When a location's list may be asked for again. Guarded by mutex_.
    std::map<std::string, Timestamp> rests_until_;
};

}  // namespace hopyard::control
