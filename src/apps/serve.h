// `hopyard serve`: the control plane as a process.
#pragma once

#include "cli/serve_options.h"

namespace hopyard::apps {

/// Runs until SIGTERM or SIGINT; returns the exit code.
int serve(const cli::ServeOptions& options);

}  // namespace hopyard::apps
