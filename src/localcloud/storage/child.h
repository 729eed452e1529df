// A child process that is told to end (SIGTERM) when the thread that started it ends, even by being
// killed.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "localcloud/storage/view.h"

namespace hopyard::localcloud {

struct ChildOptions {
    std::vector<std::string> arguments;    ///< the program first, as an absolute path
    std::vector<std::string> environment;  ///< "NAME=value"
    std::string folder;                    ///< working directory, as the child sees it
    std::string log_file;                  ///< gets what it prints
    std::string lock_file;                 ///< held while it runs; it waits for its predecessor
    View view;                             ///< empty: what we see
    uid_t user = 0;                        ///< 0: as we are
    gid_t group = 0;
};

/// Returns its process id.
Result<pid_t> start_child(const ChildOptions& options);

/// The user's ids; nothing when there is no such user.
struct UserIds {
    uid_t user = 0;
    gid_t group = 0;
};
Result<UserIds> find_user(const std::string& name);

}  // namespace hopyard::localcloud
