#include "localcloud/arm/cidr.h"

#include <charconv>

#include <arpa/inet.h>

namespace hopyard::localcloud {

std::optional<std::uint32_t> parse_address(const std::string& text) {
    in_addr address{};
    if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
    return ntohl(address.s_addr);
}

std::string address_text(std::uint32_t address) {
    in_addr raw{};
    raw.s_addr = htonl(address);
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &raw, text, sizeof text);
    return text;
}

std::optional<Cidr> Cidr::parse(const std::string& text) {
    const std::size_t slash = text.find('/');
    const auto first = parse_address(text.substr(0, slash));
    if (!first) return std::nullopt;
    Cidr range{*first, 32};
    if (slash != std::string::npos) {
        const char* begin = text.data() + slash + 1;
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(begin, end, range.length);
        if (error != std::errc() || stop != end || begin == end || range.length < 0 ||
            range.length > 32)
            return std::nullopt;
    }
    if (range.length == 0 ? range.first != 0
                          : (range.first & ((1ULL << (32 - range.length)) - 1)) != 0)
        return std::nullopt;
    return range;
}

std::uint32_t Cidr::last() const {
    return first + static_cast<std::uint32_t>((1ULL << (32 - length)) - 1);
}

std::string Cidr::text() const {
    return address_text(first) + "/" + std::to_string(length);
}

}  // namespace hopyard::localcloud
