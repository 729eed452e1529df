// Rules that workers by count and workers of the autoscaler share. Private to this module.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "model/group_key.h"

namespace hopyard::model {

/// In one cluster, however they come.
inline constexpr int workers_max = 1000;

std::optional<Error> check_worker_count(std::string field, std::int64_t count);
std::optional<Error> check_disk(std::string field, std::int64_t size_gb);
/// `field`: of the spot setting itself.
std::optional<Error> check_spot(const std::string& field, const std::optional<SpotSpec>& spot);

}  // namespace hopyard::model
