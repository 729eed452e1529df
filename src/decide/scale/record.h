// Situations and decisions as JSON: what the store keeps, what `autoscale explain` shows, and what
// is decided again from a file.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "decide/scale/scale.h"

namespace hopyard::decide::scale {

std::string to_json(const Situation& situation);
std::string to_json(const Decision& decision);
/// `invalid_argument` names the first malformed member.
Result<Situation> situation_from_json(std::string_view text);
Result<Decision> decision_from_json(std::string_view text);

}  // namespace hopyard::decide::scale
