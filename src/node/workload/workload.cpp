#include "node/workload/workload.h"

#include <set>
#include <string_view>

namespace hopyard::node::workload {

Drains drains_of(const nodewire::Orders& orders) {
    Drains drains;
    for (const auto& member : orders.members)
        if (member.state == nodewire::Member::State::draining) drains[member.name] = member.drain;
    return drains;
}

std::vector<nodewire::WorkloadNode> to_report(const nodewire::Orders& orders,
                                              const Seen& seen,
                                              const Drains& arranged) {
    std::set<std::string_view> placeholders;
    for (const auto& each : orders.placeholders) placeholders.insert(each.name);
    std::vector<nodewire::WorkloadNode> result;
    for (const auto& node : seen.nodes) {
        if (placeholders.contains(node.name)) continue;
        const auto drain = arranged.find(node.name);
        result.push_back({.name = node.name,
                          .state = node.state,
                          .drained = node.draining && !node.is_busy(),
                          .draining = node.draining,
                          .drain = drain == arranged.end() ? -1 : drain->second,
                          .responding = node.responding,
                          .jobs = node.jobs,
                          .allocated = node.allocated,
                          .busy_until = node.busy_until,
                          .completing = node.completing});
    }
    return result;
}

}  // namespace hopyard::node::workload
