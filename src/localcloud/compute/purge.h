// Takes away everything of one instance from this machine, by names alone.
#pragma once

#include <string>

#include "base/result.h"

namespace hopyard::localcloud::compute {

/// Ends every machine, and removes every namespace, interface, route, mount, loop device and
/// control group of that instance. Disks and the instance's data stay. Needs no record, no state
/// directory and no running program, and does nothing when there is nothing. Goes on after a
/// failure, returns the first.
Result<void> purge(const std::string& instance);

}  // namespace hopyard::localcloud::compute
