// Who may come in: accounts with one number everywhere, their keys, the ssh server, and the names
// of the cluster's machines. No account is made while instance metadata answers others than root.
#pragma once

#include <stop_token>
#include <string>

#include "base/random.h"
#include "node/access/metadata_guard.h"
#include "node/board.h"
#include "node/system/processes.h"

namespace hopyard::node::access {

class Access {
  public:
    struct Parts {
        Board& board;
        system::Processes& processes;
        Random& random;
        MetadataGuard& guard;
    };
    struct Options {
        bool runs_services = true;  ///< false: the machine's own init runs sshd
    };
    Access(Parts parts, Options options) : parts_(parts), options_(std::move(options)) {}

    /// Carries out orders until stopped; the ssh server then still runs.
    void run(std::stop_token stop);
    void stop();

  private:
    Result<void> prepare();
    Result<void> carry_out(const nodewire::Orders& orders, const std::stop_token& stop);
    Result<void> start_ssh();

    Parts parts_;
    Options options_;
    bool prepared_ = false;
};

}  // namespace hopyard::node::access
