#include "customer.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace hopyard::tests {

namespace {

constexpr Milliseconds patience{30'000};
constexpr const char* identity = "node-identity";

void wait(Milliseconds pause) {
    poll(nullptr, 0, static_cast<int>(pause.count()));
}

}  // namespace

ResourceName network_name() {
    return {ResourceKind::virtual_network, group, "", "net"};
}
ResourceName subnet_name() {
    return {ResourceKind::subnet, group, "net", "nodes"};
}
ResourceName rules_name() {
    return {ResourceKind::security_group, group, "", "rules"};
}
ResourceName machine_name(const std::string& name) {
    return {ResourceKind::machine, group, "", name};
}
ResourceName interface_name(const std::string& machine) {
    return {ResourceKind::network_interface, group, "", machine + "-nic"};
}
ResourceName address_name(const std::string& machine) {
    return {ResourceKind::public_address, group, "", machine + "-ip"};
}

Customer::Customer(const std::string& cloud_file) : installation_(random_uuid(random_)) {
    auto config = azure::load_config(cloud_file);
    if (!config) throw std::runtime_error(config.error().message);
    config_ = std::move(*config);
    manager_ = std::make_unique<http::Client>(config_.manager_client);
    blob_ = std::make_unique<http::Client>(config_.blob_client);
    connection_ =
        std::make_unique<azure::Connection>(config_.options, *manager_, *blob_, clock_, random_);
}

void Customer::prepare() {
    auto& made = preparation();
    const auto expect = [](const Result<cloud::Made>& outcome) {
        ASSERT_TRUE(outcome) << outcome.error().message;
        EXPECT_EQ(*outcome, cloud::Made::made);
    };
    const auto registered = made.register_providers();
    ASSERT_TRUE(registered) << registered.error().message;
    expect(made.ensure_group(group, location));
    expect(made.ensure_ssh_key(group, location, "team-key", public_key));
    expect(made.ensure_identity(group, location, identity));
    expect(made.ensure_account(group, location, account));
    expect(made.ensure_storage_role(group, identity, account));
}

Result<void> Customer::settle(Result<cloud::Accepted> accepted) {
    looks_ = 0;
    if (!accepted) return pass(accepted.error());
    if (!accepted->operation) return {};
    std::string url = accepted->operation->url;
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
        ++looks_;
        ASSIGN_OR_RETURN(const auto state, cloud().poll(url));
        if (state.status == cloud::OperationState::Status::succeeded) return {};
        if (state.status == cloud::OperationState::Status::failed)
            return state.failure ? pass(*state.failure)
                                 : fail(ErrorKind::internal, "failed", "failed without a cause");
        if (!state.url.empty()) url = state.url;
        wait(state.look_after.value_or(Milliseconds{5}));
    }
    return fail(ErrorKind::timed_out, "operation_too_slow", "the operation does not end");
}

Result<void> Customer::put(const ResourceName& name, cloud::Wanted wanted) {
    return settle(cloud().put(
        {.name = name,
         .location = location,
         .tags = {{cloud::tag::installation, installation_.value}, {cloud::tag::cluster, "c-test"}},
         .wanted = std::move(wanted)}));
}

std::optional<cloud::Seen> Customer::read(const ResourceName& name) {
    const auto seen = cloud().read(name);
    EXPECT_TRUE(seen) << name.name << ": " << seen.error().message;
    return seen ? *seen : std::nullopt;
}

void Customer::make_network(const std::vector<cloud::SecurityRule>& rules) {
    const auto guarded = put(rules_name(), cloud::WantedSecurityGroup{.rules = rules});
    ASSERT_TRUE(guarded) << guarded.error().message;
    const auto made =
        put(network_name(),
            cloud::WantedNetwork{
                .cidr = "10.20.0.0/16",
                .subnets = {{.name = "nodes", .cidr = "10.20.1.0/24", .security_group = "rules"}}});
    ASSERT_TRUE(made) << made.error().message;
}

Result<void> Customer::make_machine(const Machine& machine) {
    RETURN_IF_ERROR(make_interface(machine));
    return make_machine_on_interface(machine);
}

Result<void> Customer::make_interface(const Machine& machine) {
    cloud::WantedInterface interface {
        .subnet = subnet_name()
    };
    if (machine.is_public) {
        RETURN_IF_ERROR(put(address_name(machine.name), cloud::WantedAddress{}));
        interface.public_address = address_name(machine.name);
    }
    return put(interface_name(machine.name), interface);
}

Result<void> Customer::make_machine_on_interface(const Machine& machine) {
    ASSIGN_OR_RETURN(const auto identities, catalog().identities(group));
    return put(machine_name(machine.name),
               cloud::WantedMachine{.size = "Standard_B1s",
                                    .disk_gb = machine.disk_gb,
                                    .interface = interface_name(machine.name),
                                    .identity = identities.empty() ? "" : identities.front().id,
                                    .admin_user = "operator",
                                    .ssh_public_key = public_key,
                                    .user_data = machine.user_data});
}

std::string Customer::private_address(const std::string& machine) {
    const auto seen = read(interface_name(machine));
    return seen ? seen->private_ip : "";
}

std::string Customer::public_address(const std::string& machine) {
    const auto seen = read(address_name(machine));
    return seen ? seen->public_ip : "";
}

}  // namespace hopyard::tests
