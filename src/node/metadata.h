// The cloud's instance metadata service, as far as a node asks it: who am I, and with what was I
// made. The answers are the same on Azure and on the local cloud.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "http/transport.h"
#include "nodewire/wire.h"

namespace hopyard::node {

struct MachineFacts {
    std::string machine_id;  ///< compute/vmId
    std::string private_ip;  ///< of the first interface
    nodewire::UserData user_data;
};

/// Asks once. `unavailable` and `not_found` (no user data yet) go away by themselves.
Result<MachineFacts> ask_metadata(http::Transport& transport, const std::string& url);
/// Asks until it answers, with a growing wait; an error only when stopped or when the user data is
/// not what we understand.
Result<MachineFacts> wait_for_metadata(http::Transport& transport,
                                       const std::string& url,
                                       Random& random,
                                       std::stop_token stop);

/// Sleeps for that long, or until stopped: then false.
bool sleep_for(Milliseconds time, const std::stop_token& stop);

}  // namespace hopyard::node
