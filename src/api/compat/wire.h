// Clusters in the spelling of the existing wire.
#pragma once

#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/views.h"
#include "base/result.h"
#include "model/spec.h"

namespace hopyard::api::compat {

/// The body of E2, as the specification it asks for.
Result<model::ClusterSpec> read_create(std::string_view body);
/// The body of E7 and E8.
Result<std::vector<model::WorkerGroupSpec>> read_workers(std::string_view body);
/// The body of E9; all four switches are required.
Result<model::Ports> read_ports(std::string_view body);
/// E11: the whole policy; an omitted spotInfo clears it.
Result<model::AutoscaleSpec> read_policy(std::string_view body);

struct TypeChange {
    std::string node_type;
    std::string instance_type;
};
/// The body of E21.
Result<TypeChange> read_type_change(std::string_view body);

/// Which groups the entries of E7 and E8 mean. The difference of a spot group comes without its
/// spot setting, so an entry without one means the on-demand group of that type and disk; when
/// there is none, the only spot group of that type and disk (control-api.md 4.2).
std::vector<model::WorkerGroupSpec> meant_groups(const std::vector<model::WorkerGroupSpec>& asked,
                                                 const std::vector<model::WorkerGroupSpec>& there);

/// Cluster (response) of control-api.md 2.1.
nlohmann::ordered_json cluster_view(const ClusterRows& rows);

}  // namespace hopyard::api::compat
