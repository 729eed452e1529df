// cloud::Preparation over the Resource Manager. The only part that waits: it is a command that
// somebody watches, and the waiting is done by an injected function.
#pragma once

#include <string>

#include "azure/operations.h"
#include "azure/pipeline.h"
#include "cloud/preparation.h"

namespace hopyard::azure {

class Preparing final : public cloud::Preparation {
  public:
    Preparing(const Options& options, Pipeline& pipeline)
        : options_(options), pipeline_(pipeline), operations_(pipeline) {}

    Result<cloud::Made> register_providers() override;
    Result<cloud::Made> ensure_group(const std::string& group,
                                     const std::string& location) override;
    Result<cloud::Made> ensure_ssh_key(const std::string& group,
                                       const std::string& location,
                                       const std::string& name,
                                       const std::string& public_key) override;
    Result<cloud::Made> ensure_identity(const std::string& group,
                                        const std::string& location,
                                        const std::string& name) override;
    Result<cloud::Made> ensure_account(const std::string& group,
                                       const std::string& location,
                                       const std::string& name) override;
    Result<cloud::Made> ensure_storage_role(const std::string& group,
                                            const std::string& identity,
                                            const std::string& account) override;

  private:
    /// The body of a GET; "" when the cloud says that it does not exist.
    Result<std::string> get(std::string_view what, const std::string& url);
    Result<void> put(std::string_view what, const std::string& url, const std::string& body);
    Result<void> wait_for_account(const std::string& url, const cloud::Accepted& accepted);
    Result<std::string> account_id(const std::string& group, const std::string& account);

    const Options& options_;
    Pipeline& pipeline_;
    Operations operations_;
};

}  // namespace hopyard::azure
