#include "localcloud/network/addresses.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

namespace hopyard::localcloud::network {

std::optional<Address> parse_address(std::string_view text) {
    in_addr parsed{};
    const std::string copy(text);
    if (copy.size() > 15 || inet_pton(AF_INET, copy.c_str(), &parsed) != 1) return std::nullopt;
    return ntohl(parsed.s_addr);
}

std::string to_string(Address address) {
    return std::to_string(address >> 24) + "." + std::to_string(address >> 16 & 255) + "." +
           std::to_string(address >> 8 & 255) + "." + std::to_string(address & 255);
}

std::optional<Prefix> parse_prefix(std::string_view text) {
    const auto slash = text.find('/');
    const auto base = parse_address(text.substr(0, slash));
    if (!base) return std::nullopt;
    if (slash == std::string_view::npos) return Prefix{*base, 32};
    const auto digits = text.substr(slash + 1);
    int length = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (error != std::errc{} || end != digits.data() + digits.size() || length < 0 || length > 32)
        return std::nullopt;
    const Prefix prefix{*base, length};
    const auto host_bits = static_cast<Address>(0xffffffffULL >> length);
    if ((prefix.base & host_bits) != 0) return std::nullopt;
    return prefix;
}

std::string to_string(const Prefix& prefix) {
    return to_string(prefix.base) + "/" + std::to_string(prefix.length);
}

Ranges merged(Ranges ranges) {
    std::sort(ranges.begin(), ranges.end());
    Ranges result;
    for (const auto& range : ranges) {
        const bool joins = !result.empty() &&
                           (range.low <= result.back().high || range.low - 1 == result.back().high);
        if (joins)
            result.back().high = std::max(result.back().high, range.high);
        else
            result.push_back(range);
    }
    return result;
}

Ranges complement(const Ranges& ranges, std::uint32_t top) {
    Ranges result;
    std::uint64_t next = 0;
    for (const auto& range : ranges) {
        if (range.low > next) result.push_back({static_cast<std::uint32_t>(next), range.low - 1});
        next = std::uint64_t{range.high} + 1;
    }
    if (next <= top) result.push_back({static_cast<std::uint32_t>(next), top});
    return result;
}

bool contains(const Ranges& ranges, std::uint32_t number) {
    return std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
        return number >= range.low && number <= range.high;
    });
}

}  // namespace hopyard::localcloud::network
