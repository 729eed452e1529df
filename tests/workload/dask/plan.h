// From the machines that Dask's door knows to those that orders name: which steps, in order. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/workload/workload.h"

namespace hopyard::test {

/// As door.py takes it.
struct DaskStep {
    const char* what;  ///< announce (open, with a size), open, close, lose, forget
    std::string name;
    std::optional<model::Resources> size = {};
};

struct DaskPlan {
    std::vector<DaskStep> steps;
    bool attained = false;  ///< nothing to do and nothing expected to change by itself
};

DaskPlan plan_for_dask(const nodewire::Orders& orders, const node::workload::Seen& seen);

}  // namespace hopyard::test
