#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/test_cloud.h"

namespace hopyard::localcloud::testing {
namespace {

const std::string compute = "/resourceGroups/g/providers/Microsoft.Compute/";
const std::string network = "/resourceGroups/g/providers/Microsoft.Network/";

std::string power(const Answer& view) {
    for (const Json& status : array_at(view.json(), "/statuses")) {
        const std::string code = text_at(status, "/code");
        if (code.starts_with("PowerState/")) return code.substr(11);
    }
    return "";
}

TEST(Machines, ACreatedMachineRunsOnTheHostWithItsAddressAndLimits) {
    TestCloud cloud;
    cloud.make_network();
    const std::string path = cloud.make_machine("m");
    const auto seen = cloud.get(path);
    EXPECT_EQ(seen.text("/properties/provisioningState"), "Succeeded");
    ASSERT_EQ(cloud.host.machines.size(), 1u);
    const MachineSpec spec = cloud.host.machines.begin()->second;
    EXPECT_EQ(spec.id, seen.text("/properties/vmId"));
    EXPECT_EQ(spec.name, "head");
    EXPECT_EQ(spec.memory_mb, 1024);
    EXPECT_EQ(spec.disk_gb, 32);
    EXPECT_EQ(spec.admin_user, "hopyard");
    EXPECT_TRUE(cloud.host.running.contains(spec.id));
    EXPECT_EQ(cloud.host.ports.begin()->second.address, "10.0.0.4");
    EXPECT_EQ(power(cloud.get(path + "/instanceView")), "running");
}

TEST(Machines, ACreationIsAnsweredBeforeItIsDoneAndItsStatusIsHeldUntilItEnds) {
    TestCloud cloud;
    cloud.make_network();
    const std::string interface = cloud.make_interface("nic");
    cloud.host.hold_starts();
    const auto made = cloud.put(compute + "virtualMachines/m", cloud.machine_body(interface));
    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(made.text("/properties/provisioningState"), "Creating");
    EXPECT_EQ(made.headers.get("retry-after"), "0");
    EXPECT_FALSE(made.headers.find("location"));
    const std::string status_url = made.headers.get("azure-asyncoperation");
    EXPECT_TRUE(status_url.starts_with(cloud.url() + "/subscriptions/")) << status_url;
    EXPECT_EQ(cloud.get(status_url).text("/status"), "InProgress");
    cloud.host.release();
    const auto end = cloud.follow(made);
    EXPECT_EQ(end.text("/status"), "Succeeded");
    EXPECT_FALSE(end.text("/endTime").empty());
}

TEST(Machines, SecretsOfAMachineAreShownOnlyWhereAzureShowsThem) {
    TestCloud cloud;
    cloud.make_network();
    const std::string path = cloud.make_machine("m");
    const std::string plain = to_text(cloud.get(path).json());
    EXPECT_EQ(plain.find(to_base64("first words")), std::string::npos);
    EXPECT_EQ(plain.find(to_base64("hello machine")), std::string::npos);
    EXPECT_EQ(cloud.get(path + "?$expand=userData").text("/properties/userData"),
              to_base64("hello machine"));
}

TEST(Machines, DeallocatingAndStartingFollowTheContractOfActions) {
    TestCloud cloud;
    cloud.make_network();
    const std::string path = cloud.make_machine("m");
    const auto stop = cloud.post(path + "/deallocate");
    EXPECT_EQ(stop.status, 202);
    EXPECT_TRUE(stop.headers.find("location"));
    EXPECT_EQ(cloud.follow(stop).text("/status"), "Succeeded");
    const auto result = cloud.get(stop.headers.get("location"));
    EXPECT_EQ(result.status, 200);
    EXPECT_EQ(power(cloud.get(path + "/instanceView")), "deallocated");
    EXPECT_TRUE(cloud.host.running.empty());
    EXPECT_EQ(cloud.follow(cloud.post(path + "/start")).text("/status"), "Succeeded");
    EXPECT_EQ(power(cloud.get(path + "/instanceView")), "running");
    EXPECT_EQ(cloud.host.running.size(), 1u);
}

TEST(Machines, DeletionTakesTheDiskAndLeavesTheInterfaceUnlessTold) {
    TestCloud cloud;
    cloud.make_network();
    const std::string path = cloud.make_machine("m");
    EXPECT_EQ(cloud.remove(network + "networkInterfaces/m-nic").code(), "NicInUse");
    const auto gone = cloud.remove(path);
    EXPECT_EQ(gone.status, 202);
    EXPECT_EQ(cloud.follow(gone).text("/status"), "Succeeded");
    EXPECT_EQ(cloud.get(path).code(), "ResourceNotFound");
    EXPECT_TRUE(array_at(cloud.get(compute + "disks").json(), "/value").empty());
    EXPECT_EQ(cloud.get(network + "networkInterfaces/m-nic").status, 200);
    EXPECT_TRUE(cloud.host.machines.empty());
    EXPECT_TRUE(cloud.host.ports.empty());
    EXPECT_EQ(cloud.remove(path).status, 204);
}

TEST(Machines, ASecondPutMustRepeatWhatCannotChange) {
    TestCloud cloud;
    cloud.make_network();
    const std::string interface = cloud.make_interface("nic");
    const std::string path = compute + "virtualMachines/m";
    Json body = cloud.machine_body(interface);
    cloud.follow(cloud.put(path, body));
    const auto again = cloud.put(path, body);
    EXPECT_EQ(again.status, 200) << again.message();
    EXPECT_EQ(cloud.follow(again).text("/status"), "Succeeded");
    body["properties"]["osProfile"]["customData"] = to_base64("other words");
    const auto refused = cloud.put(path, body);
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(refused.code(), "PropertyChangeNotAllowed");
    cloud.extra_header = "If-None-Match: *";
    EXPECT_EQ(cloud.put(path, cloud.machine_body(interface)).status, 412);
}

TEST(Machines, AFailedStartLeavesAFailedMachineAndSaysWhy) {
    TestCloud cloud;
    cloud.make_network();
    const std::string interface = cloud.make_interface("nic");
    cloud.host.fail_next_start(
        {.kind = ErrorKind::capacity_unavailable, .message = "the disk is full"});
    const auto made = cloud.put(compute + "virtualMachines/m", cloud.machine_body(interface));
    const auto end = cloud.follow(made);
    EXPECT_EQ(end.text("/status"), "Failed");
    EXPECT_EQ(end.code(), "AllocationFailed");
    EXPECT_NE(end.message().find("the disk is full"), std::string::npos);
    EXPECT_EQ(cloud.get(compute + "virtualMachines/m").text("/properties/provisioningState"),
              "Failed");
}

TEST(Machines, AMachineThatEndsByItselfIsStopped) {
    TestCloud cloud;
    cloud.make_network();
    const std::string path = cloud.make_machine("m");
    cloud.host.crash(cloud.get(path).text("/properties/vmId"));
    EXPECT_EQ(power(cloud.get(path + "/instanceView")), "stopped");
}

TEST(Machines, GpusAreGivenWhereTheyAreRehearsedOnly) {
    for (const bool rehearsed : {false, true}) {
        TestCloud cloud({.gpus = rehearsed});
        cloud.make_network();
        const auto answer =
            cloud.put(compute + "virtualMachines/m",
                      cloud.machine_body(cloud.make_interface("a"), "Standard_NC4as_T4_v3"));
        EXPECT_EQ(answer.status, rehearsed ? 201 : 409);
    }
}

TEST(Machines, AScarceSizeIsOfferedAndRefused) {
    TestCloud cloud({.scarce_sizes = {"standard_b1s"}});
    cloud.make_network();
    const auto refused = cloud.put(compute + "virtualMachines/m",
                                   cloud.machine_body(cloud.make_interface("a"), "Standard_B1s"));
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(refused.code(), "SkuNotAvailable");
    bool is_offered = false;
    const Json skus = cloud.get("/providers/Microsoft.Compute/skus").json();
    for (const Json& sku : array_at(skus, "/value"))
        if (text_at(sku, "/name") == "Standard_B1s")
            is_offered = array_at(sku, "/restrictions").empty();
    EXPECT_TRUE(is_offered);
}

TEST(Machines, TheQuotaIsRefusedInAzuresWords) {
    TestCloud cloud;
    cloud.make_network();
    const auto refused =
        cloud.put(compute + "virtualMachines/m",
                  cloud.machine_body(cloud.make_interface("a"), "Standard_E32s_v5"));
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(refused.code(), "SkuNotAvailable");
    for (int i = 0; i < 2; ++i) {
        const std::string name = "big" + std::to_string(i);
        cloud.follow(cloud.put(compute + "virtualMachines/" + name,
                               cloud.machine_body(cloud.make_interface(name), "Standard_D8_v3")));
    }
    const auto full =
        cloud.put(compute + "virtualMachines/third",
                  cloud.machine_body(cloud.make_interface("third"), "Standard_D8_v3"));
    EXPECT_EQ(full.status, 409);
    EXPECT_EQ(full.code(), "OperationNotAllowed");
    EXPECT_NE(full.message().find("exceeding approved Total Regional Memory (MB) quota"),
              std::string::npos);
    EXPECT_NE(full.message().find("Current Usage: 16384, Additional Required: 8192"),
              std::string::npos);
}

TEST(Machines, AWireConfigurationOfThreeMachinesFits) {
    TestCloud cloud;
    cloud.make_network();
    for (const std::string size : {"Standard_D8_v3", "Standard_D4_v3", "Standard_D4_v3"}) {
        static int number = 0;
        const std::string name = "m" + std::to_string(number++);
        const auto made = cloud.put(compute + "virtualMachines/" + name,
                                    cloud.machine_body(cloud.make_interface(name), size));
        EXPECT_EQ(made.status, 201) << made.message();
    }
}

TEST(Machines, AResizeOfADeallocatedMachineIsFeltAtItsNextStart) {
    TestCloud cloud;
    cloud.make_network();
    const std::string path = cloud.make_machine("m");
    cloud.follow(cloud.post(path + "/deallocate"));
    const auto resized = cloud.call(
        "PATCH", path, {{"properties", {{"hardwareProfile", {{"vmSize", "Standard_B2s"}}}}}});
    EXPECT_EQ(resized.status, 200);
    EXPECT_EQ(cloud.follow(resized).text("/status"), "Succeeded");
    EXPECT_TRUE(cloud.host.running.empty());
    cloud.follow(cloud.post(path + "/start"));
    EXPECT_EQ(cloud.host.machines.begin()->second.memory_mb, 4096);
}

TEST(Machines, ARestartOfTheProgramForgetsNothingAndFinishesWhatWasUnderWay) {
    TestCloud cloud;
    cloud.make_network();
    const std::string kept = cloud.make_machine("kept");
    const std::string stopped = cloud.make_machine("stopped");
    cloud.follow(cloud.post(stopped + "/deallocate"));
    cloud.host.fail_next_start({.kind = ErrorKind::unavailable, .message = "not yet"});
    const auto made = cloud.put(compute + "virtualMachines/late",
                                cloud.machine_body(cloud.make_interface("late")));
    cloud.follow(made);
    cloud.restart();
    EXPECT_EQ(cloud.host.recoveries, 2);
    EXPECT_EQ(power(cloud.get(kept + "/instanceView")), "running");
    EXPECT_EQ(power(cloud.get(stopped + "/instanceView")), "deallocated");
    EXPECT_TRUE(cloud.host.running.contains(cloud.get(kept).text("/properties/vmId")));
    EXPECT_EQ(cloud.get(made.headers.get("azure-asyncoperation")).text("/status"), "Failed");
}

TEST(Machines, MetadataKnowsTheCallerByNetworkAndAddressOnly) {
    TestCloud cloud;
    cloud.make_network();
    cloud.make_machine("m");
    ASSERT_EQ(cloud.host.listeners.size(), 1u);
    const std::string root =
        "http://127.0.0.1:" + std::to_string(cloud.host.listeners.begin()->second) + "/metadata/";
    const std::string data = root + "instance/compute/userData?api-version=2021-01-01&format=text";
    // The test's address is 127.0.0.1, which no machine has.
    EXPECT_EQ(cloud.raw({.url = data, .headers = {{"Metadata", "true"}}}).status, 404);
    EXPECT_EQ(cloud.raw({.url = data}).status, 400);
    EXPECT_EQ(
        cloud.raw({.url = data, .headers = {{"Metadata", "true"}, {"X-Forwarded-For", "10.0.0.4"}}})
            .status,
        400);
}

}  // namespace
}  // namespace hopyard::localcloud::testing
