#include "localcloud/arm/core.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/access.h"
#include "localcloud/arm/catalog.h"

namespace hopyard::localcloud {

Outcome reply(int status, Json body) {
    Reply answer;
    answer.status = status;
    if (body.is_object() && body.contains("etag") && body["etag"].is_string())
        answer.headers.set("ETag", body["etag"].get<std::string>());
    answer.body = document(std::move(body));
    return answer;
}

Outcome empty_reply(int status) {
    Reply answer;
    answer.status = status;
    return answer;
}

std::string new_guid(Core& core) {
    return random_uuid(core.random);
}

Operation new_operation(Core& core,
                        std::string kind,
                        const std::string& target,
                        Operation::Style style,
                        Json arguments) {
    const auto there = core.ledger.find(target);
    std::string location = there ? text_at(there->shown(), "/location") : "";
    if (location.empty()) location = core.catalog.default_location();
    return Operation{.id = new_guid(core),
                     .kind = std::move(kind),
                     .target = target,
                     .location = std::move(location),
                     .style = style,
                     .arguments = document(std::move(arguments)),
                     .started = core.clock.now()};
}

void announce(
    Core& core, const Call& call, const Operation& operation, Announce how, Reply& answer) {
    const std::string root = call.base_url + core.subscription_id();
    const std::string version = "api-version=" + call.api_version;
    std::string status;
    std::string result;
    switch (operation.style) {
        case Operation::Style::compute:
        case Operation::Style::disk: {
            const char* word =
                operation.style == Operation::Style::disk ? "DiskOperations" : "operations";
            const std::string place =
                fmt::format("{}/providers/Microsoft.Compute/locations/{}/{}/{}?p={}",
                            root,
                            operation.location,
                            word,
                            operation.id,
                            core.tenant);
            status = place + "&" + version;
            result = place + "&monitor=true&" + version;
            break;
        }
        case Operation::Style::network: {
            const std::string place = fmt::format(
                "{}/providers/Microsoft.Network/locations/{}/", root, operation.location);
            status = fmt::format("{}operations/{}?{}", place, operation.id, version);
            result = fmt::format("{}operationResults/{}?{}", place, operation.id, version);
            break;
        }
        case Operation::Style::storage:
            result = fmt::format(
                "{}/providers/Microsoft.Storage/locations/{}/asyncoperations/{}?monitor=true&{}",
                root,
                operation.location,
                operation.id,
                version);
            break;
        case Operation::Style::group:
            result =
                fmt::format("{}/operationresults/{}?{}", root, to_base64url(operation.id), version);
            break;
    }
    if (how != Announce::location_only) {
        answer.headers.set("Azure-AsyncOperation", status);
        if (operation.style != Operation::Style::disk)
            answer.headers.set("Azure-AsyncNotification", "Enabled");
    }
    if (how != Announce::status_only) answer.headers.set("Location", result);
    answer.headers.set("Retry-After", "0");
}

tl::expected<void, Fault> apply(Core& core, const Batch& batch) {
    if (auto written = core.ledger.commit(batch); !written)
        return refuse_with(500, "InternalServerError", written.error().message);
    for (const auto& operation : batch.operations)
        if (operation.status == Operation::Status::running) core.executor.submit(operation);
    return {};
}

Resource made(Core& core, const std::string& id, Json body, Json hidden) {
    const auto parsed = ResourceId::parse(id);
    const Timestamp now = core.clock.now();
    const std::string type = parsed ? parsed->type() : "";
    const bool weak = type.starts_with("Microsoft.Network/");
    std::string etag = weak ? weak_etag(core) : "\"1\"";
    return Resource{.id = id,
                    .type = type,
                    .body = document(std::move(body)),
                    .hidden = document(std::move(hidden)),
                    .etag = std::move(etag),
                    .created = now,
                    .changed = now};
}

Resource changed(Core& core, Resource before, Json body) {
    before.body = document(std::move(body));
    before.changed = core.clock.now();
    if (before.etag.starts_with("W/"))
        before.etag = weak_etag(core);
    else
        before.etag = fmt::format("\"{}\"", std::strtoll(before.etag.c_str() + 1, nullptr, 10) + 1);
    return before;
}

Resource changed(Core& core, Resource before, Json body, Json hidden) {
    before.hidden = document(std::move(hidden));
    return changed(core, std::move(before), std::move(body));
}

std::string weak_etag(Core& core) {
    return "W/\"" + new_guid(core) + "\"";
}

tl::expected<void, Fault> check_preconditions(const Call& call,
                                              const std::optional<Resource>& there) {
    const std::string match = call.request.headers.get("if-match");
    const std::string none_match = call.request.headers.get("if-none-match");
    const bool spoiled =
        (none_match == "*" && there) || (match == "*" && !there) ||
        (!match.empty() && match != "*" && (!there || match != there->etag)) ||
        (!none_match.empty() && none_match != "*" && there && none_match == there->etag);
    if (spoiled)
        return refuse_with(
            412,
            "PreconditionFailed",
            fmt::format(
                "Precondition failed. The resource '{}' {}.",
                call.id,
                none_match == "*" ? "exists already" : "has another etag than the request says"));
    return {};
}

tl::expected<std::string, Fault> check_location(Core& core,
                                                const Call& call,
                                                const std::optional<Resource>& there) {
    const std::string location = normal_location(text_at(call.wanted(), "/location"));
    if (location.empty())
        return refuse_with(
            400, "LocationRequired", "The location property is required for this definition.");
    if (!core.catalog.knows_location(location)) {
        std::string known;
        for (const auto& one : core.catalog.locations())
            known += (known.empty() ? "" : ",") + one.name;
        return refuse_with(
            400,
            "LocationNotAvailableForResourceType",
            fmt::format("The provided location '{}' is not available for resource type "
                        "'{}'. List of available regions for the resource type is '{}'.",
                        location,
                        ResourceId::parse(call.id)->type(),
                        known));
    }
    const std::string before = there ? text_at(there->shown(), "/location") : location;
    if (before != location)
        return refuse_with(
            409,
            "InvalidResourceLocation",
            fmt::format("The resource '{}' already exists in location '{}' in resource "
                        "group '{}'. A resource with the same name cannot be created in "
                        "location '{}'. Please select a new resource name.",
                        ResourceId::parse(call.id)->name(),
                        before,
                        ResourceId::parse(call.id)->group,
                        location));
    return location;
}

tl::expected<Json, Fault> check_tags(const Call& call) {
    const Json* tags = find(call.wanted(), "/tags");
    if (!tags) return Json::object();
    if (!tags->is_object())
        return tl::unexpected(invalid_content("The 'tags' property must be an object of strings."));
    if (tags->size() > 50)
        return refuse_with(400, "TagCountLimitExceeded", "A resource can have at most 50 tags.");
    for (const auto& [name, value] : tags->items()) {
        if (!value.is_string())
            return tl::unexpected(
                invalid_content("The value of tag '" + name + "' must be a string."));
        if (name.empty() || name.size() > 512 || value.get_ref<const std::string&>().size() > 256 ||
            name.find_first_of("<>%&\\?/") != std::string::npos)
            return refuse_with(
                400,
                "InvalidTagName",
                fmt::format("The tag name '{}' or its value is too long or holds one of "
                            "the reserved characters '<,>,%,&,\\,?,/'.",
                            name));
    }
    return *tags;
}

tl::expected<Resource, Fault> must_find(Core& core, const std::string& id) {
    auto there = core.ledger.find(id);
    if (!there) return tl::unexpected(resource_not_found(id));
    return *there;
}

tl::expected<void, Fault> check_linked(Core& core,
                                       const Call& call,
                                       const std::string& action,
                                       const std::string& linked_id) {
    if (core.access.allows(call.caller, action, linked_id)) return {};
    return refuse_with(
        403,
        "LinkedAuthorizationFailed",
        fmt::format("The client '{0}' with object id '{0}' has permission to perform the "
                    "action on scope '{1}'; however, it does not have permission to "
                    "perform action '{2}' on the linked scope(s) '{3}' or the linked "
                    "scope(s) are invalid.",
                    call.caller,
                    call.id,
                    action,
                    linked_id));
}

Outcome list_of(Core& core,
                const Call& call,
                const std::string& type,
                const std::function<Json(Core&, const Resource&)>& show) {
    const auto guard = core.ledger.guard();
    Json values = Json::array();
    for (const auto& resource : core.ledger.list(type, call.id))
        values.push_back(show(core, resource));
    return reply(200, Json{{"value", values}});
}

}  // namespace hopyard::localcloud
