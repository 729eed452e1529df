#include "model/demand.h"

#include <fmt/format.h>

#include "base/words.h"

namespace hopyard::model {

std::string in_words(const Resources& resources) {
    std::string text = counted(resources.cpus, "core");
    if (resources.memory_mb >= 1024) {
        text += fmt::format(", {:.4g} GiB", static_cast<double>(resources.memory_mb) / 1024);
    } else if (resources.memory_mb > 0) {
        text += fmt::format(", {} MiB", resources.memory_mb);
    }
    if (resources.gpus > 0) text += ", " + counted(resources.gpus, "GPU");
    return text;
}

}  // namespace hopyard::model
