#include "azure/blob_signing.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "base/encoding.h"

namespace hopyard::azure {
namespace {

Result<std::string> key_bytes(const Secret& key) {
    auto bytes = from_base64(key.reveal());
    if (!bytes || bytes->empty())
        return fail(ErrorKind::unavailable,
                    "broken_reply",
                    "The key of the storage account is not base64.");
    return std::move(*bytes);
}

/// "\nname:value" for each query parameter, names in lower case and sorted, values decoded.
std::string canonical_query(std::string_view query) {
    std::map<std::string, std::vector<std::string>> parameters;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const std::string_view one = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const auto equals = one.find('=');
        const auto name = to_lower(percent_decode(one.substr(0, equals)));
        parameters[name].push_back(
            equals == std::string_view::npos ? "" : percent_decode(one.substr(equals + 1)));
    }
    std::string text;
    for (auto& [name, values] : parameters) {
        std::sort(values.begin(), values.end());
        text += fmt::format("\n{}:{}", name, fmt::join(values, ","));
    }
    return text;
}

}  // namespace

std::string shared_key_text(std::string_view account, const http::OutgoingRequest& request) {
    std::string text = request.method + "\n";
    for (const char* name : {"Content-Encoding", "Content-Language"})
        text += request.headers.get(name) + "\n";
    text += request.body.empty() ? "\n" : fmt::format("{}\n", request.body.size());
    for (const char* name : {"Content-MD5",
                             "Content-Type",
                             "Date",
                             "If-Modified-Since",
                             "If-Match",
                             "If-None-Match",
                             "If-Unmodified-Since",
                             "Range"})
        text += request.headers.get(name) + "\n";

    std::map<std::string, std::string> own;
    for (const auto& [name, value] : request.headers.all())
        if (to_lower(name).starts_with("x-ms-")) own[to_lower(name)] = value;
    for (const auto& [name, value] : own) text += fmt::format("{}:{}\n", name, value);

    const auto url = http::parse_url(request.url);
    const std::string target = url ? url->target : "/";
    const auto question = std::min(target.find('?'), target.size());
    text += fmt::format("/{}{}", account, target.substr(0, question));
    if (question < target.size())
        text += canonical_query(std::string_view(target).substr(question + 1));
    return text;
}

Result<std::string> shared_key_authorization(std::string_view account,
                                             const Secret& key,
                                             const http::OutgoingRequest& request) {
    ASSIGN_OR_RETURN(const Secret bytes,
                     key_bytes(key).map([](std::string raw) { return Secret(std::move(raw)); }));
    const std::string signature =
        to_base64(hmac_sha256(bytes.reveal(), shared_key_text(account, request)));
    return fmt::format("SharedKey {}:{}", account, signature);
}

Result<Secret> policy_signature(std::string_view account,
                                std::string_view container,
                                const Secret& key,
                                std::string_view policy,
                                bool https_only) {
    ASSIGN_OR_RETURN(const Secret bytes,
                     key_bytes(key).map([](std::string raw) { return Secret(std::move(raw)); }));
    const std::string protocol = https_only ? "https" : "";
    // Permissions, start, expiry, resource, identifier, address, protocol, version, kind, snapshot,
    // encryption scope and five reply headers. What the policy holds stays empty here.
    const std::string text = fmt::format("\n\n\n/blob/{}/{}\n{}\n\n{}\n{}\nc\n\n\n\n\n\n\n",
                                         account,
                                         container,
                                         policy,
                                         protocol,
                                         sas_version);
    std::string query = fmt::format("sv={}&sr=c&si={}", sas_version, percent_encode(policy));
    if (https_only) query += "&spr=https";
    query += "&sig=" + percent_encode(to_base64(hmac_sha256(bytes.reveal(), text)));
    return Secret(std::move(query));
}

}  // namespace hopyard::azure
