#include "cloud/catalog.h"

#include <algorithm>

#include "base/encoding.h"

namespace hopyard::cloud {
namespace {

bool matches(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) return text.empty();
    if (pattern.front() == '*') {
        for (std::size_t skip = 0; skip <= text.size(); ++skip)
            if (matches(pattern.substr(1), text.substr(skip))) return true;
        return false;
    }
    return !text.empty() && pattern.front() == text.front() &&
           matches(pattern.substr(1), text.substr(1));
}

bool any_matches(const std::vector<std::string>& patterns, const std::string& action) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        return matches(to_lower(pattern), to_lower(action));
    });
}

}  // namespace

bool allows(const std::vector<Permission>& permissions, const std::string& action) {
    return std::any_of(permissions.begin(), permissions.end(), [&](const Permission& entry) {
        return any_matches(entry.actions, action) && !any_matches(entry.not_actions, action);
    });
}

bool allows_data(const std::vector<Permission>& permissions, const std::string& data_action) {
    return std::any_of(permissions.begin(), permissions.end(), [&](const Permission& entry) {
        return any_matches(entry.data_actions, data_action) &&
               !any_matches(entry.not_data_actions, data_action);
    });
}

}  // namespace hopyard::cloud
