// The machine around the program, when the program is its first process: what a container lacks is
// mounted before anything starts, and when all services have ended, whatever is left is ended too.
#pragma once

#include "base/time.h"

namespace hopyard::node {

/// Mounts what is not mounted yet: /proc, /run, /tmp's mode, /dev/shm, /dev/pts. With control
/// groups of version 2 the program moves into a group of its own, so that others may be made beside
/// it. Says in the log what cannot be done; a machine without it is of less use, not of none.
void prepare_machine();

/// SIGTERM to every process of this machine, SIGKILL to those that are left after that time, then
/// all file systems are flushed.
void end_machine(Milliseconds grace);

}  // namespace hopyard::node
