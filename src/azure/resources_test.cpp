#include <gtest/gtest.h>

#include "azure/resource_ids.h"
#include "azure/test_transport.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using model::ResourceKind;

std::string vm_item(const std::string& group, const std::string& name, const std::string& rest) {
    return R"({"id":"/subscriptions/sub-1/resourceGroups/)" + group +
           R"(/providers/Microsoft.Compute/virtualMachines/)" + name + R"(","name":")" + name +
           R"(","type":"Microsoft.Compute/virtualMachines","location":"West Europe")" + rest + "}";
}

TEST(Resources, RemovingWhatIsNotThereSucceeds) {
    for (const char* code : {"ResourceNotFound", "ResourceGroupNotFound", "NotFound"}) {
        TestCloud cloud;
        cloud.answer_with({refusal(404, code)});
        EXPECT_TRUE(cloud.cloud().remove(machine_n1));
    }
    TestCloud cloud;
    cloud.answer_with({refusal(404, "SubscriptionNotFound")});
    EXPECT_FALSE(cloud.cloud().remove(machine_n1))
        << "the subscription says nothing of the machine";
}

TEST(Resources, ReadingSaysAbsentOnlyWhenTheCloudDoes) {
    TestCloud cloud;
    cloud.answer_with({refusal(404, "ResourceNotFound"),
                       reply(404, "<html>"),
                       refusal(404, "SubscriptionNotFound"),
                       refusal(403, "AuthorizationFailed"),
                       reply(503)});
    const auto absent = cloud.cloud().read(machine_n1);
    ASSERT_TRUE(absent);
    EXPECT_FALSE(absent->has_value());
    for (int i = 0; i < 4; ++i) EXPECT_FALSE(cloud.cloud().read(machine_n1));
}

TEST(Resources, AMachineIsReadWithItsPower) {
    TestCloud cloud;
    cloud.answer_with({reply(200, vm_item("GROUP", "N1", R"(,"tags":{"a":"b"},"properties":{
        "vmId":"id-1","provisioningState":"Succeeded","timeCreated":"2026-11-24T01:00:00.1234567+00:00",
        "hardwareProfile":{"vmSize":"S"},"storageProfile":{"osDisk":{"name":"d"}},
        "instanceView":{"statuses":[{"code":"ProvisioningState/succeeded"},
                                    {"code":"PowerState/running"}]}})"))});
    const auto seen = cloud.cloud().read(machine_n1);
    ASSERT_TRUE(seen && *seen);
    EXPECT_NE(cloud.manager.last().url.find("$expand=instanceView"), std::string::npos);
    EXPECT_EQ((*seen)->name, machine_n1) << "as it was asked for";
    EXPECT_EQ((*seen)->power, cloud::Power::running);
    EXPECT_EQ((*seen)->machine_id, "id-1");
    EXPECT_EQ((*seen)->disk, "d");
    EXPECT_EQ((*seen)->created_at, from_rfc3339("2026-11-24T01:00:00.123Z"));
    EXPECT_EQ((*seen)->tags, (std::vector<model::Tag>{{"a", "b"}}));
}

TEST(Resources, AFailedMachineSaysWhy) {
    TestCloud cloud;
    cloud.answer_with({reply(200, vm_item("group", "n1", R"(,"properties":{
        "provisioningState":"Failed","instanceView":{"statuses":[
         {"code":"ProvisioningState/failed/AllocationFailed","message":"no room"}]}})"))});
    const auto seen = cloud.cloud().read(machine_n1);
    ASSERT_TRUE(seen && *seen);
    EXPECT_EQ((*seen)->provisioning, cloud::Provisioning::failed);
    ASSERT_TRUE((*seen)->failure);
    EXPECT_EQ((*seen)->failure->kind, ErrorKind::capacity_unavailable);
}

TEST(Resources, TheListJoinsPowerAndKeepsOurSpelling) {
    TestCloud cloud;
    cloud.answer_with({refusal(404, "ResourceNotFound")});
    ASSERT_TRUE(cloud.cloud().read({ResourceKind::machine, "Team-Group", "", "n1"}));
    const std::string page =
        R"({"value":[)" +
        vm_item("TEAM-GROUP",
                "n1",
                R"(,"provisioningState":"Failed","createdTime":"2026-11-24T01:00:00Z")") +
        R"(,{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/x"},)" +
        R"({"id":"/subscriptions/s/resourcegroups/g/providers/microsoft.network/networkinterfaces/i1"},7]})";
    const std::string power = R"({"value":[)" +
                              vm_item("team-group", "n1", R"(,"properties":{"instanceView":{
           "statuses":[{"code":"PowerState/deallocated"}]}})") +
                              "]}";
    cloud.answer_with({reply(200, page), reply(200, power)});
    const auto listing = cloud.cloud().list(InstallationId("in'st"));
    ASSERT_TRUE(listing) << listing.error().message;
    ASSERT_EQ(listing->resources.size(), 2u);
    const cloud::Seen& machine = listing->resources[0];
    EXPECT_EQ(machine.name, (cloud::ResourceName{ResourceKind::machine, "Team-Group", "", "n1"}));
    EXPECT_EQ(machine.power, cloud::Power::deallocated);
    EXPECT_EQ(machine.provisioning, cloud::Provisioning::failed);
    EXPECT_TRUE(machine.created_at);
    EXPECT_EQ(listing->resources[1].name.kind, ResourceKind::network_interface);
    const std::string query = percent_decode(cloud.manager.requests[1].url);
    EXPECT_NE(query.find("$filter=tagName eq 'hopyard-installation' and tagValue eq 'in''st'"),
              std::string::npos);
    EXPECT_NE(cloud.manager.last().url.find("statusOnly=true"), std::string::npos);
}

TEST(Resources, AListThatIsCutShortIsAnErrorNotAShortList) {
    TestCloud cloud;
    cloud.answer_with(
        {reply(200, R"({"value":[],"nextLink":"https://management.azure.com/n"})"), reply(503)});
    EXPECT_FALSE(cloud.cloud().list(InstallationId("i")));
}

TEST(Resources, PowerAndSizeAreActions) {
    TestCloud cloud;
    cloud.answer_with({reply(202, "", {{"Location", "/op"}})});
    EXPECT_TRUE(cloud.cloud().power(machine_n1, cloud::PowerAction::deallocate)->operation);
    EXPECT_EQ(cloud.manager.last().method, "POST");
    EXPECT_NE(cloud.manager.last().url.find("/virtualMachines/n1/deallocate?"), std::string::npos);
    EXPECT_TRUE(cloud.cloud().resize(machine_n1, "S2")->operation);
    EXPECT_EQ(cloud.manager.last().method, "PATCH");
    EXPECT_EQ(cloud.manager.last().body, R"({"properties":{"hardwareProfile":{"vmSize":"S2"}}})");
}

TEST(Resources, IdsAreReadWithoutCase) {
    const auto rule = name_of(
        "/SUBSCRIPTIONS/s/resourcegroups/G/Providers/microsoft.network/"
        "networksecuritygroups/sg/SecurityRules/r");
    EXPECT_EQ(rule, (cloud::ResourceName{ResourceKind::security_rule, "G", "sg", "r"}));
    for (const char* wrong : {"",
                              "/",
                              "x",
                              "/subscriptions/s/resourceGroups/g",
                              "/subscriptions/s/resourceGroups/g/providers/A/b/c"})
        EXPECT_EQ(name_of(wrong), std::nullopt) << wrong;
}

TEST(Resources, IdsAndNamesAreInverse) {
    for (const ResourceKind kind : {ResourceKind::virtual_network,
                                    ResourceKind::subnet,
                                    ResourceKind::security_group,
                                    ResourceKind::security_rule,
                                    ResourceKind::public_address,
                                    ResourceKind::network_interface,
                                    ResourceKind::machine,
                                    ResourceKind::disk}) {
        const bool is_child = kind == ResourceKind::subnet || kind == ResourceKind::security_rule;
        const cloud::ResourceName name{kind, "my group", is_child ? "parent" : "", "n(1)"};
        EXPECT_EQ(name_of(resource_id("s", name)), name);
    }
}

}  // namespace
}  // namespace hopyard::azure
