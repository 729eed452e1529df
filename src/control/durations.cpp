#include "control/durations.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "model/phase.h"

namespace hopyard::control {
namespace {

using model::Node;
using model::NodePhase;
using nlohmann::json;

constexpr const char* durations_setting = "usual-durations";
constexpr const char* makings_setting = "usual-makings";
/// Of each step of a size, and of all together: the oldest go.
constexpr std::size_t kept_of_one = 9;
constexpr std::size_t kept_max = 300;

/// The way of a machine until it is ready.
constexpr std::array steps{NodePhase::creating, NodePhase::booting, NodePhase::joining};

/// The phases that a move leaves behind, none when it is no step on the way: the one it comes from,
/// and those it leaps over, which took no time.
std::span<const NodePhase> passed(NodePhase from, NodePhase to) {
    const auto first = std::find(steps.begin(), steps.end(), from);
    const auto last =
        to == NodePhase::ready ? steps.end() : std::find(steps.begin(), steps.end(), to);
    const bool forwards = first < last && (last != steps.end() || to == NodePhase::ready);
    return forwards ? std::span(first, last) : std::span<const NodePhase>();
}

/// {"used": N, "entries": [{location, instanceType, step, used: N, tookMs: [newest last]}]}; a step
/// is a phase or a kind of resource, and `used` rises with every entry that is written, and the one
/// used longest ago makes room.
struct Record {
    std::int64_t used = 0;
    json entries = json::array();
};

Result<Record> read(store::Transaction& t, const char* setting) {
    ASSIGN_OR_RETURN(const auto text, t.setting(setting));
    Record record;
    const json document = text ? json::parse(*text, nullptr, false) : json();
    // What cannot be read is begun anew: it is a hint for people.
    if (!document.is_object() || !document.contains("entries")) return record;
    record.used = document.value("used", std::int64_t{0});
    record.entries = document["entries"];
    return record;
}

Result<void> keep(store::Transaction& t, const char* setting, const Record& record) {
    return t.put_setting(setting, json{{"used", record.used}, {"entries", record.entries}}.dump());
}

json& entry_of(Record& record,
               const std::string& location,
               const std::string& instance_type,
               std::string_view step) {
    for (json& entry : record.entries)
        if (entry.value("location", "") == location && entry.value("step", "") == step &&
            entry.value("instanceType", "") == instance_type)
            return entry;
    if (record.entries.size() >= kept_max)
        record.entries.erase(std::min_element(
            record.entries.begin(), record.entries.end(), [](const json& a, const json& b) {
                return a.value("used", std::int64_t{0}) < b.value("used", std::int64_t{0});
            }));
    record.entries.push_back({{"location", location},
                              {"instanceType", instance_type},
                              {"step", step},
                              {"tookMs", json::array()}});
    return record.entries.back();
}

void add(Record& record,
         const std::string& location,
         const std::string& instance_type,
         std::string_view step,
         Milliseconds took) {
    json& entry = entry_of(record, location, instance_type, step);
    entry["used"] = ++record.used;
    json& all = entry["tookMs"];
    all.push_back(took.count());
    if (all.size() > kept_of_one) all.erase(all.begin());
}

Milliseconds median_of(const json& took) {
    std::vector<std::int64_t> all;
    for (const json& each : took)
        if (each.is_number_integer()) all.push_back(each.get<std::int64_t>());
    if (all.empty()) return Milliseconds(0);
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>((all.size() - 1) / 2);
    std::nth_element(all.begin(), middle, all.end());
    return Milliseconds(*middle);
}

}  // namespace

Result<void> note_durations(store::Transaction& t,
                            const std::string& location,
                            const std::vector<Node>& before,
                            const std::vector<Node>& changed) {
    std::optional<Record> record;
    for (const Node& node : changed) {
        const auto old = std::find_if(
            before.begin(), before.end(), [&](const Node& row) { return row.id == node.id; });
        if (old == before.end()) continue;
        const auto phases = passed(old->phase, node.phase);
        Milliseconds took = node.phase_since - old->phase_since;
        if (phases.empty()) continue;
        if (took < Milliseconds(0)) continue;  // the clock was set back
        if (!record) {
            ASSIGN_OR_RETURN(record, read(t, durations_setting));
        }
        for (const NodePhase phase : phases)
            add(*record,
                location,
                node.group.instance_type,
                model::to_string(phase),
                std::exchange(took, Milliseconds(0)));
    }
    if (!record) return {};
    return keep(t, durations_setting, *record);
}

Result<std::vector<Usual>> usual_durations(store::Transaction& t) {
    ASSIGN_OR_RETURN(const Record record, read(t, durations_setting));
    std::vector<Usual> usual;
    for (const json& entry : record.entries) {
        const auto phase = model::parse<NodePhase>(entry.value("step", ""));
        if (!phase) continue;
        const json took = entry.value("tookMs", json::array());
        usual.push_back({.phase = *phase,
                         .location = entry.value("location", ""),
                         .instance_type = entry.value("instanceType", ""),
                         .median = median_of(took),
                         .starts = static_cast<int>(took.size())});
    }
    std::sort(usual.begin(), usual.end(), [](const Usual& a, const Usual& b) {
        return std::tie(a.location, a.instance_type, a.phase) <
               std::tie(b.location, b.instance_type, b.phase);
    });
    return usual;
}

std::optional<Milliseconds> estimated_start(const std::vector<Usual>& usual,
                                            const model::ClusterSpec& spec) {
    std::vector<std::string> sizes = {spec.head.instance_type};
    for (const auto& group : spec.workers)
        if (group.count > 0) sizes.push_back(group.key.instance_type);
    Milliseconds sum{0};
    for (const NodePhase phase : steps) {
        Milliseconds slowest{0};
        for (const std::string& size : sizes) {
            const auto found = std::find_if(usual.begin(), usual.end(), [&](const Usual& each) {
                return each.phase == phase && each.location == spec.location &&
                       each.instance_type == size;
            });
            if (found == usual.end()) return std::nullopt;
            slowest = std::max(slowest, found->median);
        }
        sum += slowest;
    }
    return sum;
}

Result<void> note_making(store::Transaction& t,
                         const std::string& location,
                         model::ResourceKind kind,
                         const std::string& instance_type,
                         Milliseconds took) {
    if (took < Milliseconds(0)) return {};  // the clock was set back
    ASSIGN_OR_RETURN(Record record, read(t, makings_setting));
    add(record, location, instance_type, model::to_string(kind), took);
    return keep(t, makings_setting, record);
}

Result<UsualMakings> UsualMakings::read(store::Transaction& t) {
    ASSIGN_OR_RETURN(const Record record, control::read(t, makings_setting));
    UsualMakings usual;
    for (const json& entry : record.entries)
        usual.medians_[{entry.value("location", ""),
                        entry.value("step", ""),
                        entry.value("instanceType", "")}] =
            median_of(entry.value("tookMs", json::array()));
    return usual;
}

std::optional<Milliseconds> UsualMakings::of(const std::string& location,
                                             model::ResourceKind kind,
                                             const std::string& instance_type) const {
    const auto found =
        medians_.find({location, std::string(model::to_string(kind)), instance_type});
    if (found == medians_.end()) return std::nullopt;
    return found->second;
}

}  // namespace hopyard::control
