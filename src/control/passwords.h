// A password as the machines get it: SHA-512 in the form of crypt(5), which PAM and the head's page
// compare with.
#pragma once

#include <string>

#include "base/random.h"
#include "base/secret.h"

namespace hopyard::control {

/// "$6$…", with a fresh salt: two calls give two hashes.
std::string password_hash(const Secret& password, Random& random);

}  // namespace hopyard::control
