// The rules of the autoscaler's policy that need no cloud (product.md B1, D5).
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/words.h"
#include "model/validate.h"
#include "model/worker_rules.h"

namespace hopyard::model {
namespace {

constexpr int minutes_of_day = 24 * 60;
constexpr std::int64_t longest_wait_s = 30 * 24 * 3600;

class PolicyCheck {
  public:
    std::vector<Error> run(const AutoscaleSpec& policy) {
        group("/general", policy.general);
        if (policy.gpu) group("/gpu", *policy.gpu);
        return std::move(found_);
    }

  private:
    void refuse_field(std::string field, std::string code, std::string rule, std::string remedy) {
        keep(refuse(std::move(field), std::move(code), std::move(rule), std::move(remedy)).value());
    }

    void keep(std::optional<Error> error) {
        if (error) found_.push_back(std::move(*error));
    }

    void group(const std::string& at, const ScaleSpec& group) {
        type(at + "/instanceType", group.instance_type);
        for (std::size_t i = 0; i < group.fallback_types.size(); ++i)
            type(fmt::format("{}/fallbackTypes/{}", at, i), group.fallback_types[i]);
        keep(check_disk(at + "/diskGb", group.disk_gb));
        keep(check_spot(at + "/spot", group.spot));
        bounds(at, group);
        standby(at, group);
        if (group.downscale_wait_s < 0 || group.downscale_wait_s > longest_wait_s)
            refuse_field(at + "/downscaleWaitSeconds",
                         "downscale_wait",
                         fmt::format("{} seconds is not from 0 to {}, which is 30 days",
                                     group.downscale_wait_s,
                                     longest_wait_s),
                         "300 is the default; 0 lets a worker go as soon as it is unused.");
        for (std::size_t i = 0; i < group.schedule.size(); ++i)
            entry(fmt::format("{}/schedule/{}", at, i), group.schedule[i], group.max_workers);
    }

    /// A worker's type tells which group it is of, so no type may stand twice. Case does not count
    /// in Azure's names.
    void type(const std::string& field, const std::string& name) {
        if (name.empty()) {
            refuse_field(field, "missing", "is required", "'hopyard cloud sizes' lists them.");
        } else if (!types_.insert(to_lower(name)).second) {
            refuse_field(field,
                         "duplicate_type",
                         fmt::format("'{}' stands twice in the policy", name),
                         "Name another instance type, or leave it out here.");
        }
    }

    void bounds(const std::string& at, const ScaleSpec& group) {
        keep(check_worker_count(at + "/minWorkers", group.min_workers));
        keep(check_worker_count(at + "/maxWorkers", group.max_workers));
        if (group.max_workers >= 0 && group.max_workers < group.min_workers)
            refuse_field(at + "/maxWorkers",
                         "max_below_min",
                         fmt::format("at most {} is less than the minimum of {}",
                                     counted(group.max_workers, "worker"),
                                     group.min_workers),
                         "Raise maxWorkers or lower minWorkers.");
    }

    void standby(const std::string& at, const ScaleSpec& group) {
        if (!std::isfinite(group.standby_workers) || group.standby_workers < 0) {
            refuse_field(at + "/standbyWorkers",
                         "standby_malformed",
                         "must be a number of workers, 0 or more",
                         "0.5 is the default; 0 keeps nothing free.");
        } else if (group.standby_workers > group.max_workers) {
            refuse_field(at + "/standbyWorkers",
                         "standby_above_max",
                         fmt::format("a standby of {} is more than the maximum of {}",
                                     group.standby_workers,
                                     group.max_workers),
                         "Lower standbyWorkers or raise maxWorkers.");
        }
        if (!group.standby_shape) return;
        const auto& [each, count] = *group.standby_shape;
        shape(at + "/standbyShape/cpus", each.cpus, 0, 100'000);
        shape(at + "/standbyShape/memoryMb", each.memory_mb, 0, 100'000'000);
        shape(at + "/standbyShape/gpus", each.gpus, 0, 1000);
        shape(at + "/standbyShape/count", count, 1, workers_max);
        if (each.is_zero())
            refuse_field(at + "/standbyShape",
                         "standby_shape_empty",
                         "asks for no cores, no memory and no GPUs",
                         "Say what a typical job takes, or leave it out.");
    }

    void shape(const std::string& field,
               std::int64_t value,
               std::int64_t least,
               std::int64_t most) {
        if (value < least || value > most)
            refuse_field(field,
                         "standby_shape",
                         fmt::format("{} is not from {} to {}", value, least, most),
                         "Say what a typical job takes.");
    }

    void entry(const std::string& at, const ScheduleEntry& entry, int max_workers) {
        if (entry.from_minute < 0 || entry.from_minute >= minutes_of_day)
            refuse_field(at + "/from",
                         "time_malformed",
                         "must be from 00:00 to 23:59",
                         "Write \"00:00\" for midnight.");
        if (entry.to_minute < 0 || entry.to_minute > minutes_of_day)
            refuse_field(at + "/to",
                         "time_malformed",
                         "must be from 00:00 to 24:00",
                         "Write \"24:00\" for the end of the day.");
        if (entry.from_minute == entry.to_minute)
            refuse_field(at + "/to",
                         "schedule_empty",
                         "ends when it begins",
                         "Write 00:00 to 24:00 for the whole day.");
        const std::set<int> days(entry.days.begin(), entry.days.end());
        if (days.size() != entry.days.size())
            refuse_field(at + "/days", "duplicate_day", "a day stands twice", "Keep one of them.");
        if (entry.min_workers < 0 || entry.min_workers > max_workers)
            refuse_field(at + "/minWorkers",
                         "schedule_outside_bounds",
                         fmt::format("{} is not from 0 to the maximum of {}",
                                     counted(entry.min_workers, "worker"),
                                     max_workers),
                         "Lower it or raise maxWorkers.");
    }

    std::vector<Error> found_;
    std::set<std::string> types_;
};

}  // namespace

std::vector<Error> check(const AutoscaleSpec& policy) {
    return PolicyCheck().run(policy);
}

}  // namespace hopyard::model
