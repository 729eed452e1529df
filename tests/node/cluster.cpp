#include "cluster.h"

#include <algorithm>
#include <iostream>

#include <crypt.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace hopyard::test {
namespace {

Orders base_orders(const std::string& node, SeededRandom& random) {
    return {.cluster = "c-test",
            .cluster_name = "test",
            .node = node,
            .is_head = node == "c-test-head",
            .workload_key = Secret(random_bytes(random, 128)),
            .users = {{.name = "ada", .uid = 2000, .password_hash = hash_of("correct horse")}},
            .head_address = head_address,
            .vcpus = 2,
            .memory_mb = 1024};
}

std::string fresh_directory() {
    static int count = 0;
    return isolated_directory() + "/" + std::to_string(++count);
}

}  // namespace

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

const nodewire::WorkloadNode* find(const Report& report, const std::string& name) {
    for (const auto& node : report.workload) {
        if (node.name == name) return &node;
    }
    return nullptr;
}

nodewire::WorkloadNode state_of(const Report& report, const std::string& name) {
    const auto* node = find(report, name);
    return node == nullptr ? nodewire::WorkloadNode{} : *node;
}

bool is_idle(const Report& report, const std::string& name) {
    const auto* node = find(report, name);
    return node != nullptr && node->state == "idle" && node->responding && !node->draining;
}

Cluster::Cluster() : directory(fresh_directory()), lab(directory), control(gateway) {
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

Cluster::~Cluster() {
    if (::testing::Test::HasFailure()) show();
}

void Cluster::add_worker(const std::string& name, Member::State state) {
    const auto address = address_of(name);
    orders.members.push_back(member(name, address, state));
    auto own = orders;
    own.node = name;
    own.is_head = false;
    own.page_key_pem = own.page_certificate_pem = Secret();
    own.workers.clear();
    orders.workers[name] = own;
    for (auto& [ignored, worker] : orders.workers) worker.members = orders.members;
    control.add_machine(address, name, "https://10.9.0.4:7443");
}

bool Cluster::start(const std::vector<std::string>& workers) {
    for (const auto& name : workers) add_worker(name, Member::State::member);
    control.set_orders(orders);
    const Stopwatch boot;
    lab.start("c-test-head", head_address);
    if (!sees([](const Report& report) { return report.services_ready; })) return false;
    std::cout << "head ready after " << boot.ms() << " ms\n";
    const Stopwatch joining;
    for (const auto& name : workers) lab.start(name, address_of(name));
    const bool joined = sees([&](const Report& report) {
        return std::all_of(workers.begin(), workers.end(), [&](const auto& name) {
            return is_idle(report, name);
        });
    });
    std::cout << workers.size() << " workers idle after " << joining.ms() << " ms\n";
    return joined;
}

void Cluster::set_state(const std::string& name, Member::State state, std::int64_t drain) {
    for (auto& each : orders.members) {
        if (each.name == name) each.state = state;
        if (each.name == name) each.drain = drain;
    }
    control.set_orders(orders);
}

void Cluster::show() {
    if (const auto report = control.report()) std::cerr << nodewire::to_json(*report) << "\n";
    for (const char* name : {"c-test-head", "w1", "w2"}) {
        std::cerr << "--- " << name << "\n"
                  << lab.file(name, "/var/log/hopyard-node.log")
                  << lab.file(name, "/var/log/slurm/slurmctld.log")
                  << lab.file(name, "/var/log/slurm/slurmd.log");
    }
}

}  // namespace hopyard::test
