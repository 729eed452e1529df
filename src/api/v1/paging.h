// Reading limits and cursors of lists.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/message.h"

namespace hopyard::api::v1 {

/// A whole number of the query within bounds, or nothing when it is not there.
inline Result<std::optional<std::int64_t>> number_of(const http::Request& request,
                                                     const std::string& name,
                                                     std::int64_t least,
                                                     std::int64_t most) {
    const auto text = request.query(name);
    if (!text) return std::nullopt;
    std::int64_t value = 0;
    const char* end = text->data() + text->size();
    const auto [stop, failed] = std::from_chars(text->data(), end, value);
    if (failed == std::errc() && stop == end && value >= least && value <= most) return value;
    return refuse("",
                  "query_malformed",
                  "'" + name + "' must be a whole number from " + std::to_string(least) + " to " +
                      std::to_string(most),
                  "Mend the query.");
}

/// `limit`, with its default.
inline Result<int> limit_of(const http::Request& request, int preset) {
    ASSIGN_OR_RETURN(const auto limit, number_of(request, "limit", 1, 1000));
    return static_cast<int>(limit.value_or(preset));
}

}  // namespace hopyard::api::v1
