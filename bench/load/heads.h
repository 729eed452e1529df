// Heads on their channels, as src/node does it: each always has a report whose answer waits, and
// sends what changes meanwhile on a second connection.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "http/certificates.h"
#include "load/tls_client.h"
#include "model/cluster.h"
#include "nodewire/wire.h"

namespace hopyard::bench {

using Steady = std::chrono::steady_clock;

class Heads {
  public:
    Heads(const http::KeyAndCertificate& authority,
          std::uint16_t port,
          const std::vector<model::Node>& nodes,
          Timestamp now);
    ~Heads();
    Heads(const Heads&) = delete;
    Heads& operator=(const Heads&) = delete;

    /// Until every head has its orders and its first report is taken, or the time is over.
    bool come(Seconds at_most);
    /// Goes on for that long.
    void run_for(Milliseconds span);
    /// One head reports at once that it is at that stage.
    void change(std::size_t number, const std::string& stage);

    struct Counts {
        std::uint64_t reports = 0;
        std::uint64_t orders = 0;  ///< so often newer ones came
        std::uint64_t failures = 0;
        std::size_t ready = 0;         ///< heads with orders of which a waiting report was taken
        std::vector<double> waits_ms;  ///< how long the answer to each waiting report took
    };
    Counts take_counts();

  private:
    struct Head;

    void start(Head& head);
    void wait(Head& head);
    void tell(Head& head);
    void step(Steady::time_point until);

    int epoll_ = -1;
    std::vector<std::unique_ptr<Head>> heads_;
    std::size_t started_ = 0;
    std::size_t coming_ = 0;
    Counts counts_;
};

}  // namespace hopyard::bench
