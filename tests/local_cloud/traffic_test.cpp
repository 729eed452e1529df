// What the life of a cluster does not ask for, so that the validator of traffic sees it too: every
// look-up, parts of networks and groups that are the user's, and refusals.
#include <gtest/gtest.h>

#include "customer.h"
#include "program.h"

namespace hopyard::tests {
namespace {

template <class T>
void expect_some(const Result<std::vector<T>>& found, const char* what) {
    ASSERT_TRUE(found) << what << ": " << found.error().message;
    EXPECT_FALSE(found->empty()) << what;
}

TEST(Traffic, OfTheCatalogIsAnsweredWhole) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    customer.make_network({{.name = "ssh", .ports = {"22"}}});
    auto& catalog = customer.catalog();
    expect_some(catalog.locations(), "locations");
    expect_some(catalog.groups(), "groups");
    expect_some(catalog.sizes(location), "sizes");
    expect_some(catalog.usages(location), "usages");
    expect_some(catalog.ssh_keys(group), "keys");
    expect_some(catalog.accounts(), "accounts");
    expect_some(catalog.networks(), "networks");
    expect_some(catalog.security_groups(group), "security groups");
    expect_some(catalog.own_permissions(group), "own permissions");
    const auto identities = catalog.identities(group);
    expect_some(identities, "identities");
    ASSERT_FALSE(HasFailure());
    const auto accounts = catalog.accounts();
    const auto rights =
        catalog.permissions_of(identities->front().principal_id, accounts->front().id);
    expect_some(rights, "the identity's permissions");
    EXPECT_TRUE(cloud::allows_data(
        *rights, "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"));
}

TEST(Traffic, OfPartsThatAreMadeInWhatIsTheUsers) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    customer.make_network({});
    const ResourceName subnet{ResourceKind::subnet, group, "net", "more"};
    const ResourceName rule{ResourceKind::security_rule, group, "rules", "web"};
    const auto added = customer.put(subnet, cloud::WantedSubnet{.cidr = "10.20.2.0/24"});
    EXPECT_TRUE(added) << added.error().message;
    const auto opened = customer.put(
        rule,
        cloud::WantedSecurityRule{.rule = {.name = "web", .priority = 200, .ports = {"443"}}});
    EXPECT_TRUE(opened) << opened.error().message;
    for (const auto& name : {subnet, rule}) {
        EXPECT_TRUE(customer.read(name)) << name.name;
        EXPECT_TRUE(customer.remove(name)) << name.name;
        EXPECT_FALSE(customer.read(name)) << name.name;
    }
}

TEST(Traffic, OfASpotMachineIsAnsweredWhole) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    customer.make_network({});
    ASSERT_TRUE(customer.put(interface_name("a"), cloud::WantedInterface{.subnet = subnet_name()}));
    const auto made = customer.put(machine_name("a"),
                                   cloud::WantedMachine{.size = "Standard_B1s",
                                                        .interface = interface_name("a"),
                                                        .admin_user = "operator",
                                                        .ssh_public_key = public_key,
                                                        .max_spot_price = 0.02});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(customer.read(machine_name("a")));
    for (const auto& name : {machine_name("a"), interface_name("a")})
        EXPECT_TRUE(customer.remove(name)) << name.name;
}

TEST(Traffic, OfRefusalsIsUnderstood) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    customer.make_network({});
    const auto machine = [](const std::string& size, const std::string& interface) {
        return cloud::WantedMachine{.size = size,
                                    .interface = interface_name(interface),
                                    .admin_user = "operator",
                                    .ssh_public_key = public_key};
    };
    const auto kind_of = [](const Result<void>& outcome) {
        return outcome ? "success" : std::string(to_string(outcome.error().kind));
    };
    // An interface that is not there (yet), a size that does not exist, a network that is in use,
    // and a size beyond this host.
    EXPECT_EQ(kind_of(customer.put(machine_name("a"), machine("Standard_B1s", "none"))),
              "conflict");
    ASSERT_TRUE(customer.put(interface_name("a"), cloud::WantedInterface{.subnet = subnet_name()}));
    EXPECT_EQ(kind_of(customer.put(machine_name("a"), machine("Standard_None", "a"))),
              "invalid_argument");
    EXPECT_EQ(kind_of(customer.remove(network_name())), "conflict");
    EXPECT_EQ(kind_of(customer.put(machine_name("a"), machine("Standard_E32s_v5", "a"))),
              "capacity_unavailable");
    EXPECT_FALSE(customer.read(machine_name("a")));
}

}  // namespace
}  // namespace hopyard::tests
