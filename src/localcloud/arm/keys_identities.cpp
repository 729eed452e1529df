#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include "base/check.h"
#include "base/encoding.h"
#include "localcloud/arm/machines.h"
#include "localcloud/arm/resources.h"

namespace hopyard::localcloud {

namespace {

constexpr const char* key_type = "Microsoft.Compute/sshPublicKeys";
constexpr const char* identity_type = "Microsoft.ManagedIdentity/userAssignedIdentities";

Json show_plain(Core&, const Resource& resource) {
    return resource.shown();
}

bool is_public_key(const std::string& text) {
    const std::size_t blank = text.find(' ');
    const std::string kind = text.substr(0, blank);
    if (blank == std::string::npos) return false;
    if (kind != "ssh-rsa" && kind != "ssh-ed25519" && !kind.starts_with("ecdsa-sha2-nistp"))
        return false;
    const std::string data =
        text.substr(blank + 1, text.find_first_of(" \r\n", blank + 1) - blank - 1);
    const auto bytes = from_base64(data);
    return bytes && bytes->size() > 4 + kind.size() && bytes->substr(4, kind.size()) == kind;
}

Outcome put_key(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto before = core.ledger.find(call.id);
    OUTCOME_OR_RETURN(const std::string location, check_location(core, call, before));
    OUTCOME_OR_RETURN(const Json tags, check_tags(call));
    std::string key = text_at(call.wanted(), "/properties/publicKey");
    if (key.empty() && before) key = text_at(before->shown(), "/properties/publicKey");
    if (!key.empty() && !is_public_key(key))
        return tl::unexpected(
            invalid_parameter("publicKey", "The SSH public key is not in a known format."));
    Json body = {{"name", ResourceId::parse(call.id)->name()},
                 {"id", before ? before->id : call.id},
                 {"type", key_type},
                 {"location", location},
                 {"properties", Json::object()}};
    if (!key.empty()) body["properties"]["publicKey"] = key;
    if (!tags.empty()) body["tags"] = tags;
    const Resource after = before ? changed(core, *before, std::move(body))
                                  : made(core, call.id, std::move(body), Json::object());
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return reply(before ? 200 : 201, after.shown());
}

Outcome patch_key(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    OUTCOME_OR_RETURN(const Resource before, must_find(core, call.id));
    Json body = before.shown();
    const std::string key = text_at(call.wanted(), "/properties/publicKey");
    if (!key.empty()) {
        if (!is_public_key(key))
            return tl::unexpected(
                invalid_parameter("publicKey", "The SSH public key is not in a known format."));
        body["properties"]["publicKey"] = key;
    }
    if (find(call.wanted(), "/tags")) {
        OUTCOME_OR_RETURN(body["tags"], check_tags(call));
    }
    const Resource after = changed(core, before, std::move(body));
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return reply(200, after.shown());
}

Outcome get_resource(Core& core, const Call& call) {
    OUTCOME_OR_RETURN(const Resource resource, must_find(core, call.id));
    return reply(200, resource.shown());
}

Outcome delete_resource(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    if (!core.ledger.exists(call.id)) return empty_reply(204);
    RETURN_IF_FAULT(apply(core, Batch{.erase = {call.id}}));
    return empty_reply(200);
}

Outcome list_keys(Core& core, const Call& call) {
    return list_of(core, call, key_type, show_plain);
}

std::string length_prefixed(const std::string& bytes) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8)
        out += static_cast<char>((bytes.size() >> shift) & 255);
    return out + bytes;
}

/// An Ed25519 pair: OpenSSH's one-line public form and PKCS#8 PEM, which ssh reads too (RFC 8709,
/// 8410).
Outcome generate_pair(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    OUTCOME_OR_RETURN(const Resource before, must_find(core, call.id));
    EVP_PKEY* pair = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    CHECK(pair != nullptr);
    std::string raw(32, '\0');
    std::string seed(32, '\0');
    std::size_t size = raw.size();
    CHECK(EVP_PKEY_get_raw_public_key(pair, reinterpret_cast<unsigned char*>(raw.data()), &size) ==
          1);
    size = seed.size();
    CHECK(EVP_PKEY_get_raw_private_key(
              pair, reinterpret_cast<unsigned char*>(seed.data()), &size) == 1);
    EVP_PKEY_free(pair);
    const std::string public_blob = length_prefixed("ssh-ed25519") + length_prefixed(raw);
    const std::string public_key =
        "ssh-ed25519 " + to_base64(public_blob) + " generated-by-hopyard-cloud";
    // openssh-key-v1 (OpenSSH, PROTOCOL.key): no cipher, one key, padded with 1, 2, 3, …
    const std::string check = random_bytes(core.random, 4);
    std::string inner = check + check + length_prefixed("ssh-ed25519") + length_prefixed(raw) +
                        length_prefixed(seed + raw) + length_prefixed("");
    for (char pad = 1; inner.size() % 8 != 0; ++pad) inner += pad;
    const std::string outer = std::string("openssh-key-v1\0", 15) + length_prefixed("none") +
                              length_prefixed("none") + length_prefixed("") +
                              std::string("\0\0\0\1", 4) + length_prefixed(public_blob) +
                              length_prefixed(inner);
    std::string private_key = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
    const std::string encoded = to_base64(outer);
    for (std::size_t at = 0; at < encoded.size(); at += 70)
        private_key += encoded.substr(at, 70) + "\n";
    private_key += "-----END OPENSSH PRIVATE KEY-----\n";
    Json body = before.shown();
    body["properties"]["publicKey"] = public_key;
    const Resource after = changed(core, before, std::move(body));
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return reply(200,
                 Json{{"privateKey", private_key}, {"publicKey", public_key}, {"id", after.id}});
}

Outcome put_identity(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    const auto before = core.ledger.find(call.id);
    OUTCOME_OR_RETURN(const std::string location, check_location(core, call, before));
    OUTCOME_OR_RETURN(const Json tags, check_tags(call));
    Json body = {{"id", before ? before->id : call.id},
                 {"name", ResourceId::parse(call.id)->name()},
                 {"type", identity_type},
                 {"location", location},
                 {"tags", tags}};
    if (before)
        body["properties"] = before->shown()["properties"];
    else
        body["properties"] = {{"tenantId", core.tenant},
                              {"principalId", new_guid(core)},
                              {"clientId", new_guid(core)}};
    const Resource after = before ? changed(core, *before, std::move(body))
                                  : made(core, call.id, std::move(body), Json::object());
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    auto answer = reply(before ? 200 : 201, after.shown());
    if (!before) answer->headers.set("Location", after.id);
    return answer;
}

Outcome patch_identity(Core& core, const Call& call) {
    const auto guard = core.ledger.guard();
    OUTCOME_OR_RETURN(const Resource before, must_find(core, call.id));
    Json body = before.shown();
    if (find(call.wanted(), "/tags")) {
        OUTCOME_OR_RETURN(body["tags"], check_tags(call));
    }
    const Resource after = changed(core, before, std::move(body));
    RETURN_IF_FAULT(apply(core, Batch{.put = {after}}));
    return reply(200, after.shown());
}

Outcome list_identities(Core& core, const Call& call) {
    return list_of(core, call, identity_type, show_plain);
}

}  // namespace

void add_key_and_identity_routes(Routes& routes) {
    routes.add(Routes::Resourceful{.area = Area::compute,
                                   .type = key_type,
                                   .put = put_key,
                                   .get = get_resource,
                                   .remove = delete_resource,
                                   .list = list_keys,
                                   .patch = patch_key});
    routes.add(Area::compute,
               "POST",
               group_pattern + "/providers/" + key_type + "/{name}/generateKeyPair",
               std::string(key_type) + "/generateKeyPair/action",
               generate_pair);
    routes.add(Routes::Resourceful{.area = Area::identity,
                                   .type = identity_type,
                                   .put = put_identity,
                                   .get = get_resource,
                                   .remove = delete_resource,
                                   .list = list_identities,
                                   .patch = patch_identity});
}

}  // namespace hopyard::localcloud
