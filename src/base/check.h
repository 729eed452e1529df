// CHECK: our own invariants, always on (style E1). Whatever the outside can spoil (input, cloud and
// database replies) is never CHECKed; it returns a Result.
#pragma once

#include <string_view>

namespace hopyard {

/// Prints the condition with its place to standard error and aborts. Never returns.
[[noreturn]] void check_failed(std::string_view condition, const char* file, int line);

}  // namespace hopyard

#define CHECK(condition)                                                           \
    do {                                                                           \
        if (!(condition)) ::hopyard::check_failed(#condition, __FILE__, __LINE__); \
    } while (false)
