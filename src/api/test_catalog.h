// A small cloud's catalog for tests: one location, what a first cluster needs, and switches to take
// things away. Preparation keeps state, so that what is made exists the next time.
#pragma once

#include <set>
#include <string>

#include "cloud/catalog.h"
#include "cloud/preparation.h"

namespace hopyard::api {

class TestCatalog final : public cloud::Catalog {
  public:
    std::vector<cloud::Location> all_locations = {{"here", "Here"}, {"there", "There"}};
    std::vector<cloud::ResourceGroup> all_groups = {{"lab", "here"}};
    std::vector<cloud::Size> all_sizes = {
        {.name = "Standard_D2_v3", .family = "dv3", .vcpus = 2, .memory_mb = 8192},
        {.name = "Standard_D4_v3", .family = "dv3", .vcpus = 4, .memory_mb = 16384},
        {.name = "Standard_D8_v3", .family = "dv3", .vcpus = 8, .memory_mb = 32768},
        {.name = "Gone_v1", .vcpus = 1, .memory_mb = 1024, .unavailable = "no zone has it"}};
    std::vector<cloud::Usage> all_usages = {{"cores", "Cores", 0, 200}, {"dv3", "Dv3", 0, 200}};
    std::vector<cloud::SshKey> keys = {{"ops-key", "ssh-ed25519 AAAA ops"}};
    std::vector<cloud::Identity> all_identities = {{"lab-identity", "/id/lab-identity", "p-1"}};
    std::vector<cloud::StorageAccount> all_accounts = {
        {"labstore", "lab", "here", "/account/labstore", "https://labstore.blob"}};
    std::vector<cloud::Network> all_networks;
    std::vector<cloud::SecurityGroup> groups_of_rules;
    std::vector<cloud::Permission> rights = {{.actions = {"*"}, .data_actions = {"*"}}};
    std::optional<Error> broken;  ///< every look-up fails with that

    Result<std::vector<cloud::Location>> locations() override { return give(all_locations); }
    Result<std::vector<cloud::ResourceGroup>> groups() override { return give(all_groups); }
    Result<std::vector<cloud::Size>> sizes(const std::string& location) override {
        return give(location == "here" ? all_sizes : std::vector<cloud::Size>{});
    }
    Result<std::vector<cloud::Usage>> usages(const std::string&) override {
        return give(all_usages);
    }
    Result<std::vector<cloud::SshKey>> ssh_keys(const std::string&) override { return give(keys); }
    Result<std::vector<cloud::Identity>> identities(const std::string&) override {
        return give(all_identities);
    }
    Result<std::vector<cloud::StorageAccount>> accounts() override { return give(all_accounts); }
    Result<std::vector<cloud::Network>> networks() override { return give(all_networks); }
    Result<std::vector<cloud::SecurityGroup>> security_groups(const std::string&) override {
        return give(groups_of_rules);
    }
    Result<std::vector<cloud::Permission>> own_permissions(const std::string&) override {
        return give(rights);
    }
    Result<std::vector<cloud::Permission>> permissions_of(const std::string&,
                                                          const std::string&) override {
        return give(rights);
    }

  private:
    template <class T>
    Result<T> give(const T& value) const {
        if (broken) return pass(*broken);
        return value;
    }
};

class TestPreparation final : public cloud::Preparation {
  public:
    std::set<std::string> there;
    std::string fails_at;  ///< kind of what cannot be made

    Result<cloud::Made> register_providers() override { return ensure("providers", ""); }
    Result<cloud::Made> ensure_group(const std::string& group, const std::string&) override {
        return ensure("group", group);
    }
    Result<cloud::Made> ensure_ssh_key(const std::string&,
                                       const std::string&,
                                       const std::string& name,
                                       const std::string&) override {
        return ensure("ssh_key", name);
    }
    Result<cloud::Made> ensure_identity(const std::string&,
                                        const std::string&,
                                        const std::string& name) override {
        return ensure("identity", name);
    }
    Result<cloud::Made> ensure_account(const std::string&,
                                       const std::string&,
                                       const std::string& name) override {
        return ensure("account", name);
    }
    Result<cloud::Made> ensure_storage_role(const std::string&,
                                            const std::string& identity,
                                            const std::string& account) override {
        return ensure("storage_role", identity + "@" + account);
    }

  private:
    Result<cloud::Made> ensure(const std::string& kind, const std::string& name) {
        if (kind == fails_at)
            return pass(Error{.kind = ErrorKind::permission_denied,
                              .code = "authorization_failed",
                              .message = "may not write it",
                              .owner = Owner::administrator,
                              .next_action = "Add the right."});
        return there.insert(kind + "/" + name).second ? cloud::Made::made : cloud::Made::existed;
    }
};

}  // namespace hopyard::api
