#include "localcloud/network/names.h"

#include <algorithm>
#include <cstdio>

namespace hopyard::localcloud::network {
namespace {

/// FNV-1a: stable over versions and machines, which std::hash is not.
std::uint32_t stable_hash(std::string_view text) {
    std::uint32_t hash = 2166136261U;
    for (const unsigned char byte : text) hash = (hash ^ byte) * 16777619U;
    return hash;
}

}  // namespace

Result<void> check_short_id(std::string_view what, std::string_view id) {
    const bool fits =
        !id.empty() && id.size() <= 8 && std::all_of(id.begin(), id.end(), [](char letter) {
            return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
        });
    if (fits) return {};
    return fail(ErrorKind::invalid_argument,
                "malformed_id",
                "The id of a " + std::string(what) +
                    " has 1 to 8 characters of a-z and 0-9, not \"" +
                    std::string(id.substr(0, 40)) + "\".");
}

std::uint32_t Names::blackhole_metric() const {
    return 0xF0000000U | stable_hash(instance) >> 4;
}

std::uint32_t Names::host_link_choice() const {
    return stable_hash(instance) % 16384;
}

std::string bridge_of(const Prefix& subnet) {
    char name[16];
    std::snprintf(name, sizeof name, "b%08x-%d", subnet.base, subnet.length);
    return name;
}

}  // namespace hopyard::localcloud::network
