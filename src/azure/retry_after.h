// The Retry-After field (RFC 9110 section 10.2.3): seconds or a date.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"
#include "http/message.h"

namespace hopyard::azure {

/// Nothing when the text is neither; at most one hour, so that a spoilt reply stalls nothing for
/// long.
std::optional<Milliseconds> parse_retry_after(std::string_view text, Timestamp now);
/// What the reply asks for; nothing without the field.
std::optional<Milliseconds> retry_after(const http::Headers& headers, Timestamp now);
/// As a time to look again: a wait of zero means "your own pace".
std::optional<Milliseconds> look_after(const http::Headers& headers, Timestamp now);

/// "Tue, 24 Nov 2026 02:18:30 GMT" (RFC 9110 section 5.6.7, the preferred form).
std::optional<Timestamp> parse_http_date(std::string_view text);
std::string to_http_date(Timestamp time);

}  // namespace hopyard::azure
