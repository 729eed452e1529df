// The resource manager's own types: subscriptions, locations, providers, resource groups, tags, the
// list of all resources; and the small providers that need no machine: keys, identities, roles,
// offers.
#pragma once

#include "localcloud/arm/core.h"
#include "localcloud/arm/routes.h"

namespace hopyard::localcloud {

void add_subscription_routes(Routes& routes);
void add_group_routes(Routes& routes);
void define_group_work(Executor& executor, Ledger& ledger, Fabric& fabric, BlobAccounts& blobs);
void add_resource_list_routes(Routes& routes);
void add_offer_routes(Routes& routes);
void add_key_and_identity_routes(Routes& routes);
void add_role_routes(Routes& routes);
void add_operation_routes(Routes& routes);
void add_storage_routes(Routes& routes);
void define_storage_work(Executor& executor, Ledger& ledger, BlobAccounts& blobs);

/// The public price list (Azure's Retail Prices API), which needs no token, for the location that
/// `filter` names: figures to rehearse with, for machines of this cloud cost nothing.
std::string price_list(const Core& core, const std::string& filter);
/// `GET /metadata/endpoints`, which needs no token.
std::string cloud_metadata(const std::string& base_url,
                           const std::string& tenant,
                           const std::string& api_version,
                           const std::string& blob_suffix);
/// The group a path lies in, as it was first written; nothing when it does not exist.
std::optional<Resource> find_group(const Ledger& ledger,
                                   const std::string& subscription,
                                   const std::string& group);

}  // namespace hopyard::localcloud
