#include "azure/custom_role.h"

#include <fmt/format.h>

#include "azure/document.h"
#include "azure/needed_rights.h"

namespace hopyard::azure {
namespace {

using nlohmann::ordered_json;

struct Role {
    std::string name;
    std::string description;
    std::vector<cloud::NeededRight> rights;
    std::vector<std::string> scopes;
};

/// https://learn.microsoft.com/azure/role-based-access-control/custom-roles-cli
ordered_json definition(const Role& role) {
    ordered_json actions = ordered_json::array();
    for (const cloud::NeededRight& right : role.rights) actions.push_back(right.action);
    return {{"Name", role.name},
            {"IsCustom", true},
            {"Description", role.description},
            {"Actions", std::move(actions)},
            {"NotActions", ordered_json::array()},
            {"DataActions", ordered_json::array()},
            {"NotDataActions", ordered_json::array()},
            {"AssignableScopes", role.scopes}};
}

/// In single quotes of a shell.
std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'')
            out += "'\\''";
        else
            out += c;
    }
    return out + "'";
}

/// Who the role is given to. The machine's own identity is known to whoever made it, not to us.
std::string assignee(const Credentials& credentials) {
    if (!credentials.client_id.empty()) return quoted(credentials.client_id);
    return "\"$(az vm identity show --resource-group GROUP --name MACHINE --query principalId "
           "--output tsv)\"";
}

}  // namespace

cloud::RoleText CustomRole::write(const cloud::RoleRequest& request) const {
    const std::string subscription = "/subscriptions/" + options_.subscription;
    Role in_groups{.name = request.name,
                   .description = "What Hopyard needs in a resource group to run clusters",
                   .rights = cloud::rights_for(needed_rights(), request.features),
                   .scopes = {}};
    for (const std::string& group : request.groups)
        in_groups.scopes.push_back(subscription + "/resourceGroups/" + group);
    const Role reader{.name = request.name + " reader",
                      .description = "What Hopyard reads of a subscription: sizes and quotas",
                      .rights = needed_rights().of_subscription,
                      .scopes = {subscription}};

    cloud::RoleText text;
    ordered_json definitions = ordered_json::array();
    for (const Role& role : {in_groups, reader}) {
        definitions.push_back(definition(role));
        text.commands.push_back("az role definition create --role-definition " +
                                quoted(definitions.back().dump()));
    }
    for (const Role& role : {in_groups, reader})
        for (const std::string& scope : role.scopes)
            text.commands.push_back(
                fmt::format("az role assignment create --assignee {} --role {} --scope {}",
                            assignee(options_.credentials),
                            quoted(role.name),
                            quoted(scope)));
    text.definition = definitions.dump(2);
    return text;
}

}  // namespace hopyard::azure
