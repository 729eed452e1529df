#include "localcloud/arm/fake_parts.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace hopyard::localcloud::testing {

Result<void> FakeMachineHost::ensure_network(const NetworkSpec& network) {
    const std::lock_guard lock(mutex);
    networks[network.id] = network;
    return {};
}

Result<void> FakeMachineHost::remove_network(const std::string& id) {
    const std::lock_guard lock(mutex);
    for (const auto& [port_id, port] : ports)
        if (port.network == id)
            return fail(
                ErrorKind::conflict, "network_in_use", "port " + port_id + " is in network " + id);
    networks.erase(id);
    return {};
}

Result<void> FakeMachineHost::ensure_port(const PortSpec& port) {
    const std::lock_guard lock(mutex);
    if (!networks.contains(port.network))
        return fail(ErrorKind::not_found, "no_network", "no network " + port.network);
    ports[port.id] = port;
    return {};
}

Result<void> FakeMachineHost::remove_port(const std::string& id) {
    const std::lock_guard lock(mutex);
    ports.erase(id);
    return {};
}

Result<void> FakeMachineHost::ensure_machine(const MachineSpec& machine) {
    const std::lock_guard lock(mutex);
    if (!ports.contains(machine.port))
        return fail(ErrorKind::not_found, "no_port", "no port " + machine.port);
    machines[machine.id] = machine;
    return {};
}

Result<void> FakeMachineHost::start_machine(const std::string& id) {
    std::unique_lock lock(mutex);
    changed_.wait(lock, [&] { return !held_; });
    if (!machines.contains(id)) return fail(ErrorKind::not_found, "no_machine", "no machine " + id);
    running.insert(id);
    if (next_start_) {
        const Error error = *next_start_;
        next_start_.reset();
        return pass(error);
    }
    return {};
}

Result<void> FakeMachineHost::stop_machine(const std::string& id, Milliseconds) {
    const std::lock_guard lock(mutex);
    running.erase(id);
    return {};
}

Result<void> FakeMachineHost::remove_machine(const std::string& id) {
    const std::lock_guard lock(mutex);
    running.erase(id);
    machines.erase(id);
    return {};
}

MachineStatus FakeMachineHost::machine_status(const std::string& id) {
    const std::lock_guard lock(mutex);
    if (!machines.contains(id)) return {};
    return {.state = running.contains(id) ? MachineState::running : MachineState::stopped};
}

void FakeMachineHost::on_change(std::function<void(const std::string&)> callback) {
    callback_ = std::move(callback);
}

Result<void> FakeMachineHost::recover(const Wanted& wanted) {
    const std::lock_guard lock(mutex);
    ++recoveries;
    networks.clear();
    ports.clear();
    machines.clear();
    running.clear();
    for (const auto& network : wanted.networks) networks[network.id] = network;
    for (const auto& port : wanted.ports) ports[port.id] = port;
    for (const auto& machine : wanted.machines) machines[machine.id] = machine;
    running.insert(wanted.running.begin(), wanted.running.end());
    return {};
}

Result<int> FakeMachineHost::open_listener(const std::string& network,
                                           const std::string&,
                                           std::uint16_t asked) {
    const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(handle, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(handle, 16) != 0 ||
        getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return fail(ErrorKind::unavailable, "no_listener", "no socket");
    const std::lock_guard lock(mutex);
    if (asked == 80) listeners[network] = ntohs(address.sin_port);
    return handle;
}

void FakeMachineHost::crash(const std::string& id) {
    {
        const std::lock_guard lock(mutex);
        running.erase(id);
    }
    callback_(id);
}

void FakeMachineHost::fail_next_start(Error error) {
    const std::lock_guard lock(mutex);
    next_start_ = std::move(error);
}

void FakeMachineHost::hold_starts() {
    const std::lock_guard lock(mutex);
    held_ = true;
}

void FakeMachineHost::release() {
    {
        const std::lock_guard lock(mutex);
        held_ = false;
    }
    changed_.notify_all();
}

std::string FakeBlobs::endpoint(const std::string& account) const {
    return "https://" + account + ".blob.localhost:10000/";
}

Result<void> FakeBlobs::ensure(const BlobAccount& account) {
    const std::lock_guard lock(mutex);
    accounts[account.name];
    return {};
}

Result<void> FakeBlobs::remove(const std::string& account) {
    const std::lock_guard lock(mutex);
    accounts.erase(account);
    return {};
}

Result<bool> FakeBlobs::create_container(const std::string& account, const std::string& container) {
    const std::lock_guard lock(mutex);
    return accounts[account].insert(container).second;
}

Result<std::optional<Container>> FakeBlobs::find_container(const std::string& account,
                                                           const std::string& container) {
    const std::lock_guard lock(mutex);
    if (!accounts[account].contains(container)) return std::optional<Container>();
    return std::optional(Container{.name = container, .etag = "\"0x1\""});
}

Result<bool> FakeBlobs::delete_container(const std::string& account, const std::string& container) {
    const std::lock_guard lock(mutex);
    return accounts[account].erase(container) > 0;
}

Result<std::vector<Container>> FakeBlobs::list_containers(const std::string& account) {
    const std::lock_guard lock(mutex);
    std::vector<Container> found;
    for (const auto& name : accounts[account]) found.push_back({.name = name, .etag = "\"0x1\""});
    return found;
}

}  // namespace hopyard::localcloud::testing
