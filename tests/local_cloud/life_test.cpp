// The whole life of a small cluster's resources, from an empty cloud to an empty cloud.
#include <cstdio>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "customer.h"
#include "localcloud/network/names.h"
#include "program.h"
#include "traces.h"

namespace hopyard::tests {
namespace {

using cloud::Power;

const cloud::ContainerName container{account, "cluster-data"};

std::vector<cloud::SecurityRule> ssh_only() {
    return {{.name = "ssh", .priority = 110, .ports = {"22"}}};
}

std::string why(const Result<void>& outcome) {
    return outcome ? "" : outcome.error().code + ": " + outcome.error().message;
}

/// Milliseconds that the work took.
template <class Work>
long time_of(const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - start)
        .count();
}

void expect_power(Customer& customer, const std::string& machine, Power power) {
    const auto seen = customer.read(machine_name(machine));
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->provisioning, cloud::Provisioning::succeeded);
    EXPECT_EQ(seen->power, power);
}

void use_the_container(Customer& customer) {
    auto& storage = customer.storage();
    ASSERT_TRUE(storage.create_container(container));
    const auto fresh = storage.inspect(container);
    ASSERT_TRUE(fresh) << fresh.error().message;
    EXPECT_TRUE(fresh->exists && fresh->empty && fresh->claimed_by.empty());
    EXPECT_EQ(why(storage.claim(container, "inst/c-test")), "");
    EXPECT_EQ(why(storage.claim(container, "inst/c-test")), "");
    const auto other = storage.claim(container, "inst/c-other");
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, "container_claimed");
}

/// The list by tag holds what was made, and the disk that came with the machine.
void expect_listed(Customer& customer, std::set<std::pair<ResourceKind, std::string>> wanted) {
    const auto listing = customer.cloud().list(customer.installation());
    ASSERT_TRUE(listing) << listing.error().message;
    std::set<std::pair<ResourceKind, std::string>> seen;
    for (const auto& resource : listing->resources)
        seen.emplace(resource.name.kind,
                     resource.name.kind == ResourceKind::disk ? "" : resource.name.name);
    EXPECT_EQ(seen, wanted);
}

/// What networks, ports and machines leave: all but the hub, which stays with the program.
std::vector<std::string> traces_of_resources(const std::string& instance) {
    const localcloud::network::Names names{instance};
    std::vector<std::string> found;
    for (const auto& trace : traces_of(instance))
        for (const auto& prefix : {names.network(""), names.port(""), names.machine("")})
            if (trace.find(prefix) != std::string::npos) found.push_back(trace);
    return found;
}

TEST(Life, OfAClusterLeavesNothingBehind) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    ASSERT_FALSE(HasFailure());
    use_the_container(customer);
    customer.make_network(ssh_only());

    const auto wired = customer.make_interface({.name = "head", .is_public = true});
    ASSERT_EQ(why(wired), "");
    const long made_in =
        time_of([&] { ASSERT_EQ(why(customer.make_machine_on_interface({.name = "head"})), ""); });
    EXPECT_LT(made_in, 2'000);
    // A look is answered when the state changes, a second later at most: few are needed.
    EXPECT_LE(customer.looks(), 3);
    expect_power(customer, "head", Power::running);
    EXPECT_NE(program.init_of("head"), 0);
    expect_listed(customer,
                  {{ResourceKind::virtual_network, "net"},
                   {ResourceKind::security_group, "rules"},
                   {ResourceKind::public_address, "head-ip"},
                   {ResourceKind::network_interface, "head-nic"},
                   {ResourceKind::machine, "head"},
                   {ResourceKind::disk, ""}});

    // What was written survives power off, another size and power on.
    EXPECT_EQ(program.inside("head", {"sh", "-c", "echo kept >/root/note"}).code, 0);
    auto& cloud = customer.cloud();
    const auto head = machine_name("head");
    const long stopped_in = time_of([&] {
        EXPECT_EQ(why(customer.settle(cloud.power(head, cloud::PowerAction::deallocate))), "");
    });
    expect_power(customer, "head", Power::deallocated);
    EXPECT_EQ(program.init_of("head"), 0);
    EXPECT_EQ(why(customer.settle(cloud.resize(head, "Standard_B2s"))), "");
    const long started_in = time_of(
        [&] { EXPECT_EQ(why(customer.settle(cloud.power(head, cloud::PowerAction::start))), ""); });
    expect_power(customer, "head", Power::running);
    EXPECT_EQ(customer.read(head)->size, "Standard_B2s");
    EXPECT_EQ(program.inside("head", {"cat", "/root/note"}).output, "kept\n");
    EXPECT_EQ(why(customer.settle(cloud.power(head, cloud::PowerAction::restart))), "");
    printf(
        "made in %ld ms, stopped in %ld ms, started in %ld ms\n", made_in, stopped_in, started_in);

    for (const auto& name :
         {head, interface_name("head"), address_name("head"), network_name(), rules_name()}) {
        EXPECT_EQ(why(customer.remove(name)), "") << name.name;
        EXPECT_FALSE(customer.read(name)) << name.name;
        EXPECT_EQ(why(customer.remove(name)), "") << name.name << " a second time";
    }
    const auto listing = customer.cloud().list(customer.installation());
    ASSERT_TRUE(listing);
    for (const auto& left : listing->resources)
        if (left.name.kind == ResourceKind::disk) {
            EXPECT_EQ(why(customer.remove(left.name)), "");
        }
    expect_listed(customer, {});
    EXPECT_TRUE(eventually([&] { return traces_of_resources(program.instance()).empty(); }))
        << testing::PrintToString(traces_of_resources(program.instance()));
    EXPECT_TRUE(std::filesystem::is_empty(program.state() / "machines"));
    EXPECT_EQ(program.run("down").code, 0);
    EXPECT_TRUE(eventually([&] { return traces_of(program.instance()).empty(); }));
}

TEST(Life, OfTenMachinesMayBeginAtOnce) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    customer.make_network(ssh_only());
    std::vector<Result<cloud::Accepted>> accepted;
    for (int i = 0; i < 10; ++i)
        ASSERT_EQ(why(customer.put(interface_name("w" + std::to_string(i)),
                                   cloud::WantedInterface{.subnet = subnet_name()})),
                  "");
    for (int i = 0; i < 10; ++i) {
        const std::string name = "w" + std::to_string(i);
        accepted.push_back(customer.cloud().put(
            {.name = machine_name(name),
             .location = location,
             .tags = {{cloud::tag::installation, customer.installation().value}},
             .wanted = cloud::WantedMachine{.size = "Standard_B1s",
                                            .interface = interface_name(name),
                                            .admin_user = "operator",
                                            .ssh_public_key = public_key}}));
    }
    for (auto& one : accepted) EXPECT_EQ(why(customer.settle(std::move(one))), "");
    for (int i = 0; i < 10; ++i) expect_power(customer, "w" + std::to_string(i), Power::running);
}

}  // namespace
}  // namespace hopyard::tests
