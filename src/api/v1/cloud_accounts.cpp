#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/people/documents.h"
#include "api/v1/routes.h"
#include "api/views.h"
#include "model/json_reader.h"
#include "model/phase.h"

namespace hopyard::api::v1 {
namespace {

using model::CloudAccount;
using model::CloudSignIn;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* default_role_name = "Hopyard control plane";
constexpr std::size_t role_name_max = 128;

// --- as clients see them -------------------------------------------------------------------------

/// All accounts are at the cloud of the connection that the installation was started with.
const char* kind_of(const cloud::Connected& built_in) {
    return built_in.local ? "local" : "azure";
}

ordered_json view_of(const CloudAccount& account,
                     const cloud::Connected& built_in,
                     std::int64_t clusters) {
    return {{"name", account.name},
            {"kind", kind_of(built_in)},
            {"builtIn", false},
            {"subscription", account.subscription},
            {"tenant", account.tenant},
            {"signIn", model::to_string(account.sign_in)},
            {"clientId", account.client_id},
            {"createdAt", to_rfc3339(account.created_at)},
            {"clusters", clusters}};
}

/// How it signs in is the operator's.
ordered_json built_in_view(const cloud::Connected& built_in, std::int64_t clusters) {
    return {{"name", model::default_cloud_account},
            {"kind", kind_of(built_in)},
            {"builtIn", true},
            {"subscription", built_in.subscription},
            {"tenant", nullptr},
            {"signIn", nullptr},
            {"clientId", nullptr},
            {"createdAt", nullptr},
            {"clusters", clusters}};
}

ordered_json view_of(const std::vector<cloud::NeededRight>& rights) {
    ordered_json items = ordered_json::array();
    for (const cloud::NeededRight& right : rights)
        items.push_back({{"action", right.action}, {"purpose", right.purpose}});
    return items;
}

ordered_json view_of(const std::optional<Error>& problem) {
    return problem ? view(*problem) : ordered_json(nullptr);
}

ordered_json view_of(const control::AccountReport& report) {
    ordered_json groups = ordered_json::array();
    for (const control::GroupRights& group : report.groups)
        groups.push_back({{"name", group.name},
                          {"location", group.location},
                          {"usable", group.usable()},
                          {"problem", view_of(group.unread)},
                          {"missing", view_of(group.missing)}});
    return {{"usable", report.usable()},
            {"problem", view_of(report.problem)},
            {"groups", std::move(groups)},
            {"groupsUnchecked", report.groups_unchecked},
            {"sizesProblem", view_of(report.sizes_problem)},
            {"quotasProblem", view_of(report.quotas_problem)}};
}

// --- as they are written -------------------------------------------------------------------------

struct Written {
    CloudAccount account;
    Secret client_secret;
};

/// How to sign in; what one way does not use must not be given.
void read_sign_in(model::ObjectReader& reader, Written& written) {
    CloudAccount& account = written.account;
    const auto way = model::parse<CloudSignIn>(people::read_required(reader, "signIn"));
    if (!way)
        reader.fault("signIn",
                     "unknown_value",
                     "must be client_secret, workload_identity or managed_identity",
                     "Choose how the control plane signs in.");
    account.sign_in = way.value_or(CloudSignIn::client_secret);
    std::string secret;
    reader.read("tenant", account.tenant);
    reader.read("clientId", account.client_id);
    reader.read("clientSecret", secret);
    written.client_secret = Secret(secret);
    const bool by_secret = account.sign_in == CloudSignIn::client_secret;
    const bool managed = account.sign_in == CloudSignIn::managed_identity;
    if (!managed && !model::is_guid(account.tenant))
        reader.fault("tenant",
                     "guid_malformed",
                     "must be the tenant's id, such as 72f988bf-86f1-41af-91ab-2d7cd011db47",
                     "'az account show' tells it as tenantId.");
    if (!(managed && account.client_id.empty()) && !model::is_guid(account.client_id))
        reader.fault("clientId",
                     "guid_malformed",
                     "must be the application's id, such as 72f988bf-86f1-41af-91ab-2d7cd011db47",
                     "'az ad sp list --display-name NAME' tells it as appId.");
    if (by_secret && secret.empty())
        reader.fault("clientSecret",
                     "missing",
                     "is required to sign in by client secret",
                     "'az ad app credential reset --id CLIENT' makes one.");
    if (!by_secret && !secret.empty())
        reader.fault("clientSecret",
                     "not_used",
                     "is not used by that way to sign in",
                     "Leave it out, or sign in by client_secret.");
}

void read_subscription(model::ObjectReader& reader, CloudAccount& account) {
    account.subscription = people::read_required(reader, "subscription");
    if (!model::is_guid(account.subscription))
        reader.fault("subscription",
                     "guid_malformed",
                     "must be the subscription's id, such as "
                     "72f988bf-86f1-41af-91ab-2d7cd011db47",
                     "'az account show' tells it as id.");
}

Result<Written> new_account(const Call& call) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(call.request.body));
    std::optional<Error> fault;
    Written written;
    written.account.organisation = call.principal.organisation;
    written.account.created_at = call.now;
    model::ObjectReader reader(document, "", fault);
    written.account.name = people::read_required(reader, "name");
    if (!model::is_cloud_account_name(written.account.name))
        reader.fault("name",
                     "name_malformed",
                     "must be 1 to 32 lower-case letters, digits and hyphens, a letter first and "
                     "no hyphen last",
                     "Choose a name such as 'research'.");
    read_subscription(reader, written.account);
    read_sign_in(reader, written);
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return written;
}

/// The same account with another way to sign in.
Result<Written> changed_account(const Call& call, const CloudAccount& before) {
    ASSIGN_OR_RETURN(const json document, model::parse_limited(call.request.body));
    std::optional<Error> fault;
    Written written{.account = before, .client_secret = {}};
    model::ObjectReader reader(document, "", fault);
    read_sign_in(reader, written);
    reader.finish();
    if (fault) return pass(std::move(*fault));
    return written;
}

// --- stored --------------------------------------------------------------------------------------

Result<std::int64_t> clusters_on(store::Transaction& t,
                                 const OrganisationId& organisation,
                                 const std::string& account) {
    ASSIGN_OR_RETURN(const auto clusters, t.clusters_of(organisation));
    return std::count_if(clusters.begin(), clusters.end(), [&](const model::Cluster& cluster) {
        return cluster.spec.cloud_account == account;
    });
}

Result<CloudAccount> account_of(store::Transaction& t, const Call& call) {
    const std::string& name = call.parameters.at("name");
    if (name == model::default_cloud_account)
        return pass(Error{.kind = ErrorKind::conflict,
                          .code = "cloud_account_built_in",
                          .message = "'default' is the connection that this control plane was "
                                     "started with",
                          .owner = Owner::administrator,
                          .next_action = "Change the file cloud.json, and start it again."});
    ASSIGN_OR_RETURN(auto account, t.cloud_account(call.principal.organisation, name));
    if (!account) return cloud::no_such_cloud_account(name);
    return std::move(*account);
}

/// Who cannot sign in is not stored.
Result<control::AccountReport> try_account(Parts& parts, const Written& written) {
    ASSIGN_OR_RETURN(const auto connected,
                     parts.clouds.connect(written.account, written.client_secret));
    control::AccountReport report = parts.commands.check_account(*connected, {}, "");
    if (!report.problem) return report;
    Error error = *report.problem;
    error.kind = ErrorKind::invalid_argument;
    error.code = "cloud_account_refused";
    error.message = "the cloud refuses this account: " + error.message;
    error.field = error.field.empty() ? "/signIn" : error.field;
    if (error.next_action.empty())
        error.next_action = "Check subscription, tenant, client id and secret.";
    return pass(std::move(error));
}

Result<void> store_account(Parts& parts,
                           const Call& call,
                           Written& written,
                           const std::string& code,
                           const std::string& message) {
    CloudAccount& account = written.account;
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        const std::string secret = model::cloud_account_secret(account.organisation, account.name);
        CloudAccount row = account;
        RETURN_IF_ERROR(t.put(row));
        if (written.client_secret.empty())
            RETURN_IF_ERROR(t.erase_secrets(secret));
        else
            RETURN_IF_ERROR(t.put_secret(secret, written.client_secret));
        return people::note(t, account.organisation, call.principal.name, call.now, code, message);
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    parts.clouds.changed();
    return {};
}

// --- the routes ----------------------------------------------------------------------------------

Result<std::shared_ptr<const cloud::Connected>> built_in_of(Parts& parts, const Call& call) {
    return parts.clouds.of(call.principal.organisation, model::default_cloud_account);
}

/// What was stored, with what trying it has shown.
Result<ordered_json> tried_view(Parts& parts,
                                const Call& call,
                                const CloudAccount& account,
                                std::int64_t clusters,
                                const control::AccountReport& report) {
    ASSIGN_OR_RETURN(const auto built_in, built_in_of(parts, call));
    ordered_json document = view_of(account, *built_in, clusters);
    document["check"] = view_of(report);
    return document;
}

Result<http::Response> list(Parts& parts, const Call& call) {
    const OrganisationId& ours = call.principal.organisation;
    ASSIGN_OR_RETURN(const auto built_in, built_in_of(parts, call));
    ordered_json items;
    RETURN_IF_ERROR(parts.store.read([&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto on_default, clusters_on(t, ours, model::default_cloud_account));
        items = ordered_json::array({built_in_view(*built_in, on_default)});
        ASSIGN_OR_RETURN(const auto accounts, t.cloud_accounts(ours));
        for (const CloudAccount& account : accounts) {
            ASSIGN_OR_RETURN(const auto clusters, clusters_on(t, ours, account.name));
            items.push_back(view_of(account, *built_in, clusters));
        }
        return {};
    }));
    return list_response(std::move(items));
}

Result<http::Response> create(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(Written written, new_account(call));
    const std::string& name = written.account.name;
    const auto reading = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const auto other, t.cloud_account(call.principal.organisation, name));
        if (!other && name != model::default_cloud_account) return {};
        return refuse("/name",
                      "name_taken",
                      "there is a cloud account '" + name + "'",
                      "Choose another name.",
                      ErrorKind::already_exists);
    };
    RETURN_IF_ERROR(parts.store.read(reading));
    ASSIGN_OR_RETURN(const auto report, try_account(parts, written));
    RETURN_IF_ERROR(store_account(
        parts, call, written, "cloud_account_added", "cloud account " + name + " was added"));
    ASSIGN_OR_RETURN(const auto document, tried_view(parts, call, written.account, 0, report));
    http::Response response = http::json_response(201, dump(document));
    response.headers.set("Location", "/v1/cloud-accounts/" + name);
    return response;
}

Result<http::Response> update(Parts& parts, const Call& call) {
    CloudAccount before;
    std::int64_t clusters = 0;
    const auto reading = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(before, account_of(t, call));
        ASSIGN_OR_RETURN(clusters, clusters_on(t, before.organisation, before.name));
        return {};
    };
    RETURN_IF_ERROR(parts.store.read(reading));
    ASSIGN_OR_RETURN(Written written, changed_account(call, before));
    ASSIGN_OR_RETURN(const auto report, try_account(parts, written));
    RETURN_IF_ERROR(store_account(parts,
                                  call,
                                  written,
                                  "cloud_account_changed",
                                  "cloud account " + before.name + " signs in anew"));
    ASSIGN_OR_RETURN(const auto document,
                     tried_view(parts, call, written.account, clusters, report));
    return http::json_response(200, dump(document));
}

Result<http::Response> remove(Parts& parts, const Call& call) {
    const auto writing = [&](store::Transaction& t) -> Result<void> {
        ASSIGN_OR_RETURN(const CloudAccount account, account_of(t, call));
        ASSIGN_OR_RETURN(const auto clusters, clusters_on(t, account.organisation, account.name));
        if (clusters > 0)
            return pass(Error{
                .kind = ErrorKind::conflict,
                .code = "cloud_account_in_use",
                .message = std::to_string(clusters) + " clusters run on '" + account.name + "'",
                .owner = Owner::user,
                .next_action = "Terminate them first."});
        RETURN_IF_ERROR(
            t.erase_secrets(model::cloud_account_secret(account.organisation, account.name)));
        RETURN_IF_ERROR(t.erase_cloud_account(account.organisation, account.name));
        return people::note(t,
                            account.organisation,
                            call.principal.name,
                            call.now,
                            "cloud_account_removed",
                            "cloud account " + account.name + " was removed");
    };
    RETURN_IF_ERROR(parts.store.write(writing));
    parts.clouds.changed();
    return http::Response{.status = 204};
}

/// What is not to be made takes no right.
Result<cloud::Features> features_of(const Call& call) {
    cloud::Features features;
    const auto flag = [&](const char* name, bool& value) -> Result<void> {
        const auto text = call.request.query(name);
        if (text && *text != "true" && *text != "false")
            return refuse("",
                          "parameter_malformed",
                          std::string(name) + " must be true or false",
                          "Correct it.");
        if (text) value = *text == "true";
        return {};
    };
    RETURN_IF_ERROR(flag("networks", features.networks));
    RETURN_IF_ERROR(flag("securityGroups", features.security_groups));
    RETURN_IF_ERROR(flag("publicAddresses", features.public_addresses));
    return features;
}

Result<std::shared_ptr<const cloud::Connected>> connection(Parts& parts, const Call& call) {
    return parts.clouds.of(call.principal.organisation, call.parameters.at("name"));
}

Result<http::Response> check(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const cloud::Features features, features_of(call));
    ASSIGN_OR_RETURN(const auto connected, connection(parts, call));
    const std::string group = call.request.query("group").value_or("");
    return http::json_response(
        200, dump(view_of(parts.commands.check_account(*connected, features, group))));
}

Result<http::Response> role(Parts& parts, const Call& call) {
    ASSIGN_OR_RETURN(const cloud::Features features, features_of(call));
    ASSIGN_OR_RETURN(const auto connected, connection(parts, call));
    const std::string group = call.request.query("group").value_or("");
    const std::string name = call.request.query("roleName").value_or(default_role_name);
    if (group.empty())
        return refuse("",
                      "parameter_missing",
                      "the query parameter 'group' is required",
                      "Name the resource group in which the role is to be given.");
    if (name.empty() || name.size() > role_name_max)
        return refuse(
            "", "parameter_malformed", "roleName must have 1 to 128 characters", "Shorten it.");
    const cloud::RoleText text =
        connected->roles.write({.name = name, .groups = {group}, .features = features});
    return http::json_response(
        200,
        dump({{"name", name},
              {"group", group},
              {"actions", view_of(cloud::rights_for(connected->needed, features))},
              {"subscriptionActions", view_of(connected->needed.of_subscription)},
              {"definition", text.definition},
              {"commands", text.commands}}));
}

}  // namespace

std::vector<Endpoint> cloud_account_endpoints(Parts& parts) {
    const std::vector<std::string> features = {
        "group", "networks", "securityGroups", "publicAddresses"};
    std::vector<std::string> of_role = features;
    of_role.push_back("roleName");
    return {{.method = "GET",
             .pattern = "/v1/cloud-accounts",
             .answer = [&parts](const Call& call) { return list(parts, call); }},
            {.method = "POST",
             .pattern = "/v1/cloud-accounts",
             .access = Access::administer,
             .has_body = true,
             .answer = [&parts](const Call& call) { return create(parts, call); }},
            {.method = "PUT",
             .pattern = "/v1/cloud-accounts/{name}",
             .access = Access::administer,
             .has_body = true,
             .answer = [&parts](const Call& call) { return update(parts, call); }},
            {.method = "DELETE",
             .pattern = "/v1/cloud-accounts/{name}",
             .access = Access::administer,
             .answer = [&parts](const Call& call) { return remove(parts, call); }},
            {.method = "GET",
             .pattern = "/v1/cloud-accounts/{name}/check",
             .query = features,
             .answer = [&parts](const Call& call) { return check(parts, call); }},
            {.method = "GET",
             .pattern = "/v1/cloud-accounts/{name}/role",
             .query = of_role,
             .answer = [&parts](const Call& call) { return role(parts, call); }}};
}

}  // namespace hopyard::api::v1
