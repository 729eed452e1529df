#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "cli/commands.h"

namespace hopyard::cli {
namespace {

using nlohmann::json;

const std::vector<Column> member_columns = {{"ID", "/id"},
                                            {"NAME", "/name"},
                                            {"E-MAIL", "/email"},
                                            {"ROLE", "/role"},
                                            {"TOTP", "/totp"},
                                            {"LAST SEEN", "/lastSeenAt"}};
const std::vector<Column> organisation_fields = {
    {"Id", "/id"},
    {"Name", "/name"},
    {"Plan", "/plan"},
    {"Requires TOTP", "/requireTotp"},
    {"Members invite", "/permissions/inviteMembers"},
    {"Members manage clusters", "/permissions/manageClusters"},
    {"Members manage ports", "/permissions/managePorts"}};

/// The id of a member given by id or address.
Result<std::string> member_id(Session& session, const std::string& id_or_email) {
    ASSIGN_OR_RETURN(const std::string reply, session.call("GET", "/v1/members"));
    const json document = json::parse(reply, nullptr, false);
    for (const json& item : document.value("items", json::array()))
        if (item.value("id", "") == id_or_email ||
            to_lower(item.value("email", "")) == to_lower(id_or_email))
            return item.value("id", "");
    return pass(Error{.kind = ErrorKind::not_found,
                      .code = "no_such_member",
                      .message = "there is no member '" + id_or_email + "'",
                      .owner = Owner::user,
                      .next_action = "'hopyard member list' shows those there are."});
}

}  // namespace

int member_list(Session& session, const Output& output) {
    const auto reply = session.call("GET", "/v1/members");
    if (!reply) return report(reply.error());
    std::fputs(render(*reply, output.format, member_columns).c_str(), stdout);
    return exit_ok;
}

int member_invite(Session& session, const Output& output, const InviteOptions& options) {
    json body = {{"role", options.role}};
    if (!options.email.empty()) body["email"] = options.email;
    if (options.by_mail) body["mail"] = true;
    const auto reply = session.call("POST", "/v1/invitations", body.dump());
    if (!reply) return report(reply.error());
    std::fputs(render_object(*reply,
                             output.format,
                             {{"Id", "/id"},
                              {"E-mail", "/email"},
                              {"Role", "/role"},
                              {"Valid until", "/expiresAt"},
                              {"Link", "/link"}})
                   .c_str(),
               stdout);
    if (output.format == Format::table) std::fputs("The link is shown this once.\n", stderr);
    return exit_ok;
}

int member_reset_password(Session& session, const Output& output, const std::string& member) {
    const auto id = member_id(session, member);
    if (!id) return report(id.error());
    const auto reply =
        session.call("POST", "/v1/members/" + percent_encode(*id) + "/password-reset");
    if (!reply) return report(reply.error());
    std::fputs(
        render_object(*reply, output.format, {{"Link", "/link"}, {"Valid until", "/expiresAt"}})
            .c_str(),
        stdout);
    if (output.format == Format::table) std::fputs("The link is shown this once.\n", stderr);
    return exit_ok;
}

int member_role(Session& session,
                const Output& output,
                const std::string& member,
                const std::string& role) {
    const auto id = member_id(session, member);
    if (!id) return report(id.error());
    const auto reply =
        session.call("PATCH", "/v1/members/" + percent_encode(*id), json{{"role", role}}.dump());
    if (!reply) return report(reply.error());
    std::fputs(
        render_object(*reply, output.format, {{"Id", "/id"}, {"Name", "/name"}, {"Role", "/role"}})
            .c_str(),
        stdout);
    return exit_ok;
}

int member_remove(Session& session, const Output& output, const std::string& member) {
    const auto id = member_id(session, member);
    if (!id) return report(id.error());
    if (!confirmed(output, "Remove " + member + "? They are signed out at once."))
        return exit_refused;
    const auto reply = session.call("DELETE", "/v1/members/" + percent_encode(*id));
    return reply ? exit_ok : report(reply.error());
}

int organisation_show(Session& session, const Output& output) {
    const auto reply = session.call("GET", "/v1/organisation");
    if (!reply) return report(reply.error());
    std::fputs(render_object(*reply, output.format, organisation_fields).c_str(), stdout);
    return exit_ok;
}

int organisation_set(Session& session, const Output& output, const OrganisationOptions& options) {
    json body = json::object();
    if (!options.name.empty()) body["name"] = options.name;
    if (!options.plan.empty()) body["plan"] = options.plan;
    if (options.require_totp) body["requireTotp"] = *options.require_totp;
    if (!options.permissions.empty()) body["permissions"] = options.permissions;
    if (body.empty())
        return report(refuse("",
                             "nothing_to_change",
                             "no setting is named",
                             "'hopyard organisation set --help' shows them.")
                          .value());
    const auto reply = session.call("PATCH", "/v1/organisation", body.dump());
    if (!reply) return report(reply.error());
    std::fputs(render_object(*reply, output.format, organisation_fields).c_str(), stdout);
    return exit_ok;
}

}  // namespace hopyard::cli
