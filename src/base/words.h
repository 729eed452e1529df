// Words that every message of ours needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hopyard {

/// "1 job", "3 jobs", "0 jobs". `noun` is the singular; `plural` for those that take more than an
/// s.
std::string counted(std::int64_t count, std::string_view noun, std::string_view plural = {});

}  // namespace hopyard
