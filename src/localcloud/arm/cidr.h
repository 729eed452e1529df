// IPv4 addresses and ranges as numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hopyard::localcloud {

std::optional<std::uint32_t> parse_address(const std::string& text);
std::string address_text(std::uint32_t address);

struct Cidr {
    std::uint32_t first = 0;
    int length = 32;  ///< of the prefix

    /// "10.0.0.0/16" or a single address. Nothing when malformed or when host bits are set.
    static std::optional<Cidr> parse(const std::string& text);
    std::uint32_t last() const;
    bool contains(const Cidr& other) const {
        return first <= other.first && other.last() <= last();
    }
    bool contains(std::uint32_t address) const { return first <= address && address <= last(); }
    bool overlaps(const Cidr& other) const {
        return first <= other.last() && other.first <= last();
    }
    std::string text() const;
};

}  // namespace hopyard::localcloud
