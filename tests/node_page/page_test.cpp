// From signing in to the output of a job that ran on two machines, over the head's page alone.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>

#include <crypt.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/random.h"
#include "blob_server.h"
#include "control_plane.h"
#include "http/transport.h"
#include "lab.h"
#include "node/metadata.h"

namespace hopyard::test {
namespace {

using nlohmann::json;
using nodewire::Member;
using nodewire::Orders;
using nodewire::Report;
using Steady = std::chrono::steady_clock;

constexpr const char* head_address = "10.9.0.4";

std::string hash_of(const std::string& password) {
    crypt_data data{};
    return crypt_r(password.c_str(), "$6$testtest$", &data);
}

Member member(const std::string& name, const std::string& address) {
    return {.name = name,
            .is_head = name == "page-head",
            .address = address,
            .vcpus = 2,
            .memory_mb = 1024,
            .state = Member::State::member};
}

class Cluster {
  public:
    Cluster() : lab(isolated_directory()), control(gateway), blobs(isolated_directory(), gateway) {
        blobs.make_container("page");
        blobs.set_policies("page", {"n1"}, Seconds(3'600));
        control.set_head_token("one-time");
        SeededRandom random(7);
        const auto page = control.issue("page", head_address);
        orders = {.cluster = "c-page",
                  .cluster_name = "page",
                  .node = "page-head",
                  .is_head = true,
                  .workload_key = Secret(random_bytes(random, 128)),
                  .users = {{.name = "ada",
                             .uid = 2000,
                             .administrator = true,
                             .password_hash = hash_of("correct horse")}},
                  .storage = nodewire::StorageGrant{.sas_url = blobs.url("page", "n1"),
                                                    .ca_pem = blobs.ca_pem()},
                  .members = {member("page-head", head_address),
                              member("w1", "10.9.0.11"),
                              member("w2", "10.9.0.12")},
                  .head_address = head_address,
                  .vcpus = 2,
                  .memory_mb = 1024};
        for (const char* name : {"w1", "w2"}) {
            auto own = orders;
            own.node = name;
            own.is_head = false;
            orders.workers[name] = own;
        }
        orders.page_certificate_pem = Secret(page.certificate_pem);
        orders.page_key_pem = page.private_key_pem;
        control.add_machine(head_address, "page-head", "https://10.9.0.1:8443");
        control.add_machine("10.9.0.11", "w1", "https://10.9.0.4:7443");
        control.add_machine("10.9.0.12", "w2", "https://10.9.0.4:7443");
        control.set_orders(orders);
        client = std::make_unique<http::Client>(
            http::ClientOptions{.ca_pem = control.authority().certificate_pem});
    }
    ~Cluster() {
        if (!::testing::Test::HasFailure()) return;
        if (const auto report = control.report()) std::cerr << nodewire::to_json(*report) << "\n";
        for (const char* name : {"page-head", "w1", "w2"}) {
            std::cerr << "--- " << name << "\n"
                      << lab.file(name, "/var/log/hopyard-node.log")
                      << lab.file(name, "/var/log/hopyard-data.log");
        }
    }

    bool start() {
        lab.start("page-head", head_address);
        const bool head = control.wait_for(
            [](const Report& report) { return report.services_ready && report.mount_ready; },
            Milliseconds(30'000));
        lab.start("w1", "10.9.0.11");
        lab.start("w2", "10.9.0.12");
        return head &&
               control.wait_for(
                   [](const Report& report) {
                       return report.workload.size() >= 2 &&
                              std::all_of(report.workload.begin(),
                                          report.workload.end(),
                                          [](const auto& node) { return node.state == "idle"; });
                   },
                   Milliseconds(30'000));
    }

    http::Response call(const std::string& method, const std::string& path, const json& body = {}) {
        http::OutgoingRequest request{.method = method,
                                      .url = fmt::format("https://{}{}", head_address, path)};
        if (!cookie.empty()) request.headers.set("cookie", cookie);
        if (method == "POST") {
            request.headers.set("content-type", "application/json");
            request.body = body.dump();
        }
        auto reply = client->send(request);
        EXPECT_TRUE(reply) << reply.error().message;
        return reply ? *reply : http::Response{.status = 0};
    }
    json get(const std::string& path) { return json::parse(call("GET", path).body); }

    /// Submits and waits for all of the output.
    json run(const json& job) {
        const auto made = call("POST", "/api/jobs", job);
        EXPECT_EQ(made.status, 201) << made.body;
        if (made.status != 201) return {};
        const auto path = made.headers.get("location") + "/output";
        const auto begin = Steady::now();
        for (;;) {
            auto output = get(path);
            const auto spent = std::chrono::duration_cast<Milliseconds>(Steady::now() - begin);
            if (output["complete"] == true) {
                std::cout << "output after " << spent.count() << " ms\n";
                return output;
            }
            if (spent > Seconds(60)) return output;
            node::sleep_for(Milliseconds(50), {});
        }
    }

    Lab lab;
    ControlPlane control;
    BlobServer blobs;
    Orders orders;
    std::unique_ptr<http::Client> client;
    std::string cookie;
};

std::vector<std::string> sorted_lines(const std::string& text) {
    std::istringstream lines(text);
    std::vector<std::string> result;
    for (std::string line; std::getline(lines, line);) result.push_back(line);
    std::sort(result.begin(), result.end());
    return result;
}

TEST(Page, RunsACommandOnTwoMachinesAndShowsItsOutput) {
    Cluster cluster;
    ASSERT_TRUE(cluster.start());
    EXPECT_EQ(cluster.call("GET", "/").status, 200);
    EXPECT_EQ(cluster.call("GET", "/api/nodes").status, 401);
    EXPECT_EQ(cluster.call("POST", "/api/session", {{"user", "ada"}, {"password", "wrong"}}).status,
              401);
    const auto entered =
        cluster.call("POST", "/api/session", {{"user", "ada"}, {"password", "correct horse"}});
    ASSERT_EQ(entered.status, 200) << entered.body;
    const auto set = entered.headers.get("set-cookie");
    cluster.cookie = set.substr(0, set.find(';'));

    const auto nodes = cluster.get("/api/nodes");
    ASSERT_EQ(nodes["nodes"].size(), 3u) << nodes.dump();
    EXPECT_EQ(nodes["nodes"][0]["state"], "ready");
    EXPECT_EQ(nodes["nodes"][1]["state"], "idle");

    const std::vector<std::string> both = {"w1 ada", "w2 ada"};
    auto output =
        cluster.run({{"command", "echo $(hostname) $(id -un)"}, {"nodes", 2}, {"everyNode", true}});
    EXPECT_EQ(output["state"], "completed") << output.dump();
    EXPECT_EQ(sorted_lines(output["output"]), both) << output.dump();

    output = cluster.run({{"command", "srun hostname; exit 3"}, {"nodes", 2}});
    EXPECT_EQ(output["state"], "failed") << output.dump();
    EXPECT_EQ(output["exitCode"], 3);
    EXPECT_EQ(sorted_lines(output["output"]), (std::vector<std::string>{"w1", "w2"}));

    // More than there are: it waits for machines that may be added.
    const auto big = cluster.call("POST", "/api/jobs", {{"command", "hostname"}, {"nodes", 9}});
    ASSERT_EQ(big.status, 201) << big.body;
    const auto waiting = big.headers.get("location");
    EXPECT_EQ(cluster.get(waiting)["state"], "pending");
    EXPECT_EQ(cluster.get(waiting + "/output")["complete"], false);

    http::OutgoingRequest plain{.url = fmt::format("http://{}/jobs/1", head_address)};
    const auto moved = cluster.client->send(plain);
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->status, 308);
    EXPECT_EQ(moved->headers.get("location"), fmt::format("https://{}/jobs/1", head_address));
    EXPECT_NE(cluster.call("GET", "/jobs/1").body.find("w1 ada"), std::string::npos);
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
