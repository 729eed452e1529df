// A password as the machines get it: SHA-512 in the form of crypt(5), which PAM and the head's page
// compare with.
#pragma once

#include <string>

#include "base/random.h"
#include "base/secret.h"

namespace hopyard::control {

/// What a first administrator gets: 20 characters of 31, about 99 bits.
Secret make_password(Random& random);
/// "$6$…", with a fresh salt: two calls give two hashes.
std::string password_hash(const Secret& password, Random& random);

}  // namespace hopyard::control
