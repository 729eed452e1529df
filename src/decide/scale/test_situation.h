// Situations for tests, built by hand: one general kind of 4 cores and 16 GiB, one GPU kind of 8
// cores, 32 GiB and 2 cards.
#pragma once

#include <string>
#include <vector>

#include "decide/scale/scale.h"

namespace hopyard::decide::scale::test {

using model::Request;
using model::Resources;
using State = Worker::State;

inline constexpr Resources small{.cpus = 4, .memory_mb = 16'384};
inline constexpr Resources with_gpus{.cpus = 8, .memory_mb = 32'768, .gpus = 2};

inline Timestamp at_second(std::int64_t second) {
    return Timestamp(Seconds(1'000'000 + second));
}

inline Group group_of(std::string type, Resources size, int min, int max, double standby) {
    return {.policy = {.instance_type = type,
                       .min_workers = min,
                       .max_workers = max,
                       .standby_workers = standby,
                       .downscale_wait_s = 300},
            .kinds = {{.key = {.instance_type = type}, .size = size}}};
}

inline Situation situation(int min = 0, int max = 10, double standby = 0) {
    return {.general = group_of("small", small, min, max, standby), .now = at_second(0)};
}

inline Situation with_gpu_group(Situation situation, int min, int max, double standby) {
    situation.gpu = group_of("gpu", with_gpus, min, max, standby);
    return situation;
}

/// Idle since `idle_s` seconds.
inline Worker idle(std::string name, std::int64_t idle_s = 0) {
    return {.name = std::move(name),
            .key = {.instance_type = "small"},
            .size = small,
            .group = GroupName::general,
            .idle_since = at_second(-idle_s)};
}

inline Worker used(std::string name, Resources by = {.cpus = 4, .memory_mb = 16'384}) {
    Worker worker = idle(std::move(name));
    worker.used = by;
    worker.jobs = 1;
    worker.idle_since.reset();
    return worker;
}

inline Worker coming(std::string name) {
    Worker worker = idle(std::move(name));
    worker.state = State::coming;
    worker.idle_since.reset();
    return worker;
}

inline Worker leaving(std::string name) {
    Worker worker = idle(std::move(name), 400);
    worker.state = State::leaving;
    return worker;
}

inline Worker gpu_worker(Worker worker) {
    worker.key.instance_type = "gpu";
    worker.size = with_gpus;
    worker.group = GroupName::gpu;
    return worker;
}

/// Made before the group's type was changed.
inline Worker outdated(Worker worker) {
    worker.key.instance_type = "old";
    worker.is_outdated = true;
    return worker;
}

inline Worker by_hand(Worker worker) {
    worker.group.reset();
    return worker;
}

inline Request job(std::string name, std::int64_t cpus, std::int64_t gpus = 0) {
    return {.name = std::move(name),
            .each = {.cpus = cpus, .memory_mb = 1024, .gpus = gpus},
            .waiting_since = at_second(-1)};
}

inline int added(const Decision& decision, GroupName group = GroupName::general) {
    int count = 0;
    for (const Step& step : decision.steps)
        if (step.kind == Step::Kind::add && step.group == group) count += step.count;
    return count;
}

inline std::vector<std::string> of(const Decision& decision, Step::Kind kind) {
    std::vector<std::string> names;
    for (const Step& step : decision.steps)
        if (step.kind == kind) names.push_back(step.worker);
    return names;
}

}  // namespace hopyard::decide::scale::test
