// `hopyard up` and `hopyard down`: everything on this machine, from nothing to a cluster that ran a
// job, and back to nothing running. Repeatable: what is there is found and left as it is.
#pragma once

#include <string>
#include <vector>

#include "cli/commands.h"

namespace hopyard::cli {

/// Where this machine's installation lies.
struct Places {
    std::string state = "/var/lib/hopyard";              ///< of the control plane
    std::string cloud_state = "/var/lib/hopyard-cloud";  ///< of the local cloud
};

struct UpOptions {
    Places places;
    std::string image = "/var/lib/hopyard-cloud/image";  ///< base image of machines
    std::string node_program;                            ///< empty: hopyard-node beside this one
    std::string azurite;                                 ///< empty: hopyard-cloud looks for it
    std::string node = "node";                           ///< Node.js, for Azurite
    std::string user;                                    ///< of `hopyard serve`, when we are root
    std::string mail_file;                               ///< of `hopyard serve`; empty: no mail
    std::string cluster = "demo";
    std::string instance_type = "Standard_B1ms";
    long disk_gb = 30;
    int workers = 2;
    bool only_services = false;  ///< no cluster, no job
    // Of a local cloud that is started now.
    bool rehearse_gpus = false;            ///< sizes with GPUs, without a card behind
    std::vector<std::string> scarce;       ///< sizes that are offered and refused
    std::vector<std::string> scarce_spot;  ///< those that are refused as spot machines alone
};
int up(const Output& output, const UpOptions& options);

struct DownOptions {
    Places places;
    bool purge = false;  ///< the data too
};
/// Stops the control plane, then the local cloud with every machine, namespace and mount of it.
int down(const Output& output, const DownOptions& options);

}  // namespace hopyard::cli
