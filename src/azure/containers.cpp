#include "azure/containers.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "azure/blob_signing.h"
#include "azure/errors.h"
#include "base/encoding.h"

namespace hopyard::azure {
namespace {

using cloud::ContainerName;

constexpr const char* claim_blob = ".hopyard-cluster";
constexpr std::size_t policies_max = 5;
constexpr std::size_t policy_id_max = 64;
constexpr std::size_t pages_max = 1000;
/// Read, add, create, write, delete, list, in the order that Azure wants.
constexpr const char* grant_rights = "racwdl";

BlobCall container_call(std::string_view doing,
                        std::string_view method,
                        const ContainerName& name,
                        std::string_view extra = "") {
    BlobCall call{
        .doing = fmt::format("{} the container {} of {}", doing, name.container, name.account),
        .method = std::string(method),
        .account = name.account};
    call.path = "/" + percent_encode(name.container);
    call.query = fmt::format("restype=container{}", extra);
    return call;
}

BlobCall claim_call(std::string_view method, const ContainerName& name) {
    BlobCall call{
        .doing = fmt::format("claiming the container {} of {}", name.container, name.account),
        .method = std::string(method),
        .account = name.account};
    call.path = fmt::format("/{}/{}", percent_encode(name.container), claim_blob);
    return call;
}

bool is_code(const Error& error, std::string_view code) {
    return error.code == code;
}

Failure broken(const BlobCall& call) {
    Error error{.kind = ErrorKind::unavailable,
                .code = "broken_reply",
                .message = call.doing + ": the reply is not readable",
                .owner = Owner::cloud,
                .next_action = "Nothing: it is tried again."};
    return Failure(std::move(error));
}

}  // namespace

Result<cloud::ContainerFacts> Containers::inspect(const ContainerName& name) {
    cloud::ContainerFacts facts;
    const auto reply = blobs_.send(container_call("reading", "GET", name));
    if (!reply && is_code(reply.error(), "container_not_found")) return facts;
    if (!reply) return pass(reply.error());
    facts.exists = true;
    ASSIGN_OR_RETURN(facts.empty, is_empty(name));
    ASSIGN_OR_RETURN(facts.claimed_by, claimed_by(name));
    return facts;
}

Result<bool> Containers::is_empty(const ContainerName& name) {
    std::string marker;
    std::set<std::string> seen;
    for (std::size_t page = 0; page < pages_max; ++page) {
        std::string extra = "&comp=list&maxresults=2";
        if (!marker.empty()) extra += "&marker=" + percent_encode(marker);
        const BlobCall call = container_call("listing", "GET", name, extra);
        ASSIGN_OR_RETURN(const http::Response reply, blobs_.send(call));
        const auto blobs = read_blob_page(reply.body);
        if (!blobs) return broken(call);
        for (const std::string& blob : blobs->names)
            if (blob != claim_blob) return false;
        marker = blobs->next_marker;
        if (marker.empty()) return true;
        if (!seen.insert(marker).second) return broken(call);
    }
    return broken(container_call("listing", "GET", name));
}

Result<std::string> Containers::claimed_by(const ContainerName& name) {
    const auto reply = blobs_.send(claim_call("GET", name));
    if (!reply && is_code(reply.error(), "blob_not_found")) return std::string();
    if (!reply) return pass(reply.error());
    // Whatever is in it, somebody put it there.
    return reply->body.empty() ? std::string("?") : reply->body.substr(0, 256);
}

Result<void> Containers::create_container(const ContainerName& name) {
    const auto reply = blobs_.send(container_call("creating", "PUT", name));
    if (!reply && !is_code(reply.error(), "container_already_exists")) return pass(reply.error());
    return {};
}

Result<void> Containers::claim(const ContainerName& name, const std::string& owner) {
    BlobCall call = claim_call("PUT", name);
    call.headers.set("x-ms-blob-type", "BlockBlob");
    call.headers.set("If-None-Match", "*");
    call.headers.set("Content-Type", "text/plain");
    call.body = owner;
    const auto reply = blobs_.send(call);
    if (reply) return {};
    if (!is_code(reply.error(), "blob_already_exists") &&
        !is_code(reply.error(), "condition_not_met"))
        return pass(reply.error());
    ASSIGN_OR_RETURN(const std::string present, claimed_by(name));
    if (present == owner) return {};
    if (present.empty())
        return fail(
            ErrorKind::conflict, "claim_in_motion", call.doing + ": its claim was just given up");
    return pass(Error{.kind = ErrorKind::already_exists,
                      .code = "container_claimed",
                      .message = fmt::format("The container {} of {} belongs to the cluster {}.",
                                             name.container,
                                             name.account,
                                             present),
                      .owner = Owner::user,
                      .next_action = "Choose another container."});
}

Result<Containers::Policies> Containers::read_acl(const ContainerName& name) {
    const BlobCall call =
        container_call("reading the access policies of", "GET", name, "&comp=acl");
    ASSIGN_OR_RETURN(const http::Response reply, blobs_.send(call));
    auto policies = read_policies(reply.body);
    if (!policies) return broken(call);
    return Policies{.policies = std::move(*policies),
                    .public_access = reply.headers.get("x-ms-blob-public-access"),
                    .last_modified = reply.headers.get("last-modified")};
}

Result<void> Containers::write_acl(const ContainerName& name, const Policies& acl) {
    BlobCall call = container_call("changing the access policies of", "PUT", name, "&comp=acl");
    call.headers.set("Content-Type", "application/xml");
    if (!acl.public_access.empty()) call.headers.set("x-ms-blob-public-access", acl.public_access);
    // Somebody else may change the list as well; seconds are all that this condition can tell.
    if (!acl.last_modified.empty()) call.headers.set("If-Unmodified-Since", acl.last_modified);
    call.body = write_policies(acl.policies);
    const auto reply = blobs_.send(call);
    if (!reply) return pass(reply.error());
    return {};
}

Result<cloud::ContainerGrant> Containers::grant(const ContainerName& name,
                                                const std::string& policy,
                                                Timestamp expires_at) {
    if (policy.empty() || policy.size() > policy_id_max)
        return fail(ErrorKind::invalid_argument,
                    "policy_name_invalid",
                    "The name of an access policy has 1 to 64 characters.");
    const std::string expiry = to_rfc3339(expires_at);
    {
        const std::lock_guard lock(acl_mutex_);
        ASSIGN_OR_RETURN(Policies acl, read_acl(name));
        auto own = std::find_if(acl.policies.begin(),
                                acl.policies.end(),
                                [&](const AccessPolicy& one) { return one.id == policy; });
        if (own == acl.policies.end()) {
            if (acl.policies.size() >= policies_max)
                return pass(
                    Error{.kind = ErrorKind::quota_exceeded,
                          .code = "too_many_access_policies",
                          .message = fmt::format("The container {} of {} has five access policies "
                                                 "already, which is all that it can have.",
                                                 name.container,
                                                 name.account),
                          .owner = Owner::user,
                          .next_action = "Remove one of them, or choose another container."});
            own = acl.policies.insert(acl.policies.end(), AccessPolicy{.id = policy});
        }
        own->start.clear();
        own->expiry = expiry;
        own->permission = grant_rights;
        RETURN_IF_ERROR(write_acl(name, acl));
    }
    ASSIGN_OR_RETURN(const std::string endpoint, blobs_.machine_endpoint(name.account));
    ASSIGN_OR_RETURN(const Secret key, blobs_.key(name.account));
    ASSIGN_OR_RETURN(
        const Secret signature,
        policy_signature(
            name.account, name.container, key, policy, endpoint.starts_with("https:")));
    cloud::ContainerGrant grant{.account = name.account, .container = name.container};
    grant.blob_endpoint = endpoint;
    grant.sas_url = Secret(
        fmt::format("{}/{}?{}", endpoint, percent_encode(name.container), signature.reveal()));
    grant.expires_at = expires_at;
    return grant;
}

Result<void> Containers::revoke(const ContainerName& name, const std::string& policy) {
    const std::lock_guard lock(acl_mutex_);
    auto acl = read_acl(name);
    if (!acl && is_code(acl.error(), "container_not_found")) return {};
    if (!acl) return pass(acl.error());
    const auto removed =
        std::erase_if(acl->policies, [&](const AccessPolicy& one) { return one.id == policy; });
    if (removed == 0) return {};
    return write_acl(name, *acl);
}

}  // namespace hopyard::azure
