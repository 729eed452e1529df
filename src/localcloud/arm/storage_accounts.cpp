#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "localcloud/arm/resources.h"
#include "localcloud/storage/blob_accounts.h"

namespace hopyard::localcloud {

namespace {

constexpr const char* type = "Microsoft.Storage/storageAccounts";

bool is_account_name(const std::string& name) {
    return name.size() >= 3 && name.size() <= 24 &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos;
}

/// 3 to 63 letters, digits and single hyphens, none at the ends.
bool is_container_name(const std::string& name) {
    return name.size() >= 3 && name.size() <= 63 && name.front() != '-' && name.back() != '-' &&
           name.find("--") == std::string::npos &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

const std::string bad_account_name =
    "{} is not a valid storage account name. Storage account name must be between 3 and 24 "
    "characters in "
    "length and use numbers and lower-case letters only.";

std::optional<Resource> account_named(const Ledger& ledger, const std::string& name) {
    for (const auto& account : ledger.list(type))
        if (text_at(account.shown(), "/name") == name) return account;
    return std::nullopt;
}

Json new_properties(Core& core,
                    const Json& wanted,
                    const std::string& name,
                    const std::string& location) {
    const std::string now = to_rfc3339(core.clock.now());
    return Json{
        {"keyCreationTime", {{"key1", now}, {"key2", now}}},
        {"allowCrossTenantReplication", false},
        {"privateEndpointConnections", Json::array()},
        {"minimumTlsVersion", text_at(wanted, "/properties/minimumTlsVersion", "TLS1_2")},
        {"allowBlobPublicAccess", flag_at(wanted, "/properties/allowBlobPublicAccess")},
        {"allowSharedKeyAccess", flag_at(wanted, "/properties/allowSharedKeyAccess", true)},
        {"supportsHttpsTrafficOnly", true},
        {"accessTier", text_at(wanted, "/properties/accessTier", "Hot")},
        {"networkAcls",
         {{"bypass", "AzureServices"},
          {"virtualNetworkRules", Json::array()},
          {"ipRules", Json::array()},
          {"defaultAction", "Allow"}}},
        {"encryption",
         {{"services",
           {{"blob", {{"keyType", "Account"}, {"enabled", true}, {"lastEnabledTime", now}}}}},
          {"keySource", "Microsoft.Storage"}}},
        {"provisioningState", "Creating"},
        {"creationTime", now},
        {"primaryEndpoints", {{"blob", core.blobs.endpoint(name)}}},
        {"primaryLocation", location},
        {"statusOfPrimary", "available"}};
}

tl::expected<void, Fault> check_account(Core& core, const Call& call, const std::string& name) {
    if (!is_account_name(name))
        return refuse_with(
            400, "AccountNameInvalid", fmt::format(fmt::runtime(bad_account_name), name));
    const auto other = account_named(core.ledger, name);
    if (other && !same_id(other->id, call.id))
        return refuse_with(
            409,
            "StorageAccountInAnotherResourceGroup",
            fmt::format("The account {} is already in another resource group in this "
                        "subscription.",
                        name));
    if (flag_at(call.wanted(), "/properties/isHnsEnabled"))
        return refuse_with(400,
                           "NotSupported",
                           "This cloud has no hierarchical namespace; leave out isHnsEnabled.");
    const std::string sku = text_at(call.wanted(), "/sku/name");
    if (!sku.starts_with("Standard_") && !sku.starts_with("Premium_"))
        return refuse_with(
            400,
            "InvalidRequestPropertyValue",
            fmt::format("The value '{}' is not allowed for property sku.name.", sku));
    return {};
}

Outcome put_account(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const std::string name = call.parameter("name");
    const auto before = core.ledger.find(call.id);
    RETURN_IF_FAULT(check_account(core, call, name));
    OUTCOME_OR_RETURN(const std::string location, check_location(core, call, before));
    OUTCOME_OR_RETURN(const Json tags, check_tags(call));
    const std::string sku = text_at(call.wanted(), "/sku/name");
    Json body = {{"sku", {{"name", sku}, {"tier", sku.substr(0, sku.find('_'))}}},
                 {"kind", text_at(call.wanted(), "/kind", "StorageV2")},
                 {"id", before ? before->id : call.id},
                 {"name", name},
                 {"type", type},
                 {"location", location},
                 {"tags", tags}};
    if (before) {
        if (text_at(before->shown(), "/properties/provisioningState") != "Succeeded")
            return refuse_with(
                409,
                "StorageAccountOperationInProgress",
                "An operation is currently performing on this storage account that requires "
                "exclusive access.");
        body["properties"] = before->shown()["properties"];
        for (const char* flag : {"allowBlobPublicAccess", "allowSharedKeyAccess"})
            if (find(call.wanted(), "/properties/" + std::string(flag)))
                body["properties"][flag] =
                    flag_at(call.wanted(), "/properties/" + std::string(flag));
        const Resource after = changed(core, *before, std::move(body));
        RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
        return reply(200, after.shown());
    }
    body["properties"] = new_properties(core, call.wanted(), name, location);
    Json hidden = {{"key1", to_base64(random_bytes(core.random, 64))},
                   {"key2", to_base64(random_bytes(core.random, 64))}};
    const Resource after = made(core, call.id, std::move(body), std::move(hidden));
    Operation operation =
        new_operation(core, "account.create", after.id, Operation::Style::storage, Json::object());
    operation.location = location;
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}, .operations = {operation}}));
    Outcome answer = empty_reply(202);
    answer->headers.set("Content-Type", "text/plain; charset=utf-8");
    announce(core, call, operation, Announce::location_only, *answer);
    return answer;
}

Outcome get_account(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource account, must_find(core, call.id));
    return reply(200, account.shown());
}

Json show_account(Core&, const Resource& account) {
    return account.shown();
}

Outcome list_accounts(Core& core, const Call& call) {
    return list_of(core, call, type, show_account);
}

Fault blob_fault(const Error& error) {
    return Fault{
        .status = 503, .code = "ServiceUnavailable", .message = error.message, .retry_after_s = 1};
}

Outcome delete_account(Core& core, const Call& call) {
    const auto account = core.ledger.find(call.id);
    if (!account) return empty_reply(204);
    if (auto removed = core.blobs.remove(text_at(account->shown(), "/name")); !removed)
        return tl::unexpected(blob_fault(removed.error()));
    RETURN_IF_FAULT(apply(core, Batch{.erase = {account->id}}));
    return empty_reply(200);
}

tl::expected<Resource, Fault> ready_account(Core& core, const std::string& id) {
    OUTCOME_OR_RETURN(const Resource account, must_find(core, id));
    if (text_at(account.shown(), "/properties/provisioningState") != "Succeeded")
        return refuse_with(
            409,
            "StorageAccountIsNotProvisioned",
            "The storage account provisioning state must be 'Succeeded' before executing the "
            "operation.");
    return account;
}

Outcome list_keys(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource account, ready_account(core, call.id));
    Json keys = Json::array();
    for (const char* key : {"key1", "key2"})
        keys.push_back({{"creationTime", text_at(account.shown(), "/properties/creationTime")},
                        {"keyName", key},
                        {"value", text_at(account.secret(), "/" + std::string(key))},
                        {"permissions", "FULL"}});
    return reply(200, Json{{"keys", keys}});
}

Outcome check_name(Core& core, const Call& call) {
    const std::string name = text_at(call.wanted(), "/name");
    if (!is_account_name(name))
        return reply(200,
                     Json{{"nameAvailable", false},
                          {"reason", "AccountNameInvalid"},
                          {"message", fmt::format(fmt::runtime(bad_account_name), name)}});
    if (account_named(core.ledger, name))
        return reply(
            200,
            Json{{"nameAvailable", false},
                 {"reason", "AlreadyExists"},
                 {"message", fmt::format("The storage account named {} is already taken.", name)}});
    return reply(200, Json{{"nameAvailable", true}});
}

Json show_service(const Resource& account) {
    Json properties = object_at(account.secret(), "/blobService");
    if (!properties.contains("cors")) properties["cors"] = {{"corsRules", Json::array()}};
    if (!properties.contains("deleteRetentionPolicy"))
        properties["deleteRetentionPolicy"] = {{"allowPermanentDelete", false}, {"enabled", false}};
    return Json{{"sku", account.shown()["sku"]},
                {"id", account.id + "/blobServices/default"},
                {"name", "default"},
                {"type", "Microsoft.Storage/storageAccounts/blobServices"},
                {"properties", properties}};
}

std::string account_id_of(const Call& call) {
    const std::size_t at = to_lower(call.id).find("/blobservices");
    return call.id.substr(0, at);
}

Outcome get_service(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource account, ready_account(core, account_id_of(call)));
    return reply(200, show_service(account));
}

/// Kept and shown. The blob service below has neither soft delete nor versions; see
/// docs/local-cloud.md.
Outcome put_service(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    OUTCOME_OR_RETURN(const Resource account, ready_account(core, account_id_of(call)));
    Json hidden = account.secret();
    for (const auto& [name, value] : object_at(call.wanted(), "/properties").items())
        hidden["blobService"][name] = value;
    Json body = account.shown();
    const Resource after = changed(core, account, std::move(body), std::move(hidden));
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return reply(200, show_service(after));
}

Json show_container(const Resource& account, const Container& container) {
    return Json{{"id", account.id + "/blobServices/default/containers/" + container.name},
                {"name", container.name},
                {"type", "Microsoft.Storage/storageAccounts/blobServices/containers"},
                {"etag", container.etag},
                {"properties",
                 {{"deleted", false},
                  {"remainingRetentionDays", 0},
                  {"publicAccess", "None"},
                  {"leaseStatus", "Unlocked"},
                  {"leaseState", "Available"},
                  {"hasImmutabilityPolicy", false},
                  {"hasLegalHold", false}}}};
}

Outcome put_container(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource account, ready_account(core, account_id_of(call)));
    const std::string name = call.parameter("container");
    if (!is_container_name(name))
        return refuse_with(
            400,
            "ContainerOperationFailure",
            fmt::format("The specified resource name contains invalid characters or has a "
                        "length that is not 3 to 63: {}",
                        name));
    const std::string account_name = text_at(account.shown(), "/name");
    const auto created = core.blobs.create_container(account_name, name);
    if (!created) return tl::unexpected(blob_fault(created.error()));
    const auto found = core.blobs.find_container(account_name, name);
    if (!found || !*found)
        return tl::unexpected(
            blob_fault(found ? Error{.message = "the container went at once"} : found.error()));
    Json shown = show_container(account, **found);
    shown.erase("properties");
    return reply(*created ? 201 : 200, std::move(shown));
}

Fault no_container(const std::string& name) {
    return Fault{.status = 404,
                 .code = "ContainerNotFound",
                 .message = fmt::format("The specified container {} does not exist.", name)};
}

Outcome get_container(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource account, ready_account(core, account_id_of(call)));
    const std::string name = call.parameter("container");
    const auto found = core.blobs.find_container(text_at(account.shown(), "/name"), name);
    if (!found) return tl::unexpected(blob_fault(found.error()));
    if (!*found) return tl::unexpected(no_container(name));
    return reply(200, show_container(account, **found));
}

Outcome delete_container(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource account, ready_account(core, account_id_of(call)));
    const auto gone =
        core.blobs.delete_container(text_at(account.shown(), "/name"), call.parameter("container"));
    if (!gone) return tl::unexpected(blob_fault(gone.error()));
    return empty_reply(*gone ? 200 : 204);
}

Outcome list_containers(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource account, ready_account(core, account_id_of(call)));
    const auto containers = core.blobs.list_containers(text_at(account.shown(), "/name"));
    if (!containers) return tl::unexpected(blob_fault(containers.error()));
    Json values = Json::array();
    for (const auto& container : *containers) values.push_back(show_container(account, container));
    return reply(200, Json{{"value", values}});
}

}  // namespace

void define_storage_work(Executor& executor, Ledger& ledger, BlobAccounts& blobs) {
    executor.define(
        "account.create",
        {.act = [&](const Operation& operation) -> Result<void> {
             const auto account = ledger.find(operation.target);
             if (!account) return {};
             return blobs.ensure({.name = text_at(account->shown(), "/name"),
                                  .key1 = Secret(text_at(account->secret(), "/key1")),
                                  .key2 = Secret(text_at(account->secret(), "/key2"))});
         },
         .settle =
             [&](const Operation& operation, const Result<void>& outcome, Batch& batch) {
                 const auto account = ledger.find(operation.target);
                 if (!account) return;
                 // An account that could not be made is gone again, as if it had never been asked
                 // for.
                 if (!outcome) {
                     batch.erase.push_back(account->id);
                     return;
                 }
                 Json body = account->shown();
                 body["properties"]["provisioningState"] = "Succeeded";
                 Resource after = *account;
                 after.body = document(std::move(body));
                 batch.put.push_back(after);
             }});
}

void add_storage_routes(Routes& routes) {
    const std::string name = type;
    routes.add(Routes::Resourceful{.area = Area::storage,
                                   .type = name,
                                   .put = put_account,
                                   .get = get_account,
                                   .remove = delete_account,
                                   .list = list_accounts});
    const std::string one = group_pattern + "/providers/" + name + "/{name}";
    routes.add(Area::storage, "POST", one + "/listKeys", name + "/listKeys/action", list_keys);
    routes.add(Area::storage,
               "POST",
               subscription_pattern + "/providers/Microsoft.Storage/checkNameAvailability",
               "Microsoft.Storage/checkNameAvailability/read",
               check_name);
    const std::string service = one + "/blobServices/default";
    const std::string action = name + "/blobServices/";
    routes.add(Area::storage, "GET", service, action + "read", get_service);
    routes.add(Area::storage, "PUT", service, action + "write", put_service);
    const std::string containers = service + "/containers";
    routes.add(Area::storage, "GET", containers, action + "containers/read", list_containers);
    routes.add(Area::storage,
               "PUT",
               containers + "/{container}",
               action + "containers/write",
               put_container);
    routes.add(Area::storage,
               "GET",
               containers + "/{container}",
               action + "containers/read",
               get_container);
    routes.add(Area::storage,
               "DELETE",
               containers + "/{container}",
               action + "containers/delete",
               delete_container);
}

}  // namespace hopyard::localcloud
