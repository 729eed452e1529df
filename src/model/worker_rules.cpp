#include "model/worker_rules.h"

#include <fmt/format.h>

namespace hopyard::model {

std::optional<Error> check_worker_count(std::string field, std::int64_t count) {
    if (count >= 0 && count <= workers_max) return std::nullopt;
    return refuse(std::move(field),
                  "worker_count",
                  fmt::format("{} is not from 0 to {}", count, workers_max),
                  "Choose 0 or more.")
        .value();
}

// 30 GB is what a Debian image on Azure takes, 4095 the most that a system disk may have there.
std::optional<Error> check_disk(std::string field, std::int64_t size_gb) {
    if (size_gb >= 30 && size_gb <= 4095) return std::nullopt;
    return refuse(std::move(field),
                  "disk_size",
                  fmt::format("{} GB is not from 30 to 4095", size_gb),
                  "Choose at least 30 GB, which is the default.")
        .value();
}

std::optional<Error> check_spot(const std::string& field, const std::optional<SpotSpec>& spot) {
    if (!spot || (spot->max_price_percent >= 1 && spot->max_price_percent <= 200))
        return std::nullopt;
    return refuse(field + "/maxPricePercent",
                  "spot_price",
                  "must be from 1 to 200 percent of the on-demand price",
                  "100 is the default.")
        .value();
}

}  // namespace hopyard::model
