// When a refused or failed request is worth repeating. Short for what passes by itself, long for
// what somebody has to mend: a refusal for quota or capacity is never repeated blindly.
#pragma once

#include "base/result.h"
#include "base/time.h"

namespace hopyard::decide {

/// The wait after `attempts` failures in a row (1 = the first). Honours retry_after.
Milliseconds wait_after(const Error& error, int attempts);
/// True when somebody has to act before it can work.
bool needs_somebody(ErrorKind kind);
/// Code of the problem of a machine that the cloud took on and then did not have: its name is used
/// up.
inline constexpr const char* machine_vanished = "machine_vanished";
/// True when a machine that failed this way has to be made under a new name: the cloud may have
/// kept a broken one.
bool retires_machine(ErrorKind kind);

}  // namespace hopyard::decide
