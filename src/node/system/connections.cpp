#include "node/system/connections.h"

#include <cerrno>
#include <chrono>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace hopyard::node::system {
namespace {

using Steady = std::chrono::steady_clock;

struct Call {
    std::string address;
    int socket = -1;
};

/// -1 when it is refused at once.
int begin(const std::string& address, int port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    if (inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1) return -1;
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0) return -1;
    if (connect(file, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 || errno == EINPROGRESS)
        return file;
    close(file);
    return -1;
}

bool is_connected(int socket) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

}  // namespace

std::set<std::string> accepting(const std::set<std::string>& addresses,
                                int port,
                                Milliseconds timeout) {
    std::vector<Call> calls;
    for (const auto& address : addresses)
        if (const int socket = begin(address, port); socket >= 0)
            calls.push_back({address, socket});
    std::set<std::string> result;
    const auto end = Steady::now() + timeout;
    while (!calls.empty()) {
        const auto rest = std::chrono::ceil<Milliseconds>(end - Steady::now()).count();
        std::vector<pollfd> waiting;
        for (const auto& call : calls) waiting.push_back({call.socket, POLLOUT, 0});
        const int some = poll(waiting.data(), waiting.size(), static_cast<int>(std::max(rest, 0L)));
        if (some == 0 || (some < 0 && errno != EINTR)) break;
        std::vector<Call> left;
        for (std::size_t i = 0; i < calls.size(); ++i) {
            if (some < 0 || waiting[i].revents == 0) {
                left.push_back(calls[i]);
                continue;
            }
            if (is_connected(calls[i].socket)) result.insert(calls[i].address);
            close(calls[i].socket);
        }
        calls = std::move(left);
    }
    for (const auto& call : calls) close(call.socket);
    return result;
}

}  // namespace hopyard::node::system
