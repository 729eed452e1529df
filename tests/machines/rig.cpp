#include "rig.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/random.h"
#include "localcloud/compute/purge.h"
#include "localcloud/network/command.h"
#include "localcloud/network/namespaces.h"

namespace hopyard::tests {

namespace fs = std::filesystem;
using namespace localcloud;

namespace {

/// Ends on SIGTERM, reaps its children, and shows that it ran.
constexpr const char* quiet_init =
    "#!/bin/sh\n"
    "trap 'exit 0' TERM\n"
    "echo \"init $HOPYARD_PID1\"\n"
    "while :; do sleep 3600 & wait $!; done\n";

fs::path image() {
    const char* named = std::getenv("HOPYARD_IMAGE");
    return named ? fs::path(named) : fs::path(HOPYARD_SOURCE_DIR) / ".cache/image";
}

}  // namespace

Rig::Rig() {
    SystemRandom random;
    // Two test programs at once must not share a public range: 198.18.128.0/17 has 128 of them.
    const auto number = below(random, 128);
    instance_ = "t" + random_word(random, 6);
    options_ = {.state = fs::path("/var/tmp") / ("hopyard-machines-" + instance_),
                .instance = instance_,
                .image = image(),
                .node_program = "/var/tmp/hopyard-machines-" + instance_ + "/init",
                .public_range = "198.18." + std::to_string(128 + number) + ".0/24",
                .disk_floor_gb = 1};
    fs::create_directories(options_.state);
    set_program(quiet_init);
    restart_program();
}

Rig::~Rig() {
    watcher_ = {};
    host_.reset();
    const auto purged = compute::purge(instance_);
    EXPECT_TRUE(purged) << purged.error().message;
    std::error_code ignored;
    fs::remove_all(options_.state, ignored);
    EXPECT_TRUE(eventually([&] { return traces_of(instance_).empty(); }))
        << testing::PrintToString(traces_of(instance_));
}

void Rig::restart_program() {
    watcher_ = {};
    host_.reset();
    auto host = compute::LxcMachineHost::create(options_);
    if (!host) {
        std::error_code ignored;
        fs::remove_all(options_.state, ignored);
        throw std::runtime_error(host.error().message + " " + host.error().next_action);
    }
    host_ = std::move(*host);
    watcher_ = std::jthread([this](std::stop_token stop) { host_->run(stop); });
}

void Rig::set_program(const std::string& script) {
    // A new file, as a build makes it: a changed one would be changed in running machines too.
    fs::remove(options_.node_program);
    std::ofstream(options_.node_program) << script;
}

std::string Rig::public_address(int number) const {
    const auto range = *network::parse_prefix(options_.public_range);
    return network::to_string(range.base + static_cast<network::Address>(number));
}

NetworkSpec Rig::network(const std::string& id) const {
    return {.id = id, .prefixes = {"10.0.0.0/16"}, .subnets = {{"10.0.0.0/24"}}};
}

PortSpec Rig::port(const std::string& id, const std::string& network, int number) const {
    char mac[18];
    std::snprintf(mac, sizeof mac, "02:00:0a:00:00:%02x", number);
    return {.id = id,
            .network = network,
            .address = "10.0.0." + std::to_string(number),
            .subnet_prefix = "10.0.0.0/24",
            .mac = mac,
            .rules = open_rules()};
}

MachineSpec Rig::machine(const std::string& id, const std::string& port) const {
    return {.id = id, .name = "name-" + id, .port = port, .memory_mb = 256, .disk_gb = 30};
}

pid_t Rig::init_of(const std::string& port) const {
    const auto number = network::namespace_number(names().port(port));
    const auto found =
        compute::find_container(compute::inhabitants_of(number), names().machine(""));
    return found ? found->init.pid() : 0;
}

std::string Rig::in_machine(const std::string& port,
                            const std::vector<std::string>& command) const {
    std::vector<std::string> words{
        "nsenter", "-t", std::to_string(init_of(port)), "-m", "-u", "-i", "-n", "-p", "--"};
    words.insert(words.end(), command.begin(), command.end());
    const auto output = network::run_command({.arguments = words});
    return output ? *output : output.error().message;
}

std::vector<SecurityRule> open_rules() {
    SecurityRule rule{.name = "all",
                      .sources = {"*"},
                      .source_ports = {"*"},
                      .destinations = {"*"},
                      .destination_ports = {"*"}};
    auto outbound = rule;
    outbound.direction = SecurityRule::Direction::outbound;
    return {rule, outbound};
}

namespace {

sockaddr_in place(const std::string& address, std::uint16_t port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &result.sin_addr);
    return result;
}

void run_in(const std::string& name, const std::function<void()>& work) {
    if (name.empty()) {
        std::thread(work).join();
        return;
    }
    const auto done = network::in_namespace(name, [&]() -> Result<void> {
        work();
        return {};
    });
    EXPECT_TRUE(done) << done.error().message;
}

}  // namespace

network::Descriptor listen_in(const std::string& name,
                              const std::string& address,
                              std::uint16_t port) {
    network::Descriptor listener;
    run_in(name, [&] {
        network::Descriptor handle(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int on = 1;
        setsockopt(handle.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        const auto where = place(address, port);
        EXPECT_EQ(bind(handle.get(), reinterpret_cast<const sockaddr*>(&where), sizeof where), 0)
            << address << ": " << std::strerror(errno);
        EXPECT_EQ(listen(handle.get(), 16), 0);
        listener = std::move(handle);
    });
    return listener;
}

std::string caller_seen(const Attempt& attempt, const network::Descriptor& listener) {
    std::string answer;
    run_in(attempt.from, [&] {
        // The system call itself: the library's function would change every thread of this program.
        if (attempt.user != 0) syscall(SYS_setresuid, attempt.user, attempt.user, attempt.user);
        const network::Descriptor caller(
            socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!attempt.own_address.empty()) {
            const auto own = place(attempt.own_address, 0);
            EXPECT_EQ(bind(caller.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
        }
        const auto target = place(attempt.to, attempt.port);
        int error = 0;
        if (connect(caller.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0)
            error = errno;
        if (error == EINPROGRESS) {
            pollfd waiting{.fd = caller.get(), .events = POLLOUT, .revents = 0};
            socklen_t size = sizeof error;
            if (poll(&waiting, 1, 400) == 0)
                error = ETIMEDOUT;
            else
                getsockopt(caller.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        }
        if (error == ETIMEDOUT)
            answer = "timed out";
        else if (error == ENETUNREACH || error == EHOSTUNREACH)
            answer = "unreachable";
        else if (error == ECONNREFUSED)
            answer = "refused";
        else if (error != 0)
            answer = std::strerror(error);
        if (!answer.empty()) return;
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        const network::Descriptor accepted(
            accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
        answer = accepted.is_open() ? network::to_string(ntohl(peer.sin_addr.s_addr)) : "nobody";
    });
    return answer;
}

}  // namespace hopyard::tests
