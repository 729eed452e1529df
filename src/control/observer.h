// What the cloud was seen to hold, in memory: the newest list of everything that bears our tag, and
// the newest direct read of each resource. A look is dated by when it began, so that what happened
// meanwhile is never taken for seen. Nothing here decides; decide/lifecycle weighs the sightings.
// Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "cloud/cloud.h"
#include "decide/lifecycle/snapshot.h"
#include "model/resource.h"

namespace hopyard::control {

/// What a row says should be there: enough to tell whether a list is worth a plan.
struct Expected {
    model::ResourceName name;
    bool running = false;
};

class Observer {
  public:
    void note_list(Timestamp began, const cloud::Listing& listing);
    void note_read(const model::ResourceName& name,
                   Timestamp began,
                   const std::optional<cloud::Seen>& seen);
    void forget(const model::ResourceName& name) { reads_.erase(name); }
    void forget_all();

    decide::Sighting sighting(const model::ResourceName& name) const;
    /// Disks that bear that cluster's tag and that no machine holds.
    std::vector<model::ResourceName> loose_disks(const ClusterId& cluster) const;
    /// True when the list misses one of them, or shows another power state.
    bool deviates(const std::vector<Expected>& expected) const;
    const std::map<model::ResourceName, cloud::Seen>& listing() const { return listing_; }

  private:
    struct Read {
        Timestamp at;
        bool exists = false;
        decide::Sighting::Power power = decide::Sighting::Power::unknown;
    };
    std::optional<Timestamp> listed_at_;
    std::map<model::ResourceName, cloud::Seen> listing_;
    std::map<model::ResourceName, Read> reads_;
};

/// The value of that tag, or "".
std::string tag_of(const cloud::Seen& seen, std::string_view name);
decide::Sighting::Power power_of(cloud::Power power);

}  // namespace hopyard::control
