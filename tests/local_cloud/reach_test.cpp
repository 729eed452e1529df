// What reaches what, tried with real connections of real machines.
#include <filesystem>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/encoding.h"
#include "customer.h"
#include "localcloud/network/descriptor.h"
#include "program.h"
#include "traces.h"

namespace hopyard::tests {
namespace {

using localcloud::network::Descriptor;

constexpr uid_t somebody = 1000;

/// An init that answers every connection to these ports with its own name.
constexpr const char* answering_init = R"py(#!/usr/bin/python3
import os, selectors, signal, socket, sys
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
loop = selectors.DefaultSelector()
for port in (7000, 8080, 9000):
    listener = socket.create_server(("0.0.0.0", port))
    loop.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in loop.select():
        connection, peer = key.fileobj.accept()
        connection.sendall(socket.gethostname().encode() + b"\n")
        connection.close()
)py";

/// A line from that place, read by bash inside the machine; "" when there was no connection.
std::string line_from(const Program& program,
                      const std::string& machine,
                      const std::string& address,
                      int port,
                      uid_t user = 0) {
    const std::string script =
        "exec 3<>/dev/tcp/" + address + "/" + std::to_string(port) + " && head -n1 <&3";
    const auto tried =
        program.inside(machine, {"timeout", "1", "bash", "-c", script + " 2>/dev/null"}, user);
    return tried.code == 0 ? tried.output.substr(0, tried.output.find('\n')) : "";
}

sockaddr_in place(const std::string& address, int port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(static_cast<std::uint16_t>(port));
    inet_pton(AF_INET, address.c_str(), &result.sin_addr);
    return result;
}

/// Whether the host's connection is accepted within a second.
bool host_reaches(const std::string& address, int port) {
    const Descriptor handle(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto where = place(address, port);
    connect(handle.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where);
    pollfd waiting{.fd = handle.get(), .events = POLLOUT, .revents = 0};
    int error = ETIMEDOUT;
    socklen_t size = sizeof error;
    if (poll(&waiting, 1, 1000) == 1) getsockopt(handle.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0;
}

std::vector<cloud::SecurityRule> rules(bool with_7000) {
    std::vector<cloud::SecurityRule> list = {
        {.name = "inside", .priority = 110, .sources = {"VirtualNetwork"}, .ports = {"8080"}},
        {.name = "outside", .priority = 120, .sources = {"Internet"}, .ports = {"9000"}},
        {.name = "nothing-else", .priority = 4000, .allow = false, .protocol = "*"}};
    if (with_7000) list.push_back({.name = "more", .priority = 130, .ports = {"7000-7010"}});
    return list;
}

TEST(Reach, IsWhatTheSecurityGroupSays) {
    Program program;
    program.set_init(answering_init);
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    customer.make_network(rules(false));
    ASSERT_TRUE(customer.make_machine({.name = "a", .is_public = true}));
    ASSERT_TRUE(customer.make_machine({.name = "b"}));
    const std::string inner = customer.private_address("a"), outer = customer.public_address("a");
    for (const char* machine : {"a", "b"})
        ASSERT_TRUE(
            eventually([&] { return line_from(program, machine, "127.0.0.1", 9000) == machine; }));

    EXPECT_EQ(line_from(program, "b", inner, 8080), "a");
    EXPECT_EQ(line_from(program, "b", inner, 9000), "");
    EXPECT_EQ(line_from(program, "b", inner, 7000), "");
    EXPECT_TRUE(host_reaches(outer, 9000));
    EXPECT_FALSE(host_reaches(outer, 8080));
    EXPECT_FALSE(host_reaches(outer, 7000));
    // Through its public address even a neighbour comes from the Internet.
    EXPECT_EQ(line_from(program, "b", outer, 9000), "a");
    EXPECT_EQ(line_from(program, "b", outer, 8080), "");

    // Another list of rules holds at once, for machines that run.
    const auto changed =
        customer.put(rules_name(), cloud::WantedSecurityGroup{.rules = rules(true)});
    ASSERT_TRUE(changed) << changed.error().message;
    EXPECT_EQ(line_from(program, "b", inner, 7000), "a");
    EXPECT_TRUE(host_reaches(outer, 7000));
    EXPECT_FALSE(host_reaches(outer, 8080));
    const auto back = customer.put(rules_name(), cloud::WantedSecurityGroup{.rules = rules(false)});
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_FALSE(host_reaches(outer, 7000));
}

/// A listener on the host's loopback; its port is for machines to be forwarded to.
struct HostService {
    Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    int port = 0;

    HostService() {
        auto where = place("127.0.0.1", 0);
        socklen_t size = sizeof where;
        bind(socket.get(), reinterpret_cast<const sockaddr*>(&where), size);
        listen(socket.get(), 16);
        getsockname(socket.get(), reinterpret_cast<sockaddr*>(&where), &size);
        port = ntohs(where.sin_port);
    }
    /// Answers one connection that comes within that time; whether one came.
    bool answer_one(Milliseconds limit) const {
        pollfd waiting{.fd = socket.get(), .events = POLLIN, .revents = 0};
        if (poll(&waiting, 1, static_cast<int>(limit.count())) != 1) return false;
        const Descriptor caller(accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
        return write(caller.get(), "control plane\n", 14) == 14;
    }
};

std::string metadata_of(const Program& program, const std::string& path, uid_t user = 0) {
    const std::string script =
        "import urllib.request as u\n"
        "r = u.Request('http://169.254.169.254/metadata/instance/" +
        path +
        "&api-version=2021-02-01', headers={'Metadata': 'true'})\n"
        "print(u.urlopen(r, timeout=1).read().decode(), end='')\n";
    const auto asked = program.inside("m", {"python3", "-c", script}, user);
    return asked.code == 0 ? asked.output : "";
}

TEST(Reach, OfTheHostIsForRootAtOneAddressInEveryNetwork) {
    const HostService service;
    Program program({"--forward", "8443=" + std::to_string(service.port)});
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    customer.make_network({});
    const std::string secret = "one-time token";
    ASSERT_TRUE(customer.make_machine({.name = "m", .disk_gb = 40, .user_data = secret}));

    std::string line;
    {
        const std::jthread caller([&] { line = line_from(program, "m", "169.254.169.254", 8443); });
        EXPECT_TRUE(service.answer_one(Milliseconds{3000}));
    }
    EXPECT_EQ(line, "control plane");
    {
        const std::jthread caller(
            [&] { line = line_from(program, "m", "169.254.169.254", 8443, somebody); });
        EXPECT_FALSE(service.answer_one(Milliseconds{1500}));
    }

    EXPECT_EQ(metadata_of(program, "compute/name?format=text"), "m");
    EXPECT_EQ(from_base64(metadata_of(program, "compute/userData?format=text")), secret);
    EXPECT_EQ(metadata_of(program, "compute/name?format=text", somebody), "");
    EXPECT_EQ(metadata_of(program, "compute/userData?format=text", somebody), "");

    const auto size = program.inside("m", {"df", "--output=size", "-BG", "/"});
    const int shown = std::atoi(size.output.substr(size.output.find('\n') + 1).c_str());
    EXPECT_GE(shown, 38) << size.output;
    EXPECT_LE(shown, 40) << size.output;
}

TEST(Reach, OfTheContainerIsByTheGrantAndEndsWithIt) {
    Program program;
    ASSERT_EQ(program.start(), "");
    Customer customer(program.cloud_file());
    customer.prepare();
    customer.make_network({});
    ASSERT_TRUE(customer.make_machine({.name = "m"}));
    const cloud::ContainerName name{account, "data"};
    auto& storage = customer.storage();
    ASSERT_TRUE(storage.create_container(name));
    const auto grant = storage.grant(name, "c-test", SystemClock().now() + Seconds{3600});
    ASSERT_TRUE(grant) << grant.error().message;

    // The authority comes to the machine with its role; here it is laid down by hand.
    const std::string certificate = program.state() / "ca.pem";
    const std::string own = "/proc/" + std::to_string(program.init_of("m")) + "/root/root/";
    std::filesystem::copy_file(certificate, own + "ca.pem");
    const auto rclone = [&](const std::string& command) {
        return program.inside(
            "m",
            {"sh",
             "-c",
             "cd /root && echo hello >note && timeout 10 env RCLONE_AZUREBLOB_SAS_URL='" +
                 grant->sas_url.reveal() +
                 "' rclone --config /dev/null --ca-cert ca.pem --retries 1 --low-level-retries 1 " +
                 command});
    };
    const auto written = rclone("copy note :azureblob:data");
    EXPECT_EQ(written.code, 0) << written.output;
    const auto read = rclone("cat :azureblob:data/note");
    EXPECT_EQ(read.output, "hello\n");
    const auto facts = storage.inspect(name);
    ASSERT_TRUE(facts);
    EXPECT_FALSE(facts->empty);

    ASSERT_TRUE(storage.revoke(name, "c-test"));
    EXPECT_NE(rclone("cat :azureblob:data/note").code, 0);
}

}  // namespace
}  // namespace hopyard::tests
