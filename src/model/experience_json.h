// Experience as JSON, alike in the store and in records of decisions. Include it from .cpp files
// only (style B1).
#pragma once

#include "base/json_fields.h"
#include "model/experience.h"

namespace hopyard::model {

nlohmann::json document(const Experience& experience);

/// False when a member has another type or size than ours; a missing one keeps its default.
bool read(const nlohmann::json& from, Experience& experience);

}  // namespace hopyard::model
