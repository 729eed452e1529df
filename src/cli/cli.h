// The command line for people: parses, calls /v1, renders. It knows nothing of stores or clouds;
// what it shows is what the API said.
#pragma once

#include <functional>

#include "cli/serve_options.h"

namespace hopyard::cli {

/// Exit codes, the same for every command; documented in docs/operations.md.
enum ExitCode : int {
    exit_ok = 0,
    exit_failed = 1,
    exit_usage = 2,
    exit_not_found = 3,
    exit_refused = 4,  ///< the request was refused, or the state forbids it
    exit_no_access = 5,
    exit_unreachable = 6,
    exit_timed_out = 7,
};

/// Runs one command line and returns its exit code. `serve` is what `hopyard serve` does; without
/// it there is no such word.
int run(int argc, char** argv, const std::function<int(const ServeOptions&)>& serve = {});

}  // namespace hopyard::cli
