// Containers as state and rules: who claimed one, which rights on it are in force.
#pragma once

#include <map>
#include <string>

#include "cloud/storage.h"
#include "simulation/engine.h"

namespace hopyard::simulation {

class StorageModel {
  public:
    struct Container {
        std::string claimed_by;
        std::map<std::string, Timestamp> policies;  ///< with the time they run out
    };

    Result<cloud::ContainerFacts> inspect(const cloud::ContainerName& name) const;
    Result<void> create(const cloud::ContainerName& name);
    Result<void> claim(const cloud::ContainerName& name, const std::string& owner);
    Result<cloud::ContainerGrant> grant(const cloud::ContainerName& name,
                                        const std::string& policy,
                                        Timestamp expires_at);
    Result<void> revoke(const cloud::ContainerName& name, const std::string& policy);

    const std::map<cloud::ContainerName, Container>& containers() const { return containers_; }

  private:
    std::map<cloud::ContainerName, Container> containers_;
};

}  // namespace hopyard::simulation
