// cloud::Cloud over the Resource Manager.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "azure/operations.h"
#include "azure/pipeline.h"
#include "cloud/cloud.h"

namespace hopyard::azure {

class Resources final : public cloud::Cloud {
  public:
    Resources(const Options& options, Pipeline& pipeline)
        : options_(options), pipeline_(pipeline), operations_(pipeline) {}

    Result<cloud::Accepted> put(const cloud::PutRequest& request) override;
    Result<cloud::Accepted> remove(const cloud::ResourceName& name) override;
    Result<cloud::Accepted> power(const cloud::ResourceName& machine,
                                  cloud::PowerAction action) override;
    Result<cloud::Accepted> resize(const cloud::ResourceName& machine,
                                   const std::string& size) override;
    Result<cloud::OperationState> poll(const std::string& operation_url) override;
    Result<std::optional<cloud::Seen>> read(const cloud::ResourceName& name) override;
    Result<cloud::Listing> list(const InstallationId& installation) override;

  private:
    Call call(std::string_view method,
              const cloud::ResourceName& name,
              std::string_view query = "") const;
    Result<cloud::Accepted> accept(const Call& call, const cloud::ResourceName& name);
    Result<void> add_power(std::vector<cloud::Seen>& machines);
    void remember_group(const std::string& group);
    /// The group as our callers write it: the cloud changes the case of its names.
    std::string as_asked(const std::string& group) const;

    const Options& options_;
    Pipeline& pipeline_;
    Operations operations_;
    mutable std::mutex groups_mutex_;
    std::map<std::string, std::string> groups_;  ///< lower case -> as asked
};

}  // namespace hopyard::azure
