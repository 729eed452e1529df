#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/words.h"
#include "cli/commands.h"
#include "cli/input.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

const std::vector<Column> account_columns = {{"NAME", "/name"},
                                             {"KIND", "/kind"},
                                             {"SUBSCRIPTION", "/subscription"},
                                             {"SIGN-IN", "/signIn"},
                                             {"CLUSTERS", "/clusters"}};
const std::vector<Column> account_fields = {{"Name", "/name"},
                                            {"Subscription", "/subscription"},
                                            {"Tenant", "/tenant"},
                                            {"Signs in by", "/signIn"},
                                            {"Client", "/clientId"}};

std::string path_of(const std::string& account) {
    return "/v1/cloud-accounts/" + percent_encode(account);
}

Result<json> sign_in_of(const AccountOptions& options) {
    json body = {{"signIn", options.sign_in}};
    if (!options.tenant.empty()) body["tenant"] = options.tenant;
    if (!options.client_id.empty()) body["clientId"] = options.client_id;
    if (options.client_secret_file.empty()) return body;
    ASSIGN_OR_RETURN(std::string secret, read_input(options.client_secret_file));
    while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
    body["clientSecret"] = std::move(secret);
    return body;
}

std::string cause_of(const json& problem) {
    return problem.is_object() ? problem.value("message", problem.value("detail", "")) : "";
}

/// Each group with what is missing there, for people.
std::string told(const json& check, const std::string& account) {
    if (check["problem"].is_object())
        return "The account cannot sign in: " + cause_of(check["problem"]) + "\n";
    std::string text;
    for (const json& group : check["groups"]) {
        const std::string name = group.value("name", "");
        text += fmt::format("{} ({}): ", name, group.value("location", ""));
        if (group["problem"].is_object()) {
            text += "our permissions could not be read: " + cause_of(group["problem"]) + "\n";
            continue;
        }
        if (group["missing"].empty()) {
            text += "all rights are there\n";
            continue;
        }
        text += counted(group["missing"].size(), "right is", "rights are") + " missing\n";
        for (const json& right : group["missing"])
            text += fmt::format(
                "    {}  to {}\n", right.value("action", ""), right.value("purpose", ""));
        text += fmt::format(
            "    'hopyard cloud-account role {} --group {}' tells who grants them "
            "the commands\n",
            account,
            name);
    }
    if (check["groups"].empty())
        text += "No resource group is to be seen. 'hopyard cloud-account role " + account +
                " --group GROUP' tells who grants the rights the commands.\n";
    if (const auto more = check.value("groupsUnchecked", 0); more > 0)
        text += counted(more, "more group was", "more groups were") +
                " not looked at; name one with --group.\n";
    for (const auto& [member, what] :
         {std::pair("sizesProblem", "Sizes"), {"quotasProblem", "Quotas"}})
        if (check[member].is_object())
            text += fmt::format("{} stay unchecked: {}\n", what, cause_of(check[member]));
    return text;
}

/// What an account was told, and what its rights lack.
int show_tried(const std::string& reply, const Output& output) {
    std::fputs(render_object(reply, output.format, account_fields).c_str(), stdout);
    const json document = json::parse(reply, nullptr, false);
    if (output.format == Format::table)
        std::fputs(told(document["check"], document.value("name", "")).c_str(), stdout);
    return exit_ok;
}

std::string query_of(const RightsOptions& options, const std::string& path, bool named) {
    const auto no = [](bool without) { return std::string(without ? "false" : ""); };
    return with_query(path,
                      {{"group", options.group},
                       {"networks", no(options.no_networks)},
                       {"securityGroups", no(options.no_security_groups)},
                       {"publicAddresses", no(options.no_public_addresses)},
                       {"roleName", named ? options.role_name : ""}});
}

/// The group that was named, else the only one that the account sees.
Result<std::string> only_group(Session& session, const RightsOptions& options) {
    if (!options.group.empty()) return options.group;
    ASSIGN_OR_RETURN(
        const std::string reply,
        session.call("GET", with_query("/v1/cloud/groups", {{"cloudAccount", options.account}})));
    const json groups = json::parse(reply, nullptr, false)["items"];
    if (groups.size() == 1) return groups[0].value("name", "");
    return refuse("--group",
                  "missing",
                  "the account sees " + counted(groups.size(), "resource group"),
                  "Name the one in which the role is to be given.");
}

}  // namespace

int cloud_account_list(Session& session, const Output& output) {
    const auto reply = session.call("GET", "/v1/cloud-accounts");
    if (!reply) return report(reply.error());
    std::fputs(render(*reply, output.format, account_columns).c_str(), stdout);
    return exit_ok;
}

int cloud_account_add(Session& session, const Output& output, const AccountOptions& options) {
    auto body = sign_in_of(options);
    if (!body) return report(body.error());
    (*body)["name"] = options.name;
    (*body)["subscription"] = options.subscription;
    const auto reply = session.call("POST", "/v1/cloud-accounts", body->dump());
    return reply ? show_tried(*reply, output) : report(reply.error());
}

int cloud_account_sign_in(Session& session, const Output& output, const AccountOptions& options) {
    const auto body = sign_in_of(options);
    if (!body) return report(body.error());
    const auto reply = session.call("PUT", path_of(options.name), body->dump());
    return reply ? show_tried(*reply, output) : report(reply.error());
}

int cloud_account_remove(Session& session, const Output& output, const std::string& name) {
    if (!confirmed(output, "Remove the cloud account " + name + "?")) return exit_refused;
    const auto reply = session.call("DELETE", path_of(name));
    return reply ? exit_ok : report(reply.error());
}

int cloud_account_check(Session& session, const Output& output, const RightsOptions& options) {
    const auto reply =
        session.call("GET", query_of(options, path_of(options.account) + "/check", false));
    if (!reply) return report(reply.error());
    const json check = json::parse(*reply, nullptr, false);
    std::fputs(output.format == Format::table ? told(check, options.account).c_str()
                                              : render_object(*reply, output.format, {}).c_str(),
               stdout);
    return check.value("usable", false) ? exit_ok : exit_refused;
}

int cloud_account_role(Session& session, const Output& output, const RightsOptions& options) {
    RightsOptions asked = options;
    const auto group = only_group(session, options);
    if (!group) return report(group.error());
    asked.group = *group;
    const auto reply = session.call("GET", query_of(asked, path_of(asked.account) + "/role", true));
    if (!reply) return report(reply.error());
    if (output.format != Format::table) {
        std::fputs(render_object(*reply, output.format, {}).c_str(), stdout);
        return exit_ok;
    }
    const json role = json::parse(*reply, nullptr, false);
    std::string text = role.value("definition", "") + "\n\n";
    for (const json& command : role["commands"]) text += command.get<std::string>() + "\n";
    std::fputs(text.c_str(), stdout);
    return exit_ok;
}

}  // namespace hopyard::cli
