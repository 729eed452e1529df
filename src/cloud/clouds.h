// The connections to clouds that an organisation may use, by the name of the cloud account.
// Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "cloud/catalog.h"
#include "cloud/preparation.h"
#include "cloud/roles.h"
#include "cloud/storage.h"
#include "model/cloud_account.h"

namespace hopyard::cloud {

/// What requests of people ask of one cloud; making and removing is the loops'.
struct Connected {
    Catalog& catalog;
    Storage& storage;
    Preparation& preparation;
    const RoleWriter& roles;
    const NeededRights& needed;
    bool local = false;        ///< the local cloud, not Azure
    std::string subscription;  ///< the cloud's id of it
};

Failure no_such_cloud_account(const std::string& account);

class Clouds {
  public:
    virtual ~Clouds() = default;
    /// What is returned stays usable as long as somebody holds it, also when the account is changed
    /// or deleted meanwhile. Errors: `not_found` ("no_such_cloud_account"), or of the store.
    virtual Result<std::shared_ptr<const Connected>> of(const OrganisationId& organisation,
                                                        const std::string& account) = 0;
    /// A connection that is not kept, to try what somebody wants to store. Sends nothing.
    virtual Result<std::shared_ptr<const Connected>> connect(const model::CloudAccount& account,
                                                             const Secret& client_secret) = 0;
    /// Accounts were stored, changed or deleted.
    virtual void changed() = 0;
};

}  // namespace hopyard::cloud
