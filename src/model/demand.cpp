#include "model/demand.h"

#include <fmt/format.h>

namespace hopyard::model {

Resources& Resources::operator+=(const Resources& other) {
    cpus += other.cpus;
    memory_mb += other.memory_mb;
    gpus += other.gpus;
    return *this;
}

Resources& Resources::operator-=(const Resources& other) {
    cpus -= other.cpus;
    memory_mb -= other.memory_mb;
    gpus -= other.gpus;
    return *this;
}

Resources operator*(const Resources& a, std::int64_t times) {
    return {.cpus = a.cpus * times, .memory_mb = a.memory_mb * times, .gpus = a.gpus * times};
}

bool Resources::fits_in(const Resources& room) const {
    return cpus <= room.cpus && memory_mb <= room.memory_mb && gpus <= room.gpus;
}

bool Resources::is_zero() const {
    return cpus == 0 && memory_mb == 0 && gpus == 0;
}

std::string in_words(const Resources& resources) {
    std::string text = fmt::format("{} {}", resources.cpus, resources.cpus == 1 ? "core" : "cores");
    if (resources.memory_mb >= 1024) {
        text += fmt::format(", {:.4g} GiB", static_cast<double>(resources.memory_mb) / 1024);
    } else if (resources.memory_mb > 0) {
        text += fmt::format(", {} MiB", resources.memory_mb);
    }
    if (resources.gpus > 0)
        text += fmt::format(", {} {}", resources.gpus, resources.gpus == 1 ? "GPU" : "GPUs");
    return text;
}

}  // namespace hopyard::model
