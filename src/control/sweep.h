// What bears our installation's tag and has no row in the store is an orphan (product.md D11). Both
// ways to it are here: the sweeper, which waits, looks twice and then removes; and what an
// administrator asks for, from tags alone. Containers and storage accounts are never touched: the
// vocabulary of resources does not hold them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "cloud/cloud.h"
#include "model/resource.h"
#include "store/store.h"

namespace hopyard::control {

struct SweepPatience {
    Milliseconds resources = Seconds(600);
    Milliseconds disks = Seconds(24 * 3600);
};

/// A resource that may be an orphan: the list shows it and no row is known.
struct Suspect {
    model::ResourceName name;
    ClusterId cluster;  ///< as its tag says
    Timestamp since;    ///< first list that showed it without a row
    Timestamp look_at;
    int attempts = 0;
    bool told = false;
    bool under_way = false;
};

/// Remembers since when resources have been unwanted. Not thread-safe.
class Sweeper {
  public:
    Sweeper(InstallationId installation, SweepPatience patience)
        : installation_(std::move(installation)), patience_(patience) {}

    /// A list that began at `began`. Who is not in it, or has a row again, is a suspect no more.
    void note_list(Timestamp began,
                   const std::map<model::ResourceName, cloud::Seen>& listing,
                   const std::function<bool(const model::ResourceName&)>& has_row);
    /// Suspects whose patience is over; they are under way until given back.
    std::vector<Suspect> take_due(Timestamp now);
    void clear(const model::ResourceName& name) { suspects_.erase(name); }
    void come_back(const model::ResourceName& name, Timestamp look_at);
    std::optional<Timestamp> next() const;
    void forget_all() { suspects_.clear(); }

    /// Whether a resource is ours to remove: it bears our tag, and no machine holds it.
    bool may_remove(const cloud::Seen& seen) const;

  private:
    InstallationId installation_;
    SweepPatience patience_;
    std::map<model::ResourceName, Suspect> suspects_;
};

/// True when the store holds a row of that name, however the case of its letters.
Result<bool> has_row(store::Store& store, const model::ResourceName& name);

// --- on request --------------------------------------------------------------------------------

struct Orphan {
    model::ResourceName name;
    ClusterId cluster;  ///< from its tag; may be long gone
    std::string role;
    std::optional<Timestamp> created_at;
    bool attached = false;  ///< a machine holds it, so it can't go before that
};

/// Everything that bears our tag and has no row, machines first. Only looks.
Result<std::vector<Orphan>> find_orphans(store::Store& store,
                                         cloud::Cloud& cloud,
                                         const InstallationId& installation);

struct OrphanRemoval {
    std::vector<model::ResourceName> removed;  ///< the cloud accepted it, or says it is gone
    std::vector<std::pair<model::ResourceName, Error>> refused;
    std::vector<model::ResourceName> waiting;  ///< a machine that leaves still holds it: call again
};

/// Removes those of `names` that are orphans by a list and a direct read right now; empty: all.
/// Repeatable: does not wait until machines are gone, and says what has to wait for them.
Result<OrphanRemoval> remove_orphans(store::Store& store,
                                     cloud::Cloud& cloud,
                                     const InstallationId& installation,
                                     const std::vector<model::ResourceName>& names);

}  // namespace hopyard::control
