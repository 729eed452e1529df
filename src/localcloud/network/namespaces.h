// Named network namespaces in /run/netns, the same that `ip netns` shows, and work inside them. A
// namespace lives as long as its name, a process or a socket in it: close listeners before
// deleting.
//
// A namespace belongs to a thread, so work inside one runs in a thread that ends with it. "The
// host's namespace" is always that of the calling thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "localcloud/network/descriptor.h"

namespace hopyard::localcloud::network {

std::string namespace_path(std::string_view name);
bool namespace_exists(const std::string& name);
/// Names that begin with `prefix`, in order.
std::vector<std::string> list_namespaces(std::string_view prefix);
/// The number by which the kernel knows it, 0 when there is none of that name.
std::uint64_t namespace_number(const std::string& name);

/// Makes it, with `lo` up and without IPv6. Nothing happens when it exists.
Result<void> create_namespace(const std::string& name);
/// Nothing happens when there is none of that name.
Result<void> delete_namespace(const std::string& name);
Result<Descriptor> open_namespace(const std::string& name);

/// Runs `work` in a thread in that namespace and returns what it returned.
Result<void> in_namespace(const std::string& name, const std::function<Result<void>()>& work);

/// Writes /proc/sys/net/<name> of the calling thread's namespace, when that exists.
Result<void> set_network_option(const std::string& name, std::string_view value);

}  // namespace hopyard::localcloud::network
