// A machine that ran, from when to when: what usage and cost are told from. Written by the store
// together with the machine's row (store/metering.h), and kept when its cluster is gone.
//
// A machine runs from when the cloud shows that it has power until it is deallocated or gone: one
// that went off by itself still costs what a running one does.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

namespace hopyard::model {

struct MachineRun {
    OrganisationId organisation;
    ClusterId cluster;
    std::string cluster_name;
    std::string machine;  ///< the cloud's name of it, one of its cluster's
    std::string location;
    std::string instance_type;
    int vcpus = 0;
    bool spot = false;  ///< what it cost is in no list
    Timestamp started_at;
    std::optional<Timestamp> ended_at;  ///< nothing while it runs
    bool operator==(const MachineRun&) const = default;
};

std::string to_json(const MachineRun&);
Result<MachineRun> machine_run_from_json(std::string_view);

}  // namespace hopyard::model
