// What heads said last, as long as it needs no row. A head reports every few seconds, and what it
// says is mostly what it said before: then only the time is new, which matters to nobody before
// the head could be called silent. Here it is kept in memory, and the row is written again when it
// has grown old, the later the more clusters there are, and together with those of other clusters.
//
// Several replicas: a report counts here until another one writes the head's row, and whoever
// begins to hear a head has its row written soon. A replica that does not hear a head itself gives
// its row as long as others may let it grow old.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>

#include "base/ids.h"
#include "base/time.h"
#include "nodewire/wire.h"
#include "store/store.h"

namespace hopyard::control {

/// Thread-safe.
class Hearsay {
  public:
    Hearsay(Milliseconds silence, Milliseconds between_rewrites, Timestamp listening_since)
        : silence_(silence),
          between_rewrites_(between_rewrites),
          listening_since_(listening_since) {}

    /// True of a report that came after a newer one of the same run of the program; what a node
    /// sends on two connections may overtake itself.
    bool is_overtaken(const NodeId& head, const nodewire::Report& report, Timestamp now);
    /// Of what a report says; not of when it was said.
    std::size_t digest_of(const nodewire::Report& report) const;

    /// With that stamp the rows say what the head said, and were written when it was heard then.
    void note_rows(const NodeId& head,
                   std::size_t digest,
                   const store::StampedCluster& cluster,
                   Timestamp heard_at);
    /// The cluster whose rows say all of such a report but its time, when they were not written
    /// since; nothing when the head said something else before.
    std::optional<store::StampedCluster> known(const NodeId& head, std::size_t digest) const;
    /// The head has said just that before, however long ago.
    bool is_repeated(const NodeId& head, std::size_t digest) const;
    /// The head said the same again. True when its row has grown old by now.
    bool heard(const NodeId& head, Timestamp now);

    /// When a head falls silent of which the row says that it was last heard at that time.
    Timestamp silent_at(const NodeId& head, Timestamp last_report_at) const;
    void count_clusters(std::size_t clusters);
    /// Lets go of those that have long been silent.
    void forget_before(Timestamp time);

  private:
    struct Newest {
        std::size_t run = 0;  ///< its hash
        std::int64_t number = 0;
        Timestamp at;
    };
    struct Said {
        std::size_t digest = 0;
        store::StampedCluster cluster;
        Timestamp wrote_at;
        Timestamp heard_at;
    };

    /// How old a row may grow.
    Milliseconds row_age_max() const;

    const Milliseconds silence_;
    const Milliseconds between_rewrites_;
    const Timestamp listening_since_;  ///< nobody is silent before we listened for one whole period
    mutable std::mutex mutex_;
    std::size_t clusters_ = 0;         // guarded by mutex_
    std::map<NodeId, Said> said_;      // guarded by mutex_
    std::map<NodeId, Newest> newest_;  // guarded by mutex_
};

}  // namespace hopyard::control
