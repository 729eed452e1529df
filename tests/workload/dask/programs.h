// The Python programs of this folder, embedded by the build: a machine need not see the sources.
#pragma once

#include <string_view>

namespace hopyard::test {

std::string_view door_program();
std::string_view submit_program();

}  // namespace hopyard::test
