// A child process that ends when the thread that started it ends.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace hopyard::localcloud {

struct ChildOptions {
    std::vector<std::string> arguments;    ///< the program first, as an absolute path
    std::vector<std::string> environment;  ///< "NAME=value"
    std::string folder;                    ///< working directory
    std::string log_file;                  ///< gets what it prints
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
/// Whether that user could read the file, seen with its own eyes.
bool readable_by(const UserIds& user, const std::string& path);

}  // namespace hopyard::localcloud
