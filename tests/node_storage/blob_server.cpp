#include "blob_server.h"

#include <chrono>

#include <arpa/inet.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "azure/blob_signing.h"
#include "base/check.h"
#include "base/encoding.h"
#include "node/metadata.h"
#include "node/system/files.h"

namespace hopyard::test {
namespace {

constexpr const char* account = "acct";
constexpr const char* azurite_program =
    HOPYARD_SOURCE_DIR "/tools/azurite/node_modules/azurite/dist/src/blob/main.js";

std::uint16_t free_port() {
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    CHECK(bind(file, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    close(file);
    return ntohs(address.sin_port);
}

}  // namespace

BlobServer::BlobServer(const std::string& directory, std::string address)
    : address_(std::move(address)),
      key_(to_base64(std::string(64, 'k'))),
      port_(free_port()),
      authority_(http::make_authority("test", clock_.now(), Seconds(86'400))),
      client_({.ca_pem = authority_.certificate_pem,
               .connect_to = {{fmt::format("{}:{}", host_name(), port_),
                               fmt::format("{}:{}", address_, port_)}}}),
      processes_(clock_) {
    const auto certificate = http::issue(authority_,
                                         {.common_name = "blob",
                                          .dns_names = {"*.blob.localhost"},
                                          .ip_addresses = {address_},
                                          .now = clock_.now(),
                                          .validity = Seconds(86'400)});
    CHECK(certificate.has_value());
    const auto certificate_file = directory + "/blob.pem", key_file = directory + "/blob.key";
    CHECK(node::system::write_file(certificate_file, certificate->certificate_pem).has_value());
    CHECK(node::system::write_file(key_file, certificate->private_key_pem.reveal()).has_value());
    thread_ = std::jthread([this](std::stop_token stop) { processes_.run(stop); });
    const node::system::Command command{
        .arguments = {"/usr/bin/env",
                      "node",
                      azurite_program,
                      "--blobHost",
                      address_,
                      "--blobPort",
                      std::to_string(port_),
                      "--location",
                      directory + "/blobs",
                      "--cert",
                      certificate_file,
                      "--key",
                      key_file,
                      "--silent",
                      "--disableTelemetry",
                      "--skipApiVersionCheck"},
        .environment = {fmt::format("AZURITE_ACCOUNTS={}:{}", account, key_.reveal())},
        .output_file = directory + "/azurite.log"};
    CHECK(processes_.start({.name = "azurite", .command = command}).has_value());
    wait_until_it_answers();
}

BlobServer::~BlobServer() {
    processes_.stop("azurite", Milliseconds(5'000));
}

void BlobServer::wait_until_it_answers() {
    const auto deadline = std::chrono::steady_clock::now() + Seconds(30);
    while (!client_.send({.url = fmt::format("https://{}:{}/", host_name(), port_)})) {
        CHECK(std::chrono::steady_clock::now() < deadline);
        node::sleep_for(Milliseconds(50), {});
    }
}

void BlobServer::make_container(const std::string& container) {
    CHECK(send({.method = "PUT"}, "/" + container + "?restype=container").status == 201);
}

void BlobServer::set_policies(const std::string& container,
                              const std::vector<std::string>& policies,
                              Seconds validity) {
    std::string body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><SignedIdentifiers>";
    for (const auto& policy : policies) {
        body += fmt::format(
            "<SignedIdentifier><Id>{}</Id><AccessPolicy><Start>2020-01-01T00:00:00Z</Start>"
            "<Expiry>{}</Expiry><Permission>racwdl</Permission></AccessPolicy></SignedIdentifier>",
            policy,
            to_rfc3339(clock_.now() + validity));
    }
    body += "</SignedIdentifiers>";
    http::OutgoingRequest request{.method = "PUT", .body = std::move(body)};
    request.headers.set("content-type", "application/xml");
    CHECK(send(std::move(request), "/" + container + "?restype=container&comp=acl").status == 200);
}

Secret BlobServer::url(const std::string& container, const std::string& policy) const {
    auto signature = azure::policy_signature(account, container, key_, policy, true);
    CHECK(signature.has_value());
    return Secret(fmt::format(
        "https://{}:{}/{}/{}?{}", address_, port_, account, container, signature->reveal()));
}

std::string BlobServer::blob(const std::string& container, const std::string& name) {
    const auto reply = send({}, "/" + container + "/" + name);
    return reply.status == 200 ? reply.body : fmt::format("status {}", reply.status);
}

std::string BlobServer::put(const std::string& container,
                            const std::string& name,
                            const std::string& bytes) {
    http::OutgoingRequest request{.method = "PUT", .body = bytes};
    request.headers.set("x-ms-blob-type", "BlockBlob");
    request.headers.set("content-type", "text/plain");
    return fmt::format("status {}", send(std::move(request), "/" + container + "/" + name).status);
}

http::Response BlobServer::send(http::OutgoingRequest request, const std::string& target) {
    request.url = fmt::format("https://{}:{}{}", host_name(), port_, target);
    request.headers.set("x-ms-version", azure::sas_version);
    request.headers.set(
        "x-ms-date",
        fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(to_unix_seconds(clock_.now()))));
    const auto authorization = azure::shared_key_authorization(account, key_, request);
    CHECK(authorization.has_value());
    request.headers.set("authorization", *authorization);
    auto reply = client_.send(request);
    CHECK(reply.has_value());
    return std::move(*reply);
}

}  // namespace hopyard::test
