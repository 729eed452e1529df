#include "node/system/connections.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace hopyard::node::system {
namespace {

/// Listens at that address of the loopback network; the port is given by the first one.
class Listener {
  public:
    Listener(const char* address, int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_port = htons(static_cast<std::uint16_t>(port));
        inet_pton(AF_INET, address, &here.sin_addr);
        EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&here), sizeof here), 0);
        EXPECT_EQ(listen(socket_, 8), 0);
    }
    ~Listener() { close(socket_); }
    int port() const {
        sockaddr_in here{};
        socklen_t size = sizeof here;
        getsockname(socket_, reinterpret_cast<sockaddr*>(&here), &size);
        return ntohs(here.sin_port);
    }

  private:
    int socket_;
};

TEST(Accepting, AreThoseWhereSomebodyListens) {
    const Listener first("127.0.0.2", 0), second("127.0.0.3", first.port());
    // 127.0.0.4 refuses, 255.255.255.255 cannot be called, 192.0.2.1 (RFC 5737) answers nobody.
    const std::set<std::string> all = {
        "127.0.0.2", "127.0.0.3", "127.0.0.4", "255.255.255.255", "192.0.2.1", "w1"};
    EXPECT_EQ(accepting(all, first.port(), Milliseconds(300)),
              (std::set<std::string>{"127.0.0.2", "127.0.0.3"}));
    EXPECT_TRUE(accepting({}, first.port(), Milliseconds(300)).empty());
}

}  // namespace
}  // namespace hopyard::node::system
