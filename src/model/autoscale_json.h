// The policy of the autoscaler inside a specification and by itself. Private to this module.
#pragma once

#include "model/autoscale.h"
#include "model/json_reader.h"

namespace hopyard::model {

nlohmann::ordered_json spot_document(const SpotSpec& spot);
nlohmann::ordered_json autoscale_document(const AutoscaleSpec& spec);

void read_spot(ObjectReader& reader, std::optional<SpotSpec>& spot, std::optional<Error>& fault);
/// `pointer`: of `value`, for faults.
void read_autoscale(const nlohmann::json& value,
                    const std::string& pointer,
                    AutoscaleSpec& spec,
                    std::optional<Error>& fault);

}  // namespace hopyard::model
