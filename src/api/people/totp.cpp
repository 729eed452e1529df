#include "api/people/totp.h"

#include "base/encoding.h"

namespace hopyard::api::people {
namespace {

constexpr Seconds step_length{30};
constexpr std::int64_t steps_around = 1;

}  // namespace

std::string hotp(std::string_view key, std::uint64_t counter, int digits) {
    std::string message(8, '\0');
    for (std::size_t i = 0; i < 8; ++i)
        message[7 - i] = static_cast<char>(counter >> (8 * i) & 0xff);
    const std::string digest = hmac_sha1(key, message);
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(digest[at]); };
    const std::size_t offset = byte(digest.size() - 1) & 0x0f;
    std::uint32_t number = (byte(offset) & 0x7fu) << 24 | byte(offset + 1) << 16u |
                           byte(offset + 2) << 8u | byte(offset + 3);
    std::string code(static_cast<std::size_t>(digits), '0');
    for (auto digit = code.rbegin(); digit != code.rend(); ++digit, number /= 10)
        *digit = static_cast<char>('0' + number % 10);
    return code;
}

std::int64_t totp_step(Timestamp now) {
    return to_unix_seconds(now) / step_length.count();
}

std::optional<std::int64_t> match_totp(const Secret& key,
                                       std::string_view code,
                                       Timestamp now,
                                       std::int64_t last) {
    const std::int64_t middle = totp_step(now);
    std::optional<std::int64_t> found;
    for (std::int64_t step = middle - steps_around; step <= middle + steps_around; ++step) {
        const std::string right = hotp(key.reveal(), static_cast<std::uint64_t>(step), totp_digits);
        if (equal_in_constant_time(right, code) && step > last) found = step;
    }
    return found;
}

std::string totp_uri(const Secret& key, const std::string& issuer, const std::string& account) {
    return "otpauth://totp/" + percent_encode(issuer) + ":" + percent_encode(account) +
           "?secret=" + to_base32(key.reveal()) + "&issuer=" + percent_encode(issuer) +
           "&algorithm=SHA1&digits=6&period=30";
}

}  // namespace hopyard::api::people
