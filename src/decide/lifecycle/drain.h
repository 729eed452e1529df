// A drain of one node: it takes no new work, what runs goes on. It is wanted by a person, until
// that is taken back, or by a restart of that node alone, which never cuts work off.
#pragma once

#include <string_view>

#include "model/cluster.h"

namespace hopyard::decide {

/// A node that stays, and on which no work is to begin.
bool drains(const model::Node& node);
/// Slurm says of the present drain that nothing is left on the node.
bool is_drained(const model::Node& node);
/// The present drain is over: what was said of it must not be taken for the next one's.
void end_drain(model::Node& node);
/// One word for people: the phase; of a ready node that drains "draining" or "drained".
std::string_view state_of(const model::Node& node);

}  // namespace hopyard::decide
