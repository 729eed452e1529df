// The command line for people: parses, calls /v1, renders. It knows nothing of stores or clouds; what
// it shows is what the API said.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace hopyard::cli {

/// Exit codes, the same for every command; documented in docs/operations.md.
enum ExitCode : int {
    exit_ok = 0,
    exit_failed = 1,
    exit_usage = 2,
    exit_not_found = 3,
    exit_refused = 4,        ///< the request was refused, or the state forbids it
    exit_no_access = 5,
    exit_unreachable = 6,
    exit_timed_out = 7,
};

/// What `hopyard serve` was asked for.
struct ServeOptions {
    std::string state_directory;
    std::string address = "127.0.0.1";
    std::uint16_t port = 8080;
    std::uint16_t node_port = 8443;
    std::string node_url;               ///< how heads reach the node listener
    std::string cloud_file;             ///< azure/config.h
    std::string database;               ///< store/open.h; empty: SQLite in the state directory
};

/// Runs one command line and returns its exit code. `serve` is the program's own server.
int run(int argc, char** argv, const std::function<int(const ServeOptions&)>& serve);

}  // namespace hopyard::cli
