// Takes the place of control/passwords.cpp in the simulation: hashing one password as slowly as it
// should be takes as long as the rest of a cluster's simulated life.
#include "control/passwords.h"

namespace hopyard::control {

Secret make_password(Random& random) {
    return Secret(random_word(random, 20));
}

std::string password_hash(const Secret&, Random& random) {
    return "$6$" + random_word(random, 16) + "$simulated";
}

}  // namespace hopyard::control
