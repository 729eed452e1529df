// One-time codes of an authenticator app: RFC 6238 over RFC 4226, SHA-1, 6 digits, 30 seconds,
// which is what every app can do. Pure: the time is an argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "base/time.h"

namespace hopyard::api::people {

inline constexpr std::size_t totp_secret_bytes = 20;  ///< as long as the digest (RFC 4226 R6)
inline constexpr int totp_digits = 6;

/// RFC 4226 section 5.3.
std::string hotp(std::string_view key, std::uint64_t counter, int digits);
/// The number of the 30 seconds in which `now` lies (RFC 6238 section 4.2).
std::int64_t totp_step(Timestamp now);
/// The step that a code is of: this one, the one before or the one after, since clocks differ
/// (RFC 6238 section 5.2). Nothing for a wrong code and for one not newer than step `last`, so that
/// a code that was overheard does not work again.
std::optional<std::int64_t> match_totp(const Secret& key,
                                       std::string_view code,
                                       Timestamp now,
                                       std::int64_t last);
/// What the app reads as a picture: otpauth://totp/ISSUER:ACCOUNT?secret=…
std::string totp_uri(const Secret& key, const std::string& issuer, const std::string& account);

}  // namespace hopyard::api::people
