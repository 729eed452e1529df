#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "localcloud/arm/machines.h"

namespace hopyard::localcloud {

namespace {

Json show_disk(Core&, const Resource& disk) {
    return disk.shown();
}

Outcome get_disk(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource disk, must_find(core, call.id));
    return reply(200, show_disk(core, disk));
}

Outcome list_disks(Core& core, const Call& call) {
    return list_of(core, call, disk_type, show_disk);
}

Outcome put_disk(Core&, const Call&) {
    return refuse_with(
        400,
        "NotSupported",
        "Disks of this cloud are made with their machine; they cannot be made alone.");
}

Outcome delete_disk(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto disk = core.ledger.find(call.id);
    if (!disk) return empty_reply(204);
    const std::string owner = text_at(disk->shown(), "/managedBy");
    if (!owner.empty())
        return refuse_with(
            409,
            "OperationNotAllowed",
            fmt::format("Disk {} is attached to VM {}.", text_at(disk->shown(), "/name"), owner));
    Operation operation =
        new_operation(core, "disk.delete", disk->id, Operation::Style::disk, Json::object());
    operation.status = Operation::Status::succeeded;
    operation.ended = operation.started;
    RETURN_IF_FAULT(apply(core, Batch{.erase = {disk->id}, .operations = {operation}}));
    auto answer = empty_reply(202);
    announce(core, call, operation, Announce::status_and_location, *answer);
    return answer;
}

}  // namespace

Resource disk_of_machine(Core& core, const Resource& machine) {
    const Json& disk = object_at(machine.shown(), "/properties/storageProfile/osDisk");
    const std::int64_t size = number_at(disk, "/diskSizeGB");
    const std::string sku = text_at(disk, "/managedDisk/storageAccountType");
    Json body = {{"name", text_at(disk, "/name")},
                 {"id", text_at(disk, "/managedDisk/id")},
                 {"type", disk_type},
                 {"location", text_at(machine.shown(), "/location")},
                 {"managedBy", machine.id},
                 {"sku", {{"name", sku}, {"tier", sku.substr(0, sku.find('_'))}}},
                 {"properties",
                  {{"osType", "Linux"},
                   {"creationData", {{"createOption", "FromImage"}}},
                   {"diskSizeGB", size},
                   {"diskSizeBytes", size << 30},
                   {"timeCreated", to_rfc3339(core.clock.now())},
                   {"provisioningState", "Succeeded"},
                   {"diskState", "Attached"},
                   {"uniqueId", new_guid(core)}}}};
    if (const Json* tags = find(machine.shown(), "/tags")) body["tags"] = *tags;
    if (const Json* zones = find(machine.shown(), "/zones")) body["zones"] = *zones;
    const std::string id = text_at(body, "/id");
    return made(core, id, std::move(body), Json::object());
}

void add_disk_routes(Routes& routes) {
    routes.add(Routes::Resourceful{.area = Area::disks,
                                   .type = disk_type,
                                   .put = put_disk,
                                   .get = get_disk,
                                   .remove = delete_disk,
                                   .list = list_disks});
}

}  // namespace hopyard::localcloud
