#include <charconv>

#include <fmt/format.h>

#include "model/validate.h"

namespace hopyard::model {
namespace {

std::uint32_t mask_of(int length) {
    return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
}

/// Reads a decimal number of at most `most` without leading zeros, and moves `text` behind it.
std::optional<std::uint32_t> number(std::string_view& text, std::uint32_t most) {
    std::uint32_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto length = static_cast<std::size_t>(end - text.data());
    if (failed != std::errc() || value > most || (length > 1 && text.front() == '0'))
        return std::nullopt;
    text.remove_prefix(length);
    return value;
}

}  // namespace

bool Cidr::contains(const Cidr& other) const {
    return other.length >= length && (other.address & mask_of(length)) == address;
}

bool Cidr::overlaps(const Cidr& other) const {
    return contains(other) || other.contains(*this);
}

std::string Cidr::to_string() const {
    return fmt::format("{}.{}.{}.{}/{}",
                       address >> 24,
                       (address >> 16) & 255,
                       (address >> 8) & 255,
                       address & 255,
                       length);
}

std::optional<Cidr> parse_cidr(std::string_view text) {
    Cidr out;
    for (int part = 0; part < 4; ++part) {
        if (part > 0) {
            if (!text.starts_with('.')) return std::nullopt;
            text.remove_prefix(1);
        }
        const auto value = number(text, 255);
        if (!value) return std::nullopt;
        out.address = out.address << 8 | *value;
    }
    if (!text.starts_with('/')) return std::nullopt;
    text.remove_prefix(1);
    const auto length = number(text, 32);
    if (!length || !text.empty()) return std::nullopt;
    out.length = static_cast<int>(*length);
    if ((out.address & ~mask_of(out.length)) != 0) return std::nullopt;
    return out;
}

std::optional<Cidr> first_free(const Cidr& outer, int length, const std::vector<Cidr>& taken) {
    if (length < outer.length || length > 32) return std::nullopt;
    const std::uint64_t step = std::uint64_t{1} << (32 - length);
    const std::uint64_t end =
        std::uint64_t{outer.address} + (std::uint64_t{1} << (32 - outer.length));
    for (std::uint64_t at = outer.address; at < end;) {
        const Cidr candidate{.address = static_cast<std::uint32_t>(at), .length = length};
        const Cidr* hit = nullptr;
        for (const Cidr& range : taken)
            if (range.overlaps(candidate)) hit = &range;
        if (hit == nullptr) return candidate;
        const std::uint64_t behind =
            std::uint64_t{hit->address} + (std::uint64_t{1} << (32 - hit->length));
        at = (std::max(behind, at + step) + step - 1) / step * step;
    }
    return std::nullopt;
}

}  // namespace hopyard::model
