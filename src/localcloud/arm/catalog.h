// What this cloud offers: locations, machine sizes, and the quotas that follow from the machine it
// runs on.
//
// The host says what it offers: 32 times its cores, because vCPUs are shares, and 80 % of its
// memory. Every size's memory is a limit that the kernel enforces, never a reservation. The B sizes
// are the machine's own: they count in full against the memory quota, so a cluster of them cannot
// run the host out of memory. The D, E and F sizes carry Azure's names and memory so that
// configurations written for Azure work unchanged; they count a quarter, because a data node is
// mostly idle here and its limit only says what it may reach. On 24 GiB, a Standard_D8_v3 head with
// two Standard_D4_v3 workers (32+16+16 GB) counts 16 GB and fits; the second such cluster is
// refused with Azure's quota text. Sizes with GPUs are listed, and restricted unless GPUs are
// rehearsed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "localcloud/arm/json.h"
#include "localcloud/machine_host.h"

namespace hopyard::localcloud {

struct Location {
    std::string name;
    std::string display_name;
    std::string geography;
    std::string geography_group;
};

struct Size {
    std::string name;    ///< "Standard_D2s_v5"
    std::string family;  ///< "standardDSv5Family"
    int vcpus = 1;
    std::int64_t memory_mb = 1024;
    int gpus = 0;
    bool premium = true;   ///< the "s" in the name
    int counted_part = 1;  ///< 1/n of its memory counts against the quota

    std::int64_t counted_mb() const { return memory_mb / counted_part; }
};

/// What is played where the real thing is not to be had.
struct Rehearsal {
    /// Sizes with GPUs are given. There is no card behind: machines have a device that stands for
    /// each (node/workload).
    bool gpus = false;
    /// These sizes are offered, and refused for want of capacity whenever one is asked for.
    std::vector<std::string> scarce_sizes;
    /// Of these there is no spot machine to give, and one on demand.
    std::vector<std::string> scarce_spot_sizes;
};

class Catalog {
  public:
    explicit Catalog(MachineHost::Capacity capacity, Rehearsal rehearsal = {});

    const std::vector<Location>& locations() const { return locations_; }
    bool knows_location(const std::string& normalised) const;
    const std::string& default_location() const { return locations_.front().name; }
    const std::vector<Size>& sizes() const { return sizes_; }
    std::optional<Size> size(const std::string& name) const;
    /// True when this host cannot run the size at all.
    bool restricted(const Size& size) const;
    /// True when the cloud has none to give just now.
    bool scarce(const Size& size) const;
    bool scarce_as_spot(const Size& size) const;
    int core_quota() const { return capacity_.cores; }
    std::int64_t memory_quota_mb() const { return capacity_.memory_mb; }
    static constexpr int machine_quota = 500;
    static constexpr int public_address_quota = 200;

  private:
    MachineHost::Capacity capacity_;
    Rehearsal rehearsal_;
    std::vector<Location> locations_;
    std::vector<Size> sizes_;
};

}  // namespace hopyard::localcloud
