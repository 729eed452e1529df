// Commands that need no server.
#pragma once

#include <string>
#include <vector>

namespace hopyard::cli {

int print_version();
int print_example();

/// One thing a machine must have to run clusters of its own.
struct Check {
    std::string what;
    bool good = false;
    std::string remedy;  ///< what to do when it is not
};
/// Looks at this machine only: programs on the path, file systems and network features of the
/// kernel.
std::vector<Check> check_machine();
/// Prints every check; fails when one is not good.
int doctor();

}  // namespace hopyard::cli
