// Signatures of the blob service: the account key's on a request ("Authorize with Shared Key") and
// a signature that refers to a stored access policy ("Create a service SAS"). Both are HMAC-SHA256
// with the account key over lines of text whose order Azure prescribes.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "http/message.h"

namespace hopyard::azure {

/// What is signed for that request; the headers must be complete but for Authorization.
std::string shared_key_text(std::string_view account, const http::OutgoingRequest& request);
/// "SharedKey account:signature". `key` is base64, as Azure hands it out.
Result<std::string> shared_key_authorization(std::string_view account,
                                             const Secret& key,
                                             const http::OutgoingRequest& request);

inline constexpr const char* sas_version = "2020-12-06";

/// Query of a URL of that container, good for what its stored policy says. It holds no time and no
/// right of its own, so it stays the same when the policy is prolonged, and dies with the policy.
Result<Secret> policy_signature(std::string_view account,
                                std::string_view container,
                                const Secret& key,
                                std::string_view policy,
                                bool https_only);

}  // namespace hopyard::azure
