#include "decide/lifecycle/drain.h"

#include "model/phase.h"

namespace hopyard::decide {

bool drains(const model::Node& node) {
    return !node.is_head && node.wanted == model::NodeWanted::running &&
           (node.drain_wanted || node.restart_wanted);
}

bool is_drained(const model::Node& node) {
    return node.seen.workload_state == "drained";
}

void end_drain(model::Node& node) {
    ++node.drain_number;
    if (is_drained(node)) node.seen.workload_state = "idle";
}

std::string_view state_of(const model::Node& node) {
    if (node.phase != model::NodePhase::ready || !drains(node)) return to_string(node.phase);
    return is_drained(node) ? "drained" : "draining";
}

}  // namespace hopyard::decide
