// What an instance of the local cloud leaves on this machine, and waiting for it to go.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/time.h"

namespace hopyard::tests {

/// What an instance's names and files leave in the kernel: namespaces, interfaces, routes, mounts,
/// loop devices, control groups, processes. Other instances may come and go meanwhile.
std::vector<std::string> traces_of(const std::string& instance);

/// Asks until it is so, for at most that long.
bool eventually(const std::function<bool()>& is_so, Milliseconds limit = Milliseconds{5000});

}  // namespace hopyard::tests
