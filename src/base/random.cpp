#include "base/random.h"

#include <string_view>

#include <fmt/format.h>
#include <sodium.h>

#include "base/check.h"

namespace hopyard {

std::uint64_t SystemRandom::next() {
    std::uint64_t value = 0;
    randombytes_buf(&value, sizeof value);
    return value;
}

std::uint64_t SeededRandom::next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

std::uint64_t below(Random& random, std::uint64_t bound) {
    CHECK(bound > 0);
    const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    for (;;) {
        const std::uint64_t value = random.next();
        if (value < limit) return value % bound;
    }
}

bool chance(Random& random, double probability) {
    return static_cast<double>(random.next() >> 11) * 0x1.0p-53 < probability;
}

std::string random_bytes(Random& random, std::size_t count) {
    std::string bytes;
    bytes.reserve(count);
    while (bytes.size() < count) {
        std::uint64_t value = random.next();
        for (int i = 0; i < 8 && bytes.size() < count; ++i, value >>= 8)
            bytes.push_back(static_cast<char>(value & 0xff));
    }
    return bytes;
}

std::string random_word(Random& random, std::size_t length) {
    static constexpr std::string_view alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
    std::string word;
    while (word.size() < length) word.push_back(alphabet[below(random, alphabet.size())]);
    return word;
}

std::string random_uuid(Random& random) {
    std::uint64_t high = random.next(), low = random.next();
    high = (high & ~0xf000ULL) | 0x4000ULL;
    low = (low & ~(3ULL << 62)) | (2ULL << 62);
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                       high >> 32,
                       (high >> 16) & 0xffff,
                       high & 0xffff,
                       low >> 48,
                       low & 0xffffffffffffULL);
}

}  // namespace hopyard
