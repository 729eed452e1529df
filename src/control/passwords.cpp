#include "control/passwords.h"

#include <memory>

#include <crypt.h>
#include <sodium.h>

#include "base/check.h"

namespace hopyard::control {

Secret make_password(Random& random) {
    constexpr std::size_t length = 20;
    return Secret(random_word(random, length));
}

std::string password_hash(const Secret& password, Random& random) {
    const std::string setting = "$6$" + random_word(random, 16) + "$";
    const auto work = std::make_unique<crypt_data>();
    const char* hash = crypt_r(password.reveal().c_str(), setting.c_str(), work.get());
    CHECK(hash != nullptr && hash[0] == '$');
    std::string out = hash;
    sodium_memzero(work.get(), sizeof *work);
    return out;
}

}  // namespace hopyard::control
