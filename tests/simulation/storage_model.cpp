#include "simulation/storage_model.h"

namespace hopyard::simulation {

Result<cloud::ContainerFacts> StorageModel::inspect(const cloud::ContainerName& name) const {
    const auto found = containers_.find(name);
    if (found == containers_.end()) return cloud::ContainerFacts{};
    return cloud::ContainerFacts{
        .exists = true, .empty = true, .claimed_by = found->second.claimed_by};
}

Result<void> StorageModel::create(const cloud::ContainerName& name) {
    containers_.try_emplace(name);
    return {};
}

Result<void> StorageModel::claim(const cloud::ContainerName& name, const std::string& owner) {
    const auto found = containers_.find(name);
    if (found == containers_.end())
        return fail(ErrorKind::not_found, "no_such_container", "there is no such container");
    std::string& present = found->second.claimed_by;
    if (!present.empty() && present != owner)
        return fail(ErrorKind::already_exists, "container_claimed", "it belongs to " + present);
    present = owner;
    return {};
}

Result<cloud::ContainerGrant> StorageModel::grant(const cloud::ContainerName& name,
                                                  const std::string& policy,
                                                  Timestamp expires_at) {
    const auto found = containers_.find(name);
    if (found == containers_.end())
        return fail(ErrorKind::not_found, "no_such_container", "there is no such container");
    found->second.policies[policy] = expires_at;
    return cloud::ContainerGrant{.account = name.account,
                                 .container = name.container,
                                 .blob_endpoint = "https://blobs.example",
                                 .sas_url = Secret("https://blobs.example/" + name.container +
                                                   "?si=" + policy + "&sig=canary-signature"),
                                 .expires_at = expires_at};
}

Result<void> StorageModel::revoke(const cloud::ContainerName& name, const std::string& policy) {
    const auto found = containers_.find(name);
    if (found != containers_.end()) found->second.policies.erase(policy);
    return {};
}

}  // namespace hopyard::simulation
