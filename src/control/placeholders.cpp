#include "control/placeholders.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include "base/encoding.h"

namespace hopyard::control {
namespace {

using model::MachineType;
using nodewire::Member;

std::string label_of(const std::string& type) {
    std::string label = "any-" + to_lower(type);
    std::replace_if(
        label.begin(),
        label.end(),
        [](char c) { return !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'); },
        '-');
    return label;
}

Member placeholder(std::string name, const MachineType& type) {
    return {.name = std::move(name),
            .is_head = false,
            .address = "",
            .vcpus = type.vcpus,
            .memory_mb = type.memory_mb,
            .gpus = type.gpus,
            .state = Member::State::expected,
            .reason = "no worker of this size is there"};
}

/// So many machines of one size that may come.
struct Room {
    std::string label;
    MachineType type;
    std::int64_t count = 0;
};

bool knows(const std::vector<Room>& rooms, const MachineType& type) {
    return std::any_of(rooms.begin(), rooms.end(), [&](const Room& room) {
        return std::tie(room.type.vcpus, room.type.memory_mb, room.type.gpus) ==
               std::tie(type.vcpus, type.memory_mb, type.gpus);
    });
}

/// One of each size, in the order of their names.
std::vector<Room> rooms_of_fixed(const model::Cluster& cluster) {
    std::set<std::string> in_use;
    for (const auto& group : cluster.spec.workers) in_use.insert(group.key.instance_type);
    std::vector<Room> rooms;
    for (const auto& [name, type] : cluster.types) {
        // What is kept of an autoscaled group stands for its machines, and those come below.
        if (cluster.spec.autoscale && !in_use.contains(name)) continue;
        if (!knows(rooms, type)) rooms.push_back({label_of(name), type, 1});
    }
    return rooms;
}

std::vector<Room> rooms_of(const model::Cluster& cluster,
                           const std::vector<model::Node>& nodes,
                           const model::ScaleSpec& group) {
    const auto keys = model::keys_of(group);
    const auto have = std::count_if(nodes.begin(), nodes.end(), [&](const model::Node& node) {
        const bool stays = node.autoscaled && node.wanted != model::NodeWanted::removed;
        return stays && std::any_of(keys.begin(), keys.end(), [&](const auto& key) {
                   return key.instance_type == node.group.instance_type;
               });
    });
    const auto grow = std::max<std::int64_t>(0, group.max_workers - have);
    std::vector<Room> rooms;
    for (const auto& key : keys) {
        const auto type = cluster.types.find(key.instance_type);
        if (type == cluster.types.end() || knows(rooms, type->second)) continue;
        rooms.push_back({label_of(key.instance_type), type->second, grow});
    }
    return rooms;
}

}  // namespace

std::vector<Member> placeholders(const model::Cluster& cluster,
                                 const std::vector<model::Node>& nodes) {
    std::vector<Member> out;
    for (const Room& room : rooms_of_fixed(cluster))
        out.push_back(placeholder(room.label, room.type));
    if (!cluster.spec.autoscale) return out;
    std::vector<Room> rooms = rooms_of(cluster, nodes, cluster.spec.autoscale->general);
    if (cluster.spec.autoscale->gpu)
        for (Room& room : rooms_of(cluster, nodes, *cluster.spec.autoscale->gpu))
            rooms.push_back(std::move(room));
    const auto taken = static_cast<std::int64_t>(nodes.size() + out.size());
    const auto left = std::max<std::int64_t>(0, nodewire::machines_max - taken);
    const auto part = left / std::max<std::int64_t>(1, static_cast<std::int64_t>(rooms.size()));
    std::int64_t wanted = 0;
    for (const Room& room : rooms) wanted += room.count;
    std::set<std::string> names;
    for (const Room& room : rooms) {
        const auto count = wanted <= left ? room.count : std::min(room.count, part);
        for (std::int64_t i = 1; i <= count; ++i) {
            auto name = room.label + "-" + std::to_string(i);
            // The same type in both groups: the greater number stands.
            if (names.insert(name).second) out.push_back(placeholder(std::move(name), room.type));
        }
    }
    return out;
}

}  // namespace hopyard::control
