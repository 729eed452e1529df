// The two services of this machine, started when they do not run: the local cloud as root, through
// its unit or sudo, and the control plane as an unprivileged user.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/session.h"
#include "cli/up.h"

namespace hopyard::cli {

enum class Found { running, started };

/// What `hopyard serve` writes when it is ready: endpoint.json in its state directory.
struct Endpoint {
    std::string url;
    std::string ca_file;  ///< empty: none is needed
    int process = 0;
};
Result<Endpoint> read_endpoint(const std::string& state);

Result<Found> ensure_cloud(const UpOptions& options);
Result<Found> ensure_control_plane(const UpOptions& options);
/// A key that works, in the user's configuration file; a new one is made when there is none.
Result<Target> ensure_access(const UpOptions& options);

/// The link with which the first owner comes in; empty when there is somebody already, or when the
/// link is not ours to read.
std::string setup_link(Session& session, const std::string& state);

Result<void> stop_control_plane(const Places& places);
Result<void> stop_cloud(const DownOptions& options);

}  // namespace hopyard::cli
