// From a planned call to the request that is sent, and from the cloud's answer to what the rows say
// of it. Pure: the loops send, store and wake.
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "cloud/cloud.h"
#include "cloud/storage.h"
#include "decide/lifecycle/plan.h"
#include "model/cluster.h"
#include "model/resource.h"

namespace hopyard::control {

/// Of this installation, for the user data of machines.
struct Origin {
    InstallationId installation;
    std::string node_url;
    std::string node_ca_pem;
};

/// The rows that a request is composed from, as they are stored.
struct Subject {
    const model::Cluster& cluster;
    const model::Node* node = nullptr;  ///< whose it is; null for what the cluster shares
    std::optional<Secret> token;        ///< of a machine that has not enrolled yet
};

/// The request of a put. Equal rows give equal requests, so a repeated put changes nothing.
Result<cloud::PutRequest> put_request(const decide::Call& call,
                                      const Subject& subject,
                                      const Origin& origin);

cloud::ContainerName container_of(const model::Cluster& cluster);
/// As it stands in the container's claim.
std::string claim_owner(const InstallationId& installation, const ClusterId& cluster);
std::string access_policy(const ClusterId& cluster);

// --- what became of a call ---------------------------------------------------------------------

/// The cloud took it: done, or an operation to look at. `look_at` is when, if there is one.
void note_accepted(model::Resource& row,
                   const decide::Call& call,
                   const cloud::Accepted& accepted,
                   Timestamp now,
                   Timestamp look_at);
/// The operation of the row ended well.
void note_success(model::Resource& row, model::PendingOperation::Verb verb, Timestamp now);
/// The call or its operation failed: when it is tried again is for decide/lifecycle/retry to say.
void note_failure(model::Resource& row, const Error& error, Timestamp now);
/// The cloud forgot an operation, and a direct read showed this instead. True when that settles
/// what became of the operation; else it has to be looked at again.
bool settle_by_read(model::Resource& row, const std::optional<cloud::Seen>& seen, Timestamp now);

/// An operation without a URL is looked at through its resource, but a removal has ended then.
bool is_looked_at(const model::PendingOperation& operation);

/// What a reply shows of a resource, written into the rows it belongs to. True when one changed.
bool learn(model::Cluster& cluster,
           model::Node* node,
           const model::Resource& row,
           const cloud::Seen& seen);

}  // namespace hopyard::control
