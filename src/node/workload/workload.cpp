#include "node/workload/workload.h"

#include <algorithm>

namespace hopyard::node::workload {

std::vector<nodewire::WorkloadNode> to_report(const nodewire::Orders& orders, const Seen& seen) {
    std::vector<nodewire::WorkloadNode> result;
    for (const auto& node : seen.nodes) {
        const bool placeholder = std::any_of(
            orders.placeholders.begin(), orders.placeholders.end(), [&](const auto& each) {
                return each.name == node.name;
            });
        if (placeholder) continue;
        const bool busy = node.allocated_cpus > 0 || node.jobs > 0 || node.completing;
        result.push_back({.name = node.name,
                          .state = node.state,
                          .drained = node.draining && !busy,
                          .draining = node.draining,
                          .responding = node.responding,
                          .jobs = node.jobs,
                          .allocated_cpus = node.allocated_cpus});
    }
    return result;
}

}  // namespace hopyard::node::workload
