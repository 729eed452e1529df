// What a plan is made from: the stored rows of one cluster, what the cloud was last seen to hold,
// and the time. A plain value; whoever makes it reads the store once.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/cluster.h"
#include "model/resource.h"

namespace hopyard::decide {

/// What the cloud said of one resource. A list may be stale, late or short, so it only raises a
/// suspicion: absence and loss of power count when a direct read that came after agrees.
struct Sighting {
    enum class Power { unknown, on, off };

    bool listed = false;  ///< in the newest list
    Timestamp listed_at;  ///< when that list began; the epoch when there was none
    Power listed_power = Power::unknown;
    std::optional<Timestamp> read_at;  ///< of the newest direct read
    bool read_exists = false;
    Power read_power = Power::unknown;
    std::string disk;       ///< machine: name of its root disk
    bool attached = false;  ///< disk: some machine holds it

    // Only what was looked at after `time` counts: what the cloud said before a change is history.
    bool suspected_gone_since(Timestamp time) const;
    /// List and read agree that it is not there.
    bool gone_since(Timestamp time) const;
    bool suspected_off_since(Timestamp time) const;
    /// List and read agree that the machine has no power.
    bool off_since(Timestamp time) const;
    bool suspected_on_since(Timestamp time) const;
    bool on_since(Timestamp time) const;
    bool operator==(const Sighting&) const = default;
};

/// Every span of time that decisions know. The defaults are the product's.
struct Timing {
    Milliseconds silence = Seconds(10);             ///< no report for that long is shown (D17)
    Milliseconds workload_loss = Seconds(60);       ///< the workload manager lost a worker (D17)
    Milliseconds boot = Seconds(15 * 60);           ///< a machine that never reported is given up
    Milliseconds settle = Seconds(30);              ///< a new resource may be missing in reads
    Milliseconds read_again = Seconds(5);           ///< between two direct reads of one resource
    Milliseconds stop_workers_first = Seconds(30);  ///< how long a stop keeps the head for them
    Milliseconds grant = Seconds(7 * 24 * 3600);    ///< validity of the right on the container
    Milliseconds late = Seconds(90);         ///< an unanswered request may still be carried out
    Milliseconds token = Seconds(2 * 3600);  ///< validity of a machine's one-time token
    int attempts = 3;                        ///< machines lost in a row before it needs somebody
};

struct Snapshot {
    model::Cluster cluster;
    std::vector<model::Node> nodes;
    std::vector<model::Resource> resources;
    std::map<model::ResourceName, Sighting> sightings;
    /// Disks that bear this cluster's tags and have no row.
    std::vector<model::ResourceName> stray_disks;
    /// Calls under way right now; nothing is sent twice at once.
    std::set<model::ResourceName> busy;
    /// A direct read failed: none is made again before that time.
    std::map<model::ResourceName, Timestamp> unreadable_until;
    bool storage_busy = false;
    /// Since when this control plane listens to nodes: silence before that means nothing.
    Timestamp listening_since;
    Timestamp now;
    Timing timing;
};

}  // namespace hopyard::decide
