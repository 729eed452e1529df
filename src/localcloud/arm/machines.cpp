#include "localcloud/arm/machines.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/catalog.h"

namespace hopyard::localcloud {

namespace {

bool is_true(const std::optional<std::string>& value) {
    return value && to_lower(*value) == "true";
}

bool expands(const Call& call, const std::string& what) {
    return to_lower(call.request.query("$expand").value_or("")) == to_lower(what);
}

tl::expected<void, Fault> check_alive(const Resource& machine, const std::string& operation) {
    if (text_at(machine.shown(), "/properties/provisioningState") != "Deleting") return {};
    return refuse_with(
        409,
        "OperationNotAllowed",
        fmt::format("Operation '{}' is not allowed on VM '{}' since the VM is marked for "
                    "deletion. You can only retry the Delete operation (or wait for an "
                    "ongoing one to complete).",
                    operation,
                    text_at(machine.shown(), "/name")));
}

/// A new size of a running machine means a restart with it.
Json apply_arguments(const Resource& before, const Resource& after) {
    const char* size = "/properties/hardwareProfile/vmSize";
    const bool resized = text_at(before.shown(), size) != text_at(after.shown(), size);
    return Json{{"restart", resized && text_at(before.secret(), "/power") == "running"}};
}

Outcome put_machine(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto before = core.ledger.find(call.id);
    RETURN_IF_FAULT(check_preconditions(call, before));
    if (before) RETURN_IF_FAULT(check_alive(*before, "Create or Update VM"));
    OUTCOME_OR_RETURN(Resource after, build_machine(core, call, before));
    const Operation operation =
        new_operation(core,
                      "machine.apply",
                      after.id,
                      Operation::Style::compute,
                      before ? apply_arguments(*before, after) : Json{{"restart", false}});
    Batch batch{.put = {after}, .operations = {operation}};
    batch.operations[0].location = text_at(after.shown(), "/location");
    const std::string disk_id =
        text_at(after.shown(), "/properties/storageProfile/osDisk/managedDisk/id");
    const auto disk = core.ledger.find(disk_id);
    if (!before && disk)
        return refuse_with(
            409,
            "Conflict",
            fmt::format("Disk {} already exists in resource group {}. Only CreateOption.Attach "
                        "is supported.",
                        text_at(disk->shown(), "/name"),
                        ResourceId::parse(call.id)->group));
    if (!disk) batch.put.push_back(disk_of_machine(core, after));
    RETURN_IF_FAULT(apply(core, batch));
    return machine_reply(core, call, before ? 200 : 201, &after, batch.operations[0]);
}

Outcome get_machine(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource machine, must_find(core, call.id));
    Json shown = show_machine(
        core, machine, expands(call, "instanceView") ? Shows::with_view : Shows::model);
    if (expands(call, "userData"))
        shown["properties"]["userData"] = text_at(machine.secret(), "/userData");
    return reply(200, std::move(shown));
}

Outcome get_view(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource machine, must_find(core, call.id));
    return reply(200, instance_view(core, machine));
}

Json show_plain(Core& core, const Resource& machine) {
    return show_machine(core, machine, Shows::model);
}

Json show_viewed(Core& core, const Resource& machine) {
    return show_machine(core, machine, Shows::with_view);
}

Outcome list_machines(Core& core, const Call& call) {
    const bool viewed = is_true(call.request.query("statusOnly")) || expands(call, "instanceView");
    return list_of(core, call, machine_type, viewed ? show_viewed : show_plain);
}

Outcome list_machine_sizes(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource machine, must_find(core, call.id));
    Json values = Json::array();
    for (const auto& size : core.catalog.sizes())
        if (!core.catalog.restricted(size))
            values.push_back({{"name", size.name},
                              {"numberOfCores", size.vcpus},
                              {"memoryInMB", size.memory_mb},
                              {"osDiskSizeInMB", 1047552},
                              {"resourceDiskSizeInMB", 0},
                              {"maxDataDiskCount", 0}});
    return reply(200, Json{{"value", values}});
}

/// PATCH: tags, size, user data and identity.
Outcome patch_machine(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    OUTCOME_OR_RETURN(const Resource before, must_find(core, call.id));
    RETURN_IF_FAULT(check_preconditions(call, before));
    RETURN_IF_FAULT(check_alive(before, "Update VM"));
    const Json& wanted = call.wanted();
    Json body = before.shown();
    Json hidden = before.secret();
    if (find(wanted, "/tags")) {
        OUTCOME_OR_RETURN(body["tags"], check_tags(call));
    }
    const std::string size_name = text_at(wanted, "/properties/hardwareProfile/vmSize");
    if (!size_name.empty()) {
        const std::string location = text_at(body, "/location");
        OUTCOME_OR_RETURN(const Size size, check_size(core, size_name, location));
        RETURN_IF_FAULT(check_quota(core, call, size, location));
        body["properties"]["hardwareProfile"]["vmSize"] = size.name;
    }
    if (find(wanted, "/properties/userData")) {
        RETURN_IF_FAULT(check_base64("userData", text_at(wanted, "/properties/userData")));
        hidden["userData"] = text_at(wanted, "/properties/userData");
    }
    if (find(wanted, "/identity")) {
        OUTCOME_OR_RETURN(const Json identity, read_machine_identity(core, call, wanted));
        if (identity.is_null())
            body.erase("identity");
        else
            body["identity"] = identity;
    }
    body["properties"]["provisioningState"] = "Updating";
    const Resource after = changed(core, before, std::move(body), std::move(hidden));
    const Operation operation = new_operation(
        core, "machine.apply", after.id, Operation::Style::compute, apply_arguments(before, after));
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}, .operations = {operation}}));
    return machine_reply(core, call, 200, &after, operation);
}

struct PowerChange {
    const char* kind;
    const char* verb;
    const char* transition;
    const char* power;
    bool at_once = false;  ///< services are not given the time to stop
};

/// Under the ledger's guard.
tl::expected<Operation, Fault> begin_power(Core& core,
                                           const Resource& before,
                                           const PowerChange& change) {
    Json hidden = before.secret();
    hidden["power"] = change.power;
    hidden["transition"] = change.transition;
    Resource after = before;
    after.hidden = document(std::move(hidden));
    after.changed = core.clock.now();
    Operation operation = new_operation(
        core, change.kind, after.id, Operation::Style::compute, Json{{"atOnce", change.at_once}});
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}, .operations = {operation}}));
    return operation;
}

Outcome change_power(Core& core, const Call& call, PowerChange change) {
    const auto guard = core.ledger.guard();
    OUTCOME_OR_RETURN(const Resource before, must_find(core, call.id));
    RETURN_IF_FAULT(check_alive(before, change.verb));
    change.at_once = is_true(call.request.query("skipShutdown"));
    OUTCOME_OR_RETURN(const Operation operation, begin_power(core, before, change));
    return machine_reply(core, call, 202, nullptr, operation);
}

constexpr PowerChange deallocating{"machine.stop", "deallocate", "deallocating", "deallocated"};

Outcome start_machine(Core& core, const Call& call) {
    return change_power(core, call, {"machine.start", "start", "starting", "running"});
}
Outcome stop_machine(Core& core, const Call& call) {
    return change_power(core, call, {"machine.stop", "powerOff", "stopping", "stopped"});
}
Outcome deallocate_machine(Core& core, const Call& call) {
    return change_power(core, call, deallocating);
}
Outcome restart_machine(Core& core, const Call& call) {
    return change_power(core, call, {"machine.restart", "restart", "starting", "running"});
}

/// Under the ledger's guard.
tl::expected<Operation, Fault> begin_removal(Core& core, const Resource& before) {
    Json body = before.shown();
    body["properties"]["provisioningState"] = "Deleting";
    const Resource after = changed(core, before, std::move(body));
    Operation operation =
        new_operation(core, "machine.delete", after.id, Operation::Style::compute, Json::object());
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}, .operations = {operation}}));
    return operation;
}

Outcome delete_machine(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto before = core.ledger.find(call.id);
    if (!before) return empty_reply(204);
    OUTCOME_OR_RETURN(const Operation operation, begin_removal(core, *before));
    return machine_reply(core, call, 202, nullptr, operation);
}

/// The reply tells of no operation: whoever evicts does not wait for it.
Outcome evict_machine(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    OUTCOME_OR_RETURN(const Resource before, must_find(core, call.id));
    RETURN_IF_FAULT(check_alive(before, "simulateEviction"));
    if (!is_spot(before.shown()))
        return refuse_with(409,
                           "OperationNotAllowed",
                           fmt::format("Operation 'simulateEviction' is not allowed on VM '{}' "
                                       "since it is not an Azure Spot Virtual Machine.",
                                       text_at(before.shown(), "/name")));
    if (text_at(before.shown(), "/properties/evictionPolicy") == evicts_to_nothing) {
        RETURN_IF_FAULT(begin_removal(core, before));
        return empty_reply(204);
    }
    PowerChange eviction = deallocating;
    eviction.at_once = true;
    RETURN_IF_FAULT(begin_power(core, before, eviction));
    return empty_reply(204);
}

}  // namespace

void add_machine_routes(Routes& routes) {
    const std::string type = machine_type;
    routes.add(Routes::Resourceful{.area = Area::compute,
                                   .type = type,
                                   .put = put_machine,
                                   .get = get_machine,
                                   .remove = delete_machine,
                                   .list = list_machines,
                                   .patch = patch_machine});
    const std::string one = group_pattern + "/providers/" + type + "/{name}/";
    routes.add(Area::compute, "GET", one + "instanceView", type + "/instanceView/read", get_view);
    routes.add(Area::compute, "GET", one + "vmSizes", type + "/vmSizes/read", list_machine_sizes);
    routes.add(Area::compute, "POST", one + "start", type + "/start/action", start_machine);
    routes.add(Area::compute, "POST", one + "powerOff", type + "/powerOff/action", stop_machine);
    routes.add(
        Area::compute, "POST", one + "deallocate", type + "/deallocate/action", deallocate_machine);
    routes.add(Area::compute, "POST", one + "restart", type + "/restart/action", restart_machine);
    routes.add(Area::compute,
               "POST",
               one + "simulateEviction",
               type + "/simulateEviction/action",
               evict_machine);
}

}  // namespace hopyard::localcloud
