// Runs one of the system's tools to its end. The child is in the namespaces of the calling thread,
// inherits no descriptor of ours and none of our signal settings, and leads a session of its own,
// so that what it leaves behind (a container) does not die with us.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace hopyard::localcloud::network {

struct Command {
    std::vector<std::string> arguments;  ///< the program first, looked up in PATH
    std::string input;                   ///< its standard input
    Milliseconds timeout{20000};         ///< then it is killed
};

/// All that it wrote to standard output and error. When it ends with another code than 0 the error
/// quotes the beginning of that; `unavailable` when the program is missing, `timed_out` when it was
/// killed.
Result<std::string> run_command(const Command& command);

/// Runs an nft script in the namespace of the calling thread. A script is applied whole or not at
/// all.
Result<void> run_nft(const std::string& script);

}  // namespace hopyard::localcloud::network
