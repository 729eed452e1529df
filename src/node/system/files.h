// Small files of the machine: read whole, written whole and durably.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/result.h"

namespace hopyard::node::system {

struct FileOptions {
    mode_t mode = 0644;
    uid_t owner = 0;
    gid_t group = 0;
};

/// A new file takes the old one's place by a rename; equal contents are left alone. Owner and group
/// are set only when we are root.
Result<void> write_file(const std::string& path,
                        std::string_view contents,
                        FileOptions options = {});
/// Into the same file: for one that is bind-mounted or that others hold by its inode.
Result<void> write_in_place(const std::string& path, std::string_view contents);
Result<void> make_directory(const std::string& path, FileOptions options);

/// Numbers of an account of this machine, from its passwd and group files.
struct AccountIds {
    uid_t uid = 0;
    gid_t gid = 0;
};
std::optional<AccountIds> find_account(const std::string& name);

}  // namespace hopyard::node::system
