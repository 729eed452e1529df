#include "localcloud/arm/test_cloud.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"

namespace hopyard::localcloud::testing {

namespace {

std::string version_of(const std::string& path) {
    auto has = [&](const char* word) { return path.find(word) != std::string::npos; };
    if (has("Microsoft.Resources/tags")) return "2024-03-01";
    if (has("Microsoft.Authorization")) return "2022-04-01";
    if (has("/disks")) return "2023-10-02";
    if (has("/skus")) return "2021-07-01";
    if (has("/register")) return "2024-03-01";
    if (has("Microsoft.Compute/")) return "2024-03-01";
    if (has("Microsoft.Network/")) return "2024-01-01";
    if (has("Microsoft.Storage/")) return "2023-05-01";
    if (has("Microsoft.ManagedIdentity/")) return "2023-01-31";
    if (has("/resourceGroups") || has("/resources") || has("/providers")) return "2024-03-01";
    return "2022-12-01";
}

}  // namespace

TestCloud::TestCloud(Rehearsal rehearsal) : rehearsal_(std::move(rehearsal)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "localcloudXXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    begin();
}

TestCloud::~TestCloud() {
    end();
    std::filesystem::remove_all(folder_);
}

void TestCloud::begin() {
    ledger_ = *Ledger::open(folder_ + "/state.db");
    installation_ = std::make_unique<Installation>(
        std::move(*load_installation(folder_, *ledger_, clock, random)));
    cloud_ = std::make_unique<Cloud>(
        CloudOptions{.blob_port = 10000, .rehearsal = rehearsal_, .operation_workers = 3},
        CloudParts{.ledger = *ledger_,
                   .installation = *installation_,
                   .host = host,
                   .blobs = blobs,
                   .clock = clock,
                   .random = random});
    for (auto& loop : cloud_->loops()) threads_.emplace_back(loop);
    const auto started = cloud_->start();
    EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().message);
    url_ = started.value_or("");
    client_ = std::make_unique<http::Client>(
        http::ClientOptions{.ca_pem = installation_->authority.certificate_pem});
    token_ = token("https://management.azure.com/.default");
}

void TestCloud::end() {
    client_.reset();
    cloud_->stop();
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
    cloud_.reset();
    installation_.reset();
    ledger_.reset();
}

void TestCloud::restart() {
    end();
    begin();
}

http::Response TestCloud::raw(http::OutgoingRequest request) {
    const auto response = client_->send(request);
    EXPECT_TRUE(response.has_value()) << (response ? "" : response.error().message);
    return response.value_or(http::Response{.status = 0});
}

Secret TestCloud::token(const std::string& scope) {
    const auto& principal = installation_->principal;
    const auto response =
        raw({.method = "POST",
             .url = url_ + "/" + principal.tenant + "/oauth2/v2.0/token",
             .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
             .body = "grant_type=client_credentials&client_id=" + principal.client_id +
                     "&client_secret=" + principal.client_secret.reveal() +
                     "&scope=" + percent_encode(scope)});
    EXPECT_EQ(response.status, 200) << response.body;
    return Secret(text_at(Json::parse(response.body), "/access_token"));
}

Answer TestCloud::call(const std::string& method, const std::string& path, const Json& body) {
    std::string url = path;
    if (!path.starts_with("https://")) {
        const bool root = path.starts_with("/subscriptions");
        url = url_ + (root ? path : id(path));
        url += (url.find('?') == std::string::npos ? "?" : "&") + std::string("api-version=") +
               version_of(path);
    }
    http::OutgoingRequest request{
        .method = method, .url = url, .headers = {{"Authorization", "Bearer " + token_.reveal()}}};
    if (!body.is_null()) {
        request.body = to_text(body);
        request.headers.set("Content-Type", "application/json");
    }
    if (const std::size_t colon = extra_header.find(": "); colon != std::string::npos)
        request.headers.set(extra_header.substr(0, colon), extra_header.substr(colon + 2));
    const auto response = raw(request);
    auto parsed = parse_json(response.body);
    return {response.status, document(parsed ? *parsed : Json::object()), response.headers};
}

Answer TestCloud::get(const std::string& path) {
    return call("GET", path, Json());
}
Answer TestCloud::put(const std::string& path, const Json& body) {
    return call("PUT", path, body);
}
Answer TestCloud::post(const std::string& path) {
    return call("POST", path, Json());
}
Answer TestCloud::remove(const std::string& path) {
    return call("DELETE", path, Json());
}

Answer TestCloud::follow(const Answer& first) {
    std::string status_url = first.headers.get("azure-asyncoperation");
    const bool by_status = !status_url.empty();
    if (!by_status) status_url = first.headers.get("location");
    if (status_url.empty()) return first;
    // Each look is held up to a second by the server, so this does not spin.
    for (int i = 0; i < 60; ++i) {
        const Answer look = get(status_url);
        const bool running = by_status ? look.text("/status") == "InProgress" : look.status == 202;
        if (!running) return look;
    }
    ADD_FAILURE() << "the operation does not end: " << status_url;
    return first;
}

void TestCloud::make_network() {
    EXPECT_EQ(put("/resourceGroups/g", {{"location", "westeurope"}}).status, 201);
    const Json network = {
        {"location", "westeurope"},
        {"properties",
         {{"addressSpace", {{"addressPrefixes", {"10.0.0.0/16"}}}},
          {"subnets", {{{"name", "s"}, {"properties", {{"addressPrefix", "10.0.0.0/24"}}}}}}}}};
    const auto made =
        put("/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n", network);
    EXPECT_EQ(made.status, 201) << made.message();
}

std::string TestCloud::make_interface(const std::string& name) {
    const std::string subnet =
        id("/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets/s");
    const std::string path =
        "/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/" + name;
    const auto made =
        put(path,
            {{"location", "westeurope"},
             {"properties",
              {{"ipConfigurations",
                {{{"name", "ip"}, {"properties", {{"subnet", {{"id", subnet}}}}}}}}}}});
    EXPECT_EQ(made.status, 201) << made.message();
    return id(path);
}

Json TestCloud::machine_body(const std::string& interface, const std::string& size) {
    return Json{
        {"location", "westeurope"},
        {"tags", {{"role", "head"}}},
        {"properties",
         {{"hardwareProfile", {{"vmSize", size}}},
          {"storageProfile",
           {{"imageReference",
             {{"publisher", "Debian"},
              {"offer", "debian-12"},
              {"sku", "12-gen2"},
              {"version", "latest"}}},
            {"osDisk",
             {{"createOption", "FromImage"}, {"diskSizeGB", 32}, {"deleteOption", "Delete"}}}}},
          {"osProfile",
           {{"computerName", "head"},
            {"adminUsername", "hopyard"},
            {"customData", to_base64("first words")},
            {"linuxConfiguration",
             {{"disablePasswordAuthentication", true},
              {"ssh",
               {{"publicKeys",
                 {{{"path", "/home/hopyard/.ssh/authorized_keys"},
                   {"keyData", "ssh-ed25519 AAAAC3Nz"}}}}}}}}}},
          {"userData", to_base64("hello machine")},
          {"networkProfile", {{"networkInterfaces", {{{"id", interface}}}}}}}}};
}

std::string TestCloud::make_machine(const std::string& name) {
    const std::string interface = make_interface(name + "-nic");
    const std::string path =
        "/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/" + name;
    const auto made = put(path, machine_body(interface));
    EXPECT_EQ(made.status, 201) << made.message();
    EXPECT_EQ(follow(made).text("/status"), "Succeeded");
    return path;
}

}  // namespace hopyard::localcloud::testing
