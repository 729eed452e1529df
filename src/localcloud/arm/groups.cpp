#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/fabric.h"
#include "localcloud/arm/machines.h"
#include "localcloud/arm/resources.h"
#include "localcloud/storage/blob_accounts.h"

namespace hopyard::localcloud {

namespace {

constexpr const char* type = "Microsoft.Resources/resourceGroups";

bool is_group_name(const std::string& name) {
    if (name.empty() || name.size() > 90 || name.back() == '.') return false;
    for (const char c : name)
        if (!std::isalnum(static_cast<unsigned char>(c)) &&
            std::string("-_.()").find(c) == std::string::npos)
            return false;
    return true;
}

Json show_group(Core&, const Resource& group) {
    return group.shown();
}

Outcome put_group(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const std::string& name = call.parameter("group");
    if (!is_group_name(name))
        return refuse_with(
            400,
            "InvalidResourceGroup",
            fmt::format("The provided resource group name '{}' is not valid: it has 1 to 90 "
                        "letters, digits, '-', '_', '.', '(' or ')', and no '.' at its end.",
                        name));
    const auto before = core.ledger.find(call.id);
    OUTCOME_OR_RETURN(const Json tags, check_tags(call));
    auto location = check_location(core, call, std::nullopt);
    if (!location) return tl::unexpected(location.error());
    if (before && text_at(before->shown(), "/location") != *location)
        return refuse_with(
            409,
            "InvalidResourceGroupLocation",
            fmt::format("Invalid resource group location '{}'. The Resource group already "
                        "exists in location '{}'.",
                        *location,
                        text_at(before->shown(), "/location")));
    Json body = {{"id", before ? before->id : call.id},
                 {"name", before ? before->shown()["name"] : Json(name)},
                 {"type", type},
                 {"location", *location},
                 {"properties", {{"provisioningState", "Succeeded"}}}};
    if (!tags.empty()) body["tags"] = tags;
    const Resource after = before ? changed(core, *before, std::move(body))
                                  : made(core, call.id, std::move(body), Json::object());
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return reply(before ? 200 : 201, show_group(core, after));
}

Outcome get_group(Core& core, const Call& call) {
    const auto group = core.ledger.find(call.id);
    if (!group) return tl::unexpected(group_not_found(call.parameter("group")));
    return reply(200, show_group(core, *group));
}

Outcome head_group(Core& core, const Call& call) {
    return empty_reply(core.ledger.exists(call.id) ? 204 : 404);
}

Outcome patch_group(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto before = core.ledger.find(call.id);
    if (!before) return tl::unexpected(group_not_found(call.parameter("group")));
    OUTCOME_OR_RETURN(const Json tags, check_tags(call));
    Json body = before->shown();
    if (find(call.wanted(), "/tags")) body["tags"] = tags;
    const Resource after = changed(core, *before, std::move(body));
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return reply(200, show_group(core, after));
}

Outcome delete_group(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto before = core.ledger.find(call.id);
    if (!before) return tl::unexpected(group_not_found(call.parameter("group")));
    Json body = before->shown();
    body["properties"]["provisioningState"] = "Deleting";
    const Resource after = changed(core, *before, std::move(body));
    const Operation operation =
        new_operation(core, "group.delete", after.id, Operation::Style::group, Json::object());
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}, .operations = {operation}}));
    auto answer = empty_reply(202);
    announce(core, call, operation, Announce::location_only, *answer);
    return answer;
}

Outcome list_groups(Core& core, const Call& call) {
    return list_of(core, call, type, show_group);
}

/// Everything of the group that stands on this machine; the order is that of dependence.
Result<void> remove_contents(Ledger& ledger,
                             Fabric& fabric,
                             BlobAccounts& blobs,
                             const std::string& group) {
    for (const auto& machine : ledger.list(machine_type, group)) {
        RETURN_IF_ERROR(fabric.host().remove_machine(Fabric::host_id(machine)));
        const auto interface = ledger.find(Fabric::interface_of(machine));
        if (interface) RETURN_IF_ERROR(fabric.remove_port(text_at(interface->secret(), "/host")));
    }
    for (const auto& network : ledger.list("Microsoft.Network/virtualNetworks", group))
        RETURN_IF_ERROR(fabric.remove_network(text_at(network.secret(), "/host")));
    for (const auto& account : ledger.list("Microsoft.Storage/storageAccounts", group))
        RETURN_IF_ERROR(blobs.remove(text_at(account.shown(), "/name")));
    return {};
}

}  // namespace

std::optional<Resource> find_group(const Ledger& ledger,
                                   const std::string& subscription,
                                   const std::string& group) {
    return ledger.find("/subscriptions/" + subscription + "/resourceGroups/" + group);
}

void define_group_work(Executor& executor, Ledger& ledger, Fabric& fabric, BlobAccounts& blobs) {
    executor.define(
        "group.delete",
        {.act = [&](const Operation& operation) -> Result<void> {
             return remove_contents(ledger, fabric, blobs, operation.target);
         },
         .settle =
             [&](const Operation& operation, const Result<void>& outcome, Batch& batch) {
                 if (!outcome) return;
                 for (const auto& resource : ledger.list("", operation.target))
                     batch.erase.push_back(resource.id);
             }});
}

void add_group_routes(Routes& routes) {
    const std::string action = "Microsoft.Resources/subscriptions/resourceGroups/";
    routes.add(Area::resources, "PUT", group_pattern, action + "write", put_group);
    routes.add(Area::resources, "GET", group_pattern, action + "read", get_group);
    routes.add(Area::resources, "HEAD", group_pattern, action + "read", head_group);
    routes.add(Area::resources, "PATCH", group_pattern, action + "write", patch_group);
    routes.add(Area::resources, "DELETE", group_pattern, action + "delete", delete_group);
    routes.add(Area::resources,
               "GET",
               subscription_pattern + "/resourceGroups",
               action + "read",
               list_groups);
}

}  // namespace hopyard::localcloud
