// Azure's answers about one resource as what the control plane sees. Anything may be missing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/cloud.h"

namespace hopyard::azure {

/// `document`: JSON text of the resource, as GET, PUT and lists show it. The name is taken from
/// `asked` when given, for the cloud may change its case, else from the id. Nothing when the text
/// is no resource of a kind of ours.
std::optional<cloud::Seen> read_seen(std::string_view document,
                                     const std::optional<model::ResourceName>& asked);

/// The word of `provisioningState`; nothing when the document has none.
std::optional<cloud::Provisioning> read_provisioning(std::string_view document);
cloud::Provisioning provisioning_of(std::string_view word);
/// A word such as "PowerState/running".
cloud::Power power_of(std::string_view status_code);

/// Elements of a page, each as JSON text.
std::vector<std::string> elements_of(std::string_view page);
/// Azure's times: RFC 3339 with up to seven digits and "+00:00" or "Z" or nothing.
std::optional<Timestamp> read_time(std::string text);

}  // namespace hopyard::azure
