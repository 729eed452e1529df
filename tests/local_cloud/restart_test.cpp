// What outlives the program, and what two of them have to do with each other.
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include "customer.h"
#include "localcloud/network/names.h"
#include "localcloud/network/namespaces.h"
#include "program.h"
#include "traces.h"

namespace hopyard::tests {
namespace {

namespace fs = std::filesystem;

void make_running_machine(Customer& customer, const std::string& name) {
    customer.make_network({{.name = "ssh", .ports = {"22"}}});
    const auto made = customer.make_machine({.name = name, .is_public = true});
    ASSERT_TRUE(made) << made.error().message;
}

std::string power_of(Customer& customer, const std::string& machine) {
    const auto seen = customer.read(machine_name(machine));
    if (!seen) return "absent";
    return seen->power == cloud::Power::running       ? "running"
           : seen->power == cloud::Power::deallocated ? "deallocated"
                                                      : "other";
}

TEST(Restart, AfterAKillFindsEverythingAndLetsMachinesRun) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    make_running_machine(customer, "one");
    ASSERT_TRUE(customer.storage().create_container({account, "data"}));
    ASSERT_TRUE(customer.storage().claim({account, "data"}, "inst/c-test"));
    const pid_t init = program.init_of("one");
    ASSERT_NE(init, 0);

    program.kill_hard();
    EXPECT_EQ(program.init_of("one"), init);
    EXPECT_EQ(program.run("status").code, 3);
    ASSERT_EQ(program.start(), "");
    EXPECT_EQ(program.run("status").code, 0);

    // The same client goes on: address, ids and credentials are those of before.
    EXPECT_EQ(power_of(customer, "one"), "running");
    EXPECT_EQ(program.init_of("one"), init);
    const auto facts = customer.storage().inspect({account, "data"});
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_TRUE(facts->exists);
    EXPECT_EQ(facts->claimed_by, "inst/c-test");
    EXPECT_EQ(program.inside("one", {"bash", "-c", "</dev/tcp/169.254.169.254/80"}).code, 0);
    EXPECT_TRUE(customer.settle(
        customer.cloud().power(machine_name("one"), cloud::PowerAction::deallocate)));
    EXPECT_EQ(program.init_of("one"), 0);
}

TEST(Restart, FinishesWhatWasUnderWayWhenItWasKilled) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    customer.make_network({});
    ASSERT_TRUE(
        customer.put(interface_name("one"), cloud::WantedInterface{.subnet = subnet_name()}));
    auto accepted =
        customer.cloud().put({.name = machine_name("one"),
                              .location = location,
                              .wanted = cloud::WantedMachine{.size = "Standard_B1s",
                                                             .interface = interface_name("one"),
                                                             .admin_user = "operator",
                                                             .ssh_public_key = public_key}});
    ASSERT_TRUE(accepted) << accepted.error().message;
    program.kill_hard();
    ASSERT_EQ(program.start(), "");
    const auto settled = customer.settle(std::move(accepted));
    EXPECT_TRUE(settled) << settled.error().message;
    EXPECT_EQ(power_of(customer, "one"), "running");
}

/// Repeats a repeatable request until it is done; the last failure otherwise.
std::string insist(const std::function<Result<void>()>& request) {
    std::string last;
    const bool done = eventually(
        [&] {
            const auto outcome = request();
            last = outcome ? "" : outcome.error().code + ": " + outcome.error().message;
            return outcome.has_value();
        },
        Milliseconds{30'000});
    return done ? "" : last;
}

TEST(Restart, AtAnyMomentOfALifeLosesAndDoublesNothing) {
    const char* given = std::getenv("HOPYARD_TEST_SEED");
    SystemRandom seeds;
    const auto seed = given ? std::strtoull(given, nullptr, 10) : below(seeds, 1'000'000);
    SCOPED_TRACE("HOPYARD_TEST_SEED=" + std::to_string(seed));
    SeededRandom random(seed);
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    customer.make_network({});
    for (int round = 0; round < 4; ++round) {
        const auto moment = static_cast<int>(below(random, 400));
        std::string restarted;
        {
            const std::jthread killer([&] {
                poll(nullptr, 0, moment);
                program.kill_hard();
                restarted = program.start();
            });
            EXPECT_EQ(insist([&] { return customer.make_machine({.name = "m"}); }), "");
            EXPECT_EQ(insist([&] { return customer.remove(machine_name("m")); }), "");
            EXPECT_EQ(insist([&] { return customer.remove(interface_name("m")); }), "");
        }
        ASSERT_EQ(restarted, "") << "killed after " << moment << " ms";
        EXPECT_FALSE(customer.read(machine_name("m")));
        EXPECT_EQ(program.init_of("m"), 0) << "killed after " << moment << " ms";
        EXPECT_TRUE(fs::is_empty(program.state() / "machines"));
        const localcloud::network::Names names{program.instance()};
        EXPECT_TRUE(localcloud::network::list_namespaces(names.port("")).empty());
    }
}

TEST(Restart, AfterDownBringsMachinesBackToTheirPowerState) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    make_running_machine(customer, "on");
    ASSERT_TRUE(customer.make_machine({.name = "off"}));
    ASSERT_TRUE(customer.settle(
        customer.cloud().power(machine_name("off"), cloud::PowerAction::deallocate)));
    EXPECT_EQ(program.inside("on", {"sh", "-c", "echo kept >/root/note"}).code, 0);

    const auto down = program.run("down");
    EXPECT_EQ(down.code, 0) << down.output;
    EXPECT_TRUE(eventually([&] { return traces_of(program.instance()).empty(); }))
        << testing::PrintToString(traces_of(program.instance()));
    program.kill_hard();  // collects what ended by itself
    ASSERT_EQ(program.start(), "");
    EXPECT_EQ(power_of(customer, "on"), "running");
    EXPECT_EQ(power_of(customer, "off"), "deallocated");
    EXPECT_EQ(program.inside("on", {"cat", "/root/note"}).output, "kept\n");
    EXPECT_EQ(program.init_of("off"), 0);
}

TEST(Restart, AfterPurgeThereIsNothing) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    make_running_machine(customer, "one");
    const std::string instance = program.instance();
    const auto down = program.run("down", {"--purge"});
    EXPECT_EQ(down.code, 0) << down.output;
    EXPECT_TRUE(eventually([&] { return traces_of(instance).empty(); }))
        << testing::PrintToString(traces_of(instance));
    EXPECT_FALSE(fs::exists(program.state()));
    const auto again = program.run("down");
    EXPECT_EQ(again.code, 0) << again.output;
    EXPECT_NE(again.output.find("nothing was ever started"), std::string::npos);
}

TEST(TwoClouds, RunSideBySideAndEndByThemselves) {
    Program left, right;
    ASSERT_EQ(left.start(), "");
    ASSERT_EQ(right.start(), "");
    Customer left_customer(left.cloud_file()), right_customer(right.cloud_file());
    left_customer.prepare();
    right_customer.prepare();
    make_running_machine(left_customer, "same");
    make_running_machine(right_customer, "same");
    EXPECT_NE(left_customer.public_address("same"), right_customer.public_address("same"));
    EXPECT_EQ(left_customer.private_address("same"), right_customer.private_address("same"));
    EXPECT_EQ(left.run("down", {"--purge"}).code, 0);
    EXPECT_EQ(power_of(right_customer, "same"), "running");
    EXPECT_NE(right.init_of("same"), 0);
}

TEST(BlobService, IsAnUnprivilegedUsersAndHoldsNoMountOfTheHost) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    make_running_machine(customer, "one");
    const fs::path service = "/proc/" + std::to_string(program.blob_service());
    struct stat facts {};
    ASSERT_EQ(stat((service / "environ").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_uid, 65534U);
    EXPECT_TRUE(fs::exists(service / "root/data/accounts"));
    EXPECT_FALSE(fs::exists(service / "root/var"));

    // When it is killed, another one has the same blobs.
    ASSERT_TRUE(customer.storage().create_container({account, "data"}));
    ASSERT_TRUE(customer.storage().claim({account, "data"}, "inst/c-test"));
    const pid_t before = program.blob_service();
    kill(before, SIGTERM);
    EXPECT_TRUE(eventually(
        [&] {
            const auto facts_now = customer.storage().inspect({account, "data"});
            return program.blob_service() != before && facts_now &&
                   facts_now->claimed_by == "inst/c-test";
        },
        Milliseconds{15'000}));
}

TEST(CloudFile, IsForItsOwnerAlone) {
    Program program({"--owner", "nobody"});
    ASSERT_EQ(program.start(), "");
    struct stat facts {};
    ASSERT_EQ(stat(program.cloud_file().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600U);
    EXPECT_EQ(facts.st_uid, 65534U);
    const auto config = azure::load_config(program.cloud_file());
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->kind, azure::Config::Kind::local);
    EXPECT_TRUE(config->options.machine_blob_endpoint.starts_with("https://169.254.169.254:"));
}

}  // namespace
}  // namespace hopyard::tests
