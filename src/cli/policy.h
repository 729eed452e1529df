// A policy of the autoscaler, from a file or a cluster and from flags.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "cli/commands.h"

namespace hopyard::cli {

/// The whole policy of that file: the `autoscale` part of a specification, or a specification.
Result<nlohmann::json> read_policy(const std::string& file);
/// What the flags name takes the place of what is there. Errors of apply_words().
Result<void> apply_flags(nlohmann::json& policy, const AutoscaleOptions& options);

}  // namespace hopyard::cli
