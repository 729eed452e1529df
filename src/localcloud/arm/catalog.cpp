#include "localcloud/arm/catalog.h"

#include <algorithm>

#include "base/encoding.h"

namespace hopyard::localcloud {

namespace {

constexpr std::int64_t gib = 1024;

bool names(const std::vector<std::string>& sizes, const Size& size) {
    return std::any_of(sizes.begin(), sizes.end(), [&](const std::string& name) {
        return to_lower(name) == to_lower(size.name);
    });
}

/// Standard_D2s_v3, Standard_D4s_v3, … with 4 GiB for each vCPU, as Azure's D series has.
void add_general(std::vector<Size>& sizes,
                 const std::string& letter,
                 const std::string& version,
                 bool premium,
                 std::int64_t memory_per_vcpu) {
    const std::string s = premium ? "s" : "";
    for (const int vcpus : {2, 4, 8, 16, 32}) {
        sizes.push_back({.name = "Standard_" + letter + std::to_string(vcpus) + s + "_" + version,
                         .family = "standard" + letter + (premium ? "S" : "") + version + "Family",
                         .vcpus = vcpus,
                         .memory_mb = vcpus * memory_per_vcpu,
                         .premium = premium,
                         .counted_part = 4});
    }
}

}  // namespace

Catalog::Catalog(MachineHost::Capacity capacity, Rehearsal rehearsal)
    : capacity_(capacity), rehearsal_(std::move(rehearsal)) {
    locations_ = {
        {"local", "Local", "This machine", "Local"},
        {"westeurope", "West Europe", "Europe", "Europe"},
        {"northeurope", "North Europe", "Europe", "Europe"},
        {"swedencentral", "Sweden Central", "Sweden", "Europe"},
        {"germanywestcentral", "Germany West Central", "Germany", "Europe"},
        {"uksouth", "UK South", "United Kingdom", "UK"},
        {"eastus", "East US", "United States", "US"},
        {"eastus2", "East US 2", "United States", "US"},
        {"westus2", "West US 2", "United States", "US"},
        {"southeastasia", "Southeast Asia", "Asia Pacific", "Asia Pacific"},
    };
    const std::string burst = "standardBSFamily";
    sizes_ = {
        {.name = "Standard_B1ls", .family = burst, .vcpus = 1, .memory_mb = gib / 2},
        {.name = "Standard_B1s", .family = burst, .vcpus = 1, .memory_mb = gib},
        {.name = "Standard_B1ms", .family = burst, .vcpus = 1, .memory_mb = 2 * gib},
        {.name = "Standard_B2ts_v2", .family = "standardBsv2Family", .vcpus = 2, .memory_mb = gib},
        {.name = "Standard_B2s", .family = burst, .vcpus = 2, .memory_mb = 4 * gib},
        {.name = "Standard_B2ms", .family = burst, .vcpus = 2, .memory_mb = 8 * gib},
        {.name = "Standard_B4ms", .family = burst, .vcpus = 4, .memory_mb = 16 * gib},
    };
    for (const std::string version : {"v3", "v4", "v5"}) {
        add_general(sizes_, "D", version, true, 4 * gib);
        add_general(sizes_, "D", version, false, 4 * gib);
        add_general(sizes_, "E", version, true, 8 * gib);
    }
    add_general(sizes_, "F", "v2", true, 2 * gib);
    sizes_.push_back({.name = "Standard_NC4as_T4_v3",
                      .family = "Standard NCASv3_T4 Family",
                      .vcpus = 4,
                      .memory_mb = 28 * gib,
                      .gpus = 1,
                      .counted_part = 4});
    sizes_.push_back({.name = "Standard_NC6s_v3",
                      .family = "standardNCSv3Family",
                      .vcpus = 6,
                      .memory_mb = 112 * gib,
                      .gpus = 1,
                      .counted_part = 4});
}

bool Catalog::knows_location(const std::string& normalised) const {
    for (const auto& location : locations_)
        if (location.name == normalised) return true;
    return false;
}

std::optional<Size> Catalog::size(const std::string& name) const {
    for (const auto& size : sizes_)
        if (to_lower(size.name) == to_lower(name)) return size;
    return std::nullopt;
}

bool Catalog::restricted(const Size& size) const {
    return (size.gpus > 0 && !rehearsal_.gpus) || size.vcpus > core_quota() ||
           size.counted_mb() > memory_quota_mb();
}

bool Catalog::scarce(const Size& size) const {
    return names(rehearsal_.scarce_sizes, size);
}

bool Catalog::scarce_as_spot(const Size& size) const {
    return names(rehearsal_.scarce_spot_sizes, size);
}

}  // namespace hopyard::localcloud
