// /etc/hosts, which several parts of the program write: each owns a block between marks and leaves
// the rest as it is, so neither has to know what the others need. Writers exclude each other by a
// lock on the file; it is written in place, since it may be bind-mounted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hopyard::node::system {

struct HostsEntry {
    std::string address;
    std::vector<std::string> names;
    bool operator==(const HostsEntry&) const = default;
};

inline constexpr const char* hosts_path = "/etc/hosts";

/// The file's text with that block replaced; without entries the block goes. Everything outside of
/// it stays byte for byte.
std::string with_hosts_block(std::string_view contents,
                             std::string_view block,
                             const std::vector<HostsEntry>& entries);
/// The same for the file; made when it is not there. Repeatable, thread-safe. `block` is one word,
/// for example "storage".
Result<void> set_hosts_block(const std::string& path,
                             std::string_view block,
                             const std::vector<HostsEntry>& entries);

}  // namespace hopyard::node::system
