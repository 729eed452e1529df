// Bytes as text and text as bytes, and the digests that names are made of.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hopyard {

std::string to_base64(std::string_view bytes);
/// Nothing when the text is not base64 (RFC 4648 with padding; white space is skipped).
std::optional<std::string> from_base64(std::string_view text);
/// base64url without padding (RFC 4648 section 5), as in JSON web tokens.
std::string to_base64url(std::string_view bytes);
std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view text);
/// 32 raw bytes.
std::string sha256(std::string_view bytes);
/// 32 raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
/// 20 raw bytes; for protocols that say so (one-time codes), nothing else.
std::string hmac_sha1(std::string_view key, std::string_view bytes);
/// RFC 4648 section 6, in capitals and without padding.
std::string to_base32(std::string_view bytes);
/// A version 5 UUID (RFC 9562) of that name in that namespace UUID: equal input, equal output.
std::string uuid5(std::string_view namespace_uuid, std::string_view name);
/// Percent-encodes everything but unreserved characters (RFC 3986 section 2.3).
std::string percent_encode(std::string_view text);
/// The reverse; a malformed escape stands for itself, "+" stays "+".
std::string percent_decode(std::string_view text);
std::string to_lower(std::string_view text);
/// Compares in a time that depends on the lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace hopyard
