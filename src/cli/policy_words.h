// The parts of a group's policy that are more than one number, as flags say them and as `autoscale
// show` prints them: each text is read back as the same part. What the values may be is the
// server's to judge; here only what cannot be sent is refused, with the flag as the field.
//
//   --fallback       TYPE, repeated | off
//   --spot           80 | off
//   --spot-fallback  yes | no
//   --standby-shape  cpus=4,memoryMb=16384,gpus=1,count=2 | off
//   --schedule       "mon-fri 08:00-18:00 min=2" | off     (UTC; without days: every day)
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "cli/commands.h"

namespace hopyard::cli {

/// In place of a value: without it.
inline constexpr const char* off = "off";

/// Puts what is named into the group's document, and takes out what is "off". `prefix` is "--" or
/// "--gpu-". `invalid_argument`: spot_malformed, standby_shape_malformed, schedule_malformed.
Result<void> apply_words(nlohmann::json& group,
                         const AutoscaleGroupOptions& options,
                         const std::string& prefix);

std::string shape_in_words(const nlohmann::json& shape);
std::string entry_in_words(const nlohmann::json& entry);

}  // namespace hopyard::cli
