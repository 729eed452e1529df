// Step 3: the autoscaler's policy against sizes and quotas (product.md D5). The minimum is made at
// once and must have room; whether there is room for the maximum is only known when it is needed.
#include <fmt/format.h>

#include "base/words.h"
#include "decide/preflight/weighing.h"

namespace hopyard::decide {

void Weighing::autoscale(const model::AutoscaleSpec& policy, bool usages) {
    scaled_group("/autoscale/general", policy.general, usages);
    if (policy.gpu) scaled_group("/autoscale/gpu", *policy.gpu, usages);
}

void Weighing::scaled_group(const std::string& at, const model::ScaleSpec& group, bool usages) {
    const std::string field = at + "/instanceType";
    std::vector<const cloud::Size*> types;
    if (const auto* type = types.emplace_back(size(field, group.instance_type))) {
        gpus_of_type(field, *type);
        if (usages) need(*type, std::max(0, group.min_workers), group.spot);
    }
    for (std::size_t i = 0; i < group.fallback_types.size(); ++i) {
        const std::string at_type = fmt::format("{}/fallbackTypes/{}", at, i);
        if (const auto* type = types.emplace_back(size(at_type, group.fallback_types[i])))
            gpus_of_type(at_type, *type);
    }
    if (group.standby_shape) shape_of_group(at, *group.standby_shape, types);
}

/// A type that is not known is blamed already.
void Weighing::shape_of_group(const std::string& at,
                              const model::StandbyShape& shape,
                              const std::vector<const cloud::Size*>& types) {
    const bool fits = std::any_of(types.begin(), types.end(), [&](const cloud::Size* type) {
        return type == nullptr ||
               shape.each.fits_in(
                   {.cpus = type->vcpus, .memory_mb = type->memory_mb, .gpus = type->gpus});
    });
    if (fits) return;
    block(at + "/standbyShape",
          "standby_shape_too_large",
          fmt::format("{} on one machine is more than any type of the group has",
                      model::in_words(shape.each)),
          "Lower it, or name a larger type among fallbackTypes.");
}

void Weighing::gpus_of_type(const std::string& field, const cloud::Size& type) {
    const bool of_gpu_group = field.starts_with("/autoscale/gpu/");
    if (of_gpu_group && type.gpus == 0)
        block(field,
              "type_without_gpu",
              fmt::format("{} has no GPU", type.name),
              "Choose an instance type with GPUs, or leave the GPU group out.");
    if (!of_gpu_group && type.gpus > 0)
        warn(field,
             "type_with_gpu",
             fmt::format("{} has GPUs: the general-purpose group would start it for work that "
                         "needs none",
                         type.name),
             "Name it in the GPU group instead.");
}

void Weighing::room_to_grow(const model::AutoscaleSpec& policy) {
    const auto room = [&](const char* at, const model::ScaleSpec& group) {
        const auto* type = named(*facts_.sizes, group.instance_type);
        const int more = group.max_workers - std::max(0, group.min_workers);
        if (type == nullptr || more <= 0) return;
        if (group.spot && group.spot->fall_back_on_demand) return;
        const std::int64_t each = type->vcpus;
        const auto quotas = group.spot
                                ? std::vector<std::string>{cloud::Usage::spot_cores}
                                : std::vector<std::string>{cloud::Usage::cores, type->family};
        for (const std::string& name : quotas) {
            const auto line = std::find_if(
                out_.quotas.begin(), out_.quotas.end(), [&](auto& q) { return q.name == name; });
            const auto* usage = named(*facts_.usages, name);
            if (usage == nullptr) continue;
            const std::int64_t needed = line == out_.quotas.end() ? 0 : line->needed;
            const std::int64_t left = usage->limit - usage->used - needed;
            // Too little for the minimum is said already.
            if (left < 0 || more * each <= left) continue;
            warn(fmt::format("{}/maxWorkers", at),
                 "quota_below_maximum",
                 fmt::format("quota '{}' has room for {} of {}",
                             name,
                             std::max(0, group.min_workers) + left / each,
                             counted(group.max_workers, "worker")),
                 "Have the quota raised, or lower maxWorkers.");
        }
    };
    room("/autoscale/general", policy.general);
    if (policy.gpu) room("/autoscale/gpu", *policy.gpu);
}

std::vector<model::WorkerGroupSpec> Weighing::from_start() const {
    std::vector<model::WorkerGroupSpec> groups = out_.spec.workers;
    if (!out_.spec.autoscale) return groups;
    const auto add = [&](const model::ScaleSpec& group) {
        if (group.min_workers > 0)
            groups.push_back({.key = model::keys_of(group).front(), .count = group.min_workers});
    };
    add(out_.spec.autoscale->general);
    if (out_.spec.autoscale->gpu) add(*out_.spec.autoscale->gpu);
    return groups;
}

}  // namespace hopyard::decide
