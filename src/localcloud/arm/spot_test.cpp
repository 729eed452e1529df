// Spot machines of the local cloud: what may be asked, what is shown, and how one is taken back.
#include <chrono>
#include <functional>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "localcloud/arm/test_cloud.h"

namespace hopyard::localcloud::testing {
namespace {

const std::string machine = "/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/m";

/// What is asked of the machine, with that said beside.
Json with(Json body, const Json& said) {
    body["properties"].update(said);
    return body;
}

Json plain_body(TestCloud& cloud) {
    cloud.make_network();
    return cloud.machine_body(cloud.make_interface("a"));
}

TEST(SpotMachines, AreShownAsTheyWereAskedFor) {
    TestCloud cloud;
    const Json plain = plain_body(cloud);
    const Json said = {{"priority", "Spot"},
                       {"evictionPolicy", "Delete"},
                       {"billingProfile", {{"maxPrice", 0.01538}}}};
    const Json body = with(plain, said);
    cloud.follow(cloud.put(machine, body));
    for (int i = 0; i < 2; ++i) {
        const Json shown = cloud.get(machine).json()["properties"];
        for (const auto& [name, value] : said.items()) EXPECT_EQ(shown[name], value) << name;
        EXPECT_EQ(cloud.put(machine, body).status, 200) << "the same again changes nothing";
    }
}

TEST(SpotMachines, AreRefusedInAzuresWordsWhereTheRequestContradictsItself) {
    struct Example {
        Json said;
        int status;
        std::string code;
    };
    const Json no_price = {{"maxPrice", 0}};
    const Json price = {{"maxPrice", -1}};
    const Example examples[] = {
        {{{"priority", "Cheap"}}, 400, "InvalidParameter"},
        {{{"evictionPolicy", "Delete"}},
         400,
         "EvictionPolicyCanBeSetOnlyOnAzureSpotVirtualMachines"},
        {{{"priority", "Regular"}, {"billingProfile", price}},
         400,
         "MaxPriceIsSupportedOnlyForAzureSpotVirtualMachines"},
        {{{"priority", "Spot"}, {"evictionPolicy", "Keep"}}, 400, "InvalidParameter"},
        {{{"priority", "Spot"}, {"billingProfile", no_price}}, 400, "MaxPriceValueInvalid"}};
    TestCloud cloud;
    const Json plain = plain_body(cloud);
    for (const Example& example : examples) {
        const Answer refused = cloud.put(machine, with(plain, example.said));
        EXPECT_EQ(refused.status, example.status) << example.said.dump();
        EXPECT_EQ(refused.code(), example.code) << example.said.dump();
    }
}

TEST(SpotMachines, StayWhatTheyWereMadeAs) {
    TestCloud cloud;
    const Json plain = plain_body(cloud);
    cloud.follow(cloud.put(machine, plain));
    const Answer refused = cloud.put(machine, with(plain, {{"priority", "Spot"}}));
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(refused.code(), "VMPriorityCannotBeApplied");
}

TEST(SpotMachines, OfAScarceSizeAreRefusedAndTheSameOnDemandIsGiven) {
    TestCloud cloud({.scarce_spot_sizes = {"standard_b1s"}});
    const Json plain = plain_body(cloud);
    const Answer refused = cloud.put(machine, with(plain, {{"priority", "Spot"}}));
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(refused.code(), "SkuNotAvailable");
    EXPECT_EQ(cloud.put(machine, plain).status, 201);
}

TEST(SpotMachines, CountForTheQuotaOfTheirOwn) {
    TestCloud cloud;
    const Json plain = plain_body(cloud);
    cloud.follow(cloud.put(machine, with(plain, {{"priority", "Spot"}})));
    const Json location = cloud.get(machine).json()["location"];
    const Json usages = cloud
                            .get("/providers/Microsoft.Compute/locations/" +
                                 location.get<std::string>() + "/usages")
                            .json();
    for (const Json& usage : array_at(usages, "/value")) {
        if (text_at(usage, "/name/value") != "lowPriorityCores") continue;
        EXPECT_EQ(usage["currentValue"], 1);
        EXPECT_GT(usage["limit"].get<int>(), 1);
        return;
    }
    ADD_FAILURE() << "there is no such quota";
}

TEST(Evictions, AreSimulatedOfSpotMachinesAlone) {
    TestCloud cloud;
    const Json plain = plain_body(cloud);
    EXPECT_EQ(cloud.post(machine + "/simulateEviction").status, 404);
    cloud.follow(cloud.put(machine, plain));
    const Answer refused = cloud.post(machine + "/simulateEviction");
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(refused.code(), "OperationNotAllowed");
    EXPECT_EQ(cloud.host.running.size(), 1u);
}

/// Until it is so: what an eviction does is done on another thread, and no operation tells of it.
bool comes_true(const std::function<bool()>& is_so) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

TEST(Evictions, DeleteTheMachineWithItsDiskOrDeallocateIt) {
    for (const std::string policy : {"Delete", "Deallocate", ""}) {
        TestCloud cloud;
        const Json plain = plain_body(cloud);
        Json said = {{"priority", "Spot"}};
        if (!policy.empty()) said["evictionPolicy"] = policy;
        cloud.follow(cloud.put(machine, with(plain, said)));
        const std::string disk =
            cloud.get(machine).text("/properties/storageProfile/osDisk/managedDisk/id");
        const std::string disk_path = disk.substr(disk.find("/resourceGroups/"));
        EXPECT_EQ(cloud.post(machine + "/simulateEviction").status, 204);
        if (policy == "Delete") {
            EXPECT_TRUE(comes_true([&] { return cloud.get(machine).status == 404; }));
            EXPECT_TRUE(cloud.host.running.empty());
            EXPECT_EQ(cloud.get(disk_path).status, 404);
            continue;
        }
        const auto is_deallocated = [&] {
            return cloud.get(machine + "/instanceView")
                       .json()
                       .dump()
                       .find("PowerState/deallocated") != std::string::npos;
        };
        EXPECT_TRUE(comes_true(is_deallocated)) << policy;
        EXPECT_TRUE(cloud.host.running.empty());
        EXPECT_EQ(cloud.get(machine).text("/properties/evictionPolicy"), "Deallocate");
        EXPECT_EQ(cloud.get(disk_path).status, 200);
    }
}

}  // namespace
}  // namespace hopyard::localcloud::testing
