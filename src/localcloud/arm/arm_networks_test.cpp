// Parts of networks and security groups that are made one by one.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "localcloud/arm/test_cloud.h"

namespace hopyard::localcloud {
namespace {

using testing::TestCloud;

const std::string network = "/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n";
const std::string rules = "/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/r";

TEST(Networks, ASubnetMadeByItselfIsShownAndBelongsToItsNetwork) {
    TestCloud cloud;
    cloud.make_network();
    const Json body = {{"properties", {{"addressPrefix", "10.0.1.0/24"}}}};
    const auto made = cloud.put(network + "/subnets/more", body);
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(made.text("/name"), "more");
    EXPECT_EQ(made.text("/id"), cloud.id(network + "/subnets/more"));
    EXPECT_EQ(cloud.put(network + "/subnets/more", body).status, 200);
    const auto seen = cloud.get(network + "/subnets/more");
    EXPECT_EQ(seen.status, 200);
    EXPECT_EQ(seen.text("/properties/addressPrefix"), "10.0.1.0/24");
    EXPECT_EQ(array_at(cloud.get(network).json(), "/properties/subnets").size(), 2U);
    cloud.follow(cloud.remove(network + "/subnets/more"));
    EXPECT_EQ(cloud.get(network + "/subnets/more").status, 404);
    EXPECT_EQ(cloud.get(network + "/subnets/s").status, 200);
}

TEST(Networks, ARuleMadeByItselfIsShownAndBelongsToItsGroup) {
    TestCloud cloud;
    cloud.make_network();
    cloud.follow(cloud.put(rules, {{"location", "westeurope"}, {"properties", Json::object()}}));
    const Json body = {{"properties",
                        {{"priority", 200},
                         {"direction", "Inbound"},
                         {"access", "Allow"},
                         {"protocol", "Tcp"},
                         {"sourceAddressPrefix", "*"},
                         {"sourcePortRange", "*"},
                         {"destinationAddressPrefix", "*"},
                         {"destinationPortRange", "443"}}}};
    const auto made = cloud.put(rules + "/securityRules/web", body);
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(made.text("/properties/destinationPortRange"), "443");
    EXPECT_EQ(cloud.get(rules + "/securityRules/web").text("/name"), "web");
    EXPECT_EQ(array_at(cloud.get(rules).json(), "/properties/securityRules").size(), 1U);
    cloud.follow(cloud.remove(rules + "/securityRules/web"));
    EXPECT_EQ(cloud.get(rules + "/securityRules/web").status, 404);
}

}  // namespace
}  // namespace hopyard::localcloud
