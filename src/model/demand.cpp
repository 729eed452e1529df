#include "model/demand.h"

#include <fmt/format.h>

namespace hopyard::model {

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
