// The instance metadata service tells whoever asks what the machine was made with and, where it has
// an identity, hands out that identity's tokens. On a machine of a cluster that is for root alone.
// On the local cloud the host's rules see to it; elsewhere rules of this machine do. Either way it
// is tried out before it is believed.
#pragma once

#include <string>

#include "base/result.h"
#include "node/system/processes.h"

namespace hopyard::node::access {

/// Loads the rules when the service answers somebody who is not root, and fails when it still does.
/// `url` is "http://ADDRESS" or "http://ADDRESS:PORT". May be repeated.
Result<void> close_metadata(system::Processes& processes, const std::string& url);

}  // namespace hopyard::node::access
