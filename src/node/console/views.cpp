#include "node/console/views.h"

#include <algorithm>

namespace hopyard::node::console {
namespace {

std::string state_of(const nodewire::WorkloadNode& node) {
    if (node.drained) return "drained";
    if (node.draining) return "draining";
    if (!node.responding && node.state != "down") return "not responding";
    return node.state;
}

}  // namespace

std::vector<NodeRow> node_rows(const nodewire::Orders& orders, const nodewire::Report& report) {
    using State = nodewire::Member::State;
    std::vector<NodeRow> rows;
    for (const auto& member : orders.members) {
        if (member.state == State::absent || member.state == State::removed) continue;
        NodeRow row{.name = member.name,
                    .is_head = member.is_head,
                    .state = "starting",
                    .address = member.address,
                    .cpus = member.vcpus,
                    .memory_mb = member.memory_mb,
                    .gpus = member.gpus};
        if (member.is_head && report.services_ready) row.state = "ready";
        for (const auto& node : report.workload) {
            if (node.name != member.name || member.state == State::expected) continue;
            row.state = state_of(node);
            row.jobs = node.jobs;
            row.allocated_cpus = static_cast<int>(node.allocated.cpus);
        }
        rows.push_back(std::move(row));
    }
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
        return std::make_tuple(!a.is_head, a.name) < std::make_tuple(!b.is_head, b.name);
    });
    return rows;
}

}  // namespace hopyard::node::console
