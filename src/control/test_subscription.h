// For the tests of commands and node sessions: a subscription that keeps what is in it, a clock
// that the test moves, a count of wake-ups, and a store in which others are faster.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "cloud/one_cloud.h"
#include "control/commands.h"
#include "store/open.h"

namespace hopyard::control {

class ManualClock final : public Clock {
  public:
    Timestamp now() const override { return now_; }
    void advance(Milliseconds span) { now_ += span; }

  private:
    Timestamp now_{Seconds(1'795'478'400)};
};

class CountingWake final : public Wake {
  public:
    void wake() override { ++count; }
    std::atomic<int> count = 0;
};

/// Groups, accounts, networks … as somebody made them, roles as somebody gave them, and containers
/// with what lies in them. Reads can be made to fail by name.
class TestSubscription final : public cloud::Catalog, public cloud::Storage {
  public:
    std::vector<cloud::Location> known_locations = {{.name = "north"}, {.name = "south"}};
    std::vector<cloud::ResourceGroup> known_groups = {{.name = "lab", .location = "north"}};
    std::vector<cloud::Size> known_sizes = {
        {.name = "Small", .family = "fam", .vcpus = 2, .memory_mb = 4096},
        {.name = "Big", .family = "fam", .vcpus = 8, .memory_mb = 32'768},
        {.name = "Gpu", .family = "gpus", .vcpus = 4, .memory_mb = 16'384, .gpus = 1},
        {.name = "Gone",
         .family = "fam",
         .vcpus = 2,
         .unavailable = "not offered in this location"}};
    std::vector<cloud::Usage> known_usages = {
        {.name = "cores", .display_name = "Cores", .used = 10, .limit = 40},
        {.name = "fam", .display_name = "Family", .used = 10, .limit = 40},
        {.name = "gpus", .display_name = "GPUs", .used = 0, .limit = 4}};
    std::map<std::string, std::vector<cloud::SshKey>> keys = {
        {"lab", {{.name = "ops", .public_key = "ssh-ed25519 AAAA ops"}}}};
    std::map<std::string, std::vector<cloud::Identity>> known_identities = {
        {"lab",
         {{.name = "nodes", .id = "/id/nodes", .principal_id = "p-nodes"},
          {.name = "powerless", .id = "/id/powerless", .principal_id = "p-powerless"}}}};
    std::vector<cloud::StorageAccount> known_accounts = {
        {.name = "store", .resource_group = "lab", .location = "north", .id = "/account/store"}};
    std::vector<cloud::Network> known_networks = {
        {.name = "office",
         .resource_group = "lab",
         .location = "north",
         .cidrs = {"10.0.0.0/16"},
         .subnets = {{.name = "desks", .cidr = "10.0.1.0/24"}}}};
    std::map<std::string, std::vector<cloud::SecurityGroup>> known_security_groups = {
        {"lab",
         {{.name = "open",
           .resource_group = "lab",
           .location = "north",
           .rules = {{.name = "page", .priority = 100, .ports = {"443"}}}},
          {.name = "shut",
           .resource_group = "lab",
           .location = "north",
           .rules = {{.name = "none", .priority = 100, .allow = false, .protocol = "*"}}}}}};
    std::vector<cloud::Permission> own = {{.actions = {"*"}}};
    std::map<std::string, std::vector<cloud::Permission>> own_in;  ///< of groups that differ
    /// By principal and scope.
    std::map<std::pair<std::string, std::string>, std::vector<cloud::Permission>> roles = {
        {{"p-nodes", "/account/store"}, {{.data_actions = {"Blob/*"}}}}};
    /// What lies in each container, by name; its claim is the blob ".hopyard-cluster".
    std::map<cloud::ContainerName, std::map<std::string, std::string>> containers;
    /// These reads fail: "sizes", "usages", "ssh_keys" …
    std::set<std::string> unreadable;

    static cloud::NeededRights needed() {
        return {.always = {{"Machines/write", "create machines"}},
                .for_network = {{"Networks/write", "create networks"}},
                .for_security_group = {{"Groups/write", "create security groups"}},
                .for_public_address = {{"Addresses/write", "create addresses"}},
                .identity_data = {{"Blob/read", "read blobs"}, {"Blob/write", "write blobs"}}};
    }

    Result<std::vector<cloud::Location>> locations() override {
        return answer("locations", known_locations);
    }
    Result<std::vector<cloud::ResourceGroup>> groups() override {
        return answer("groups", known_groups);
    }
    Result<std::vector<cloud::Size>> sizes(const std::string& location) override {
        return answer("sizes", is_known(location) ? known_sizes : std::vector<cloud::Size>());
    }
    Result<std::vector<cloud::Usage>> usages(const std::string& location) override {
        return answer("usages", is_known(location) ? known_usages : std::vector<cloud::Usage>());
    }
    Result<std::vector<cloud::SshKey>> ssh_keys(const std::string& group) override {
        return in_group("ssh_keys", keys, group);
    }
    Result<std::vector<cloud::Identity>> identities(const std::string& group) override {
        return in_group("identities", known_identities, group);
    }
    Result<std::vector<cloud::StorageAccount>> accounts() override {
        return answer("accounts", known_accounts);
    }
    Result<std::vector<cloud::Network>> networks() override {
        return answer("networks", known_networks);
    }
    Result<std::vector<cloud::SecurityGroup>> security_groups(const std::string& group) override {
        return in_group("security_groups", known_security_groups, group);
    }
    Result<std::vector<cloud::Permission>> own_permissions(const std::string& group) override {
        if (!has_group(group)) return no_group(group);
        const auto found = own_in.find(group);
        return answer("own_permissions", found == own_in.end() ? own : found->second);
    }
    Result<std::vector<cloud::Permission>> permissions_of(const std::string& principal_id,
                                                          const std::string& scope) override {
        const auto found = roles.find({principal_id, scope});
        return answer("permissions_of",
                      found == roles.end() ? std::vector<cloud::Permission>() : found->second);
    }

    Result<cloud::ContainerFacts> inspect(const cloud::ContainerName& name) override {
        cloud::ContainerFacts facts;
        const auto found = containers.find(name);
        if (found != containers.end()) {
            const auto& blobs = found->second;
            const auto claim = blobs.find(marker);
            facts.exists = true;
            facts.claimed_by = claim == blobs.end() ? "" : claim->second;
            facts.empty = blobs.size() == (claim == blobs.end() ? 0u : 1u);
        }
        return answer("container", facts);
    }
    Result<void> create_container(const cloud::ContainerName& name) override {
        containers[name];
        return {};
    }
    Result<void> claim(const cloud::ContainerName& name, const std::string& owner) override {
        const auto [blob, is_new] = containers[name].emplace(marker, owner);
        if (is_new || blob->second == owner) return {};
        return fail(ErrorKind::already_exists, "container_claimed", blob->second);
    }
    Result<cloud::ContainerGrant> grant(const cloud::ContainerName&,
                                        const std::string&,
                                        Timestamp) override {
        return fail(ErrorKind::internal, "not_expected", "commands give no rights");
    }
    Result<void> revoke(const cloud::ContainerName&, const std::string&) override {
        return fail(ErrorKind::internal, "not_expected", "commands take no rights away");
    }

  private:
    static constexpr const char* marker = ".hopyard-cluster";

    static Failure cannot_read(const std::string& what) {
        return fail(ErrorKind::unavailable, "cloud_unreachable", what + " did not answer");
    }
    template <class T>
    Result<T> answer(const std::string& what, T value) const {
        if (unreadable.contains(what)) return cannot_read(what);
        return value;
    }
    bool is_known(const std::string& location) const {
        return std::any_of(known_locations.begin(), known_locations.end(), [&](const auto& each) {
            return each.name == location;
        });
    }
    bool has_group(const std::string& name) const {
        return std::any_of(known_groups.begin(), known_groups.end(), [&](const auto& each) {
            return each.name == name;
        });
    }
    static Failure no_group(const std::string& group) {
        return fail(ErrorKind::not_found, "no_such_group", group + " is not there");
    }
    template <class T>
    Result<T> in_group(const std::string& what,
                       const std::map<std::string, T>& table,
                       const std::string& group) const {
        if (!has_group(group)) return no_group(group);
        const auto found = table.find(group);
        return answer(what, found == table.end() ? T() : found->second);
    }
};

/// In which the next writes lose against somebody else after they have done their work.
class ContestedStore final : public store::Store {
  public:
    int losses = 0;
    std::atomic<int> writes = 0;  ///< that no lease guards, so far

    Result<void> read(const Body& body) override { return inner_->read(body); }
    Result<void> write(const Body& body) override {
        ++writes;
        if (losses == 0) return inner_->write(body);
        --losses;
        return inner_->write([&](store::Transaction& transaction) -> Result<void> {
            RETURN_IF_ERROR(body(transaction));
            return fail(ErrorKind::conflict, "changed_meanwhile", "somebody was faster");
        });
    }
    Result<void> write(const store::Lease& fence, const Body& body) override {
        return inner_->write(fence, body);
    }
    Result<std::optional<store::Lease>> acquire(const std::string& name,
                                                const std::string& holder,
                                                Timestamp now,
                                                Milliseconds validity) override {
        return inner_->acquire(name, holder, now, validity);
    }
    Result<void> release(const store::Lease& lease) override { return inner_->release(lease); }

  private:
    std::unique_ptr<store::Store> inner_ = store::open_memory();
};

inline model::ClusterSpec good_spec() {
    model::ClusterSpec spec;
    spec.name = "demo";
    spec.resource_group = "lab";
    spec.head.instance_type = "Small";
    spec.workers = {{.key = {.instance_type = "Small"}, .count = 2}};
    spec.storage.account = "store";
    spec.ssh_key = "ops";
    spec.identity = "nodes";
    spec.port_sources = {"10.0.0.0/8"};
    return spec;
}

/// Commands on an empty store and that subscription.
struct Desk {
    ManualClock clock;
    SeededRandom random{7};
    ContestedStore store;
    TestSubscription subscription;
    CountingWake wake;
    Caller caller{.organisation = OrganisationId("org"), .actor = "ann", .expected_generation = {}};
    CommandsOptions options{
        .installation = InstallationId("inst"), .write_attempts = 3, .run_all = {}};
    cloud::OneCloud clouds{subscription, subscription, TestSubscription::needed()};
    Commands commands{store, clouds, wake, clock, random, options};

    model::Cluster made(model::ClusterSpec spec = good_spec()) {
        const auto outcome = commands.create(caller, spec);
        return outcome ? cluster(outcome->id) : model::Cluster();
    }
    model::Cluster cluster(const ClusterId& id) {
        model::Cluster found;
        (void)store.read([&](store::Transaction& transaction) -> Result<void> {
            found = transaction.cluster(id)->value_or(model::Cluster());
            return {};
        });
        return found;
    }
    std::vector<model::Cluster> clusters() {
        std::vector<model::Cluster> all;
        (void)store.read([&](store::Transaction& transaction) -> Result<void> {
            all = *transaction.clusters();
            return {};
        });
        return all;
    }
    std::vector<model::Node> nodes(const ClusterId& id) {
        std::vector<model::Node> all;
        (void)store.read([&](store::Transaction& transaction) -> Result<void> {
            all = *transaction.nodes(id);
            return {};
        });
        return all;
    }
    std::optional<Secret> secret(const std::string& name) {
        std::optional<Secret> found;
        (void)store.read([&](store::Transaction& transaction) -> Result<void> {
            found = *transaction.secret(name);
            return {};
        });
        return found;
    }
    /// Newest first.
    std::vector<model::Activity> activity() {
        std::vector<model::Activity> entries;
        (void)store.read([&](store::Transaction& transaction) -> Result<void> {
            store::ActivityQuery query{.organisation = caller.organisation,
                                       .cluster = {},
                                       .before = {},
                                       .after = {},
                                       .limit = 200};
            entries = transaction.activity(query)->entries;
            return {};
        });
        return entries;
    }
    /// Stores the row as it is, whatever version it had.
    template <class Row>
    void put(Row row) {
        const auto written = store.write([&](store::Transaction& transaction) -> Result<void> {
            row.version = stored_version(transaction, row);
            return transaction.put(row);
        });
        if (!written) std::abort();
    }

  private:
    static std::int64_t stored_version(store::Transaction& transaction, const model::Cluster& row) {
        const auto found = *transaction.cluster(row.id);
        return found ? found->version : 0;
    }
    static std::int64_t stored_version(store::Transaction& transaction, const model::Node& row) {
        const auto found = *transaction.node(row.id);
        return found ? found->version : 0;
    }
    static std::int64_t stored_version(store::Transaction& transaction,
                                       const model::Resource& row) {
        const auto found = *transaction.resource(row.name);
        return found ? found->version : 0;
    }
};

}  // namespace hopyard::control
