// Time as a value. Decisions take `now` as an argument; only apps and tests own a Clock.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace hopyard {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
/// Wall-clock time in UTC, to the millisecond.
using Timestamp = std::chrono::sys_time<Milliseconds>;

/// The source of `now`. Two uses of one clock may see time stand still, never run backwards by more
/// than what an administrator changes; do not measure durations that decide anything with it alone.
class Clock {
  public:
    virtual ~Clock() = default;
    virtual Timestamp now() const = 0;
};

/// The machine's clock.
class SystemClock final : public Clock {
  public:
    Timestamp now() const override;
};

/// "2026-11-24T00:09:00.123Z" (RFC 3339, always UTC, always milliseconds).
std::string to_rfc3339(Timestamp time);
/// Reads what to_rfc3339 writes, and RFC 3339 in UTC with any number of fraction digits or none.
std::optional<Timestamp> from_rfc3339(std::string_view text);
/// Whole seconds since 1970, rounded down.
std::int64_t to_unix_seconds(Timestamp time);
/// "850 ms", "12.3 s", "4 min 05 s", "2 h 07 min": a duration for people.
std::string to_human(Milliseconds duration);

}  // namespace hopyard
