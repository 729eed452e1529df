#include "azure/blob_service.h"

#include <fmt/format.h>

#include "azure/blob_signing.h"
#include "azure/document.h"
#include "azure/errors.h"
#include "azure/resource_ids.h"
#include "azure/retry_after.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

/// Azure and both Azurites that we know speak it.
constexpr const char* blob_version = "2023-11-03";

std::string without_slash(std::string url) {
    while (!url.empty() && url.back() == '/') url.pop_back();
    return url;
}

std::string for_account(std::string pattern, const std::string& account) {
    constexpr std::string_view place = "{account}";
    for (auto at = pattern.find(place); at != std::string::npos; at = pattern.find(place))
        pattern.replace(at, place.size(), account);
    return without_slash(std::move(pattern));
}

bool is_refused_key(const Error& error) {
    return error.kind == ErrorKind::unauthenticated || error.code == "authorization_failure";
}

}  // namespace

Result<std::vector<Account>> BlobService::accounts() {
    Call call{.doing = "listing the storage accounts"};
    call.url = pipeline_.url(
        pipeline_.subscription_path() + "/providers/Microsoft.Storage/storageAccounts",
        api_version::storage);
    ASSIGN_OR_RETURN(const auto pages, pipeline_.pages(call));
    std::vector<Account> accounts;
    for (const std::string& page : pages) {
        const auto document = parse_document(page);
        for (const Json& item : items_at(document.value_or(Json()), {"value"})) {
            Account account{.name = text_at(item, {"name"}), .id = text_at(item, {"id"})};
            account.resource_group = group_of(account.id);
            account.location = to_lower(text_at(item, {"location"}));
            account.kind = text_at(item, {"kind"});
            account.blob_endpoint =
                without_slash(text_at(item, {"properties", "primaryEndpoints", "blob"}));
            if (!account.name.empty() && !account.id.empty())
                accounts.push_back(std::move(account));
        }
    }
    const std::lock_guard lock(mutex_);
    for (const Account& account : accounts) accounts_.insert_or_assign(account.name, account);
    return accounts;
}

Result<Account> BlobService::find(const std::string& name) {
    {
        const std::lock_guard lock(mutex_);
        const auto known = accounts_.find(name);
        if (known != accounts_.end() && !known->second.blob_endpoint.empty()) return known->second;
    }
    ASSIGN_OR_RETURN(const auto all, accounts());
    for (const Account& account : all)
        if (account.name == name) return account;
    return pass(Error{.kind = ErrorKind::not_found,
                      .code = "account_not_found",
                      .message = fmt::format("The subscription has no storage account {}.", name),
                      .owner = Owner::user,
                      .next_action = "Name an existing account, or create it with "
                                     "`hopyard cloud prepare`."});
}

Result<std::string> BlobService::endpoint(const std::string& account) {
    if (!options_.blob_endpoint.empty()) return for_account(options_.blob_endpoint, account);
    ASSIGN_OR_RETURN(const Account found, find(account));
    if (found.blob_endpoint.empty())
        return fail(ErrorKind::unavailable,
                    "account_without_endpoint",
                    fmt::format("The storage account {} names no blob endpoint yet.", account));
    return found.blob_endpoint;
}

Result<std::string> BlobService::machine_endpoint(const std::string& account) {
    if (options_.machine_blob_endpoint.empty()) return endpoint(account);
    return for_account(options_.machine_blob_endpoint, account);
}

Result<Secret> BlobService::key(const std::string& account) {
    {
        const std::lock_guard lock(mutex_);
        const auto known = keys_.find(account);
        if (known != keys_.end()) return known->second;
    }
    return fetch_key(account);
}

Result<Secret> BlobService::fetch_key(const std::string& name) {
    ASSIGN_OR_RETURN(const Account account, find(name));
    Call call{.doing = "reading the keys of the storage account " + name, .method = "POST"};
    call.url = pipeline_.url(account.id + "/listKeys", api_version::storage);
    ASSIGN_OR_RETURN(const http::Response reply, pipeline_.send(call));
    const auto document = parse_document(reply.body);
    for (const Json& item : items_at(document.value_or(Json()), {"keys"})) {
        const std::string value = text_at(item, {"value"});
        if (value.empty() || to_lower(text_at(item, {"permissions"})) != "full") continue;
        const std::lock_guard lock(mutex_);
        return keys_.insert_or_assign(name, Secret(value)).first->second;
    }
    return fail(ErrorKind::unavailable,
                "broken_reply",
                fmt::format("The storage account {} shows no key with full rights.", name));
}

Result<http::Response> BlobService::send_once(const BlobCall& call,
                                              const std::string& base,
                                              const Secret& key) {
    http::OutgoingRequest request{.method = call.method, .headers = call.headers};
    request.url = base + call.path;
    if (!call.query.empty()) request.url += "?" + call.query;
    request.body = call.body;
    request.headers.set("x-ms-version", blob_version);
    request.headers.set("x-ms-date", to_http_date(pipeline_.now()));
    request.headers.set("x-ms-client-request-id", random_uuid(random_));
    ASSIGN_OR_RETURN(const std::string authorization,
                     shared_key_authorization(call.account, key, request));
    request.headers.set("Authorization", authorization);
    auto reply = transport_.send(request);
    if (!reply) return with_context(call.doing, reply.error());
    if (reply->status < 200 || reply->status >= 300)
        return pass(error_of(call.doing, call.method, *reply, pipeline_.now()));
    return reply;
}

Result<http::Response> BlobService::send(const BlobCall& call) {
    ASSIGN_OR_RETURN(const std::string base, endpoint(call.account));
    ASSIGN_OR_RETURN(const Secret used, key(call.account));
    auto reply = send_once(call, base, used);
    if (reply || !is_refused_key(reply.error())) return reply;
    ASSIGN_OR_RETURN(const Secret fresh, fetch_key(call.account));
    if (fresh.reveal() == used.reveal()) return reply;
    return send_once(call, base, fresh);
}

}  // namespace hopyard::azure
