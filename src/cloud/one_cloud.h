// The one connection of a program that has no accounts: the simulation and tests.
#pragma once

#include <set>

#include "cloud/clouds.h"

namespace hopyard::cloud {

class OneCloud final : public Clouds {
  public:
    /// Both must outlive it. Without a preparation, preparing is refused.
    OneCloud(Catalog& catalog,
             Storage& storage,
             NeededRights needed = {},
             Preparation* preparation = nullptr);

    Result<std::shared_ptr<const Connected>> of(const OrganisationId& organisation,
                                                const std::string& account) override;
    /// The same: whoever signs in, it is this cloud.
    Result<std::shared_ptr<const Connected>> connect(const model::CloudAccount& account,
                                                     const Secret& client_secret) override;
    void changed() override {}

    /// Other names by which it is known.
    std::set<model::CloudAccountKey> accounts;

  private:
    NeededRights needed_;
    std::shared_ptr<const Connected> connected_;
};

}  // namespace hopyard::cloud
