// What the API asks of the sweep: which resources bear this installation's tag and have no row in
// the store (product.md D11). From tags alone, so that it also answers after a database was lost.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "cloud/cloud.h"
#include "control/sweep.h"
#include "store/store.h"

namespace hopyard::api {

class Orphans {
  public:
    virtual ~Orphans() = default;
    /// Looks now. Changes nothing.
    virtual Result<std::vector<control::Orphan>> list() = 0;
    /// Asks the cloud to delete what list() would show. Repeatable: what a machine still holds has
    /// to wait for it. Containers and storage accounts are never among them.
    virtual Result<control::OrphanRemoval> remove() = 0;
};

/// The sweep of the control plane itself.
class TaggedOrphans final : public Orphans {
  public:
    TaggedOrphans(store::Store& store, cloud::Cloud& cloud, InstallationId installation)
        : store_(store), cloud_(cloud), installation_(std::move(installation)) {}

    Result<std::vector<control::Orphan>> list() override {
        return control::find_orphans(store_, cloud_, installation_);
    }
    Result<control::OrphanRemoval> remove() override {
        return control::remove_orphans(store_, cloud_, installation_, {});
    }

  private:
    store::Store& store_;
    cloud::Cloud& cloud_;
    InstallationId installation_;
};

}  // namespace hopyard::api
