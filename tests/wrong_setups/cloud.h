// A cloud as the table describes it.
#pragma once

#include <nlohmann/json.hpp>

#include "control/test_subscription.h"

namespace hopyard::wrong_setups {

/// Fills an empty subscription. Throws when the description has a word that nobody knows: a table
/// that is misread proves nothing.
void furnish(control::TestSubscription& cloud, const nlohmann::json& description);

}  // namespace hopyard::wrong_setups
