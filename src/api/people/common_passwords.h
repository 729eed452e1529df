// common_passwords.txt, which the build carries along.
#pragma once

#include <string_view>

namespace hopyard::api::people {

/// One a line, in lower case; lines that begin with # are about the list.
std::string_view common_passwords();

}  // namespace hopyard::api::people
