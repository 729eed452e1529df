// Whether somebody listens, found out by calling.
#pragma once

#include <set>
#include <string>

#include "base/time.h"

namespace hopyard::node::system {

/// Those of these IPv4 addresses where a TCP connection to that port is accepted within that time.
/// All are called at once.
std::set<std::string> accepting(const std::set<std::string>& addresses,
                                int port,
                                Milliseconds timeout);

}  // namespace hopyard::node::system
