#include "localcloud/arm/network.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "localcloud/arm/fabric.h"

namespace hopyard::localcloud {

Json framed(const Resource& resource) {
    Json shown = resource.shown();
    shown["etag"] = resource.etag;
    return shown;
}

void frame_children(Json& shown, const std::string& list, const Resource& parent) {
    if (!shown["properties"].contains(list)) shown["properties"][list] = Json::array();
    for (Json& child : shown["properties"][list]) {
        child["id"] = parent.id + "/" + list + "/" + text_at(child, "/name");
        child["etag"] = parent.etag;
        child["type"] = parent.type + "/" + list;
    }
}

Outcome network_put_reply(Core&, const std::optional<Resource>& before, Json shown) {
    auto answer = reply(before ? 200 : 201, std::move(shown));
    answer->headers.remove("ETag");  // a PUT of the network provider sends none
    return answer;
}

Outcome network_delete_reply(
    Core& core, const Call& call, Batch batch, std::string kind, Json arguments) {
    Operation operation =
        new_operation(core, kind, call.id, Operation::Style::network, std::move(arguments));
    if (kind.empty()) {
        operation.kind = "network.none";
        operation.status = Operation::Status::succeeded;
        operation.ended = operation.started;
    }
    batch.operations.push_back(operation);
    RETURN_IF_FAULT(apply(core, batch));
    auto answer = empty_reply(202);
    announce(core, call, operation, Announce::status_and_location, *answer);
    return answer;
}

tl::expected<void, Fault> apply_ports(Core& core, const std::vector<std::string>& interface_ids) {
    if (auto applied = core.fabric.apply_ports(interface_ids); !applied)
        return refuse_with(500, "InternalServerError", applied.error().message);
    return {};
}

Fault invalid_reference(const std::string& referenced, const std::string& by) {
    return Fault{
        .status = 400,
        .code = "InvalidResourceReference",
        .message = fmt::format("Resource {} referenced by resource {} was not found. Please make "
                               "sure that the referenced resource exists, and that both "
                               "resources are in the same region.",
                               referenced,
                               by)};
}

tl::expected<Resource, Fault> must_refer(Core& core, const std::string& id, const std::string& by) {
    auto there = core.ledger.find(id);
    if (!there) return tl::unexpected(invalid_reference(id, by));
    return *there;
}

tl::expected<Json, Fault> network_frame(Core& core,
                                        const Call& call,
                                        const std::optional<Resource>& before) {
    RETURN_IF_FAULT(check_preconditions(call, before));
    OUTCOME_OR_RETURN(const std::string location, check_location(core, call, before));
    OUTCOME_OR_RETURN(const Json tags, check_tags(call));
    const auto id = ResourceId::parse(call.id);
    Json frame = {{"name", before ? before->shown()["name"] : Json(id->name())},
                  {"id", before ? before->id : call.id},
                  {"type", id->type()},
                  {"location", location}};
    if (!tags.empty()) frame["tags"] = tags;
    Json properties = {{"provisioningState", "Succeeded"}};
    properties["resourceGuid"] =
        before ? text_at(before->shown(), "/properties/resourceGuid") : new_guid(core);
    frame["properties"] = properties;
    return frame;
}

Outcome patch_tags(Core& core, const Call& call, Json (*show)(Core&, const Resource&)) {
    const auto guard = core.ledger.guard();
    OUTCOME_OR_RETURN(const Resource before, must_find(core, call.id));
    RETURN_IF_FAULT(check_preconditions(call, before));
    OUTCOME_OR_RETURN(const Json tags, check_tags(call));
    Json body = before.shown();
    body["tags"] = tags;
    const Resource after = changed(core, before, std::move(body));
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return reply(200, show(core, after));
}

void add_network_routes(Routes& routes) {
    add_security_group_routes(routes);
    add_virtual_network_routes(routes);
    add_public_address_routes(routes);
    add_interface_routes(routes);
}

void define_network_work(Executor& executor, Fabric& fabric) {
    executor.define("network.delete",
                    {.act = [&fabric](const Operation& operation) -> Result<void> {
                         return fabric.remove_network(text_at(*operation.arguments, "/host"));
                     },
                     .settle = {}});
    executor.define("network.make",
                    {.act = [&fabric](const Operation& operation) -> Result<void> {
                         return fabric.apply_network(operation.target);
                     },
                     .settle = {}});
}

}  // namespace hopyard::localcloud
