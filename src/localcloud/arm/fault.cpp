#include "localcloud/arm/fault.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "localcloud/arm/json.h"
#include "localcloud/arm/resource_id.h"

namespace hopyard::localcloud {

std::string envelope(const Fault& fault) {
    Json error = {{"code", fault.code}, {"message", fault.message}};
    if (!fault.target.empty()) error["target"] = fault.target;
    if (!fault.details.empty()) {
        error["details"] = Json::array();
        for (const auto& [code, message] : fault.details)
            error["details"].push_back({{"code", code}, {"message", message}});
    }
    return to_text(Json{{"error", error}});
}

tl::unexpected<Fault> refuse_with(int status, std::string code, std::string message) {
    return tl::unexpected(
        Fault{.status = status, .code = std::move(code), .message = std::move(message)});
}

Fault resource_not_found(std::string_view id) {
    const auto parsed = ResourceId::parse(id);
    std::string shown(id);
    std::string group;
    if (parsed) {
        shown = parsed->provider;
        for (std::size_t i = 0; i < parsed->types.size(); ++i)
            shown += "/" + parsed->types[i] + "/" + parsed->names[i];
        group = parsed->group;
    }
    return Fault{
        .status = 404,
        .code = "ResourceNotFound",
        .message = fmt::format("The Resource '{}' under resource group '{}' was not found. "
                               "For more details please go to "
                               "https://aka.ms/ARMResourceNotFoundFix",
                               shown,
                               group),
        .from_gateway = true};
}

Fault group_not_found(std::string_view group) {
    return Fault{.status = 404,
                 .code = "ResourceGroupNotFound",
                 .message = fmt::format("Resource group '{}' could not be found.", group),
                 .from_gateway = true};
}

Fault invalid_content(std::string message) {
    return Fault{.status = 400, .code = "InvalidRequestContent", .message = std::move(message)};
}

Fault invalid_parameter(std::string_view parameter, std::string message) {
    return Fault{.status = 400,
                 .code = "InvalidParameter",
                 .message = std::move(message),
                 .target = std::string(parameter)};
}

Fault from_error(const Error& error) {
    Fault fault{.status = 500, .code = "InternalExecutionError", .message = error.message};
    if (error.kind == ErrorKind::capacity_unavailable) {
        fault.status = 409;
        fault.code = "AllocationFailed";
        fault.message =
            "Allocation failed. We do not have sufficient capacity for the requested VM "
            "size in this region: " +
            error.message;
    } else if (error.kind == ErrorKind::timed_out) {
        fault.code = "OSProvisioningTimedOut";
    }
    return fault;
}

}  // namespace hopyard::localcloud
