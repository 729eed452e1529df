// Secrets at rest: XChaCha20-Poly1305 with the secret's name as additional data, so that a sealed
// value moved under another name does not open.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace hopyard::store {

/// Base64 of nonce and ciphertext; different every time.
std::string seal(const Secret& key, const std::string& name, const Secret& value);
/// `permission_denied` ("sealed_with_another_key") when key, name or text do not belong together.
Result<Secret> unseal(const Secret& key, const std::string& name, const std::string& sealed);

}  // namespace hopyard::store
