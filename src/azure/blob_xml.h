// The two XML documents of the blob service that we use.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hopyard::azure {

/// One page of a container's list. A page may be empty and yet not be the last.
struct BlobPage {
    std::vector<std::string> names;
    std::string next_marker;
};
std::optional<BlobPage> read_blob_page(std::string_view xml);

/// A stored access policy. Times and rights are kept as they stand, for most are not ours.
struct AccessPolicy {
    std::string id;
    std::string start;
    std::string expiry;
    std::string permission;
    bool operator==(const AccessPolicy&) const = default;
};
std::optional<std::vector<AccessPolicy>> read_policies(std::string_view xml);
std::string write_policies(const std::vector<AccessPolicy>& policies);

}  // namespace hopyard::azure
