#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/catalog.h"
#include "localcloud/arm/cidr.h"
#include "localcloud/arm/network.h"

namespace hopyard::localcloud {

namespace {

constexpr const char* type = "Microsoft.Network/publicIPAddresses";

/// "…/networkInterfaces/n/ipConfigurations/c" that the address belongs to; "" when it is free.
std::string user_of(Core& core, const std::string& address_id) {
    for (const auto& interface : core.ledger.list("Microsoft.Network/networkInterfaces"))
        for (const Json& one : array_at(interface.shown(), "/properties/ipConfigurations"))
            if (same_id(text_at(one, "/properties/publicIPAddress/id"), address_id))
                return interface.id + "/ipConfigurations/" + text_at(one, "/name");
    return "";
}

/// The first free address of the range; its first ten are left to the networks' own use.
tl::expected<std::string, Fault> free_address(Core& core) {
    const auto range = Cidr::parse(core.ledger.note("public_range").value_or("198.18.0.0/24"));
    const auto all = core.ledger.list(type);
    std::set<std::string> taken;
    for (const auto& one : all) taken.insert(text_at(one.shown(), "/properties/ipAddress"));
    constexpr std::uint32_t kept_back = 10;
    if (all.size() < static_cast<std::size_t>(Catalog::public_address_quota) && range)
        for (std::uint32_t address = range->first + kept_back; address < range->last(); ++address)
            if (!taken.contains(address_text(address))) return address_text(address);
    return refuse_with(
        400,
        "PublicIPCountLimitReached",
        fmt::format("Cannot create more than {} public IP addresses for this subscription "
                    "in this region.",
                    all.size()));
}

Outcome put_address(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto before = core.ledger.find(call.id);
    OUTCOME_OR_RETURN(Json frame, network_frame(core, call, before));
    const Json& wanted = call.wanted();
    const std::string sku = text_at(wanted, "/sku/name", "Standard");
    const std::string method = text_at(wanted, "/properties/publicIPAllocationMethod", "Static");
    if (sku != "Standard" && sku != "Basic")
        return refuse_with(
            400, "InvalidSkuName", fmt::format("The SKU name {} is not known.", sku));
    if (sku == "Basic")
        return refuse_with(400,
                           "IPv4BasicSkuPublicIpCountLimitReached",
                           "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this "
                           "subscription in this region.");
    if (to_lower(method) != "static")
        return refuse_with(
            400,
            "PublicIPAndLBSkuDoNotMatch",
            fmt::format("Standard sku publicIp {} must have AllocationMethod set to Static.",
                        call.id));
    if (to_lower(text_at(wanted, "/properties/publicIPAddressVersion", "IPv4")) != "ipv4")
        return refuse_with(400, "NotSupported", "This cloud has IPv4 addresses only.");
    Json& properties = frame["properties"];
    if (before) {
        properties["ipAddress"] = text_at(before->shown(), "/properties/ipAddress");
    } else {
        OUTCOME_OR_RETURN(properties["ipAddress"], free_address(core));
    }
    properties["publicIPAddressVersion"] = "IPv4";
    properties["publicIPAllocationMethod"] = "Static";
    properties["idleTimeoutInMinutes"] = number_at(wanted, "/properties/idleTimeoutInMinutes", 4);
    properties["ipTags"] = Json::array();
    const std::string option = text_at(wanted, "/properties/deleteOption");
    if (!option.empty()) properties["deleteOption"] = option;
    const std::string label = text_at(wanted, "/properties/dnsSettings/domainNameLabel");
    if (!label.empty())
        properties["dnsSettings"] = {
            {"domainNameLabel", label},
            {"fqdn", fmt::format("{}.{}.cloudapp.localhost", label, text_at(frame, "/location"))}};
    frame["sku"] = {{"name", "Standard"}, {"tier", "Regional"}};
    if (const Json& zones = array_at(wanted, "/zones"); !zones.empty()) frame["zones"] = zones;
    const Resource after = before ? changed(core, *before, std::move(frame))
                                  : made(core, call.id, std::move(frame), Json::object());
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return network_put_reply(core, before, show_public_address(core, after));
}

Outcome get_address(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource address, must_find(core, call.id));
    return reply(200, show_public_address(core, address));
}

Outcome delete_address(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto address = core.ledger.find(call.id);
    if (!address) return empty_reply(204);
    const std::string user = user_of(core, address->id);
    if (!user.empty())
        return refuse_with(
            400,
            "PublicIPAddressCannotBeDeleted",
            fmt::format("Public IP address {} can not be deleted since it is still allocated "
                        "to resource {}. In order to delete the public IP, "
                        "disassociate/detach the Public IP address from the resource.  To "
                        "learn how to do this, see aka.ms/deletepublicip.",
                        address->id,
                        user));
    return network_delete_reply(core, call, Batch{.erase = {address->id}}, "", Json::object());
}

Outcome list_addresses(Core& core, const Call& call) {
    return list_of(core, call, type, show_public_address);
}

Outcome patch_address(Core& core, const Call& call) {
    return patch_tags(core, call, show_public_address);
}

}  // namespace

Json show_public_address(Core& core, const Resource& address) {
    Json shown = framed(address);
    const std::string user = user_of(core, address.id);
    if (!user.empty()) shown["properties"]["ipConfiguration"] = {{"id", user}};
    return shown;
}

void add_public_address_routes(Routes& routes) {
    routes.add(Routes::Resourceful{.area = Area::network,
                                   .type = type,
                                   .put = put_address,
                                   .get = get_address,
                                   .remove = delete_address,
                                   .list = list_addresses,
                                   .patch = patch_address});
}

}  // namespace hopyard::localcloud
