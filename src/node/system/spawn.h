// One fork and exec. What may happen between the two in a process with threads is system calls
// only, so everything is prepared before.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "node/system/processes.h"

namespace hopyard::node::system {

/// Descriptors the child gets as its standard streams; -1 for /dev/null.
struct Streams {
    int input = -1;
    int output = -1;
    int errors = -1;
};

enum class Fate { own, dies_with_us };

/// The child's pid. It leads a session of its own, has no signal blocked and no other descriptor.
Result<pid_t> spawn(const Command& command, const Streams& streams, Fate fate);

}  // namespace hopyard::node::system
