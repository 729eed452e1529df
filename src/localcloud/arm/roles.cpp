#include <regex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/access.h"
#include "localcloud/arm/resources.h"

namespace hopyard::localcloud {

namespace {

constexpr const char* assignment_type = "Microsoft.Authorization/roleAssignments";
constexpr const char* definition_type = "Microsoft.Authorization/roleDefinitions";

std::string scope_text(const std::string& scope) {
    return scope == "/" ? "" : scope;
}

std::string assignment_id(const std::string& scope, const std::string& guid) {
    return scope_text(scope) + "/providers/" + assignment_type + "/" + guid;
}

Json show_definition(Core& core, const RoleDefinition& role) {
    Json permissions = Json::array();
    for (const auto& permission : role.permissions) permissions.push_back(to_json(permission));
    const std::string owner = role.custom ? core.subscription_id() : "";
    return Json{{"id", core.subscription_id() + "/providers/" + definition_type + "/" + role.guid},
                {"type", definition_type},
                {"name", role.guid},
                {"properties",
                 {{"roleName", role.name},
                  {"type", role.custom ? "CustomRole" : "BuiltInRole"},
                  {"description", role.description},
                  {"assignableScopes", role.assignable_scopes},
                  {"permissions", permissions},
                  {"createdOn", "2015-02-02T21:55:09.8806423Z"},
                  {"updatedOn", "2021-11-11T20:13:28.6061853Z"}}}};
}

/// `roleName eq 'x'` or `type eq 'BuiltInRole'`; anything else lists all, as atScope() does.
Outcome list_definitions(Core& core, const Call& call) {
    const std::string filter = call.request.query("$filter").value_or("");
    static const std::regex term(R"((roleName|type)\s+eq\s+'([^']*)')", std::regex::icase);
    std::smatch found;
    const bool narrowed = std::regex_search(filter, found, term);
    Json values = Json::array();
    for (const auto& role : core.access.definitions()) {
        if (narrowed) {
            const bool by_name = to_lower(found[1].str()) == "rolename";
            const std::string value = by_name       ? role.name
                                      : role.custom ? "CustomRole"
                                                    : "BuiltInRole";
            if (to_lower(value) != to_lower(found[2].str())) continue;
        }
        values.push_back(show_definition(core, role));
    }
    return reply(200, Json{{"value", values}});
}

Fault no_definition(const std::string& guid) {
    return Fault{
        .status = 404,
        .code = "RoleDefinitionDoesNotExist",
        .message = fmt::format("The specified role definition with ID '{}' does not exist.", guid)};
}

Outcome get_definition(Core& core, const Call& call) {
    const auto role = core.access.definition(call.parameter("guid"));
    if (!role) return tl::unexpected(no_definition(call.parameter("guid")));
    return reply(200, show_definition(core, *role));
}

std::string definition_key(Core& core, const std::string& guid) {
    return core.subscription_id() + "/providers/" + definition_type + "/" + to_lower(guid);
}

Outcome put_definition(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const std::string guid = to_lower(call.parameter("guid"));
    const auto present = core.access.definition(guid);
    if (present && !present->custom)
        return refuse_with(
            403, "RoleDefinitionUpdateNotPermitted", "A built-in role cannot be changed.");
    const Json& given = object_at(call.wanted(), "/properties");
    const std::string name = text_at(given, "/roleName");
    if (name.empty() || array_at(given, "/permissions").empty())
        return refuse_with(
            400,
            "RoleDefinitionInvalid",
            "A role definition needs properties.roleName and properties.permissions.");
    for (const auto& other : core.access.definitions())
        if (to_lower(other.name) == to_lower(name) && other.guid != guid)
            return refuse_with(
                409,
                "RoleDefinitionWithSameNameExists",
                fmt::format("A custom role with the same name already exists in this "
                            "directory: '{}'.",
                            name));
    Json body = {{"properties",
                  {{"roleName", name},
                   {"description", text_at(given, "/description")},
                   {"type", "CustomRole"},
                   {"assignableScopes", array_at(given, "/assignableScopes")},
                   {"permissions", array_at(given, "/permissions")}}}};
    const std::string id = definition_key(core, guid);
    const auto before = core.ledger.find(id);
    Resource after = before ? changed(core, *before, std::move(body))
                            : made(core, id, std::move(body), Json::object());
    after.type = definition_type;
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return reply(201, show_definition(core, *core.access.definition(guid)));
}

Outcome delete_definition(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const std::string guid = to_lower(call.parameter("guid"));
    const auto role = core.access.definition(guid);
    if (!role) return empty_reply(204);
    for (const auto& assignment : core.ledger.list(assignment_type))
        if (last_segment(text_at(assignment.shown(), "/properties/roleDefinitionId")) == guid)
            return refuse_with(400,
                               "RoleDefinitionHasAssignments",
                               "There are existing role assignments referencing role.");
    if (!role->custom)
        return refuse_with(
            403, "RoleDefinitionDeleteNotPermitted", "A built-in role cannot be deleted.");
    RETURN_IF_FAULT(apply(core, Batch{.erase = {definition_key(core, guid)}}));
    return reply(200, show_definition(core, *role));
}

Outcome put_assignment(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const std::string scope = call.parameter("scope");
    const std::string id = assignment_id(scope, to_lower(call.parameter("guid")));
    const Json& given = object_at(call.wanted(), "/properties");
    const std::string principal = to_lower(text_at(given, "/principalId"));
    const std::string guid = last_segment(text_at(given, "/roleDefinitionId"));
    const auto role = core.access.definition(guid);
    if (!role) return tl::unexpected(no_definition(guid));
    const auto scope_id = ResourceId::parse(scope);
    const bool whole = !scope_id || (scope_id->provider.empty() && scope_id->group.empty());
    if (!whole && !core.ledger.exists(scope)) {
        if (scope_id->provider.empty()) return tl::unexpected(group_not_found(scope_id->group));
        return tl::unexpected(resource_not_found(scope));
    }
    if (!core.access.knows_principal(principal))
        return refuse_with(
            400,
            "PrincipalNotFound",
            fmt::format("Principal {} does not exist in the directory {}. Check that you have "
                        "the correct principal ID. If you are creating this principal and then "
                        "immediately assigning a role, this error might be related to a "
                        "replication delay. In this case, set the role assignment "
                        "principalType property to a value, such as ServicePrincipal, User, or "
                        "Group.  See https://aka.ms/docs-principaltype",
                        principal,
                        core.tenant));
    for (const auto& other : core.ledger.list(assignment_type)) {
        const Json& properties = object_at(other.shown(), "/properties");
        const bool same = same_id(text_at(properties, "/scope"), scope) &&
                          text_at(properties, "/principalId") == principal &&
                          last_segment(text_at(properties, "/roleDefinitionId")) == guid;
        if (same && !same_id(other.id, id))
            return refuse_with(
                409,
                "RoleAssignmentExists",
                fmt::format("The role assignment already exists. The ID of the conflicting "
                            "role assignment is {}.",
                            text_at(other.shown(), "/name")));
        if (!same && same_id(other.id, id))
            return refuse_with(
                403,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be "
                "updated.");
        if (same) return reply(200, other.shown());
    }
    const std::string now = to_rfc3339(core.clock.now());
    Json body = {{"id", id},
                 {"type", assignment_type},
                 {"name", to_lower(call.parameter("guid"))},
                 {"properties",
                  {{"roleDefinitionId",
                    core.subscription_id() + "/providers/" + definition_type + "/" + guid},
                   {"principalId", principal},
                   {"principalType", text_at(given, "/principalType", "ServicePrincipal")},
                   {"scope", scope},
                   {"createdOn", now},
                   {"updatedOn", now},
                   {"createdBy", call.caller},
                   {"updatedBy", call.caller}}}};
    Resource after = made(core, id, std::move(body), Json::object());
    after.type = assignment_type;
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return reply(201, after.shown());
}

Outcome get_assignment(Core& core, const Call& call) {
    const std::string guid = call.parameter("guid");
    const auto found = core.ledger.find(assignment_id(call.parameter("scope"), guid));
    if (!found)
        return refuse_with(404,
                           "RoleAssignmentNotFound",
                           fmt::format("The role assignment '{}' is not found.", guid));
    return reply(200, found->shown());
}

Outcome delete_assignment(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto found =
        core.ledger.find(assignment_id(call.parameter("scope"), call.parameter("guid")));
    if (!found) return empty_reply(204);
    RETURN_IF_FAULT(apply(core, Batch{.erase = {found->id}}));
    return reply(200, found->shown());
}

/// `principalId eq '…'` and `assignedTo('…')` narrow; `atScope()` leaves out what lies below.
Outcome list_assignments(Core& core, const Call& call) {
    const std::string filter = call.request.query("$filter").value_or("");
    static const std::regex term(R"((?:principalId\s+eq\s+|assignedTo\()'([^']*)')",
                                 std::regex::icase);
    std::smatch found;
    const bool narrowed = std::regex_search(filter, found, term);
    const bool at_scope = to_lower(filter).find("atscope()") != std::string::npos;
    const std::string scope = call.parameter("scope");
    Json values = Json::array();
    for (const auto& assignment : core.ledger.list(assignment_type)) {
        const std::string own = text_at(assignment.shown(), "/properties/scope");
        const bool above = own == "/" || within(scope, own);
        if (!above && (at_scope || !within(own, scope))) continue;
        if (narrowed &&
            text_at(assignment.shown(), "/properties/principalId") != to_lower(found[1].str()))
            continue;
        values.push_back(assignment.shown());
    }
    return reply(200, Json{{"value", values}});
}

Outcome list_permissions(Core& core, const Call& call) {
    Json values = Json::array();
    for (const auto& permission : core.access.permissions(call.caller, call.parameter("scope")))
        values.push_back(to_json(permission));
    return reply(200, Json{{"value", values}});
}

}  // namespace

void add_role_routes(Routes& routes) {
    const std::string root = "{scope}/providers/Microsoft.Authorization/";
    const std::string action = "Microsoft.Authorization/";
    const Area area = Area::authorization;
    routes.add(area, "GET", root + "permissions", action + "permissions/read", list_permissions);
    const std::string roles = action + "roleDefinitions/";
    routes.add(area, "GET", root + "roleDefinitions", roles + "read", list_definitions);
    routes.add(area, "GET", root + "roleDefinitions/{guid}", roles + "read", get_definition);
    routes.add(area, "PUT", root + "roleDefinitions/{guid}", roles + "write", put_definition);
    routes.add(
        area, "DELETE", root + "roleDefinitions/{guid}", roles + "delete", delete_definition);
    const std::string assignments = action + "roleAssignments/";
    routes.add(area, "GET", root + "roleAssignments", assignments + "read", list_assignments);
    routes.add(area, "GET", root + "roleAssignments/{guid}", assignments + "read", get_assignment);
    routes.add(area, "PUT", root + "roleAssignments/{guid}", assignments + "write", put_assignment);
    routes.add(
        area, "DELETE", root + "roleAssignments/{guid}", assignments + "delete", delete_assignment);
}

}  // namespace hopyard::localcloud
