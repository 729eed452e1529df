// What we send, byte for byte: a change here is a change of what Azure is asked for.
#include "azure/bodies.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "azure/test_transport.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using model::ResourceKind;
using Json = nlohmann::json;

const std::string group_path = "/subscriptions/sub-1/resourceGroups/group/providers/";
const std::vector<model::Tag> tags{{"team", "data"}, {"hopyard-cluster", "c-1"}};

Json body_of(cloud::ResourceName name, cloud::Wanted wanted, Options options = test_options()) {
    const auto body =
        request_body({std::move(name), "westeurope", tags, std::move(wanted)}, options);
    EXPECT_TRUE(body) << body.error().message;
    return Json::parse(*body);
}

Json expected(const std::string& text) {
    return Json::parse(text);
}

TEST(Bodies, ANetworkBringsItsSubnetsAndTheirGroup) {
    cloud::WantedNetwork wanted{.cidr = "10.1.0.0/16"};
    wanted.subnets = {{"nodes", "10.1.0.0/24", "sg"}, {"spare", "10.1.1.0/24", ""}};
    EXPECT_EQ(body_of({ResourceKind::virtual_network, "group", "", "net"}, wanted),
              expected(R"({
      "location":"westeurope","tags":{"team":"data","hopyard-cluster":"c-1"},
      "properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16"]},"subnets":[
        {"name":"nodes","properties":{"addressPrefix":"10.1.0.0/24","networkSecurityGroup":{"id":")" +
                       group_path + R"(Microsoft.Network/networkSecurityGroups/sg"}}},
        {"name":"spare","properties":{"addressPrefix":"10.1.1.0/24"}}]}})"));
}

TEST(Bodies, ASubnetHasNeitherLocationNorTags) {
    EXPECT_EQ(
        body_of({ResourceKind::subnet, "group", "net", "s"}, cloud::WantedSubnet{"10.1.2.0/24"}),
        expected(R"({"properties":{"addressPrefix":"10.1.2.0/24"}})"));
}

TEST(Bodies, OneSourceOrManyAreDifferentMembers) {
    cloud::WantedSecurityGroup wanted;
    wanted.rules = {{.name = "https",
                     .priority = 100,
                     .protocol = "tcp",
                     .sources = {"10.0.0.0/8", "192.0.2.0/24"},
                     .ports = {"443", "80"}},
                    {.name = "out",
                     .priority = 4096,
                     .inbound = false,
                     .allow = false,
                     .protocol = "*",
                     .sources = {"*", "10.0.0.0/8"},
                     .ports = {"22"}}};
    EXPECT_EQ(body_of({ResourceKind::security_group, "group", "", "sg"}, wanted), expected(R"({
      "location":"westeurope","tags":{"team":"data","hopyard-cluster":"c-1"},
      "properties":{"securityRules":[
       {"name":"https","properties":{"protocol":"Tcp","access":"Allow","direction":"Inbound",
        "priority":100,"sourcePortRange":"*","destinationAddressPrefix":"*",
        "sourceAddressPrefixes":["10.0.0.0/8","192.0.2.0/24"],
        "destinationPortRanges":["443","80"]}},
       {"name":"out","properties":{"protocol":"*","access":"Deny","direction":"Outbound",
        "priority":4096,"sourcePortRange":"*","destinationAddressPrefix":"*",
        "sourceAddressPrefix":"*","destinationPortRange":"22"}}]}})"));
}

TEST(Bodies, ARuleOfAForeignGroupStandsAlone) {
    EXPECT_EQ(body_of({ResourceKind::security_rule, "group", "sg", "r"},
                      cloud::WantedSecurityRule{{.name = "r",
                                                 .priority = 200,
                                                 .protocol = "udp",
                                                 .sources = {"VirtualNetwork"},
                                                 .ports = {"8000-8100"}}}),
              expected(R"({"properties":{"protocol":"Udp","access":"Allow","direction":"Inbound",
                "priority":200,"sourcePortRange":"*","destinationAddressPrefix":"*",
                "sourceAddressPrefix":"VirtualNetwork","destinationPortRange":"8000-8100"}})"));
}

TEST(Bodies, APublicAddressIsStandardAndStatic) {
    EXPECT_EQ(body_of({ResourceKind::public_address, "group", "", "a"}, cloud::WantedAddress{}),
              expected(R"({"location":"westeurope",
                "tags":{"team":"data","hopyard-cluster":"c-1"},"sku":{"name":"Standard"},
                "properties":{"publicIPAllocationMethod":"Static",
                              "publicIPAddressVersion":"IPv4"}})"));
}

TEST(Bodies, AnInterfaceRefersToWhatMayLieInAnotherGroup) {
    cloud::WantedInterface wanted{.subnet = {ResourceKind::subnet, "theirs", "net", "nodes"}};
    wanted.security_group = {ResourceKind::security_group, "group", "", "sg"};
    wanted.public_address = {ResourceKind::public_address, "group", "", "a"};
    const Json body = body_of({ResourceKind::network_interface, "group", "", "i"}, wanted);
    EXPECT_EQ(body["properties"],
              expected(R"({
      "ipConfigurations":[{"name":"primary","properties":{"primary":true,
        "privateIPAllocationMethod":"Dynamic",
        "subnet":{"id":"/subscriptions/sub-1/resourceGroups/theirs/providers/Microsoft.Network/virtualNetworks/net/subnets/nodes"},
        "publicIPAddress":{"id":")" +
                       group_path + R"(Microsoft.Network/publicIPAddresses/a"}}}],
      "networkSecurityGroup":{"id":")" +
                       group_path + R"(Microsoft.Network/networkSecurityGroups/sg"}})"));
}

TEST(Bodies, AMachineIsDebianWithItsKeyDataAndDisk) {
    cloud::WantedMachine wanted{.size = "Standard_D2s_v5", .disk_gb = 64};
    wanted.interface = {ResourceKind::network_interface, "group", "", "i"};
    wanted.identity = "/subscriptions/sub-1/x/userAssignedIdentities/id";
    wanted.admin_user = "ops";
    wanted.ssh_public_key = "ssh-ed25519 AAAA";
    wanted.user_data = "data";
    Options options = test_options();
    options.machine_setup = "#cloud-config\n";
    EXPECT_EQ(body_of(machine_n1, wanted, options),
              expected(R"({
      "location":"westeurope","tags":{"team":"data","hopyard-cluster":"c-1"},
      "identity":{"type":"UserAssigned","userAssignedIdentities":{
         "/subscriptions/sub-1/x/userAssignedIdentities/id":{}}},
      "properties":{
       "hardwareProfile":{"vmSize":"Standard_D2s_v5"},
       "storageProfile":{
        "imageReference":{"publisher":"Debian","offer":"debian-12","sku":"12-gen2",
                          "version":"latest"},
        "osDisk":{"createOption":"FromImage","caching":"ReadWrite","deleteOption":"Delete",
                  "diskSizeGB":64,"managedDisk":{"storageAccountType":"StandardSSD_LRS"}}},
       "osProfile":{"computerName":"n1","adminUsername":"ops","customData":"I2Nsb3VkLWNvbmZpZwo=",
        "linuxConfiguration":{"disablePasswordAuthentication":true,"ssh":{"publicKeys":[
          {"path":"/home/ops/.ssh/authorized_keys","keyData":"ssh-ed25519 AAAA"}]}}},
       "userData":"ZGF0YQ==",
       "networkProfile":{"networkInterfaces":[{"id":")" +
                       group_path +
                       R"(Microsoft.Network/networkInterfaces/i",
          "properties":{"primary":true,"deleteOption":"Detach"}}]}}})"));
}

TEST(Bodies, WhatIsNotGivenIsNotSent) {
    const Json body = body_of(machine_n1, cloud::WantedMachine{.size = "s"});
    EXPECT_FALSE(body.contains("identity"));
    EXPECT_FALSE(body["properties"].contains("userData"));
    EXPECT_FALSE(body["properties"]["osProfile"].contains("customData"));
}

TEST(Bodies, ASpotMachineSaysWhatItMayCostAndGoesWhenItIsTakenBack) {
    for (const double price : {0.07125, -1.0}) {
        const cloud::WantedMachine wanted{.size = "s", .max_spot_price = price};
        const Json properties = body_of(machine_n1, wanted)["properties"];
        EXPECT_EQ(properties["priority"], "Spot");
        EXPECT_EQ(properties["evictionPolicy"], "Delete");
        EXPECT_EQ(properties["billingProfile"], (Json{{"maxPrice", price}}));
    }
    const Json on_demand = body_of(machine_n1, cloud::WantedMachine{.size = "s"})["properties"];
    for (const char* name : {"priority", "evictionPolicy", "billingProfile"})
        EXPECT_FALSE(on_demand.contains(name)) << name;
}

TEST(Bodies, TheSameRequestGivesTheSameBytes) {
    const cloud::PutRequest request{machine_n1, "l", tags, cloud::WantedMachine{.size = "s"}};
    EXPECT_EQ(*request_body(request, test_options()), *request_body(request, test_options()));
}

TEST(Bodies, TooMuchMachineDataIsRefused) {
    cloud::WantedMachine wanted{.size = "s"};
    wanted.user_data.assign(64 * 1024, 'x');
    EXPECT_TRUE(request_body({machine_n1, "l", {}, wanted}, test_options()));
    wanted.user_data += 'x';
    const auto refused = request_body({machine_n1, "l", {}, wanted}, test_options());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument);
}

TEST(Bodies, ANameOfAnotherKindIsOurFault) {
    EXPECT_EQ(
        request_body({machine_n1, "l", {}, cloud::WantedAddress{}}, test_options()).error().kind,
        ErrorKind::internal);
}

TEST(Bodies, NamesCannotLeaveTheirPlaceInTheAddress) {
    TestCloud cloud;
    cloud.answer_with({reply(204)});
    EXPECT_TRUE(cloud.cloud().remove({ResourceKind::machine, "a/../b?", "", "x/y#"}));
    EXPECT_NE(cloud.manager.last().url.find("/resourceGroups/a%2F..%2Fb%3F/"), std::string::npos);
    EXPECT_NE(cloud.manager.last().url.find("/virtualMachines/x%2Fy%23?"), std::string::npos);
}

}  // namespace
}  // namespace hopyard::azure
