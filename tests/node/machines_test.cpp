// One head and two workers, real in all but the cloud, from boot to power off.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include <crypt.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "base/random.h"
#include "control_plane.h"
#include "lab.h"

namespace hopyard::test {
namespace {

using nodewire::Member;
using nodewire::Orders;
using nodewire::Report;

constexpr const char* head_address = "10.9.0.4";

Member member(const std::string& name, const std::string& address, Member::State state) {
    return {.name = name,
            .is_head = name == "c-test-head",
            .address = address,
            .vcpus = 2,
            .memory_mb = 1024,
            .state = state};
}

std::string hash_of(const std::string& password) {
    crypt_data data{};
    return crypt_r(password.c_str(), "$6$testtest$", &data);
}

Orders base_orders(const std::string& node, SeededRandom& random) {
    return {.cluster = "c-test",
            .cluster_name = "test",
            .node = node,
            .is_head = node == "c-test-head",
            .munge_key = Secret(random_bytes(random, 128)),
            .users = {{.name = "ada", .uid = 2000, .password_hash = hash_of("correct horse")}},
            .head_address = head_address,
            .vcpus = 2,
            .memory_mb = 1024};
}

const nodewire::WorkloadNode* find(const Report& report, const std::string& name) {
    for (const auto& node : report.workload) {
        if (node.name == name) return &node;
    }
    return nullptr;
}

bool is_idle(const Report& report, const std::string& name) {
    const auto* node = find(report, name);
    return node != nullptr && node->state == "idle" && node->responding && !node->draining;
}

class Cluster {
  public:
    Cluster() : lab(isolated_directory()), control(gateway) {
        control.set_head_token("one-time");
        SeededRandom random(7);
        orders = base_orders("c-test-head", random);
        const auto page = control.issue("page", head_address);
        orders.page_certificate_pem = Secret(page.certificate_pem);
        orders.page_key_pem = page.private_key_pem;
        orders.members = {member("c-test-head", head_address, Member::State::member)};
        auto big = member("c-test-type-big", "", Member::State::expected);
        big.vcpus = 16;
        orders.placeholders = {big};
        control.add_machine(head_address, "c-test-head", "https://10.9.0.1:8443");
    }

    void add_worker(const std::string& name, const std::string& address) {
        orders.members.push_back(member(name, address, Member::State::member));
        auto own = orders;
        own.node = name;
        own.is_head = false;
        own.page_key_pem = own.page_certificate_pem = Secret();
        own.workers.clear();
        orders.workers[name] = own;
        for (auto& [ignored, worker] : orders.workers) worker.members = orders.members;
        control.add_machine(address, name, "https://10.9.0.4:7443");
    }

    void set_state(const std::string& name, Member::State state) {
        for (auto& each : orders.members) {
            if (each.name == name) each.state = state;
        }
        control.set_orders(orders);
    }

    Lab lab;
    ControlPlane control;
    Orders orders;
};

class Stopwatch {
  public:
    long ms() const {
        return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begin_)
            .count();
    }

  private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

void show(Cluster& cluster) {
    if (const auto report = cluster.control.report()) {
        std::cerr << nodewire::to_json(*report) << "\n";
    }
    for (const char* name : {"c-test-head", "w1", "w2"}) {
        std::cerr << "--- " << name << "\n"
                  << cluster.lab.file(name, "/var/log/hopyard-node.log")
                  << cluster.lab.file(name, "/var/log/slurm/slurmctld.log")
                  << cluster.lab.file(name, "/var/log/slurm/slurmd.log");
    }
}

TEST(Machines, BecomeAClusterThatRunsJobsDrainsAndStopsInOrder) {
    Cluster cluster;
    cluster.add_worker("w1", "10.9.0.5");
    cluster.add_worker("w2", "10.9.0.6");
    cluster.control.set_orders(cluster.orders);
    const Stopwatch boot;
    cluster.lab.start("c-test-head", head_address);
    const bool head_ready = cluster.control.wait_for(
        [](const Report& report) { return report.services_ready; }, Milliseconds(20'000));
    std::cout << "head ready after " << boot.ms() << " ms\n";
    if (!head_ready) show(cluster);
    ASSERT_TRUE(head_ready);

    const Stopwatch joining;
    cluster.lab.start("w1", "10.9.0.5");
    cluster.lab.start("w2", "10.9.0.6");
    const bool joined = cluster.control.wait_for(
        [](const Report& report) { return is_idle(report, "w1") && is_idle(report, "w2"); },
        Milliseconds(20'000));
    std::cout << "two workers idle after " << joining.ms() << " ms\n";
    if (!joined) show(cluster);
    ASSERT_TRUE(joined);

    EXPECT_EQ(cluster.lab.run("c-test-head", "ada", "srun -N2 hostname | sort"), "w1\nw2\n");
    std::this_thread::sleep_for(std::chrono::seconds(0));
    cluster.lab.run("c-test-head", "ada", "sbatch -N2 --wrap 'srun sleep 3'");
    EXPECT_TRUE(cluster.control.wait_for(
        [](const Report& report) { return report.jobs_running == 1; }, Milliseconds(5'000)));

    cluster.set_state("w1", Member::State::draining);
    EXPECT_TRUE(cluster.control.wait_for(
        [](const Report& report) { return find(report, "w1")->draining; }, Milliseconds(5'000)));
    EXPECT_FALSE(find(*cluster.control.report(), "w1")->drained);
    EXPECT_TRUE(cluster.control.wait_for(
        [](const Report& report) { return find(report, "w1")->drained; }, Milliseconds(15'000)));
    cluster.set_state("w1", Member::State::removed);
    EXPECT_TRUE(cluster.control.wait_for(
        [](const Report& report) { return find(report, "w1") == nullptr; }, Milliseconds(5'000)));

    const Stopwatch stopping;
    EXPECT_TRUE(cluster.lab.stop("w2", Milliseconds(10'000)));
    EXPECT_TRUE(cluster.lab.stop("c-test-head", Milliseconds(10'000)));
    std::cout << "stopped after " << stopping.ms() << " ms\n";
    if (::testing::Test::HasFailure()) show(cluster);
}

}  // namespace
}  // namespace hopyard::test

int main(int count, char** arguments) {
    if (hopyard::test::isolated_directory().empty()) {
        return hopyard::test::run_isolated(arguments);
    }
    ::testing::InitGoogleTest(&count, arguments);
    return RUN_ALL_TESTS();
}
