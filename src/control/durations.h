// How long things usually take: what earlier machines of this installation took from one phase to
// the next, and earlier resources until the cloud had made them, by where they are made and the
// size of the machine. Two small records in the store, kept in the transaction that stores the
// move; nothing is told before the first.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/cluster.h"
#include "store/store.h"

namespace hopyard::control {

struct Usual {
    model::NodePhase phase = model::NodePhase::creating;
    std::string location;
    std::string instance_type;
    Milliseconds median{0};
    int starts = 0;  ///< how many it was taken from
    bool operator==(const Usual&) const = default;
};

/// Keeps what the changed nodes took for the phase they have left, where they have come one further
/// towards being ready: others took as long as it took to mend something.
Result<void> note_durations(store::Transaction& t,
                            const std::string& location,
                            const std::vector<model::Node>& before,
                            const std::vector<model::Node>& changed);

/// In the order of location, size and phase.
Result<std::vector<Usual>> usual_durations(store::Transaction& t);

/// How long a cluster like that takes until all of it is ready: head and workers start side by
/// side, and a phase of the slowest counts. Nothing while a size of it was never started here.
std::optional<Milliseconds> estimated_start(const std::vector<Usual>& usual,
                                            const model::ClusterSpec& spec);

/// Keeps what the cloud took to make a resource, of which it said later that it was made; those
/// that are made at once need no patience. `instance_type`: of a machine; else "".
Result<void> note_making(store::Transaction& t,
                         const std::string& location,
                         model::ResourceKind kind,
                         const std::string& instance_type,
                         Milliseconds took);

/// How long the cloud usually takes to make such resources there.
class UsualMakings {
  public:
    static Result<UsualMakings> read(store::Transaction& t);
    std::optional<Milliseconds> of(const std::string& location,
                                   model::ResourceKind kind,
                                   const std::string& instance_type) const;

  private:
    /// By location, word of the kind, and instance type.
    std::map<std::tuple<std::string, std::string, std::string>, Milliseconds> medians_;
};

}  // namespace hopyard::control
