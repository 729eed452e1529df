// Runs one set-up through the real API, on the dry run and on create, and says what differs from
// what the table expects.
#pragma once

#include "wrong_setups/table.h"

namespace hopyard::wrong_setups {

/// What differs; empty when the set-up ends as the entry says.
std::vector<std::string> complaints_of(const Entry& entry, const Setting& base);
/// What keeps a set-up from being made without a word; empty when it is sound.
std::vector<std::string> complaints_of_sound(const Setting& setup);

}  // namespace hopyard::wrong_setups
