#include "decide/scale/experience.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace hopyard::decide::scale {
namespace {

using model::Ages;
using model::Experience;

constexpr std::size_t rises_max = 64;
/// Each span counts that much (thousandths) of the one after it: a size of rise by itself changes
/// with its user's day, all together hardly.
constexpr std::int64_t size_keeps = 950;
constexpr std::int64_t run_keeps = 970;
constexpr std::int64_t all_keep = 999;
/// So many spans (of all sizes) count for a size before its own were seen.
constexpr double borrowed = 0.5;
constexpr std::int64_t hours_of_week = 168;
/// So many rises count in each hour of the week before its own were seen.
constexpr std::int64_t hour_borrowed = 3000;
constexpr Milliseconds hours_known_after = Seconds(14 * 86'400);

std::size_t age_of(std::int64_t seconds) {
    constexpr std::int64_t first_s = 5;
    const auto fold = static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0) / first_s);
    return std::min<std::size_t>(std::bit_width(fold), Ages::count - 1);
}
std::int64_t begins_s(std::size_t age) {
    return age == 0 ? 0 : std::int64_t{5} << (age - 1);
}
std::int64_t ends_s(std::size_t age) {
    return age + 1 < Ages::count ? begins_s(age + 1) : std::numeric_limits<std::int64_t>::max();
}

void note_span(Ages& ages, Milliseconds span, std::int64_t keeps) {
    const std::int64_t seconds =
        std::max<std::int64_t>(std::chrono::duration_cast<Seconds>(span).count(), 0);
    for (std::size_t age = 0; age < Ages::count; ++age) {
        ages.ended[age] = ages.ended[age] * keeps / 1000;
        ages.lived_s[age] = ages.lived_s[age] * keeps / 1000;
    }
    const std::size_t last = age_of(seconds);
    // The second in which it ended was lived as well: nothing ends more often than once in one.
    for (std::size_t age = 0; age <= last; ++age)
        ages.lived_s[age] += std::min(seconds + 1, ends_s(age)) - begins_s(age);
    ages.ended[last] += 1000;
}

double hazard(const Ages& own, const Ages& all, std::size_t age) {
    const auto part = [age](const Ages& of, double more_ended, double more_lived) {
        return (static_cast<double>(of.ended[age]) / 1000 + more_ended) /
               (static_cast<double>(of.lived_s[age]) + more_lived);
    };
    // Once in three hours, where nobody has seen anything.
    const double common = part(all, 0.01, 100);
    return part(own, borrowed, borrowed / common);
}

/// How many ends are to be expected within that time of what has that age.
double expected(const Ages& own, const Ages& all, Milliseconds age, Milliseconds within) {
    const auto whole = [](Milliseconds duration) {
        return std::max<std::int64_t>(std::chrono::duration_cast<Seconds>(duration).count(), 0);
    };
    std::int64_t at = whole(age);
    const std::int64_t end = at + whole(within);
    double sum = 0;
    while (at < end) {
        const std::size_t index = age_of(at);
        const std::int64_t until = std::min(end, ends_s(index));
        sum += hazard(own, all, index) * static_cast<double>(until - at);
        at = until;
    }
    return sum;
}

int rounded(int workers) {
    if (workers <= 4) return workers;
    return static_cast<int>(std::bit_ceil(static_cast<unsigned>(workers)));
}

Experience::Size& size_of(Experience& experience, int workers, Timestamp now) {
    const int size = rounded(workers);
    const auto at = std::lower_bound(
        experience.sizes.begin(), experience.sizes.end(), size, [](const auto& one, int wanted) {
            return one.workers < wanted;
        });
    if (at != experience.sizes.end() && at->workers == size) return *at;
    return *experience.sizes.insert(at, {.workers = size, .last = now});
}

std::size_t hour_of_week(Timestamp now) {
    // 1970 began on a Thursday.
    const std::int64_t hours = to_unix_seconds(now) / 3600 + 3 * 24;
    return static_cast<std::size_t>((hours % hours_of_week + hours_of_week) % hours_of_week);
}

void rise(Experience& experience, int workers, Timestamp now) {
    const bool is_new = std::none_of(
        experience.sizes.begin(), experience.sizes.end(), [&](const Experience::Size& one) {
            return one.workers == rounded(workers);
        });
    Experience::Size& size = size_of(experience, workers, now);
    if (!is_new) {
        note_span(size.returns, now - size.last, size_keeps);
        note_span(experience.returns, now - size.last, all_keep);
    }
    size.last = now;
    experience.mean_rise += (std::int64_t{workers} * 1000 - experience.mean_rise) / 50;
    experience.hours[hour_of_week(now)] += 1000;
    experience.rises.push_back({.workers = workers, .since = now});
    if (experience.rises.size() > rises_max) experience.rises.erase(experience.rises.begin());
}

void end_rise(Experience& experience, std::size_t index, int workers, Timestamp now) {
    Experience::Rise& ended = experience.rises[index];
    Experience::Size& size = size_of(experience, workers, now);
    note_span(size.runs, now - ended.since, run_keeps);
    note_span(experience.runs, now - ended.since, all_keep);
    size.last = now;
    ended.workers -= workers;
    if (ended.workers == 0)
        experience.rises.erase(experience.rises.begin() + static_cast<std::ptrdiff_t>(index));
}

/// Which rise is over is not seen: one of just that size, else part of a larger one, else several.
void fall(Experience& experience, int workers, Timestamp now) {
    while (workers > 0 && !experience.rises.empty()) {
        const auto& rises = experience.rises;
        const auto best = std::min_element(rises.begin(), rises.end(), [&](auto& a, auto& b) {
            const auto rank = [&](const Experience::Rise& one) {
                const bool holds = one.workers >= workers;
                return std::pair(!holds, holds ? one.workers - workers : -one.workers);
            };
            return rank(a) < rank(b);
        });
        const int part = std::min(best->workers, workers);
        end_rise(experience, static_cast<std::size_t>(best - rises.begin()), part, now);
        workers -= part;
    }
}

}  // namespace

Experience learn(Experience experience, int demand, Timestamp now) {
    if (experience.since == Timestamp()) experience.since = now;
    const int change = demand - experience.demand;
    experience.demand = demand;
    if (change > 0) rise(experience, change, now);
    if (change < 0) fall(experience, -change, now);
    return experience;
}

Experience learn_boot(Experience experience, Milliseconds took) {
    constexpr int last_few = 4;
    const Milliseconds before = experience.boot.value_or(took);
    experience.boot = before + (took - before) / last_few;
    return experience;
}

double expected_returns(const Experience& experience,
                        const Experience::Size& size,
                        Timestamp now,
                        Milliseconds within) {
    return expected(size.returns, experience.returns, now - size.last, within) *
           static_cast<double>(hour_factor(experience, now)) / 1000;
}

double chance_of_end(const Experience& experience,
                     const Experience::Rise& rise,
                     Timestamp now,
                     Milliseconds within) {
    const auto size = std::find_if(
        experience.sizes.begin(), experience.sizes.end(), [&](const Experience::Size& one) {
            return one.workers == rounded(rise.workers);
        });
    const Ages unseen;
    // It ends but once.
    return 1 - std::exp(-expected(size == experience.sizes.end() ? unseen : size->runs,
                                  experience.runs,
                                  now - rise.since,
                                  within));
}

std::int64_t hour_factor(const Experience& experience, Timestamp now) {
    if (now - experience.since < hours_known_after) return 1000;
    std::int64_t sum = 0;
    for (const std::int64_t hour : experience.hours) sum += hour;
    const std::int64_t mean = sum / hours_of_week;
    const std::int64_t here = experience.hours[hour_of_week(now)];
    return (here + hour_borrowed) * 1000 / (mean + hour_borrowed);
}

}  // namespace hopyard::decide::scale
