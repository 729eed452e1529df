// The control plane is never root. Started by root, it gives its state directory to an unprivileged
// user and becomes that user for good before it opens a file or a socket of its own.
#pragma once

#include <string>

#include "base/result.h"

namespace hopyard::apps {

/// Makes the state directory (0700) when it is missing. When we are root: gives it, with all that
/// is in it, to `user` (empty: its owner when that is not root, else the user hopyard, else nobody)
/// and becomes that user. `permission_denied` when that user is root or cannot reach the directory.
Result<void> leave_root(const std::string& state, const std::string& user);

}  // namespace hopyard::apps
