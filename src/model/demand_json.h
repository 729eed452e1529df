// Demand as JSON, alike on the nodes' channel, in the store and in records of decisions. Include it
// from .cpp files only (style B1).
#pragma once

#include "base/json_fields.h"
#include "model/demand.h"
#include "model/group_key.h"

namespace hopyard::model {

nlohmann::json document(const Resources& resources);
nlohmann::json document(const Request& request);
nlohmann::json document(const Demand& demand);
nlohmann::json document(const GroupKey& key);

// False when a member has another type than ours; a missing one keeps its default.
bool read(const nlohmann::json& from, Resources& resources);
bool read(const nlohmann::json& from, Request& request);
bool read(const nlohmann::json& from, Demand& demand);
bool read(const nlohmann::json& from, GroupKey& key);

}  // namespace hopyard::model
