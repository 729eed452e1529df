// cloud::Storage over the blob service.
#pragma once

#include <mutex>
#include <vector>

#include "azure/blob_service.h"
#include "azure/blob_xml.h"
#include "cloud/storage.h"

namespace hopyard::azure {

class Containers final : public cloud::Storage {
  public:
    explicit Containers(BlobService& blobs) : blobs_(blobs) {}

    Result<cloud::ContainerFacts> inspect(const cloud::ContainerName& name) override;
    Result<void> create_container(const cloud::ContainerName& name) override;
    Result<void> claim(const cloud::ContainerName& name, const std::string& owner) override;
    Result<cloud::ContainerGrant> grant(const cloud::ContainerName& name,
                                        const std::string& policy,
                                        Timestamp expires_at) override;
    Result<void> revoke(const cloud::ContainerName& name, const std::string& policy) override;

  private:
    struct Policies {
        std::vector<AccessPolicy> policies;
        std::string public_access;
        std::string last_modified;
    };
    Result<bool> is_empty(const cloud::ContainerName& name);
    Result<std::string> claimed_by(const cloud::ContainerName& name);
    Result<Policies> read_acl(const cloud::ContainerName& name);
    Result<void> write_acl(const cloud::ContainerName& name, const Policies& acl);

    BlobService& blobs_;
    /// The service replaces the whole list of policies, so two changes must not cross.
    std::mutex acl_mutex_;
};

}  // namespace hopyard::azure
