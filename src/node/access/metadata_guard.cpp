#include "node/access/metadata_guard.h"

#include <algorithm>
#include <cerrno>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "node/metadata.h"

namespace hopyard::node::access {
namespace {

constexpr uid_t nobody = 65'534;
/// A rule that drops in silence looks like a server that is slow; this one is a hop away.
constexpr int answer_limit_ms = 150;
constexpr Milliseconds retry{2'000};
/// The cloud's own agent channel, besides metadata; names are resolved there too, on another port.
constexpr const char* agent_address = "168.63.129.16";

struct Endpoint {
    std::string address;
    int port = 80;
};

Endpoint endpoint_of(const std::string& url) {
    auto rest = url.substr(std::min(url.size(), std::string_view("http://").size()));
    rest = rest.substr(0, rest.find('/'));
    const auto colon = rest.find(':');
    Endpoint result{.address = rest.substr(0, colon)};
    if (colon != std::string::npos) {
        std::from_chars(rest.data() + colon + 1, rest.data() + rest.size(), result.port);
    }
    return result;
}

/// Sockets belong to the file system identity of the thread that makes them.
class AsNobody {
  public:
    AsNobody() : before_(setfsuid(nobody)) {}
    ~AsNobody() { setfsuid(static_cast<uid_t>(before_)); }
    AsNobody(const AsNobody&) = delete;
    AsNobody& operator=(const AsNobody&) = delete;

  private:
    int before_;
};

bool answers_nobody(const Endpoint& endpoint) {
    const AsNobody identity;
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(endpoint.port));
    if (inet_pton(AF_INET, endpoint.address.c_str(), &to.sin_addr) != 1) return false;
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0) return true;
    int error = connect(file, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        pollfd ready{.fd = file, .events = POLLOUT, .revents = 0};
        socklen_t size = sizeof error;
        const bool answered = poll(&ready, 1, answer_limit_ms) == 1;
        if (answered) getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    close(file);
    return error == 0;
}

std::string rules(const Endpoint& endpoint) {
    return fmt::format(
        "table inet hopyard_metadata\n"
        "delete table inet hopyard_metadata\n"
        "table inet hopyard_metadata {{\n"
        "  chain output {{\n"
        "    type filter hook output priority 0; policy accept;\n"
        "    ip daddr {} meta skuid != 0 counter reject\n"
        "    ip daddr {} tcp dport {{ 80, 32526 }} meta skuid != 0 counter reject\n"
        "  }}\n"
        "}}\n",
        endpoint.address,
        agent_address);
}

Result<void> close_metadata(system::Processes& processes, const std::string& url) {
    const auto endpoint = endpoint_of(url);
    if (!answers_nobody(endpoint)) return {};
    const auto loaded = processes.output_of(
        {.arguments = {"/usr/sbin/nft", "-f", "-"}, .input = rules(endpoint)}, Milliseconds(5'000));
    if (!loaded) log::warning("rules are not loaded", {{"cause", loaded.error().message}});
    if (!answers_nobody(endpoint)) return {};
    return Failure(Error{
        .kind = ErrorKind::permission_denied,
        .code = "metadata_open",
        .message = "Instance metadata answers users of this machine, and this "
                   "program may not close it.",
        .owner = Owner::administrator,
        .next_action = "Let the machine's firewall admit root alone to " + endpoint.address + "."});
}

}  // namespace

void MetadataGuard::run(std::stop_token stop) {
    bool is_closed = false;
    do {
        auto tried = close_metadata(processes_, url_);
        is_closed = tried.has_value();
        const std::lock_guard lock(mutex_);
        outcome_ = std::move(tried);
        known_.notify_all();
    } while (!is_closed && sleep_for(retry, stop));
}

Result<void> MetadataGuard::outcome(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (!known_.wait(lock, stop, [&] { return outcome_.has_value(); })) {
        return fail(ErrorKind::cancelled, "stopping", "the program is stopping");
    }
    return *outcome_;
}

}  // namespace hopyard::node::access
