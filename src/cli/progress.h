// Waiting for a cluster with something to look at: each node, its phase and the time so far. On a
// terminal the block is redrawn in place; elsewhere a line is printed when something changes.
#pragma once

#include <string>

#include "cli/session.h"

namespace hopyard::cli {

struct WaitOptions {
    std::string cluster_id;
    std::string phase;  ///< "running", "stopped", or "gone"
    int timeout_s = 1800;
};

/// Ends with the cause when the cluster fails, and with `timed_out` when time is up.
Result<void> wait_for(Session& session, const WaitOptions& options);

}  // namespace hopyard::cli
