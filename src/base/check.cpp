#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace hopyard {

void check_failed(std::string_view condition, const char* file, int line) {
    std::fprintf(stderr,
                 "%s:%d: CHECK failed: %.*s\n",
                 file,
                 line,
                 static_cast<int>(condition.size()),
                 condition.data());
    std::abort();
}

}  // namespace hopyard
