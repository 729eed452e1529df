// The node program from its start to its end: who am I, what am I to be, be it, until told to stop.
//
// Start: the stored identity, or metadata and enrolment; then the orders kept from last time, if
// any, so that a machine comes back also when nobody answers. Every part has a loop of its own and
// knows the others through the board only. End, in this order: what takes jobs and hands them out,
// since it uses the mount; the mount, once its writes are up; the rest.
#pragma once

#include <stop_token>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "node/loop.h"

namespace hopyard::node {

struct ProgramOptions {
    std::string state_directory = "/var/lib/hopyard-node";
    std::string metadata_url = "http://169.254.169.254";
    std::string version;
    /// The machine's first process: it then also ends what its services left.
    bool is_init = false;
};

struct ProgramParts {
    const Clock& clock;
    Random& random;
    StartLoop start_loop;
};

/// Returns when stopped, with all services ended; an error when it could not even begin.
Result<void> run_program(const ProgramOptions& options,
                         const ProgramParts& parts,
                         std::stop_token stop);

}  // namespace hopyard::node
