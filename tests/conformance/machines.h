// The machines of the simulated cloud, as far as the control plane hears of them: each boots,
// enrols with the token of its user data over TLS, takes its orders and reports what they say it
// is. A worker does so through its head, as nodewire/wire.h has it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "control/test_cloud.h"
#include "http/transport.h"
#include "nodewire/wire.h"

namespace hopyard::conformance {

class Machines {
  public:
    Machines(const control::TestCloud& cloud, const Clock& clock) : cloud_(cloud), clock_(clock) {}

    /// Does what is due. True when somebody spoke.
    bool act();
    /// When somebody has something to do at the latest.
    Timestamp next() const;

  private:
    struct Machine {
        nodewire::UserData data;
        std::string private_ip;
        std::string boot_id;
        std::string certificate_pem;
        Secret private_key_pem;
        std::unique_ptr<http::Client> client;  ///< of a head: with its certificate
        Timestamp speaks_at;
        std::int64_t applied_revision = 0;
        bool on = false;
    };

    void look(const control::TestThing& thing);
    void enrol(Machine& machine, const std::string& machine_id, const std::string& url);
    void report(Machine& head, const std::string& machine_id);
    nodewire::Report report_of(const Machine& machine, const std::string& machine_id) const;

    const control::TestCloud& cloud_;
    const Clock& clock_;
    std::map<std::string, Machine> machines_;  ///< by the cloud's id
};

}  // namespace hopyard::conformance
