// Passes TCP connections from inside virtual networks on to ports of the host's loopback: that is
// how machines reach the control plane, which itself listens on loopback only. A listener opened
// inside a network stays there; everything else happens in the host's namespace.
//
// One thread serves all listeners and connections (epoll, no blocking call). Each direction has a
// buffer of its own that, when full, stops its reader; the end of one direction is passed on and
// leaves the other open; a failure of one side resets the other.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include "localcloud/network/descriptor.h"

namespace hopyard::localcloud::network {

/// Thread-safe.
class Forwarder {
  public:
    Forwarder();
    ~Forwarder();

    /// Serves that listener (non-blocking, listening) until it is removed, and closes it then.
    /// Connections go to 127.0.0.1:`port`. Returns the number to remove it by.
    std::uint64_t add(Descriptor listener, std::uint16_t port);
    /// Closes the listener and its connections before it returns: a network's namespace stays alive
    /// as long as a socket in it is open. Nothing happens for an unknown number.
    void remove(std::uint64_t number);
    std::size_t connections() const;

    /// Serves until stopped; the program gives it a thread.
    void run(std::stop_token stop);

  private:
    struct Listener {
        Descriptor socket;
        std::uint16_t port = 0;
        bool paused = false;  ///< no descriptor was left for another connection
    };
    /// What one side sent and the other has not taken yet.
    struct Flow {
        std::string bytes;
        bool ended = false;      ///< nothing more will come
        bool passed_on = false;  ///< the other side was told so
    };
    struct Side {
        Descriptor socket;
        std::uint32_t interest = 0;
        Flow flow;  ///< from this side to the other
    };
    struct Connection {
        std::uint64_t listener = 0;
        bool connecting = true;
        std::array<Side, 2> sides;  ///< the caller's, the host's
    };

    void serve(std::uint64_t token, std::uint32_t events);
    void accept_all(std::uint64_t number);
    void begin(std::uint64_t listener, Descriptor caller, std::uint16_t port);
    void advance(std::uint64_t number, std::size_t side, std::uint32_t events);
    bool move(Connection& connection, std::size_t from) const;
    void show_interest(std::uint64_t number, Connection& connection);
    void watch(int socket, std::uint64_t token, std::uint32_t& before, std::uint32_t now) const;
    void drop(std::uint64_t number, bool reset);
    void resume_listeners();

    Descriptor epoll_;
    Descriptor wake_;
    mutable std::mutex mutex_;  ///< of what follows
    std::uint64_t next_ = 1;
    std::map<std::uint64_t, Listener> listeners_;
    std::map<std::uint64_t, Connection> connections_;
};

}  // namespace hopyard::localcloud::network
