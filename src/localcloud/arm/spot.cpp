// What a machine may say of being a spot machine, in Azure's order of questions: is it one, what
// becomes of it when it is taken back, what may it cost, and is there one to give.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "localcloud/arm/machines.h"

namespace hopyard::localcloud {

namespace {

constexpr const char* regular = "Regular";

tl::expected<void, Fault> check_priority(const std::string& priority,
                                         const std::optional<Resource>& before,
                                         const std::string& name) {
    if (priority != regular && priority != "Spot" && priority != "Low")
        return tl::unexpected(
            invalid_parameter("priority", "It must be Regular, Low or Spot, and not " + priority));
    if (!before || text_at(before->shown(), "/properties/priority", regular) == priority) return {};
    return refuse_with(
        409,
        "VMPriorityCannotBeApplied",
        fmt::format("The specified priority value '{}' cannot be applied to the Virtual Machine "
                    "'{}' since another one was specified when the Virtual Machine was created.",
                    priority,
                    name));
}

tl::expected<void, Fault> check_regular(const Json& properties) {
    if (find(properties, "/evictionPolicy"))
        return refuse_with(
            400,
            "EvictionPolicyCanBeSetOnlyOnAzureSpotVirtualMachines",
            "Eviction policy can be set only on Azure Spot Virtual Machines. Leave out "
            "evictionPolicy, or set priority to Spot.");
    if (find(properties, "/billingProfile/maxPrice"))
        return refuse_with(400,
                           "MaxPriceIsSupportedOnlyForAzureSpotVirtualMachines",
                           "Max price is supported only for Azure Spot Virtual Machines. Leave out "
                           "billingProfile, or set priority to Spot.");
    return {};
}

tl::expected<void, Fault> check_spot(const Json& properties) {
    const std::string policy = text_at(properties, "/evictionPolicy", evicts_to_deallocated);
    if (policy != evicts_to_deallocated && policy != evicts_to_nothing)
        return tl::unexpected(
            invalid_parameter("evictionPolicy", "It must be Deallocate or Delete."));
    const Json* price = find(properties, "/billingProfile/maxPrice");
    const bool is_price =
        price == nullptr ||
        (price->is_number() && (price->get<double>() == -1 || price->get<double>() > 0));
    if (is_price) return {};
    return refuse_with(400,
                       "MaxPriceValueInvalid",
                       "Invalid max price value. The only supported values for max price are -1 or "
                       "a decimal greater than zero.");
}

}  // namespace

bool is_spot(const Json& machine) {
    const std::string priority = text_at(machine, "/properties/priority", regular);
    return priority == "Spot" || priority == "Low";
}

tl::expected<Json, Fault> read_spot(Core& core,
                                    const Call& call,
                                    const std::optional<Resource>& before,
                                    const Size& size) {
    const Json& wanted = object_at(call.wanted(), "/properties");
    const std::string name = ResourceId::parse(call.id)->name();
    RETURN_IF_FAULT(check_priority(text_at(wanted, "/priority", regular), before, name));
    const bool spot = is_spot(call.wanted());
    RETURN_IF_FAULT(spot ? check_spot(wanted) : check_regular(wanted));
    if (spot && !before && core.catalog.scarce_as_spot(size))
        return tl::unexpected(no_capacity(size, text_at(call.wanted(), "/location")));
    Json kept = Json::object();
    for (const char* member : {"priority", "evictionPolicy", "billingProfile"})
        if (const Json* value = find(wanted, "/" + std::string(member))) kept[member] = *value;
    if (spot && !kept.contains("evictionPolicy")) kept["evictionPolicy"] = evicts_to_deallocated;
    return kept;
}

}  // namespace hopyard::localcloud
