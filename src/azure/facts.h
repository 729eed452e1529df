// cloud::Catalog over the Resource Manager.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "azure/blob_service.h"
#include "azure/pipeline.h"
#include "cloud/catalog.h"

namespace hopyard::azure {

class Facts final : public cloud::Catalog {
  public:
    Facts(const Options& options, Pipeline& pipeline, BlobService& blobs)
        : options_(options), pipeline_(pipeline), blobs_(blobs) {}

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

  private:
    struct KeptSizes {
        std::vector<cloud::Size> sizes;
        Timestamp good_until;
    };
    /// The elements of a list, each as JSON text.
    Result<std::vector<std::string>> list(std::string_view what,
                                          std::string_view path,
                                          std::string_view version,
                                          std::string_view query = "");
    Result<std::vector<std::string>> list_in_group(std::string_view what,
                                                   const std::string& group,
                                                   std::string_view type,
                                                   std::string_view version);

    const Options& options_;
    Pipeline& pipeline_;
    BlobService& blobs_;
    std::mutex mutex_;
    std::map<std::string, KeptSizes> sizes_;  ///< several megabytes each, and slow to change
};

/// One entry of Azure's list of sizes as ours, seen from that location; nothing for what is no
/// machine size there. `element`: JSON text.
std::optional<cloud::Size> read_size(std::string_view element, const std::string& location);
cloud::SecurityRule read_rule(std::string_view element);
std::optional<cloud::Usage> read_usage(std::string_view element);

}  // namespace hopyard::azure
