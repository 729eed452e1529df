// The cluster's container: whether it may be used, whose it is, and the right a cluster's machines
// have on it.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace hopyard::cloud {

struct ContainerName {
    std::string account;
    std::string container;
    auto operator<=>(const ContainerName&) const = default;
};

struct ContainerFacts {
    bool exists = false;
    bool empty = true;       ///< but for the claim; deleted blobs and versions do not count
    std::string claimed_by;  ///< "<installation>/<cluster>", or "" when nobody did
};

/// What rclone needs inside a machine: the address of the container with a signature that is good
/// for this container only. Rights: read, add, create, write, delete, list.
struct ContainerGrant {
    std::string account;
    std::string container;
    std::string blob_endpoint;  ///< as the machines reach it
    Secret sas_url;             ///< "https://…/container?sv=…&si=…&sig=…"
    Timestamp expires_at;
};

class Storage {
  public:
    virtual ~Storage() = default;
    virtual Result<ContainerFacts> inspect(const ContainerName& name) = 0;
    virtual Result<void> create_container(const ContainerName& name) = 0;
    /// Writes the marker blob ".hopyard-cluster" with `If-None-Match: *`. Succeeds again for the
    /// same owner; `already_exists` naming the present owner for another (product.md D6).
    virtual Result<void> claim(const ContainerName& name, const std::string& owner) = 0;
    /// Makes or prolongs the stored access policy `policy` of the container until `expires_at`, and
    /// returns the signature that refers to it. The signature stays the same when only the time
    /// moves, so a machine needs no new one.
    virtual Result<ContainerGrant> grant(const ContainerName& name,
                                         const std::string& policy,
                                         Timestamp expires_at) = 0;
    /// Ends the grant: the signature is worth nothing from now on. Succeeds when there is none.
    virtual Result<void> revoke(const ContainerName& name, const std::string& policy) = 0;
};

}  // namespace hopyard::cloud
