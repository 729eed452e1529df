// The LXC configuration of one machine, as text. Pure. It says all there is to say about a machine:
// layers, namespace, limits, what its root may not do. cgroup v1 and v2 keys stand side by side;
// LXC takes those the host has.
#pragma once

#include <cstdint>
#include <string>

namespace hopyard::localcloud::compute {

/// Where the node program lies in a machine; it is the machine's init.
inline constexpr const char* init_path = "/usr/lib/hopyard/hopyard-node";

struct MachineConfig {
    std::string hostname;
    std::string program_layer;      ///< directory, on top of the base image
    std::string base_image;         ///< directory of the root file system
    std::string upper;              ///< directory of what the machine writes
    std::string network_namespace;  ///< path
    std::string console_log;        ///< file that takes what init prints
    int vcpus = 1;
    int host_cores = 1;
    std::int64_t memory_mb = 1024;
    bool has_cgroup2_only = false;  ///< the machine then sees its own cgroups
};

std::string render(const MachineConfig& config);

/// The program layer that a configuration names; empty when it names none.
std::string program_layer_of(const std::string& config);

}  // namespace hopyard::localcloud::compute
