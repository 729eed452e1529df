#include "localcloud/arm/access.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/resource_id.h"

namespace hopyard::localcloud {

namespace {

/// Greedy match of a pattern in which "*" stands for any run of characters.
bool matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool any_matches(const std::vector<std::string>& patterns, const std::string& action) {
    for (const auto& pattern : patterns)
        if (matches(to_lower(pattern), action)) return true;
    return false;
}

const std::string blob = "Microsoft.Storage/storageAccounts/blobServices/";

/// Ids, names and rights as Azure documents them ("Azure built-in roles").
const std::vector<RoleDefinition>& built_in() {
    static const std::vector<RoleDefinition> roles = {
        {owner_role,
         "Owner",
         "Grants full access to manage all resources.",
         false,
         {"/"},
         {{{"*"}, {}, {}, {}}}},
        {"b24988ac-6180-42a0-ab88-20f7382dd24c",
         "Contributor",
         "Grants full access to manage all resources, but does not allow you to assign roles.",
         false,
         {"/"},
         {{{"*"},
           {"Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action"},
           {},
           {}}}},
        {"acdd72a7-3385-48ef-bd42-f606fba81ae7",
         "Reader",
         "View all resources, but does not allow you to make any changes.",
         false,
         {"/"},
         {{{"*/read"}, {}, {}, {}}}},
        {"ba92f5b4-2d11-453d-a403-e96b0029c9fe",
         "Storage Blob Data Contributor",
         "Allows for read, write and delete access to Azure Storage blob containers and data",
         false,
         {"/"},
         {{{blob + "containers/delete",
            blob + "containers/read",
            blob + "containers/write",
            blob + "generateUserDelegationKey/action"},
           {},
           {blob + "containers/blobs/delete",
            blob + "containers/blobs/read",
            blob + "containers/blobs/write",
            blob + "containers/blobs/move/action",
            blob + "containers/blobs/add/action"},
           {}}}},
        {"2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
         "Storage Blob Data Reader",
         "Allows for read access to Azure Storage blob containers and data",
         false,
         {"/"},
         {{{blob + "containers/read", blob + "generateUserDelegationKey/action"},
           {},
           {blob + "containers/blobs/read"},
           {}}}},
        {"18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
         "User Access Administrator",
         "Lets you manage user access to Azure resources.",
         false,
         {"/"},
         {{{"*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"}, {}, {}, {}}}},
    };
    return roles;
}

Permission read_permission(const Json& entry) {
    return {texts_at(entry, "/actions"),
            texts_at(entry, "/notActions"),
            texts_at(entry, "/dataActions"),
            texts_at(entry, "/notDataActions")};
}

}  // namespace

std::string last_segment(const std::string& id) {
    return to_lower(id.substr(id.rfind('/') + 1));
}

Json to_json(const Permission& permission) {
    return Json{{"actions", permission.actions},
                {"notActions", permission.not_actions},
                {"dataActions", permission.data_actions},
                {"notDataActions", permission.not_data_actions}};
}

std::vector<RoleDefinition> Access::definitions() const {
    std::vector<RoleDefinition> all = built_in();
    for (const auto& resource : ledger_.list("Microsoft.Authorization/roleDefinitions")) {
        const Json& properties = object_at(resource.shown(), "/properties");
        RoleDefinition role{.guid = last_segment(resource.id),
                            .name = text_at(properties, "/roleName"),
                            .description = text_at(properties, "/description"),
                            .custom = true,
                            .assignable_scopes = texts_at(properties, "/assignableScopes")};
        for (const Json& entry : array_at(properties, "/permissions"))
            role.permissions.push_back(read_permission(entry));
        all.push_back(std::move(role));
    }
    return all;
}

std::optional<RoleDefinition> Access::definition(const std::string& guid) const {
    for (auto& role : definitions())
        if (role.guid == to_lower(guid)) return role;
    return std::nullopt;
}

std::vector<Permission> Access::permissions(const std::string& principal,
                                            const std::string& id) const {
    std::vector<Permission> found;
    for (const auto& assignment : ledger_.list("Microsoft.Authorization/roleAssignments")) {
        const Json& properties = object_at(assignment.shown(), "/properties");
        if (to_lower(text_at(properties, "/principalId")) != to_lower(principal)) continue;
        const std::string scope = text_at(properties, "/scope");
        if (scope != "/" && !within(id, scope)) continue;
        const auto role = definition(last_segment(text_at(properties, "/roleDefinitionId")));
        if (role) found.insert(found.end(), role->permissions.begin(), role->permissions.end());
    }
    return found;
}

bool Access::allows(const std::string& principal,
                    const std::string& action,
                    const std::string& id) const {
    const std::string wanted = to_lower(action);
    for (const auto& entry : permissions(principal, id))
        if (any_matches(entry.actions, wanted) && !any_matches(entry.not_actions, wanted))
            return true;
    return false;
}

bool Access::knows_principal(const std::string& object_id) const {
    if (to_lower(ledger_.note("principal").value_or("")) == to_lower(object_id)) return true;
    for (const auto& identity : ledger_.list("Microsoft.ManagedIdentity/userAssignedIdentities"))
        if (to_lower(text_at(identity.shown(), "/properties/principalId")) == to_lower(object_id))
            return true;
    return false;
}

}  // namespace hopyard::localcloud
