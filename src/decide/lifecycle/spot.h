// Spot machines: the cloud gives them for less, may have none while it has the same machine on
// demand, and may take one back at any time. Pure rules that both fixed and autoscaled groups keep.
// Private to this folder.
#pragma once

#include <optional>

#include "base/result.h"
#include "model/cluster.h"

namespace hopyard::decide {

/// The most that is paid for a spot machine, in US dollars an hour, in steps of 0.00001 as Azure
/// takes it, rounded down. -1 for a limit that is none: of 100 percent and more, since spot never
/// costs more than on demand, and where the price on demand (US dollars an hour) is not known.
double max_spot_price(const model::SpotSpec& spot, const std::optional<double>& on_demand);

/// What the cloud was asked for. A machine of a spot group that fell back was asked for on demand.
model::GroupKey offer_of(const model::Node& node);

/// What the cloud refuses is a type at a price, with whatever disk.
bool is_same_offer(const model::GroupKey& one, const model::GroupKey& other);

/// On-demand machines will do for the group.
bool may_be_on_demand(const model::GroupKey& group);

/// The cloud had no such spot machine to give, and its group would rather have one on demand than
/// none.
bool falls_back(const model::Node& refused, const Error& error);

}  // namespace hopyard::decide
