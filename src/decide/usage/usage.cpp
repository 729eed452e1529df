#include "decide/usage/usage.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include <fmt/format.h>

namespace hopyard::decide {

std::optional<Day> day_from(std::string_view text) {
    int parts[3] = {};
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const std::string_view words[] = {text.substr(0, 4), text.substr(5, 2), text.substr(8, 2)};
    for (int i = 0; i < 3; ++i) {
        const char* end = words[i].data() + words[i].size();
        const auto [stop, failed] = std::from_chars(words[i].data(), end, parts[i]);
        if (failed != std::errc() || stop != end || parts[i] < 0) return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year(parts[0]),
                                           std::chrono::month(static_cast<unsigned>(parts[1])),
                                           std::chrono::day(static_cast<unsigned>(parts[2]))};
    if (!date.ok() || parts[0] < 1970) return std::nullopt;
    return Day(date);
}

std::string to_string(Day day) {
    const std::chrono::year_month_day date(day);
    return fmt::format("{:04}-{:02}-{:02}",
                       static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()));
}

std::vector<DayShare> shares_of(const model::MachineRun& run, const Days& days, Timestamp now) {
    std::vector<DayShare> shares;
    const Timestamp end = std::min(run.ended_at.value_or(now), days.end());
    Timestamp at = std::max(run.started_at, days.begin());
    while (at < end) {
        const Day day = std::chrono::floor<std::chrono::days>(at);
        const Timestamp until = std::min<Timestamp>(end, day + std::chrono::days(1));
        shares.push_back({.day = day, .ran = until - at});
        at = until;
    }
    return shares;
}

std::vector<UsageLine> usage_of(const std::vector<model::MachineRun>& runs,
                                const Days& days,
                                Timestamp now) {
    std::map<std::tuple<Day, ClusterId, std::string, bool>, UsageLine> lines;
    for (const model::MachineRun& run : runs)
        for (const DayShare& share : shares_of(run, days, now)) {
            UsageLine& line = lines[{share.day, run.cluster, run.instance_type, run.spot}];
            line.day = share.day;
            line.cluster = run.cluster;
            line.cluster_name = run.cluster_name;
            line.location = run.location;
            line.instance_type = run.instance_type;
            line.spot = run.spot;
            line.ran += share.ran;
            line.vcpus += share.ran * run.vcpus;
        }
    std::vector<UsageLine> all;
    all.reserve(lines.size());
    for (auto& [key, line] : lines) all.push_back(std::move(line));
    return all;
}

std::vector<ClusterUsage> totals_of(const std::vector<model::MachineRun>& runs, Timestamp now) {
    std::map<ClusterId, ClusterUsage> clusters;
    std::map<std::tuple<ClusterId, std::string, bool>, ClusterUsage::Size> sizes;
    for (const model::MachineRun& run : runs) {
        const auto [entry, is_new] = clusters.try_emplace(run.cluster);
        ClusterUsage& usage = entry->second;
        usage.since = is_new ? run.started_at : std::min(usage.since, run.started_at);
        usage.cluster = run.cluster;
        usage.cluster_name = run.cluster_name;
        usage.location = run.location;
        const Milliseconds ran =
            std::max(Milliseconds(0), run.ended_at.value_or(now) - run.started_at);
        ClusterUsage::Size& size = sizes[{run.cluster, run.instance_type, run.spot}];
        size.instance_type = run.instance_type;
        size.spot = run.spot;
        size.ran += ran;
        size.vcpus += ran * run.vcpus;
    }
    for (auto& [key, size] : sizes)
        clusters[std::get<ClusterId>(key)].sizes.push_back(std::move(size));
    std::vector<ClusterUsage> all;
    all.reserve(clusters.size());
    for (auto& [id, usage] : clusters) all.push_back(std::move(usage));
    return all;
}

double hours(Milliseconds time) {
    return std::chrono::duration<double, std::ratio<3600>>(time).count();
}

}  // namespace hopyard::decide
