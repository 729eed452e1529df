#include "base/words.h"

#include <fmt/format.h>

namespace hopyard {

std::string counted(std::int64_t count, std::string_view noun, std::string_view plural) {
    if (count == 1) return fmt::format("1 {}", noun);
    if (!plural.empty()) return fmt::format("{} {}", count, plural);
    return fmt::format("{} {}s", count, noun);
}

}  // namespace hopyard
