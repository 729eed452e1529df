// IPv4 addresses, prefixes and sets of them as plain values. Security rules, address translation
// and gateways are arithmetic on these; nothing here touches the machine.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hopyard::localcloud::network {

/// An address in host byte order.
using Address = std::uint32_t;

std::optional<Address> parse_address(std::string_view text);
std::string to_string(Address address);

struct Prefix {
    Address base = 0;  ///< host bits are zero
    int length = 0;

    Address first() const { return base; }
    Address last() const { return base | static_cast<Address>(0xffffffffULL >> length); }
    bool contains(Address address) const { return address >= first() && address <= last(); }
    auto operator<=>(const Prefix&) const = default;
};

/// "10.0.0.0/16"; an address alone is a /32. Nothing when host bits are set or the text is
/// malformed.
std::optional<Prefix> parse_prefix(std::string_view text);
std::string to_string(const Prefix& prefix);

/// The first address of a subnet is its gateway, as in Azure.
inline Address gateway_of(const Prefix& subnet) {
    return subnet.base + 1;
}

/// The numbers from `low` to `high`, both included.
struct Range {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    auto operator<=>(const Range&) const = default;
};

/// A set of numbers as ranges in order that neither overlap nor touch. nftables refuses a set whose
/// intervals overlap, and users write such lists, so every list goes through here.
using Ranges = std::vector<Range>;

Ranges merged(Ranges ranges);
/// Everything up to `top` that is not in `ranges`, which must be merged.
Ranges complement(const Ranges& ranges, std::uint32_t top);
bool contains(const Ranges& ranges, std::uint32_t number);

}  // namespace hopyard::localcloud::network
