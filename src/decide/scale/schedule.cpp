#include "decide/scale/schedule.h"

#include <algorithm>

namespace hopyard::decide::scale {
namespace {

using model::ScheduleEntry;

constexpr std::int64_t minutes_of_day = 24 * 60;
constexpr std::int64_t minutes_of_week = 7 * minutes_of_day;
constexpr std::int64_t ms_of_minute = 60'000;
/// 1 January 1970 was a Thursday.
constexpr std::int64_t epoch_offset = 3 * minutes_of_day;

std::int64_t floored(std::int64_t value, std::int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
}

/// Since Monday 0:00.
std::int64_t minute_of_week(Timestamp time) {
    const std::int64_t minute = floored(time.time_since_epoch().count(), ms_of_minute);
    const std::int64_t shifted = minute + epoch_offset;
    return shifted - floored(shifted, minutes_of_week) * minutes_of_week;
}

bool begins_on(const ScheduleEntry& entry, int day) {
    return entry.days.empty() ||
           std::find(entry.days.begin(), entry.days.end(), day) != entry.days.end();
}

int length_of(const ScheduleEntry& entry) {
    const int length = entry.to_minute - entry.from_minute;
    return length > 0 ? length : length + static_cast<int>(minutes_of_day);
}

/// It may have begun on this day or, past midnight, on the one before.
bool holds_at(const ScheduleEntry& entry, std::int64_t minute) {
    for (int day = 0; day < 7; ++day) {
        if (!begins_on(entry, day)) continue;
        const std::int64_t begin = day * minutes_of_day + entry.from_minute;
        const std::int64_t since = (minute - begin + minutes_of_week) % minutes_of_week;
        if (since < length_of(entry)) return true;
    }
    return false;
}

}  // namespace

int min_workers_at(const model::ScaleSpec& policy, Timestamp now) {
    const std::int64_t minute = minute_of_week(now);
    std::optional<int> scheduled;
    for (const ScheduleEntry& entry : policy.schedule)
        if (holds_at(entry, minute)) scheduled = std::max(scheduled.value_or(0), entry.min_workers);
    return scheduled.value_or(policy.min_workers);
}

std::optional<Timestamp> next_schedule_change(const model::ScaleSpec& policy, Timestamp now) {
    const std::int64_t minute = minute_of_week(now);
    const std::int64_t minute_began =
        floored(now.time_since_epoch().count(), ms_of_minute) * ms_of_minute;
    std::optional<std::int64_t> soonest;
    const auto consider = [&](std::int64_t at) {
        std::int64_t wait = (at - minute) % minutes_of_week;
        if (wait <= 0) wait += minutes_of_week;
        soonest = std::min(soonest.value_or(wait), wait);
    };
    for (const ScheduleEntry& entry : policy.schedule)
        for (int day = 0; day < 7; ++day) {
            if (!begins_on(entry, day)) continue;
            const std::int64_t begin = day * minutes_of_day + entry.from_minute;
            consider(begin);
            consider(begin + length_of(entry));
        }
    if (!soonest) return std::nullopt;
    return Timestamp(Milliseconds(minute_began + *soonest * ms_of_minute));
}

}  // namespace hopyard::decide::scale
