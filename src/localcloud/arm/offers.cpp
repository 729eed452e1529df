#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/catalog.h"
#include "localcloud/arm/machines.h"
#include "localcloud/arm/resources.h"

namespace hopyard::localcloud {

namespace {

Json capability(const char* name, const std::string& value) {
    return Json{{"name", name}, {"value", value}};
}

Json show_sku(Core& core, const Size& size, const std::string& location) {
    const std::string memory = fmt::format("{:g}", static_cast<double>(size.memory_mb) / 1024);
    const std::string vcpus = std::to_string(size.vcpus);
    Json capabilities = {capability("MaxResourceVolumeMB", "0"),
                         capability("OSVhdSizeMB", "1047552"),
                         capability("vCPUs", vcpus),
                         capability("vCPUsAvailable", vcpus),
                         capability("MemoryGB", memory),
                         capability("LocalMemoryMB", std::to_string(size.counted_mb())),
                         capability("MaxDataDiskCount", "0"),
                         capability("MaxNetworkInterfaces", "1"),
                         capability("CpuArchitectureType", "x64"),
                         capability("HyperVGenerations", "V1,V2"),
                         capability("LowPriorityCapable", "True"),
                         capability("PremiumIO", size.premium ? "True" : "False"),
                         capability("EphemeralOSDiskSupported", "False"),
                         capability("AcceleratedNetworkingEnabled", "False")};
    if (size.gpus > 0) capabilities.push_back(capability("GPUs", std::to_string(size.gpus)));
    Json restrictions = Json::array();
    if (core.catalog.restricted(size))
        restrictions.push_back({{"type", "Location"},
                                {"values", Json::array({location})},
                                {"restrictionInfo", {{"locations", Json::array({location})}}},
                                {"reasonCode", "NotAvailableForSubscription"}});
    const std::string short_name = size.name.substr(size.name.find('_') + 1);
    return Json{
        {"resourceType", "virtualMachines"},
        {"name", size.name},
        {"tier", "Standard"},
        {"size", short_name},
        {"family", size.family},
        {"locations", Json::array({location})},
        {"locationInfo",
         {{{"location", location}, {"zones", Json::array()}, {"zoneDetails", Json::array()}}}},
        {"capabilities", capabilities},
        {"restrictions", restrictions}};
}

Outcome list_skus(Core& core, const Call& call) {
    const std::string filter = call.request.query("$filter").value_or("");
    std::string wanted;
    const std::size_t open = filter.find('\'');
    if (open != std::string::npos)
        wanted = normal_location(filter.substr(open + 1, filter.rfind('\'') - open - 1));
    if (!filter.empty() && (!to_lower(filter).starts_with("location eq '") || wanted.empty()))
        return refuse_with(
            400, "InvalidParameter", "The only supported filter is: location eq '{location}'.");
    Json values = Json::array();
    for (const auto& location : core.catalog.locations()) {
        if (!wanted.empty() && location.name != wanted) continue;
        for (const auto& size : core.catalog.sizes())
            values.push_back(show_sku(core, size, location.name));
    }
    return reply(200, Json{{"value", values}});
}

tl::expected<std::string, Fault> location_of(Core& core, const Call& call) {
    const std::string location = normal_location(call.parameter("location"));
    if (core.catalog.knows_location(location)) return location;
    return refuse_with(
        400,
        "NoRegisteredProviderFound",
        fmt::format("No registered resource provider found for location '{}'.", location));
}

Json usage(const std::string& name,
           const std::string& words,
           std::int64_t used,
           std::int64_t limit) {
    return Json{{"unit", "Count"},
                {"currentValue", used},
                {"limit", limit},
                {"name", {{"value", name}, {"localizedValue", words}}}};
}

Outcome compute_usages(Core& core, const Call& call) {
    RETURN_IF_FAULT(location_of(core, call));
    const auto guard = core.ledger.guard();
    std::map<std::string, std::int64_t> families;
    for (const auto& size : core.catalog.sizes()) families[size.family] = 0;
    std::int64_t cores = 0, spot_cores = 0, memory = 0, machines = 0;
    for (const auto& machine : core.ledger.list(machine_type)) {
        const auto size =
            core.catalog.size(text_at(machine.shown(), "/properties/hardwareProfile/vmSize"));
        if (!size) continue;
        families[size->family] += size->vcpus;
        cores += size->vcpus;
        if (is_spot(machine.shown())) spot_cores += size->vcpus;
        memory += size->counted_mb();
        ++machines;
    }
    const std::int64_t quota = core.catalog.core_quota();
    Json values = {
        usage("availabilitySets", "Availability Sets", 0, 0),
        usage("cores", "Total Regional vCPUs", cores, quota),
        usage("virtualMachines", "Virtual Machines", machines, Catalog::machine_quota),
        usage("lowPriorityCores", "Total Regional Low-priority vCPUs", spot_cores, quota),
        usage(
            "localMemoryMB", "Total Regional Memory (MB)", memory, core.catalog.memory_quota_mb())};
    for (const auto& [family, used] : families)
        values.push_back(usage(family, family + " vCPUs", used, quota));
    return reply(200, Json{{"value", values}});
}

Outcome network_usages(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const std::string location, location_of(core, call));
    const auto guard = core.ledger.guard();
    Json values = Json::array();
    struct Counted {
        const char* name;
        const char* words;
        std::int64_t limit;
        const char* type;
    };
    for (const Counted& counted :
         {Counted{"VirtualNetworks", "Virtual Networks", 100, "virtualNetworks"},
          Counted{"NetworkInterfaces", "Network Interfaces", 1000, "networkInterfaces"},
          Counted{"NetworkSecurityGroups", "Network Security Groups", 500, "networkSecurityGroups"},
          Counted{"PublicIPAddresses",
                  "Public IP Addresses",
                  Catalog::public_address_quota,
                  "publicIPAddresses"}}) {
        const auto used = core.ledger.list(std::string("Microsoft.Network/") + counted.type).size();
        Json one =
            usage(counted.name, counted.words, static_cast<std::int64_t>(used), counted.limit);
        one["id"] = fmt::format("{}/providers/Microsoft.Network/locations/{}/usages/{}",
                                core.subscription_id(),
                                location,
                                counted.name);
        values.push_back(one);
    }
    return reply(200, Json{{"value", values}});
}

Outcome list_sizes(Core& core, const Call& call) {
    RETURN_IF_FAULT(location_of(core, call));
    Json values = Json::array();
    for (const auto& size : core.catalog.sizes())
        values.push_back({{"name", size.name},
                          {"numberOfCores", size.vcpus},
                          {"memoryInMB", size.memory_mb},
                          {"osDiskSizeInMB", 1047552},
                          {"resourceDiskSizeInMB", 0},
                          {"maxDataDiskCount", 0}});
    return reply(200, Json{{"value", values}});
}

}  // namespace

void add_offer_routes(Routes& routes) {
    const std::string compute = subscription_pattern + "/providers/Microsoft.Compute/";
    routes.add(Area::skus, "GET", compute + "skus", "Microsoft.Compute/skus/read", list_skus);
    routes.add(Area::compute,
               "GET",
               compute + "locations/{location}/usages",
               "Microsoft.Compute/locations/usages/read",
               compute_usages);
    routes.add(Area::compute,
               "GET",
               compute + "locations/{location}/vmSizes",
               "Microsoft.Compute/locations/vmSizes/read",
               list_sizes);
    routes.add(Area::network,
               "GET",
               subscription_pattern + "/providers/Microsoft.Network/locations/{location}/usages",
               "Microsoft.Network/locations/usages/read",
               network_usages);
}

}  // namespace hopyard::localcloud
