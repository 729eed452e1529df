#include "azure/preparing.h"

#include <algorithm>

#include <fmt/format.h>

#include "azure/document.h"
#include "azure/errors.h"
#include "azure/resource_ids.h"
#include "azure/seen.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using cloud::Made;

constexpr const char* providers[] = {
    "Microsoft.Compute", "Microsoft.Network", "Microsoft.Storage", "Microsoft.ManagedIdentity"};
/// The built-in role "Storage Blob Data Contributor"; its id is the same in every tenant.
constexpr const char* blob_role = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";
/// Namespace of our role assignments' names: any UUID, but always this one.
constexpr const char* assignment_namespace = "8b6d2f0e-3f1c-5c3a-9e54-6c8a4c0b7d11";

constexpr Milliseconds account_wait_max = std::chrono::minutes(1);
constexpr Milliseconds principal_wait_max = std::chrono::minutes(3);
constexpr Milliseconds principal_pause = Seconds(5);
constexpr Milliseconds poll_pause = Milliseconds(500);

std::string trimmed(std::string text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
    return text;
}

}  // namespace

Result<std::string> Preparing::get(std::string_view what, const std::string& url) {
    const auto reply = pipeline_.send({.doing = fmt::format("reading {}", what), .url = url});
    if (!reply && says_absent(reply.error())) return std::string();
    if (!reply) return pass(reply.error());
    if (!parse_document(reply->body))
        return fail(ErrorKind::unavailable,
                    "broken_reply",
                    fmt::format("reading {}: the reply is not readable", what));
    return reply->body;
}

Result<void> Preparing::put(std::string_view what,
                            const std::string& url,
                            const std::string& body) {
    const auto reply = pipeline_.send(
        {.doing = fmt::format("making {}", what), .method = "PUT", .url = url, .body = body});
    if (!reply) return pass(reply.error());
    return {};
}

Result<Made> Preparing::register_providers() {
    Made made = Made::existed;
    for (const char* provider : providers) {
        const std::string path = pipeline_.subscription_path() + "/providers/" + provider;
        const std::string what = fmt::format("the resource provider {}", provider);
        ASSIGN_OR_RETURN(const std::string found,
                         get(what, pipeline_.url(path, api_version::resources)));
        const auto document = parse_document(found).value_or(Json());
        const std::string state = to_lower(text_at(document, {"registrationState"}));
        if (state == "registered" || state == "registering") continue;
        const auto reply =
            pipeline_.send({.doing = "registering " + what,
                            .method = "POST",
                            .url = pipeline_.url(path + "/register", api_version::resources)});
        if (!reply) return pass(reply.error());
        made = Made::made;
    }
    return made;
}

Result<Made> Preparing::ensure_group(const std::string& group, const std::string& location) {
    const std::string what = "the resource group " + group;
    const std::string url =
        pipeline_.url(pipeline_.subscription_path() + "/resourcegroups/" + percent_encode(group),
                      api_version::resources);
    ASSIGN_OR_RETURN(const std::string found, get(what, url));
    if (!found.empty()) return Made::existed;
    RETURN_IF_ERROR(put(what, url, to_body(Json{{"location", location}})));
    return Made::made;
}

Result<Made> Preparing::ensure_ssh_key(const std::string& group,
                                       const std::string& location,
                                       const std::string& name,
                                       const std::string& public_key) {
    const std::string what = "the SSH key " + name;
    const std::string url =
        pipeline_.url(group_id(options_.subscription, group) +
                          "/providers/Microsoft.Compute/sshPublicKeys/" + percent_encode(name),
                      api_version::compute);
    ASSIGN_OR_RETURN(const std::string found, get(what, url));
    if (!found.empty()) {
        const auto document = parse_document(found).value_or(Json());
        if (trimmed(text_at(document, {"properties", "publicKey"})) == trimmed(public_key))
            return Made::existed;
        return pass(
            Error{.kind = ErrorKind::already_exists,
                  .code = "ssh_key_differs",
                  .message = fmt::format("The group {} has another SSH key named {}.", group, name),
                  .owner = Owner::user,
                  .next_action = "Choose another name, or use the key that is there."});
    }
    const Json body{{"location", location}, {"properties", {{"publicKey", trimmed(public_key)}}}};
    RETURN_IF_ERROR(put(what, url, to_body(body)));
    return Made::made;
}

Result<Made> Preparing::ensure_identity(const std::string& group,
                                        const std::string& location,
                                        const std::string& name) {
    const std::string what = "the identity " + name;
    const std::string url = pipeline_.url(
        group_id(options_.subscription, group) +
            "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + percent_encode(name),
        api_version::identity);
    ASSIGN_OR_RETURN(const std::string found, get(what, url));
    if (!found.empty()) return Made::existed;
    RETURN_IF_ERROR(put(what, url, to_body(Json{{"location", location}})));
    return Made::made;
}

Result<std::string> Preparing::account_id(const std::string& group, const std::string& account) {
    return group_id(options_.subscription, group) +
           "/providers/Microsoft.Storage/storageAccounts/" + percent_encode(account);
}

Result<Made> Preparing::ensure_account(const std::string& group,
                                       const std::string& location,
                                       const std::string& name) {
    const std::string what = "the storage account " + name;
    ASSIGN_OR_RETURN(const std::string id, account_id(group, name));
    const std::string url = pipeline_.url(id, api_version::storage);
    ASSIGN_OR_RETURN(const std::string found, get(what, url));
    if (!found.empty()) {
        const auto state = read_provisioning(found).value_or(cloud::Provisioning::succeeded);
        if (state == cloud::Provisioning::succeeded) return Made::existed;
        cloud::Accepted unfinished;
        unfinished.operation = cloud::Operation{"resource:" + url, std::nullopt};
        RETURN_IF_ERROR(wait_for_account(url, unfinished));
        return Made::existed;
    }
    const Json body{{"location", location},
                    {"sku", {{"name", "Standard_LRS"}}},
                    {"kind", "StorageV2"},
                    {"properties",
                     {{"minimumTlsVersion", "TLS1_2"},
                      {"allowBlobPublicAccess", false},
                      {"supportsHttpsTrafficOnly", true}}}};
    const Call call{.doing = "making " + what, .method = "PUT", .url = url, .body = to_body(body)};
    ASSIGN_OR_RETURN(const http::Response reply, pipeline_.send(call));
    ASSIGN_OR_RETURN(const cloud::Accepted accepted, operations_.accepted(call, reply));
    RETURN_IF_ERROR(wait_for_account(url, accepted));
    return Made::made;
}

Result<void> Preparing::wait_for_account(const std::string& url, const cloud::Accepted& accepted) {
    if (!accepted.operation) return {};
    const Timestamp end = pipeline_.now() + account_wait_max;
    std::string operation = accepted.operation->url;
    Milliseconds pause = accepted.operation->look_after.value_or(poll_pause);
    while (pipeline_.now() < end) {
        options_.sleep(std::min<Milliseconds>(pause, end - pipeline_.now()));
        const auto state = operations_.poll(operation);
        pause = poll_pause;
        if (!state) {
            if (state.error().kind == ErrorKind::not_found)
                operation = "resource:" + url;
            else if (!is_transient(state.error().kind))
                return pass(state.error());
            pause = state.error().retry_after.value_or(poll_pause);
            continue;
        }
        if (state->status == cloud::OperationState::Status::succeeded) return {};
        if (state->status == cloud::OperationState::Status::failed)
            return pass(state->failure.value_or(Error{}));
        operation = state->url;
        pause = state->look_after.value_or(poll_pause);
    }
    return pass(Error{.kind = ErrorKind::timed_out,
                      .code = "account_not_ready",
                      .message = "The cloud has not made the storage account within a minute.",
                      .owner = Owner::cloud,
                      .next_action = "Run the command again; it goes on where this ended."});
}

Result<Made> Preparing::ensure_storage_role(const std::string& group,
                                            const std::string& identity,
                                            const std::string& account) {
    const std::string identity_id = group_id(options_.subscription, group) +
                                    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" +
                                    percent_encode(identity);
    ASSIGN_OR_RETURN(
        const std::string found,
        get("the identity " + identity, pipeline_.url(identity_id, api_version::identity)));
    const std::string principal =
        text_at(parse_document(found).value_or(Json()), {"properties", "principalId"});
    if (principal.empty())
        return pass(
            Error{.kind = ErrorKind::not_found,
                  .code = "identity_not_found",
                  .message = fmt::format("The group {} has no identity {}.", group, identity),
                  .owner = Owner::user,
                  .next_action = "Create the identity first."});
    ASSIGN_OR_RETURN(const std::string scope, account_id(group, account));
    const std::string role = fmt::format("{}/providers/Microsoft.Authorization/roleDefinitions/{}",
                                         pipeline_.subscription_path(),
                                         blob_role);
    // The same three always have the same name, so that repeating makes no second assignment.
    const std::string name =
        uuid5(assignment_namespace, to_lower(scope) + "|" + blob_role + "|" + to_lower(principal));
    const std::string url =
        pipeline_.url(scope + "/providers/Microsoft.Authorization/roleAssignments/" + name,
                      api_version::authorization);
    ASSIGN_OR_RETURN(const std::string present, get("the role assignment", url));
    if (!present.empty()) return Made::existed;

    const std::string body = to_body(Json{{"properties",
                                           {{"roleDefinitionId", role},
                                            {"principalId", principal},
                                            {"principalType", "ServicePrincipal"}}}});
    const Timestamp end = pipeline_.now() + principal_wait_max;
    while (true) {
        const auto outcome = put("the role assignment", url, body);
        if (outcome) return Made::made;
        const Error& error = outcome.error();
        if (error.code == "role_assignment_exists") return Made::existed;
        // A new identity takes a while to reach the directory.
        if (error.code != "principal_not_found" || pipeline_.now() >= end) return pass(error);
        options_.sleep(principal_pause);
    }
}

}  // namespace hopyard::azure
