#include "azure/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace hopyard::azure {
namespace {

constexpr Milliseconds wait_max = std::chrono::hours(1);
constexpr std::array<std::string_view, 12> months{
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

std::optional<int> number(std::string_view digits) {
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value < 0)
        return std::nullopt;
    return value;
}

}  // namespace

std::optional<Timestamp> parse_http_date(std::string_view text) {
    if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT")
        return std::nullopt;
    const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
    const auto day = number(text.substr(5, 2));
    const auto year = number(text.substr(12, 4));
    const auto hour = number(text.substr(17, 2));
    const auto minute = number(text.substr(20, 2));
    const auto second = number(text.substr(23, 2));
    if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date{
        std::chrono::year(*year),
        std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
        std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return Timestamp(std::chrono::sys_days(date)) + std::chrono::hours(*hour) +
           std::chrono::minutes(*minute) + Seconds(*second);
}

std::string to_http_date(Timestamp time) {
    const auto midnight = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<Seconds>(time - midnight));
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                       days[std::chrono::weekday(midnight).c_encoding()],
                       static_cast<unsigned>(date.day()),
                       months[static_cast<unsigned>(date.month()) - 1],
                       static_cast<int>(date.year()),
                       clock.hours().count(),
                       clock.minutes().count(),
                       clock.seconds().count());
}

std::optional<Milliseconds> parse_retry_after(std::string_view text, Timestamp now) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    if (text.empty()) return std::nullopt;
    if (text.find_first_not_of("0123456789") == std::string_view::npos) {
        const auto seconds = number(text);
        return seconds ? std::min<Milliseconds>(Seconds(*seconds), wait_max) : wait_max;
    }
    const auto date = parse_http_date(text);
    if (!date) return std::nullopt;
    return std::clamp<Milliseconds>(*date - now, Milliseconds(0), wait_max);
}

std::optional<Milliseconds> retry_after(const http::Headers& headers, Timestamp now) {
    const auto field = headers.find("retry-after");
    return field ? parse_retry_after(*field, now) : std::nullopt;
}

std::optional<Milliseconds> look_after(const http::Headers& headers, Timestamp now) {
    const auto wait = retry_after(headers, now);
    return wait && wait->count() > 0 ? wait : std::nullopt;
}

}  // namespace hopyard::azure
